// Commands while a walk over the keyspace is under way (snapshot/walk.ts): those that write have what they
// look up written first, and wait when that would take long.

import {
  ARG_BYTES,
  CMD_MAY_REPLICATE,
  CMD_PUBSUB,
  CMD_WRITE,
  KEYS_RANGE,
  RECORD_FIRST_KEY,
  RECORD_KEY_KIND,
  RECORD_KEY_STEP,
  RECORD_LAST_KEY,
} from '../abi';
import { CMD_ID_DEL, CMD_ID_UNLINK, dispatchCommand } from '../generated/command_table';
import { db } from '../keyspace/db';
import { tableFind } from '../keyspace/key_table';
import { setPreserves, walking } from '../keyspace/preserve';
import { argc, argHashAt, argv } from '../resp/args';
import { walkHolds, walkIsBehind } from '../snapshot/walk';
import { commandFlags, Record } from './command_lookup';

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
  const writes = (flags & WRITES) != 0;
  if (writes && mustWaitForWalk(id)) return false;
  setPreserves(writes && !onlyRemoves(id));
  return true;
}

/** Runs the handler of a command that was not prepared for: it takes the time it needs. */
export function dispatchPreserving(id: u32): void {
  setPreserves(walking && (commandFlags(id) & WRITES) != 0 && !onlyRemoves(id));
  dispatchCommand(id);
  setPreserves(false);
}

/**
 * Whether the running command, one of `WRITES`, has to wait: for a big value among its keys, or until
 * what was written early is taken. Keys that are not at fixed places are not looked at: such a command
 * does not wait, it takes the time.
 */
function mustWaitForWalk(id: u32): bool {
  if (commandFlags(id) & CMD_PUBSUB) return false;
  if (walkIsBehind()) return true;
  const record = Record.at(id);
  if (load<u8>(record, RECORD_KEY_KIND) != KEYS_RANGE || onlyRemoves(id)) return false;
  const last = <i32>load<i8>(record, RECORD_LAST_KEY);
  const step = max<u32>(load<u8>(record, RECORD_KEY_STEP), 1);
  const stop = last < 0 ? <i32>argc + last : min(last, <i32>argc - 1);
  let waits = false;
  for (let i: u32 = load<u8>(record, RECORD_FIRST_KEY); <i32>i <= stop; i += step) {
    const at = argv + i * ARG_BYTES;
    const e = tableFind(db, load<u32>(at), load<u32>(at, 4), argHashAt(at));
    if (e != 0 && walkHolds(db, e)) waits = true;
  }
  return waits;
}
