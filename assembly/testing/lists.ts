// Entry file for unit tests of listpack, intset, quicklist, HyperLogLog, geohash and sorting; it
// re-exports what they call, and is in no product.
import { ListIterator } from '../struct/list';

export { allocInit, free, tryAlloc, usableSize, usedBytes } from '../memory/alloc';
export * from '../struct/geohash';
export * from '../struct/hyperloglog';
export * from '../struct/intset';
export * from '../struct/list';
export * from '../struct/listpack';
export {
  quicklistAppendListpack,
  quicklistAppendPlain,
  quicklistNew,
  quicklistSetPackedThreshold,
  quicklistUncompressedBytes,
} from '../struct/quicklist';
export { nodeLzf, nodeLzfBytes, nodeRead } from '../struct/quicklist_node';
export { trySortItems, trySortPart } from '../struct/sort_items';
export { lzfDecompress } from '../util/lzf';
export { formatF64Fixed } from '../util/number_format';
export { seedRandom } from '../util/prng';

/** Memory an iterator needs. */
export function listIteratorBytes(): usize {
  return offsetof<ListIterator>();
}
