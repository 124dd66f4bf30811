// Entry file for unit tests of listpack, intset, quicklist, HyperLogLog and geohash; it re-exports
// what they call, and is in no product.
export { allocInit, free, tryAlloc, usableSize, usedBytes } from '../memory/alloc';
export * from '../struct/intset';
export * from '../struct/listpack';
export { seedRandom } from '../util/prng';
