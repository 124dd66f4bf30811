// Replay of an append-only file: what its commands replied errors to, for the host's log.
//
// A command of the file has run before, so an error means that file and data do not belong together.
// The replay goes on nevertheless, as Redis does it, and the host says what happened.
//
//   replayErrors() -> bytes u32 | lost u32 | records: command id u32 | length u32 | text, padded to 4
//
// The host takes the records after every piece of the file; when one piece has more errors than there
// is room for, the others are only counted.

import { REPLAY_ERRORS_BYTES, REPLAY_ERRORS_HEAD, REPLAY_ERRORS_LOST } from '../abi';
import { keptError, keptErrorLen } from '../resp/errors';

const CAPACITY: u32 = 16384;
const block: usize = memory.data(16392, 8);
const RECORD_HEAD: u32 = 8;

/** The command `id` has replied with an error. */
export function noteReplayError(id: u32): void {
  if (<u32>REPLAY_ERRORS_HEAD != 8) ERROR('block is CAPACITY and its head');
  const used = load<u32>(block, REPLAY_ERRORS_BYTES);
  const bytes = RECORD_HEAD + ((keptErrorLen + 3) & ~3);
  if (used + bytes > CAPACITY) {
    store<u32>(block, load<u32>(block, REPLAY_ERRORS_LOST) + 1, REPLAY_ERRORS_LOST);
    return;
  }
  const at = block + REPLAY_ERRORS_HEAD + used;
  store<u32>(at, id);
  store<u32>(at, keptErrorLen, 4);
  memory.copy(at + RECORD_HEAD, keptError, keptErrorLen);
  store<u32>(block, used + bytes, REPLAY_ERRORS_BYTES);
}

/** Address of the errors since the last `replayErrorsTaken`. */
export function replayErrorsBlock(): usize {
  return block;
}

export function replayErrorsClear(): void {
  store<u32>(block, 0, REPLAY_ERRORS_BYTES);
  store<u32>(block, 0, REPLAY_ERRORS_LOST);
}
