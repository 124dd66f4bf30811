// Figures of the allocator, for MEMORY MALLOC-STATS: per size class the slabs or spans and the blocks
// in use, and what is held in whole pages. Read from the page table on demand. O(pages).

import { ALLOC_CLASS_BYTES, ALLOC_CLASSES, ALLOC_STATS_BYTES } from '../abi';
import {
  firstHeapPage,
  linearMemoryBytes,
  PAGE_BYTES,
  PAGE_RUN,
  PAGE_SHIFT,
  PAGE_SLAB,
  PAGE_SPAN,
  pageInfo,
} from './pages';
import { CLASS_COUNT, sizeOfClass } from './size_class';

const CLASS_BLOCK: usize = 0; // u32 bytes of a block
const CLASS_SLABS: usize = 4; // u32, slabs or spans
const CLASS_USED: usize = 8; // u32 blocks in use

const RUNS: usize = ALLOC_CLASSES * ALLOC_CLASS_BYTES; // u32
const RUN_PAGES: usize = RUNS + 4; // u32
const FREE_PAGES: usize = RUNS + 8; // u32

function add(at: usize, amount: u32): void {
  store<u32>(at, load<u32>(at) + amount);
}

/** Writes ALLOC_STATS_BYTES to `out`: see abi.ts. */
export function allocatorStats(out: usize): void {
  if (CLASS_COUNT != <u32>ALLOC_CLASSES) ERROR('a record per size class');
  memory.fill(out, 0, ALLOC_STATS_BYTES);
  for (let i: u32 = 0; i < CLASS_COUNT; i++) {
    store<u32>(out + i * ALLOC_CLASS_BYTES, sizeOfClass(i), CLASS_BLOCK);
  }
  const total = <u32>(linearMemoryBytes() / <f64>PAGE_BYTES);
  let page = firstHeapPage;
  while (page < total) {
    const info = pageInfo((<usize>page) << PAGE_SHIFT);
    let pages: u32 = 1;
    if (info.kind == PAGE_SLAB || info.kind == PAGE_SPAN) {
      if (info.kind == PAGE_SPAN) pages = info.runPages;
      const record = out + <u32>info.sizeClass * ALLOC_CLASS_BYTES;
      add(record + CLASS_SLABS, 1);
      add(record + CLASS_USED, info.used);
    } else if (info.kind == PAGE_RUN) {
      pages = info.runPages;
      add(out + RUNS, 1);
      add(out + RUN_PAGES, pages);
    } else add(out + FREE_PAGES, 1);
    page += pages;
  }
}
