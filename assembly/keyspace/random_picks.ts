// Picking some of many members at random without repetition, for SRANDMEMBER and HRANDFIELD.
//
// Two ways, both exactly uniform. Few of many: draw at random and remember what was drawn, as the
// members' addresses or positions, drawing again what comes twice (`picksBegin`, `tryPick`). Many, or
// no memory to remember: walk over all and take each with the probability of what is wanted over what
// is left (`takesNext`).

import {
  MEMBERS_PLAIN,
  MemberTable,
  MemberTablePtr,
  memberFindHashed,
  memberTableFree,
  tryMemberInsert,
  tryMemberTableNew,
} from '../struct/member_table';
import { randomBelow } from '../util/prng';
import { hashBytes } from '../util/siphash';

/** Drawing is worth while when there are so many times more members than are wanted. */
const DRAW_RATIO: u32 = 3;
const PICK_BYTES: u32 = 4;

export const PICK_NO_MEMORY: i32 = -1;
export const PICK_TWICE: i32 = 0;
export const PICK_NEW: i32 = 1;

let drawn: MemberTablePtr = 0;
const pick: usize = memory.data(8, 8);

/** Prepares to draw `count` of `size`. False when a walk is the better or the only way. */
export function picksBegin(count: u32, size: u32): bool {
  if (<u64>count * DRAW_RATIO > size) return false;
  drawn = tryMemberTableNew(MEMBERS_PLAIN, count);
  return drawn != 0;
}

/** Notes that `id` was drawn: PICK_NEW, PICK_TWICE, PICK_NO_MEMORY. */
export function tryPick(id: u32): i32 {
  store<u32>(pick, id);
  const hash = hashBytes(pick, PICK_BYTES);
  const table = changetype<MemberTable>(drawn);
  if (memberFindHashed(table, pick, PICK_BYTES, hash) != 0) return PICK_TWICE;
  return tryMemberInsert(table, pick, PICK_BYTES, hash) != 0 ? PICK_NEW : PICK_NO_MEMORY;
}

/** Forgets what was drawn. */
export function picksEnd(): void {
  memberTableFree(drawn);
  drawn = 0;
}

/** Whether to take the next member when `wanted` are to come from the `left` not yet seen. */
export function takesNext(wanted: u32, left: u32): bool {
  return randomBelow(left) < wanted;
}
