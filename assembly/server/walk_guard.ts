// Commands while a walk over the keyspace is under way (snapshot/walk.ts): those that write have what they
// look up written first, and wait when that would take long.

import {
  ARG_BYTES,
  CMD_MAY_REPLICATE,
  CMD_PUBSUB,
  CMD_WRITE,
  KEYS_RANGE,
  RECORD_KEY_KIND,
} from '../abi';
import { CMD_ID_DEL, CMD_ID_UNLINK } from '../generated/command_table';
import { db } from '../keyspace/db';
import { tableFind } from '../keyspace/key_table';
import { setPreserves } from '../keyspace/preserve';
import { argc, argHashAt, argv } from '../resp/args';
import { walkHolds, walkIsBehind } from '../snapshot/walk';
import { commandFlags, KeyRange, Record } from './command_lookup';

/** Flags of commands that may change values; some of them only what Redis does not call data. */
const WRITES: u32 = CMD_WRITE | CMD_MAY_REPLICATE;

/** Commands that only remove keys: what they remove is kept until it is written. */
function onlyRemoves(id: u32): bool {
  return id == CMD_ID_DEL || id == CMD_ID_UNLINK;
}

/**
 * Prepares for the running command: false when it has to wait. To be called again for each command that
 * runs while a walk is under way, also for those that only read.
 */
export function tryRunDuringWalk(id: u32, flags: u32): bool {
  if (flags & WRITES && mustWaitForWalk(id, flags)) return false;
  setPreserves(changesInPlace(id, flags));
  return true;
}

/** The same for one that does not wait, however long its keys take: it is part of what runs already. */
export function preserveFor(id: u32): void {
  setPreserves(changesInPlace(id, commandFlags(id)));
}

function changesInPlace(id: u32, flags: u32): bool {
  return (flags & WRITES) != 0 && !onlyRemoves(id);
}

/**
 * Whether the running command, one of `WRITES`, has to wait: for a big value among its keys, or until
 * what was written early is taken. Keys that are not at fixed places are not looked at: such a command
 * does not wait, it takes the time.
 */
function mustWaitForWalk(id: u32, flags: u32): bool {
  if (flags & CMD_PUBSUB) return false;
  if (walkIsBehind()) return true;
  const record = Record.at(id);
  if (load<u8>(record, RECORD_KEY_KIND) != KEYS_RANGE || onlyRemoves(id)) return false;
  const step = KeyRange.step(record);
  const stop = KeyRange.stop(record, argc);
  let waits = false;
  for (let i = KeyRange.first(record); i < stop; i += step) {
    const at = argv + i * ARG_BYTES;
    const e = tableFind(db, load<u32>(at), load<u32>(at, 4), argHashAt(at));
    if (e != 0 && walkHolds(db, e)) waits = true;
  }
  return waits;
}
