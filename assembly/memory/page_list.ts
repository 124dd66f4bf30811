// Doubly linked lists of slabs or spans with room: one for each size class, linked through the
// records of their first pages. O(1).

import { PAGE_SHIFT, pageInfo } from './pages';
import { CLASS_COUNT } from './size_class';

const heads: usize = memory.data(<i32>CLASS_COUNT * 2, 8); // u16 per class: first page, 0 none

/** First page of a class that has room, 0 when there is none. */
export function firstWithRoom(sizeClass: u32): u32 {
  return load<u16>(heads + (sizeClass << 1));
}

export function linkPage(page: u32, sizeClass: u32): void {
  const info = pageInfo((<usize>page) << PAGE_SHIFT);
  const slot = heads + (sizeClass << 1);
  const head = load<u16>(slot);
  info.next = head;
  info.prev = 0;
  if (head != 0) pageInfo((<usize>head) << PAGE_SHIFT).prev = <u16>page;
  store<u16>(slot, <u16>page);
}

export function unlinkPage(page: u32, sizeClass: u32): void {
  const info = pageInfo((<usize>page) << PAGE_SHIFT);
  const next = info.next;
  const prev = info.prev;
  if (prev != 0) pageInfo((<usize>prev) << PAGE_SHIFT).next = next;
  else store<u16>(heads + (sizeClass << 1), next);
  if (next != 0) pageInfo((<usize>next) << PAGE_SHIFT).prev = prev;
}
