// Block allocator: slabs of one page for blocks up to 32 KiB, spans of several pages for the sizes up
// to 256 KiB that are not whole pages, page runs for the rest (size_class.ts has the sizes).
//
// A slab is one 64 KiB page cut into blocks of one class. Its free blocks form a list threaded
// through the blocks themselves (u16, in units of 8 bytes); pages of a class that have room form a
// doubly linked list. Blocks have no header: class and size come from the page's record, so 8-byte
// steps cost nothing and a block's neighbours are all of its kind. Empty slabs return to the page
// allocator, except the last one of a class, which would only be taken again; that one goes when
// pages run out.
//
// Where no stretch is long enough for a span, its block gets a run of whole pages: memory in small
// pieces is used up, too.
//
// Everything is O(1) but page search. `usedBytes` is the exact sum of live blocks' sizes.
//
// Three ways to ask, after what a failure means: `tryAlloc` for any size that came from input (0 on
// failure), `alloc` where dispatch has already made sure that a reserve is left (asserts),
// `tryRealloc` likewise keeps the old block on failure.

import { firstWithRoom, linkPage, unlinkPage } from './page_list';
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
import {
  classOf,
  goodSize,
  MAX_SLAB_BLOCK,
  SLAB_CLASSES,
  sizeClassesInit,
  sizeOfClass,
} from './size_class';
import { spanBlockBytes, spanFree, trySpanAlloc } from './span';

export { goodSize } from './size_class';

const MAX_BLOCK: u64 = 0xffff0000;

let used: u64 = 0;
let peak: u64 = 0;

/** Must run before anything is allocated. `limitPages` 0: the whole 4 GiB. */
export function allocInit(limitPages: u32): void {
  sizeClassesInit();
  pagesInit(limitPages);
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
  for (let sizeClass: u32 = 0; sizeClass < SLAB_CLASSES; sizeClass++) {
    const page: u32 = firstWithRoom(sizeClass);
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
  unlinkPage(page, sizeClass);
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
  linkPage(page, sizeClass);
  return page;
}

function count(bytes: u32): void {
  used += bytes;
  if (used > peak) peak = used;
}

/** A block of at least `bytes`, or 0 when memory is exhausted. Contents are undefined. */
export function tryAlloc(bytes: usize): usize {
  if (bytes > MAX_SLAB_BLOCK) return tryAllocLarge(bytes);
  const sizeClass = classOf(<u32>bytes);
  let page: u32 = firstWithRoom(sizeClass);
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
    unlinkPage(page, sizeClass);
  }
  count(size);
  return ptr;
}

function tryAllocLarge(bytes: usize): usize {
  if (<u64>bytes > MAX_BLOCK) return 0;
  const size = goodSize(bytes);
  if ((size & (PAGE_BYTES - 1)) != 0) {
    const block = trySpanAlloc(classOf(<u32>size));
    if (block != 0) {
      count(<u32>size);
      return block;
    }
  }
  const pages = <u32>((<u64>size + PAGE_BYTES - 1) >> PAGE_SHIFT);
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
  if (info.kind != PAGE_SLAB) {
    used -= largeSize(ptr);
    if (info.kind == PAGE_RUN) runFree(ptr);
    else spanFree(ptr);
    return;
  }
  assert(info.used > 0);
  const sizeClass: u32 = info.sizeClass;
  const size = sizeOfClass(sizeClass);
  const page = <u32>(ptr >> PAGE_SHIFT);
  const wasFull = info.freeHead == PAGE_NO_BLOCK && (<u32>info.bump + 1) * size > PAGE_BYTES;
  store<u16>(ptr, info.freeHead);
  info.freeHead = <u16>((ptr & (PAGE_BYTES - 1)) >> 3);
  info.used -= 1;
  used -= size;
  if (wasFull) linkPage(page, sizeClass);
  if (info.used == 0 && (info.next != 0 || info.prev != 0)) releaseSlab(page, sizeClass);
}

/** Bytes of a block in a span or of a run. */
function largeSize(ptr: usize): u32 {
  const info = pageInfo(ptr);
  return info.kind == PAGE_RUN ? info.runPages << PAGE_SHIFT : spanBlockBytes(ptr);
}

/** Bytes a block really occupies: what `usedBytes` counts for it. */
export function usableSize(ptr: usize): usize {
  const info = pageInfo(ptr);
  return info.kind == PAGE_SLAB ? sizeOfClass(info.sizeClass) : largeSize(ptr);
}

/**
 * Resizes a block, in place when its class stays or the run can change its length; otherwise it is
 * copied and the old address is dead. 0 on failure: the old block is untouched.
 */
export function tryRealloc(ptr: usize, bytes: usize): usize {
  if (<u64>bytes > MAX_BLOCK) return 0;
  const old = usableSize(ptr);
  const size = goodSize(bytes);
  if (size == old) return ptr;
  if ((size & (PAGE_BYTES - 1)) == 0 && pageInfo(ptr).kind == PAGE_RUN) {
    const pages = <u32>(size >> PAGE_SHIFT);
    if (tryRunResize(ptr, pages)) {
      used -= old;
      count(pages << PAGE_SHIFT);
      return ptr;
    }
  }
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
