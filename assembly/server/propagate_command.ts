// What a command that ran leaves in the stream of changes: nothing when it changed nothing, what its handler
// wrote, or itself.
//
// A command that lies in the input as Redis would write it is copied whole. Clients may write a number or a
// line end in another way and have it accepted; so all of them are looked at.

import { STAT_DIRTY } from '../abi';
import { dispatchCommand } from '../generated/command_table';
import { db } from '../keyspace/db';
import {
  commandDone,
  commandForced,
  commandReplaced,
  opHeadBytes,
  opRaw,
  opStart,
  unitEnd,
} from '../keyspace/propagation';
import { Stats } from '../keyspace/stats';
import { Arg, argc } from '../resp/args';
import { opArgs } from '../resp/propagate';
import { ASTERISK, CRLF } from '../util/resp_head';

/** Runs a handler, whose command's arguments are set, and writes what it changed; see `propagateCommand`. */
export function dispatchPropagating(id: u32, start: usize): void {
  const dirty = Stats.get(STAT_DIRTY);
  dispatchCommand(id);
  propagateCommand(dirty, start);
}

/**
 * The running command, whose arguments are set, was executed: `dirty` is STAT_DIRTY before it. `start`:
 * where it begins in the input, 0 when its arguments are copies.
 */
function propagateCommand(dirty: f64, start: usize): void {
  if ((Stats.get(STAT_DIRTY) != dirty || commandForced) && !commandReplaced) {
    const len = start != 0 ? canonicalBytes(start) : 0;
    if (len != 0) opRaw(db.id, start, len);
    else {
      opStart(db.id, argc);
      opArgs(0, argc);
    }
  }
  commandDone();
  unitEnd();
}

/** Bytes of the running command at `start` if it lies there as Redis would write it, else 0. */
function canonicalBytes(start: usize): usize {
  if (load<u8>(start) != ASTERISK) return 0;
  let end = start + opHeadBytes(argc);
  if (load<u16>(end - 2) != CRLF) return 0;
  for (let i: u32 = 0; i < argc; i++) {
    const ptr = Arg.ptr(i);
    const len = Arg.len(i);
    // The number before it is the length, so that as many digits are the same digits.
    if (ptr != end + opHeadBytes(len)) return 0;
    end = ptr + len + 2;
    if (load<u16>(ptr - 2) != CRLF || load<u16>(end - 2) != CRLF) return 0;
  }
  return end - start;
}
