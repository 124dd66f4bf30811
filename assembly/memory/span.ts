// Spans: three, five or seven pages that two to eight large blocks share.
//
//   40 KiB in 5 pages   |       |       |       |       |       |
//                       | 0  | 1  | 2  | 3  | 4  | 5  | 6  | 7  |
//
// Blocks between 32 and 256 KiB whose size is not whole pages would waste up to three eighths of
// them. Their sizes are an odd number (3, 5, 7) times a power of two, so that many pages hold a power
// of two of them without a gap.
//
// A span's first page has its record, with one bit for each free block; the other pages' records say how
// far back it is. Spans of a class that have room form a list. An empty one returns to the page
// allocator at once: it is two to eight blocks away from being needed again, and finding a run is
// cheap beside filling a block of that size.

import { firstWithRoom, linkPage, unlinkPage } from './page_list';
import {
  PAGE_BYTES,
  PAGE_FREE,
  PAGE_PART,
  PAGE_RUN,
  PAGE_SHIFT,
  PAGE_SPAN,
  pageInfo,
  runFree,
  tryRunAlloc,
} from './pages';
import { sizeOfClass } from './size_class';

/** Takes pages for a class and links them. Returns the first page's number, 0 when there are none. */
function newSpan(sizeClass: u32): u32 {
  const size = sizeOfClass(sizeClass);
  const pages = size >> ctz(size);
  const base = tryRunAlloc(pages);
  if (base == 0) return 0;
  const info = pageInfo(base);
  info.kind = PAGE_SPAN;
  info.sizeClass = <u8>sizeClass;
  info.used = 0;
  info.freeHead = <u16>(((<u32>1) << (PAGE_BYTES >> ctz(size))) - 1);
  for (let i: u32 = 1; i < pages; i++) {
    const part = pageInfo(base + ((<usize>i) << PAGE_SHIFT));
    part.kind = PAGE_PART;
    part.runPages = i;
  }
  const page = <u32>(base >> PAGE_SHIFT);
  linkPage(page, sizeClass);
  return page;
}

/** Gives an empty span's pages back. */
function releaseSpan(base: usize): void {
  const info = pageInfo(base);
  unlinkPage(<u32>(base >> PAGE_SHIFT), info.sizeClass);
  for (let i: u32 = 1; i < info.runPages; i++) {
    pageInfo(base + ((<usize>i) << PAGE_SHIFT)).kind = PAGE_FREE;
  }
  info.kind = PAGE_RUN;
  runFree(base);
}

/** A block of a class whose size is not whole pages; 0 when no stretch of pages is long enough. */
export function trySpanAlloc(sizeClass: u32): usize {
  let page = firstWithRoom(sizeClass);
  if (page == 0) {
    page = newSpan(sizeClass);
    if (page == 0) return 0;
  }
  const base = (<usize>page) << PAGE_SHIFT;
  const info = pageInfo(base);
  const free = info.freeHead;
  info.freeHead = free & (free - 1);
  info.used += 1;
  if (info.freeHead == 0) unlinkPage(page, sizeClass);
  return base + <usize>ctz(<u32>free) * sizeOfClass(sizeClass);
}

/** First page's address of the span that a block lies in. */
function spanOf(ptr: usize): usize {
  const info = pageInfo(ptr);
  const base = ptr & ~(<usize>PAGE_BYTES - 1);
  return info.kind == PAGE_PART ? base - ((<usize>info.runPages) << PAGE_SHIFT) : base;
}

/** Size of a span's block. */
export function spanBlockBytes(ptr: usize): u32 {
  return sizeOfClass(pageInfo(spanOf(ptr)).sizeClass);
}

export function spanFree(ptr: usize): void {
  const base = spanOf(ptr);
  const info = pageInfo(base);
  const offset = <u32>(ptr - base);
  const size = sizeOfClass(info.sizeClass);
  const bit = (<u32>1) << (offset / size);
  assert(info.kind == PAGE_SPAN && offset % size == 0 && (info.freeHead & bit) == 0);
  if (info.freeHead == 0) linkPage(<u32>(base >> PAGE_SHIFT), info.sizeClass);
  info.freeHead |= <u16>bit;
  info.used -= 1;
  if (info.used == 0) releaseSpan(base);
}
