// Whether a listpack of foreign bytes holds a name twice: a small hash table of element offsets.
//
// Elements are equal when they are as text, so "12" and 12 are, in whatever way they are encoded.
// O(bytes). The hash is keyed, so payloads cannot be made to take longer.

import { free, tryAlloc } from '../memory/alloc';
import {
  LP_EOF,
  LP_HDR_SIZE,
  LP_INT_CHARS,
  lpCompare,
  lpGetText,
  lpLength,
  lpSkip,
  lpValueLen,
} from '../struct/listpack';
import { hashBytes } from '../util/siphash';
import { FAULT_CORRUPT, FAULT_MEMORY, fail } from './rdb_input';

const OWN_SLOTS: u32 = 2048;
const ownSlots: usize = memory.data(8192, 8);
const digits: usize = memory.data(<i32>LP_INT_CHARS, 8);

/** Whether every `stride`th element is a name that comes once. If not, a fault is set. */
export function hasUniqueNames(lp: usize, stride: u32): bool {
  if (OWN_SLOTS * 4 != 8192) ERROR('ownSlots');
  const names = lpLength(lp) / stride;
  let slots: u32 = 8;
  while (slots < names << 1) slots <<= 1;
  let table = ownSlots;
  if (slots > OWN_SLOTS) {
    table = tryAlloc((<usize>slots) << 2);
    if (table == 0) {
      fail(FAULT_MEMORY);
      return false;
    }
  }
  memory.fill(table, 0, (<usize>slots) << 2);
  const unique = fileNames(lp, stride, table, slots - 1);
  if (table != ownSlots) free(table);
  if (!unique) fail(FAULT_CORRUPT);
  return unique;
}

function fileNames(lp: usize, stride: u32, table: usize, mask: u32): bool {
  let p = lp + LP_HDR_SIZE;
  while (<u32>load<u8>(p) != LP_EOF) {
    const text = lpGetText(p, digits);
    const len = lpValueLen;
    let slot = <u32>hashBytes(text, len) & mask;
    let offset = load<u32>(table + (slot << 2));
    while (offset != 0) {
      if (lpCompare(lp + offset, text, len)) return false;
      slot = (slot + 1) & mask;
      offset = load<u32>(table + (slot << 2));
    }
    store<u32>(table + (slot << 2), <u32>(p - lp));
    for (let i: u32 = 0; i < stride; i++) p = lpSkip(p);
  }
  return true;
}
