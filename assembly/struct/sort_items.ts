// Sorting records of 24 bytes: search results by distance, elements by number or by text.
//
//   0          8              12             16        20
//   +----------+--------------+--------------+---------+--------+
//   | number   | text address | text length  | address | length |     address 0 for text: no text
//   +----------+--------------+--------------+---------+--------+
//
// Number and text are what is compared; the second address and length are what the record stands for
// and the last resort of some orders. Two algorithms, as in Redis, since the order of equal records shows:
// a merge sort, which keeps it, and a quicksort that only bothers about a part of the result.
//
//   order             compares
//   ORDER_NUMBER      numbers
//   ORDER_NUMBER_ANY  numbers, then what the records stand for
//   ORDER_TEXT        texts as bytes; none sorts first
//
// While records are sorted a key takes the place of the number: an integer in whose order they belong,
// made from the number or from the first eight bytes of the text, and complemented to sort downwards. Only
// where keys are equal the rest is looked at. Numbers are put back afterwards.
//
// O(n log n); the quicksort gives up on input made to be hard for it and merges what it has at hand.
// Merging takes as much memory as the records again.
//
// Source of the quicksort: Bentley and McIlroy, "Engineering a sort function", with its three-way
// partition and the choice of its pivots.

import { free, tryAlloc } from '../memory/alloc';
import { stringCompare } from '../util/bytes';

export const ORDER_NUMBER: u32 = 0;
export const ORDER_NUMBER_ANY: u32 = 1;
export const ORDER_TEXT: u32 = 2;

@unmanaged
export class SortItem {
  number: f64;
  text: usize;
  textLen: u32;
  ptr: usize;
  len: u32;
}

export const ITEM_BYTES: usize = 24;
/** Runs of so many records are sorted by insertion before they are merged. */
const RUN_ITEMS: usize = 8;

let order: u32 = ORDER_NUMBER;
let descending: bool = false;

// --- Keys ---

const SIGN: u64 = 1 << 63;
const KEY_BYTES: u32 = 8;

/** An integer in the order of doubles that are no NaN; both zeros are the same. */
function keyOfNumber(number: f64): u64 {
  const bits = reinterpret<u64>(number + 0.0);
  return (bits & SIGN) != 0 ? ~bits : bits | SIGN;
}

function numberOfKey(key: u64): f64 {
  return reinterpret<f64>((key & SIGN) != 0 ? key & ~SIGN : ~key);
}

/** The first bytes of a text as an integer, zeros behind it. */
function keyOfText(text: usize, len: u32): u64 {
  if (text == 0) return 0;
  if (len >= KEY_BYTES) return bswap<u64>(load<u64>(text));
  let key: u64 = 0;
  for (let i: u32 = 0; i < len; i++) key |= (<u64>load<u8>(text + i)) << (56 - (i << 3));
  return key;
}

/** Gives all records their keys. */
function makeKeys(items: usize, end: usize): void {
  const flip: u64 = descending ? u64.MAX_VALUE : 0;
  for (let at = items; at < end; at += ITEM_BYTES) {
    const item = changetype<SortItem>(at);
    const key = order == ORDER_TEXT ? keyOfText(item.text, item.textLen) : keyOfNumber(item.number);
    store<u64>(at, key ^ flip);
  }
}

/** Gives them their numbers again, but for the sign of zeros. */
function dropKeys(items: usize, end: usize): void {
  if (order == ORDER_TEXT) return;
  const flip: u64 = descending ? u64.MAX_VALUE : 0;
  for (let at = items; at < end; at += ITEM_BYTES) {
    store<f64>(at, numberOfKey(load<u64>(at) ^ flip));
  }
}

// --- Comparing ---

/** How the records at two addresses with the same key sort: below, at or above 0. */
function compareRest(a: usize, b: usize): i32 {
  if (order == ORDER_NUMBER) return 0;
  const x = changetype<SortItem>(a);
  const y = changetype<SortItem>(b);
  let result: i32;
  if (order == ORDER_NUMBER_ANY) result = stringCompare(x.ptr, x.len, y.ptr, y.len);
  else if (x.text == 0 || y.text == 0) result = i32(x.text != 0) - i32(y.text != 0);
  else result = stringCompare(x.text, x.textLen, y.text, y.textLen);
  return descending ? -result : result;
}

/** How the records at two addresses sort: below, at or above 0. */
function compare(a: usize, b: usize): i32 {
  const x = load<u64>(a);
  const y = load<u64>(b);
  return x == y ? compareRest(a, b) : x < y ? -1 : 1;
}

// --- Moving ---

function copyItem(to: usize, from: usize): void {
  const first = v128.load(from);
  const last = load<u64>(from, 16);
  v128.store(to, first);
  store<u64>(to, last, 16);
}

function swapItems(a: usize, b: usize): void {
  const first = v128.load(a);
  const last = load<u64>(a, 16);
  copyItem(a, b);
  v128.store(b, first);
  store<u64>(b, last, 16);
}

function swapRuns(a: usize, b: usize, bytes: usize): void {
  for (let offset: usize = 0; offset < bytes; offset += ITEM_BYTES)
    swapItems(a + offset, b + offset);
}

const held: usize = memory.data(24, 8);

function insertionSort(from: usize, end: usize): void {
  for (let next = from + ITEM_BYTES; next < end; next += ITEM_BYTES) {
    let at = next;
    if (compare(at - ITEM_BYTES, at) <= 0) continue;
    copyItem(held, at);
    while (at > from && compare(at - ITEM_BYTES, held) > 0) {
      copyItem(at, at - ITEM_BYTES);
      at -= ITEM_BYTES;
    }
    copyItem(at, held);
  }
}

// --- Merge sort ---

/**
 * Sorts `count` records at `items`; equal ones stay in the order they are in. False when memory is
 * exhausted; then nothing changed.
 */
export function trySortItems(items: usize, count: u32, by: u32, descend: bool): bool {
  if (offsetof<SortItem>() != 24) ERROR('SortItem is 24 bytes');
  order = by;
  descending = descend;
  const bytes = <usize>count * ITEM_BYTES;
  const spare = tryAlloc(bytes);
  if (spare == 0) return false;
  makeKeys(items, items + bytes);
  mergeSort(items, bytes, spare);
  dropKeys(items, items + bytes);
  free(spare);
  return true;
}

function mergeSort(items: usize, bytes: usize, spare: usize): void {
  const run = RUN_ITEMS * ITEM_BYTES;
  for (let at: usize = 0; at < bytes; at += run) {
    insertionSort(items + at, items + min(at + run, bytes));
  }
  let from = items;
  let to = spare;
  for (let width = run; width < bytes; width <<= 1) {
    for (let at: usize = 0; at < bytes; at += width << 1) {
      const middle = min(at + width, bytes);
      merge(from + at, from + middle, from + min(at + (width << 1), bytes), to + at);
    }
    const swap = from;
    from = to;
    to = swap;
  }
  if (from != items) memory.copy(items, from, bytes);
}

/** Merges the records of [from, middle) and [middle, end) to `to`. */
function merge(from: usize, middle: usize, end: usize, to: usize): void {
  let other = middle;
  if (middle == end || compare(middle - ITEM_BYTES, middle) <= 0) {
    memory.copy(to, from, end - from);
    return;
  }
  while (from < middle && other < end) {
    // Which of the two comes cannot be foreseen: so nothing is jumped over but the rare tie.
    const x = load<u64>(from);
    const y = load<u64>(other);
    const isFirst = x == y ? compareRest(from, other) <= 0 : x < y;
    copyItem(to, isFirst ? from : other);
    const step = isFirst ? ITEM_BYTES : 0;
    from += step;
    other += ITEM_BYTES - step;
    to += ITEM_BYTES;
  }
  memory.copy(to, from, middle - from);
  memory.copy(to + (middle - from), other, end - other);
}

// --- Quicksort of a part ---

/** What of the result is wanted: the addresses of its first and last byte. */
let wantedFirst: usize = 0;
let wantedLast: usize = 0;
/** For merging what cannot be divided well. */
let mergeSpare: usize = 0;

const INSERTION_MAX: usize = 7;
const NINTHER_MIN: usize = 40;

/**
 * Sorts `count` records at `items` so far that those from index `first` to `last` are what they would be
 * if all were sorted. False when memory is exhausted; then nothing changed.
 */
export function trySortPart(
  items: usize,
  count: u32,
  first: u32,
  last: u32,
  by: u32,
  descend: bool,
): bool {
  order = by;
  descending = descend;
  wantedFirst = items + <usize>first * ITEM_BYTES;
  wantedLast = items + (<usize>last + 1) * ITEM_BYTES - 1;
  const spare = tryAlloc(<usize>count * ITEM_BYTES);
  if (spare == 0) return false;
  mergeSpare = spare;
  const end = items + <usize>count * ITEM_BYTES;
  makeKeys(items, end);
  // Each division that goes well leaves three quarters of the records at most.
  divide(items, count, (32 - clz(count)) * 3);
  dropKeys(items, end);
  free(spare);
  return true;
}

/** Whether the records in `bytes` from an address on have a part of what is wanted. */
function isWanted(from: usize, bytes: usize): bool {
  return wantedFirst < from + bytes && wantedLast >= from;
}

function median(a: usize, b: usize, c: usize): usize {
  if (compare(a, b) < 0) {
    if (compare(b, c) < 0) return b;
    return compare(a, c) < 0 ? c : a;
  }
  if (compare(b, c) > 0) return b;
  return compare(a, c) < 0 ? a : c;
}

function pivot(from: usize, count: usize): usize {
  let middle = from + (count >> 1) * ITEM_BYTES;
  if (count <= INSERTION_MAX) return middle;
  let low = from;
  let high = from + (count - 1) * ITEM_BYTES;
  if (count > NINTHER_MIN) {
    const step = (count >> 3) * ITEM_BYTES;
    low = median(low, low + step, low + 2 * step);
    middle = median(middle - step, middle, middle + step);
    high = median(high - 2 * step, high - step, high);
  }
  return median(low, middle, high);
}

/** Sorts what is wanted of `count` records by dividing them, `depth` times at most. */
function divide(from: usize, count: usize, depth: u32): void {
  while (true) {
    const end = from + count * ITEM_BYTES;
    if (count < INSERTION_MAX) {
      insertionSort(from, end);
      return;
    }
    if (depth == 0) {
      mergeSort(from, end - from, mergeSpare);
      return;
    }
    depth -= 1;
    partition(from, count);
    if (lowBytes > ITEM_BYTES && isWanted(from, lowBytes)) {
      const high = highBytes;
      divide(from, lowBytes / ITEM_BYTES, depth);
      highBytes = high;
    }
    if (highBytes <= ITEM_BYTES || !isWanted(end - highBytes, highBytes)) return;
    from = end - highBytes;
    count = highBytes / ITEM_BYTES;
  }
}

/** How much the last `partition` found to be below its pivot, and above it. */
let lowBytes: usize = 0;
let highBytes: usize = 0;

/** Puts what is below a pivot first, then what is equal to it, then what is above. */
function partition(from: usize, count: usize): void {
  const end = from + count * ITEM_BYTES;
  swapItems(from, pivot(from, count));
  let equalEnd = from + ITEM_BYTES; // equal ones gather at both ends
  let low = equalEnd;
  let high = end - ITEM_BYTES;
  let equalStart = high;
  while (true) {
    while (low <= high) {
      const result = compare(low, from);
      if (result > 0) break;
      if (result == 0) {
        swapItems(equalEnd, low);
        equalEnd += ITEM_BYTES;
      }
      low += ITEM_BYTES;
    }
    while (low <= high) {
      const result = compare(high, from);
      if (result < 0) break;
      if (result == 0) {
        swapItems(high, equalStart);
        equalStart -= ITEM_BYTES;
      }
      high -= ITEM_BYTES;
    }
    if (low > high) break;
    swapItems(low, high);
    low += ITEM_BYTES;
    high -= ITEM_BYTES;
  }
  const before = min(equalEnd - from, low - equalEnd);
  swapRuns(from, low - before, before);
  const behind = min(equalStart - high, end - equalStart - ITEM_BYTES);
  swapRuns(low, end - behind, behind);
  lowBytes = low - equalEnd;
  highBytes = equalStart - high;
}
