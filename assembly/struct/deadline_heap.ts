// Deadline heap: what is due first, out of many things that wait until some time.
//
//   slot   1 | 2 3 | 4 5 6 7 | ...      the parent of slot i is slot i / 2
//
// A binary heap of addresses, in one block that doubles. An item begins with a Timed record and
// remembers its slot, so it can leave before its time. Items of one deadline come in the order they
// went in. Entering and leaving cost O(log n), looking at the first O(1); an empty heap has no memory.

import { free, tryAlloc, tryRealloc, usableSize } from '../memory/alloc';

/** What an item begins with. */
@unmanaged
export class Timed {
  deadlineMs: i64;
  order: u64;
  slot: u32; // 0: in no heap
  timedPad: u32;
}

/** All fields are zero at first. */
@unmanaged
export class DeadlineHeap {
  slots: usize; // u32 per item
  count: u32;
  capacity: u32;
  entered: u64; // items that ever went in
}

const MIN_BYTES: usize = 64;

function itemAt(h: DeadlineHeap, slot: u32): Timed {
  return changetype<Timed>(<usize>load<u32>(h.slots + ((slot - 1) << 2)));
}

function put(h: DeadlineHeap, slot: u32, item: Timed): void {
  store<u32>(h.slots + ((slot - 1) << 2), <u32>changetype<usize>(item));
  item.slot = slot;
}

function isBefore(a: Timed, b: Timed): bool {
  return a.deadlineMs != b.deadlineMs ? a.deadlineMs < b.deadlineMs : a.order < b.order;
}

/** Moves the item of a slot towards the top as far as it belongs there. */
function siftUp(h: DeadlineHeap, from: u32, item: Timed): void {
  let slot = from;
  while (slot > 1) {
    const parent = itemAt(h, slot >> 1);
    if (!isBefore(item, parent)) break;
    put(h, slot, parent);
    slot >>= 1;
  }
  put(h, slot, item);
}

function siftDown(h: DeadlineHeap, from: u32, item: Timed): void {
  let slot = from;
  while (slot << 1 <= h.count) {
    let child = slot << 1;
    if (child < h.count && isBefore(itemAt(h, child + 1), itemAt(h, child))) child += 1;
    if (!isBefore(itemAt(h, child), item)) break;
    put(h, slot, itemAt(h, child));
    slot = child;
  }
  put(h, slot, item);
}

/** Takes in an item whose deadline is set. False when memory is exhausted: then it is not in. */
export function tryHeapAdd(h: DeadlineHeap, item: Timed): bool {
  assert(item.slot == 0);
  if (h.count == h.capacity) {
    const wanted = max<usize>(((<usize>h.count) << 2) << 1, MIN_BYTES);
    const wider = h.slots == 0 ? tryAlloc(wanted) : tryRealloc(h.slots, wanted);
    if (wider == 0) return false;
    h.slots = wider;
    h.capacity = <u32>(usableSize(wider) >> 2);
  }
  item.order = h.entered;
  h.entered += 1;
  h.count += 1;
  siftUp(h, h.count, item);
  return true;
}

/** Takes an item out, if it is in. */
export function heapRemove(h: DeadlineHeap, item: Timed): void {
  const slot = item.slot;
  if (slot == 0) return;
  const last = itemAt(h, h.count);
  h.count -= 1;
  item.slot = 0;
  if (last != item) {
    if (isBefore(last, item)) siftUp(h, slot, last);
    else siftDown(h, slot, last);
  }
  if (h.count != 0) return;
  free(h.slots);
  h.slots = 0;
  h.capacity = 0;
}

/** Puts an item that is in, and whose deadline was changed, where it belongs now. */
export function heapChanged(h: DeadlineHeap, item: Timed): void {
  assert(item.slot != 0);
  item.order = h.entered;
  h.entered += 1;
  siftUp(h, item.slot, item);
  siftDown(h, item.slot, item);
}

/** Address of the item that is due first, 0 when there is none. */
export function heapFirst(h: DeadlineHeap): usize {
  return h.count == 0 ? 0 : changetype<usize>(itemAt(h, 1));
}

/** Asserts the order of everything; for tests. O(n). */
export function heapVerify(h: DeadlineHeap): void {
  assert((h.count == 0) == (h.slots == 0));
  for (let slot: u32 = 1; slot <= h.count; slot++) {
    const item = itemAt(h, slot);
    assert(item.slot == slot);
    assert(slot == 1 || isBefore(itemAt(h, slot >> 1), item));
  }
}
