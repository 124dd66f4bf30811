// Entry file for unit tests of struct/deadline_heap.ts; it is in no product.
export { assertLine } from '../memory/abort';
export { allocInit, free, tryAlloc, usedBytes } from '../memory/alloc';
export * from '../struct/deadline_heap';
