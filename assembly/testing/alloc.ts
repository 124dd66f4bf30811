// Test entry: the allocator, and a walk over everything it knows.

import { goodSize, usableSize, usedBytes } from '../memory/alloc';
import {
  PAGE_BYTES,
  PAGE_FREE,
  PAGE_NO_BLOCK,
  PAGE_PART,
  PAGE_SHIFT,
  PAGE_SLAB,
  PAGE_SPAN,
  pageInfo,
} from '../memory/pages';

export {
  allocInit,
  free,
  goodSize,
  peakBytes,
  resetPeak,
  tryAlloc,
  tryRealloc,
  usableSize,
  usedBytes,
} from '../memory/alloc';
export { linearMemoryBytes, memoryNearlyExhausted, takenBytes } from '../memory/pages';

/** Page of the first block ever handed out: everything below is the module's own. */
let firstPage: u32 = 0;

/** To be called with the address of the lowest block before `verifyPages` is. */
export function setFirstPage(ptr: usize): void {
  firstPage = <u32>(ptr >> PAGE_SHIFT);
}

/**
 * Walks all pages and returns the number of the first rule that is broken, 0 when all hold:
 * 1 a slab's free list leads out of its page or to a block never handed out; 2 free, live and unused
 * blocks of a slab do not add up; 3 a run has no length or runs into another; 4 the sizes of what is
 * taken do not add up to the bytes in use; 5 a span's free and live blocks do not add up, or it is empty;
 * 6 a page of a span does not lead back to its first, or one leads to where no span is.
 */
export function verifyPages(): u32 {
  const end = <u32>memory.size();
  let live: u64 = 0;
  let page = firstPage;
  while (page < end) {
    const base = (<usize>page) << PAGE_SHIFT;
    const info = pageInfo(base);
    if (info.kind == PAGE_FREE) page += 1;
    else if (info.kind == PAGE_SLAB) {
      const broken = verifySlab(base);
      if (broken != 0) return broken;
      live += <u64>info.used * usableSize(base);
      page += 1;
    } else if (info.kind == PAGE_SPAN) {
      const broken = verifySpan(base);
      if (broken != 0) return broken;
      live += <u64>info.used * usableSize(base);
      page += info.runPages;
    } else if (info.kind == PAGE_PART) return 6;
    else {
      if (info.runPages == 0 || page + info.runPages > end) return 3;
      live += (<u64>info.runPages) << PAGE_SHIFT;
      for (let k: u32 = 1; k < info.runPages; k++) {
        if (pageInfo(base + ((<usize>k) << PAGE_SHIFT)).kind == PAGE_SLAB) return 3;
      }
      page += info.runPages;
    }
  }
  return live == usedBytes() ? 0 : 4;
}

function verifySpan(base: usize): u32 {
  const info = pageInfo(base);
  const size = <u32>usableSize(base);
  const blocks = (info.runPages << PAGE_SHIFT) / size;
  if (blocks * size != info.runPages << PAGE_SHIFT || info.used == 0) return 5;
  if (info.freeHead >> <u16>blocks != 0) return 5;
  if (<u32>popcnt<u32>(info.freeHead) + info.used != blocks) return 5;
  for (let k: u32 = 1; k < info.runPages; k++) {
    const part = pageInfo(base + ((<usize>k) << PAGE_SHIFT));
    if (part.kind != PAGE_PART || part.runPages != k) return 6;
  }
  return 0;
}

function verifySlab(base: usize): u32 {
  const info = pageInfo(base);
  const size = <u32>usableSize(base);
  if (goodSize(size) != size) return 2;
  let free: u32 = 0;
  let next = info.freeHead;
  while (next != PAGE_NO_BLOCK) {
    const offset = (<u32>next) << 3;
    if (offset % size != 0 || offset / size >= info.bump) return 1;
    free += 1;
    if (free > info.bump) return 1;
    next = load<u16>(base + offset);
  }
  if (info.bump * size > PAGE_BYTES) return 2;
  return free + info.used == info.bump ? 0 : 2;
}
