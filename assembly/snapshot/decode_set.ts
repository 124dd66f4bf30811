// Reading sets: see decode.ts.

import { CFG_SET_INTSET_ENTRIES, RDB_FAULT_SET_DUPLICATE } from '../abi';
import {
  ENCODING_HASHTABLE,
  ENCODING_INTSET,
  ENCODING_LISTPACK,
  TYPE_SET,
} from '../keyspace/entry';
import {
  SET_ADDED,
  SET_NO_MEMORY,
  setExpect,
  setSize,
  trySetAdd,
  trySetNew,
} from '../keyspace/set_value';
import { Settings } from '../keyspace/settings';
import { intsetValidate } from '../struct/intset';
import { lpLength, lpValidate } from '../struct/listpack';
import { Decoder, STAGE_ELEMENTS, STAGE_HEAD } from './decoder';
import { RDB_SET_INTSET } from './format';
import {
  FAULT_CORRUPT,
  FAULT_EMPTY,
  FAULT_MEMORY,
  FAULT_NONE,
  fail,
  failAs,
  inputFault,
  inputMark,
  itemString,
  nameString,
  plausible,
  readCount,
  readString,
  takeString,
} from './rdb_input';
import { hasUniqueNames } from './unique';

/** RDB_SET */
export function decodeSet(d: Decoder): void {
  if (d.stage == STAGE_HEAD) {
    d.rest = readCount();
    if (inputFault != FAULT_NONE) return;
    d.type = TYPE_SET;
    const many = <i64>d.rest > Settings.get(CFG_SET_INTSET_ENTRIES);
    const encoding = many ? ENCODING_HASHTABLE : ENCODING_INTSET;
    if (!trySetNew(d.set(), encoding, plausible(d.rest, 1))) {
      fail(FAULT_MEMORY);
      return;
    }
    d.stage = STAGE_ELEMENTS;
    inputMark();
  }
  while (d.rest != 0) {
    readString(nameString);
    if (inputFault != FAULT_NONE) return;
    const came = trySetAdd(d.set(), nameString.ptr, nameString.len);
    if (came == SET_NO_MEMORY) fail(FAULT_MEMORY);
    else if (came != SET_ADDED) failAs(RDB_FAULT_SET_DUPLICATE);
    if (inputFault != FAULT_NONE) return;
    d.rest -= 1;
    // It would become a hash table in the end: sooner spares searching a long listpack.
    if (d.encoding == ENCODING_LISTPACK) setExpect(d.set(), plausible(d.rest, 1));
    inputMark();
  }
}

/** RDB_SET_INTSET, RDB_SET_LISTPACK */
export function decodeSetBlock(d: Decoder): void {
  readString(itemString);
  if (inputFault != FAULT_NONE) return;
  const ptr = itemString.ptr;
  const isIntset = d.rdbType == RDB_SET_INTSET;
  if (isIntset ? !intsetValidate(ptr, itemString.len, true) : !isListpack(ptr, itemString.len)) {
    fail(FAULT_CORRUPT);
    return;
  }
  d.type = TYPE_SET;
  d.encoding = isIntset ? ENCODING_INTSET : ENCODING_LISTPACK;
  d.block = takeString(itemString);
  if (d.block == 0) return;
  // Above the limits it becomes a hash table, unless there is no memory for that.
  setExpect(d.set(), setSize(d.set()));
}

/** Whether bytes are a listpack of different members. */
function isListpack(ptr: usize, len: u32): bool {
  if (!lpValidate(ptr, len, true)) return false;
  if (lpLength(ptr) == 0) fail(FAULT_EMPTY);
  return inputFault == FAULT_NONE && hasUniqueNames(ptr, 1);
}
