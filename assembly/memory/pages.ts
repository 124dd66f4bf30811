// Page-run allocator: hands out runs of 64 KiB pages of linear memory.
//
//   linear memory   | static data | page table | run | run | free ... | not yet grown ...
//   page bitmap       1 1 1 1 1 1   1 1 1 ...    1     1 1   0 0 0
//
// One bit per page says whether it is taken; a run is found first-fit from a hint below which no
// page is free. 65,536 pages cover the whole 4 GiB address space, so the bitmap is 8 KiB and a
// search reads at most 1,024 words; pages are taken rarely (a slab serves many blocks), so this
// is cheaper to keep right than a tree of free runs.
//
// The page table holds 16 bytes per page (PageInfo). It lies in its own run, not in the pages it
// describes: headers at equal offsets of every page would fight for the same cache sets.
//
// Memory only grows. When the address space or the limit set by the host is exhausted,
// `tryRunAlloc` returns 0 and nothing has changed. The last page of the address space is never used,
// so the address behind a block is always above the block's.
//
// A word about alignment: a run starts at a multiple of 64 KiB, so blocks whose size is a power of
// two are aligned to their size, which the key table relies on for its cache-line buckets.

import './abort';

export const PAGE_SHIFT: u32 = 16;
export const PAGE_BYTES: u32 = 65536;
const MAX_PAGES: u32 = 65536;
/**
 * Pages that only slabs may take, so that small blocks can still be had when large ones have taken
 * everything else: a client has to be able to connect and to delete. A memory of which they would be
 * a large part does without.
 */
const RESERVE_PAGES: u32 = 64;
const GROW_MIN_PAGES: u32 = 16;
const GROW_MAX_PAGES: u32 = 4096;

export const PAGE_FREE: u8 = 0;
export const PAGE_SLAB: u8 = 1;
export const PAGE_RUN: u8 = 2;
export const PAGE_SPAN: u8 = 3;
export const PAGE_PART: u8 = 4; // of a span, but not its first page

/** One page's record. For a run only the first page's record is meaningful. A span is described in span.ts. */
@unmanaged
export class PageInfo {
  kind: u8; // PAGE_*
  sizeClass: u8; // slab, span: index of its block size
  used: u16; // slab, span: live blocks
  freeHead: u16; // slab: first free block, in units of 8 bytes, PAGE_NO_BLOCK when none; span: a bit per free block
  bump: u16; // slab: blocks ever handed out; those beyond have never been used
  next: u16; // slab, span: next with room, 0 at the end
  prev: u16; // slab, span: previous with room, 0 at the head
  runPages: u32; // run, span: number of pages; part: pages back to the span's first
}

export const PAGE_NO_BLOCK: u16 = 0xffff;
const PAGE_INFO_SHIFT: u32 = 4;

const bitmap: usize = memory.data(8192, 8);
let pageTable: usize = 0;
let pagesTotal: u32 = 0; // pages of linear memory
let pagesTaken: u32 = 0; // pages in runs, static ones included
let pagesLimit: u32 = MAX_PAGES;
let lowestFree: u32 = 0; // no page below is free
/** The first page that is handed out: behind static data and the page table. */
export let firstHeapPage: u32 = 0;

/** The record of the page that holds `ptr`. */
export function pageInfo(ptr: usize): PageInfo {
  return changetype<PageInfo>(pageTable + ((ptr >> PAGE_SHIFT) << PAGE_INFO_SHIFT));
}

function markRun(first: u32, count: u32, taken: bool): void {
  let page = first;
  const end = first + count;
  while (page < end) {
    const word = bitmap + ((page >> 6) << 3);
    const bit = page & 63;
    const span = min(64 - bit, end - page);
    const mask: u64 = span == 64 ? u64.MAX_VALUE : (((<u64>1) << span) - 1) << bit;
    const old = load<u64>(word);
    assert(taken ? (old & mask) == 0 : (old & mask) == mask);
    store<u64>(word, taken ? old | mask : old & ~mask);
    page += span;
  }
  if (taken) pagesTaken += count;
  else {
    pagesTaken -= count;
    if (first < lowestFree) lowestFree = first;
  }
}

/** Length of the free stretch that starts at `page`, counted up to `wanted`. */
function freeStretch(page: u32, wanted: u32): u32 {
  let count: u32 = 0;
  while (count < wanted && page + count < pagesTotal) {
    const at = page + count;
    const word = load<u64>(bitmap + ((at >> 6) << 3)) >> (at & 63);
    const inWord = 64 - (at & 63);
    const free = word == 0 ? inWord : <u32>ctz(word);
    count += free;
    if (free < inWord) break;
  }
  return min(min(count, wanted), pagesTotal - page);
}

/** First page of a free stretch of `count`, or the start of the free tail when `atEnd`; else 0. */
function findRun(count: u32): u32 {
  let page = lowestFree;
  let first = true;
  while (page < pagesTotal) {
    const word = load<u64>(bitmap + ((page >> 6) << 3));
    const rest = ~word >> (page & 63);
    if (rest == 0) {
      page = (page | 63) + 1;
      continue;
    }
    page += <u32>ctz(rest);
    if (page >= pagesTotal) break;
    if (first) {
      lowestFree = page;
      first = false;
    }
    const stretch = freeStretch(page, count);
    if (stretch == count) return page;
    page += stretch;
  }
  return 0;
}

/**
 * Grows linear memory so that `count` more pages fit at its end. False when it cannot. It doubles, and
 * later takes 256 MiB at a time: pages cost nothing before they are used, but every growth gives the
 * host a new ArrayBuffer, whose size its garbage collector takes for a reason to run.
 */
function growFor(count: u32): bool {
  let tail: u32 = 0;
  while (tail < count && tail < pagesTotal) {
    const page = pagesTotal - 1 - tail;
    if ((load<u64>(bitmap + ((page >> 6) << 3)) >> (page & 63)) & 1) break;
    tail += 1;
  }
  const need = count - tail;
  if (need > pagesLimit - min(pagesTotal, pagesLimit)) return false;
  let step = max(need, max(GROW_MIN_PAGES, min(GROW_MAX_PAGES, pagesTotal)));
  step = min(step, pagesLimit - pagesTotal);
  if (memory.grow(<i32>step) < 0) {
    step = need;
    if (memory.grow(<i32>step) < 0) return false;
  }
  pagesTotal += step;
  return true;
}

/** Sets up the table and the bitmap; everything below the heap base counts as taken. */
export function pagesInit(limitPages: u32): void {
  if (offsetof<PageInfo>() != 16) ERROR('PageInfo is 16 bytes');
  pagesLimit = limitPages == 0 ? MAX_PAGES - 1 : min(limitPages, MAX_PAGES - 1);
  const heapPage = <u32>((__heap_base + PAGE_BYTES - 1) >> PAGE_SHIFT);
  const tablePages = (MAX_PAGES << PAGE_INFO_SHIFT) >> PAGE_SHIFT;
  const wanted = heapPage + tablePages + GROW_MIN_PAGES;
  pagesTotal = <u32>memory.size();
  if (pagesTotal < wanted) {
    assert(memory.grow(<i32>(wanted - pagesTotal)) >= 0);
    pagesTotal = wanted;
  }
  pageTable = (<usize>heapPage) << PAGE_SHIFT;
  markRun(0, heapPage + tablePages, true);
  lowestFree = heapPage + tablePages;
  firstHeapPage = lowestFree;
}

/** Whether `more` pages for one block leave the reserve alone. */
function sparesReserve(more: u32): bool {
  if (pagesLimit < RESERVE_PAGES << 2) return true;
  return pagesTaken + more + RESERVE_PAGES <= pagesLimit;
}

/** A run of `count` pages, or 0 when linear memory cannot grow enough. */
export function tryRunAlloc(count: u32): usize {
  if (count == 0 || count > MAX_PAGES) return 0;
  if (count > 1 && !sparesReserve(count)) return 0;
  let page = findRun(count);
  if (page == 0) {
    if (!growFor(count)) return 0;
    page = findRun(count);
    assert(page != 0);
  }
  markRun(page, count, true);
  const ptr = (<usize>page) << PAGE_SHIFT;
  const info = pageInfo(ptr);
  info.kind = PAGE_RUN;
  info.runPages = count;
  return ptr;
}

export function runFree(ptr: usize): void {
  const info = pageInfo(ptr);
  const count = info.runPages;
  assert(count > 0 && (ptr & (PAGE_BYTES - 1)) == 0);
  info.kind = PAGE_FREE;
  info.runPages = 0;
  markRun(<u32>(ptr >> PAGE_SHIFT), count, false);
}

/** Changes a run's length in place. False when the pages behind it are taken; then nothing changed. */
export function tryRunResize(ptr: usize, count: u32): bool {
  const info = pageInfo(ptr);
  const old = info.runPages;
  const page = <u32>(ptr >> PAGE_SHIFT);
  if (count < old) markRun(page + count, old - count, false);
  else if (count > old) {
    const more = count - old;
    if (!sparesReserve(more)) return false;
    if (page + old + more > pagesTotal) return false;
    if (freeStretch(page + old, more) < more) return false;
    markRun(page + old, more, true);
  }
  info.runPages = count;
  return true;
}

/** True while so little is left that commands which add data have to be refused. */
export function memoryNearlyExhausted(): bool {
  return pagesTaken + RESERVE_PAGES > pagesLimit;
}

/**
 * Whether blocks of `bytes` in total, in whatever sizes, can all be had: memory never used yet is
 * enough for them with all rounding. False means that it depends.
 */
export function isPlentyFor(bytes: u64): bool {
  const untouched = pagesLimit - min(pagesTotal, pagesLimit);
  // One slab or span of each class may have room to spare: about a hundred pages.
  const spared = RESERVE_PAGES << 1;
  return untouched > spared && (<u64>(untouched - spared)) << PAGE_SHIFT > bytes << 1;
}

/** Bytes of linear memory in use by the module, free pages included. */
export function linearMemoryBytes(): f64 {
  return <f64>pagesTotal * <f64>PAGE_BYTES;
}

/** Bytes in taken pages: what the allocator holds, its slack included. */
export function takenBytes(): f64 {
  return <f64>pagesTaken * <f64>PAGE_BYTES;
}

/** The part of the page table and static data that is really in use. */
export function staticBytes(): f64 {
  return <f64>(<u32>__heap_base) + <f64>(pagesTotal << PAGE_INFO_SHIFT);
}

/**
 * Where the stretch of taken or of free pages ends that `page` lies in, the end of linear memory at most. Free
 * pages hold nothing that anybody will read.
 */
export function stretchEnd(page: u32): u32 {
  const taken = (load<u64>(bitmap + ((page >> 6) << 3)) >> (page & 63)) & 1;
  let at = page;
  while (at < pagesTotal) {
    const word = load<u64>(bitmap + ((at >> 6) << 3));
    const other = (taken ? ~word : word) >> (at & 63);
    if (other != 0) return min(at + <u32>ctz(other), pagesTotal);
    at = (at | 63) + 1;
  }
  return pagesTotal;
}
