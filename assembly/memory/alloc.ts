// Block allocator: size classes in slabs of one page, larger blocks in page runs.
//
//   class    0   1 ... 15  |  16   17 ...      27  |  28 ...      51  |  52 ...       59
//   bytes    8  16    128  | 160  192 ...    1024  | 1152 ...   8192  | 10240 ...  32768
//                          |  four per doubling    |  eight           |  four
//
// A slab is one 64 KiB page cut into blocks of one class. Its free blocks form a list threaded
// through the blocks themselves (u16, in units of 8 bytes); pages of a class that have room form a
// doubly linked list. Blocks have no header: class and size come from the page's record, so 8-byte
// steps cost nothing and a block's neighbours are all of its kind. Classes are closest where the nodes
// of lists and streams are. Empty slabs return to the page
// allocator, except the last one of a class, which would only be taken again; that one goes when
// pages run out.
//
// Everything is O(1) but page search. `usedBytes` is the exact sum of live blocks' sizes.
//
// Three ways to ask, after what a failure means: `tryAlloc` for any size that came from input (0 on
// failure), `alloc` where dispatch has already made sure that a reserve is left (asserts),
// `tryRealloc` likewise keeps the old block on failure.

import {
  PAGE_BYTES,
  PAGE_NO_BLOCK,
  PAGE_RUN,
  PAGE_SHIFT,
  PAGE_SLAB,
  pageInfo,
  pagesInit,
  runFree,
  tryRunAlloc,
  tryRunResize,
} from './pages';

export const CLASS_COUNT: u32 = 60;
const SMALL_CLASSES: u32 = 16;
/** First class with eight to a doubling, and the first beyond. */
const CLOSE_CLASSES: u32 = 28;
const LARGE_CLASSES: u32 = 52;
const MAX_SLAB_BLOCK: u32 = 32768;
const MAX_BLOCK: u64 = 0xffff0000;

const classBytes: usize = memory.data(<i32>CLASS_COUNT * 4, 8); // u32 per class
const partialHead: usize = memory.data(<i32>CLASS_COUNT * 2, 8); // u16 per class: first page with room, 0 none

let used: u64 = 0;
let peak: u64 = 0;

function classOf(bytes: u32): u32 {
  if (bytes <= 128) return (max(bytes, 1) - 1) >> 3;
  const s = bytes - 1;
  const msb: u32 = 31 - clz(s);
  if (msb < 10) return SMALL_CLASSES + ((msb - 7) << 2) + ((s >> (msb - 2)) & 3);
  if (msb < 13) return CLOSE_CLASSES + ((msb - 10) << 3) + ((s >> (msb - 3)) & 7);
  return LARGE_CLASSES + ((msb - 13) << 2) + ((s >> (msb - 2)) & 3);
}

/** Bytes of a block of a size class. */
export function sizeOfClass(index: u32): u32 {
  return load<u32>(classBytes + (index << 2));
}

function bytesOfClass(index: u32): u32 {
  if (index < SMALL_CLASSES) return (index + 1) << 3;
  if (index >= CLOSE_CLASSES && index < LARGE_CLASSES) {
    const close = index - CLOSE_CLASSES;
    return ((<u32>1024) << (close >> 3)) + ((close & 7) + 1) * ((<u32>128) << (close >> 3));
  }
  const quarter = index < CLOSE_CLASSES ? index - SMALL_CLASSES : index - LARGE_CLASSES;
  const step = (index < CLOSE_CLASSES ? <u32>32 : <u32>2048) << (quarter >> 2);
  return (step << 2) + ((quarter & 3) + 1) * step;
}

/** Must run before anything is allocated. `limitPages` 0: the whole 4 GiB. */
export function allocInit(limitPages: u32): void {
  for (let i: u32 = 0; i < CLASS_COUNT; i++) {
    store<u32>(classBytes + (i << 2), bytesOfClass(i));
  }
  pagesInit(limitPages);
}

function linkPartial(page: u32, sizeClass: u32): void {
  const info = pageInfo((<usize>page) << PAGE_SHIFT);
  const slot = partialHead + (sizeClass << 1);
  const head = load<u16>(slot);
  info.next = head;
  info.prev = 0;
  if (head != 0) pageInfo((<usize>head) << PAGE_SHIFT).prev = <u16>page;
  store<u16>(slot, <u16>page);
}

function unlinkPartial(page: u32, sizeClass: u32): void {
  const info = pageInfo((<usize>page) << PAGE_SHIFT);
  const next = info.next;
  const prev = info.prev;
  if (prev != 0) pageInfo((<usize>prev) << PAGE_SHIFT).next = next;
  else store<u16>(partialHead + (sizeClass << 1), next);
  if (next != 0) pageInfo((<usize>next) << PAGE_SHIFT).prev = prev;
}

/** A run of pages, for which empty slabs are given up if need be; 0 when memory is exhausted. */
function tryPages(count: u32): usize {
  const ptr = tryRunAlloc(count);
  if (ptr != 0 || !releaseEmptySlabs()) return ptr;
  return tryRunAlloc(count);
}

/** Frees the slabs that are kept though they are empty. False when there was none. */
function releaseEmptySlabs(): bool {
  let released = false;
  for (let sizeClass: u32 = 0; sizeClass < CLASS_COUNT; sizeClass++) {
    const page: u32 = load<u16>(partialHead + (sizeClass << 1));
    if (page == 0 || pageInfo((<usize>page) << PAGE_SHIFT).used != 0) continue;
    releaseSlab(page, sizeClass);
    released = true;
  }
  return released;
}

/** Gives an empty slab's page back. */
function releaseSlab(page: u32, sizeClass: u32): void {
  const base = (<usize>page) << PAGE_SHIFT;
  const info = pageInfo(base);
  unlinkPartial(page, sizeClass);
  info.kind = PAGE_RUN;
  info.runPages = 1;
  runFree(base);
}

/** Takes a fresh page for a class and links it. Returns its number, 0 when there is none. */
function newSlab(sizeClass: u32): u32 {
  const ptr = tryPages(1);
  if (ptr == 0) return 0;
  const info = pageInfo(ptr);
  info.kind = PAGE_SLAB;
  info.sizeClass = <u8>sizeClass;
  info.used = 0;
  info.freeHead = PAGE_NO_BLOCK;
  info.bump = 0;
  const page = <u32>(ptr >> PAGE_SHIFT);
  linkPartial(page, sizeClass);
  return page;
}

function count(bytes: u32): void {
  used += bytes;
  if (used > peak) peak = used;
}

/** A block of at least `bytes`, or 0 when memory is exhausted. Contents are undefined. */
export function tryAlloc(bytes: usize): usize {
  if (bytes > MAX_SLAB_BLOCK) return tryAllocRun(bytes);
  const sizeClass = classOf(<u32>bytes);
  let page: u32 = load<u16>(partialHead + (sizeClass << 1));
  if (page == 0) {
    page = newSlab(sizeClass);
    if (page == 0) return 0;
  }
  const base = (<usize>page) << PAGE_SHIFT;
  const info = pageInfo(base);
  const size = sizeOfClass(sizeClass);
  const head = info.freeHead;
  let ptr: usize;
  let next: u16 = PAGE_NO_BLOCK;
  if (head != PAGE_NO_BLOCK) {
    ptr = base + ((<usize>head) << 3);
    next = load<u16>(ptr);
    info.freeHead = next;
  } else {
    ptr = base + <usize>info.bump * size;
    info.bump += 1;
  }
  info.used += 1;
  if (next == PAGE_NO_BLOCK && (<u32>info.bump + 1) * size > PAGE_BYTES) {
    unlinkPartial(page, sizeClass);
  }
  count(size);
  return ptr;
}

function tryAllocRun(bytes: usize): usize {
  if (<u64>bytes > MAX_BLOCK) return 0;
  const pages = <u32>((<u64>bytes + PAGE_BYTES - 1) >> PAGE_SHIFT);
  const ptr = tryPages(pages);
  if (ptr != 0) count(pages << PAGE_SHIFT);
  return ptr;
}

/** A block of at least `bytes`; the caller knows that the reserve covers it. */
export function alloc(bytes: usize): usize {
  const ptr = tryAlloc(bytes);
  assert(ptr != 0);
  return ptr;
}

export function free(ptr: usize): void {
  const info = pageInfo(ptr);
  if (info.kind == PAGE_RUN) {
    used -= (<u64>info.runPages) << PAGE_SHIFT;
    runFree(ptr);
    return;
  }
  assert(info.kind == PAGE_SLAB && info.used > 0);
  const sizeClass: u32 = info.sizeClass;
  const size = sizeOfClass(sizeClass);
  const page = <u32>(ptr >> PAGE_SHIFT);
  const wasFull = info.freeHead == PAGE_NO_BLOCK && (<u32>info.bump + 1) * size > PAGE_BYTES;
  store<u16>(ptr, info.freeHead);
  info.freeHead = <u16>((ptr & (PAGE_BYTES - 1)) >> 3);
  info.used -= 1;
  used -= size;
  if (wasFull) linkPartial(page, sizeClass);
  if (info.used == 0 && (info.next != 0 || info.prev != 0)) releaseSlab(page, sizeClass);
}

/** Bytes a block really occupies: what `usedBytes` counts for it. */
export function usableSize(ptr: usize): usize {
  const info = pageInfo(ptr);
  if (info.kind == PAGE_RUN) return (<usize>info.runPages) << PAGE_SHIFT;
  return sizeOfClass(info.sizeClass);
}

/** Size of the block that `bytes` would get. */
export function goodSize(bytes: usize): usize {
  if (bytes > MAX_SLAB_BLOCK) return (bytes + PAGE_BYTES - 1) & ~(PAGE_BYTES - 1);
  return sizeOfClass(classOf(<u32>bytes));
}

/**
 * Resizes a block, in place when its class stays or the run can change its length; otherwise it is
 * copied and the old address is dead. 0 on failure: the old block is untouched.
 */
export function tryRealloc(ptr: usize, bytes: usize): usize {
  const old = usableSize(ptr);
  if (bytes > MAX_SLAB_BLOCK) {
    if (<u64>bytes > MAX_BLOCK) return 0;
    const pages = <u32>((<u64>bytes + PAGE_BYTES - 1) >> PAGE_SHIFT);
    if (old > MAX_SLAB_BLOCK) {
      const before = pageInfo(ptr).runPages;
      if (tryRunResize(ptr, pages)) {
        used -= (<u64>before) << PAGE_SHIFT;
        count(pages << PAGE_SHIFT);
        return ptr;
      }
    }
  } else if (old <= MAX_SLAB_BLOCK && goodSize(bytes) == old) return ptr;
  const fresh = tryAlloc(bytes);
  if (fresh == 0) return 0;
  memory.copy(fresh, ptr, min(old, bytes));
  free(ptr);
  return fresh;
}

/** Exact sum of the sizes of live blocks. */
export function usedBytes(): u64 {
  return used;
}

export function peakBytes(): u64 {
  return peak;
}

export function resetPeak(): void {
  peak = used;
}
