// Entry file for unit tests of struct/ordered_tree.ts and struct/sorted_set.ts; it is in no product.
import { Dict } from '../struct/dict';
import { Member } from '../struct/member_table';
import { Node } from '../struct/ordered_tree';
import { SortedSet } from '../struct/sorted_set';

export { assertLine } from '../memory/abort';
export { allocInit, free, tryAlloc, usedBytes } from '../memory/alloc';
export * from '../struct/sorted_set';
export { hashBytes } from '../util/siphash';

export function memberLen(m: usize): u32 {
  return Member.len(m);
}
export function memberPtr(m: usize): usize {
  return Member.ptr(m);
}
export function memberScore(m: usize): f64 {
  return Member.score(m);
}
export function zslLength(z: Dict): u32 {
  return z.keys;
}
export function treeBytes(z: SortedSet): f64 {
  return <f64>z.treeNodeBytes;
}
/** Levels of the tree above its leaves. */
export function treeHeight(z: SortedSet): u32 {
  return z.treeRoot != 0 ? Node.level(z.treeRoot) : 0;
}
