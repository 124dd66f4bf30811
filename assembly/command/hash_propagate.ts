// What commands on several fields of a hash did, for the stream of changes: each field may have met another
// fate, so runs of arguments with the same one become commands of their own, in the order of the fields.
//
//   HEXPIRE k 10 FIELDS 3 a b c  (b is not there)  ->  HPEXPIREAT k ms FIELDS 1 a, HPEXPIREAT k ms FIELDS 1 c

import { opInt, opText, replaceCommand } from '../keyspace/propagation';
import { commandOp, opArg, opArgs } from '../resp/propagate';
import { fieldExpireAtMs } from './hash_field_args';

/** What happened to a field. */
export const FATE_NONE: u32 = 0;
export const FATE_DELETED: u32 = 1;
/** It expires at `fieldExpireAtMs`. */
export const FATE_EXPIRES: u32 = 2;
export const FATE_PERSISTS: u32 = 3;

let fate: u32 = FATE_NONE;
let first: u32 = 0; // argument that begins the run

/** To be called before the first field of a command that is written field by field. */
export function fieldsBegin(): void {
  replaceCommand();
  fate = FATE_NONE;
}

/** The field in argument `i` met a fate; fields come one after another. */
export function fieldMet(i: u32, what: u32): void {
  if (what == fate) return;
  fieldsEnd(i);
  fate = what;
  first = i;
}

/** The fields end before argument `end`. */
export function fieldsEnd(end: u32): void {
  if (fate == FATE_DELETED) propagateDeletedFields(first, end, 1);
  else if (fate != FATE_NONE) {
    const count = end - first;
    const expires = fate == FATE_EXPIRES;
    commandOp(expires ? 'HPEXPIREAT' : 'HPERSIST', count + (expires ? 5 : 4));
    opArg(1);
    if (expires) opInt(fieldExpireAtMs);
    opText('FIELDS');
    opInt(count);
    opArgs(first, end);
  }
  fate = FATE_NONE;
}

/** The fields in every `step`th argument from `from` up to `end` were deleted. */
export function propagateDeletedFields(from: u32, end: u32, step: u32): void {
  commandOp('HDEL', 2 + (end - from + step - 1) / step);
  opArg(1);
  for (let i = from; i < end; i += step) opArg(i);
}
