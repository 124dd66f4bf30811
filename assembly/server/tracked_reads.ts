// What follows a command of a client that tracks keys: which ones it read, and the end of CLIENT CACHING.
// Keys are found from the command's record alone; what a command with an irregular syntax reads beyond
// its fixed keys is not known before it runs.

import {
  ARG_BYTES,
  CLIENT_MULTI,
  CLIENT_TRACKING_CACHING,
  CMD_PUBSUB,
  CMD_READONLY,
  KEYS_KEYNUM,
  KEYS_NONE,
  KEYS_STREAMS,
  RECORD_FLAGS,
  RECORD_KEY_KIND,
  RECORD_KEYNUM_INDEX,
  RECORD_PARENT,
} from '../abi';
import { noteRead, notesReads, trackingOverLimit } from '../client/tracking';
import { CMD_ID_CLIENT } from '../generated/command_table';
import { argHashAt } from '../resp/args';
import { Conn } from '../resp/connection';
import { equalsIgnoreCase } from '../util/bytes';
import { parseI64, parseI64Value } from '../util/number_parse';
import { KeyRange, Record } from './command_lookup';
import { refreshGuards } from './dispatch';

const STREAMS_WORD: usize = memory.data<u8>([115, 116, 114, 101, 97, 109, 115]);
const STREAMS_BYTES: u32 = 7;

function argPtr(argv: usize, i: u32): usize {
  return load<u32>(argv + i * ARG_BYTES);
}

function argLen(argv: usize, i: u32): u32 {
  return load<u32>(argv + i * ARG_BYTES, 4);
}

/** Notes the keys that a command which ran has read, if its client wants that. */
export function noteReads(c: Conn, id: u32, argv: usize, argc: u32): void {
  if (!notesReads(c)) return;
  const record = Record.at(id);
  const flags = load<u32>(record, RECORD_FLAGS);
  if ((flags & CMD_READONLY) == 0 || flags & CMD_PUBSUB) return;
  switch (<i32>load<u8>(record, RECORD_KEY_KIND)) {
    case KEYS_NONE:
      break;
    case KEYS_KEYNUM:
      noteCounted(c, record, argv, argc);
      break;
    case KEYS_STREAMS:
      noteStreams(c, argv, argc);
      break;
    default:
      noteFixed(c, record, argv, argc);
  }
}

function noteRange(c: Conn, argv: usize, first: u32, stop: u32, step: u32): void {
  for (let i = first; i < stop; i += step) {
    const hash = argHashAt(argv + i * ARG_BYTES);
    noteRead(c, argPtr(argv, i), argLen(argv, i), hash);
  }
}

function noteFixed(c: Conn, record: usize, argv: usize, argc: u32): void {
  const first = KeyRange.first(record);
  if (first != 0) noteRange(c, argv, first, KeyRange.stop(record, argc), KeyRange.step(record));
}

function noteCounted(c: Conn, record: usize, argv: usize, argc: u32): void {
  const at = <u32>load<u8>(record, RECORD_KEYNUM_INDEX);
  if (at >= argc || !parseI64(argPtr(argv, at), argLen(argv, at))) return;
  const count = parseI64Value;
  const first = KeyRange.first(record);
  const step = KeyRange.step(record);
  if (count < 1 || count > <i64>argc || first + (<u32>count - 1) * step >= argc) return;
  noteRange(c, argv, first, first + <u32>count * step, step);
}

function noteStreams(c: Conn, argv: usize, argc: u32): void {
  for (let i: u32 = 1; i + 1 < argc; i++) {
    if (argLen(argv, i) != STREAMS_BYTES) continue;
    if (!equalsIgnoreCase(argPtr(argv, i), STREAMS_BYTES, STREAMS_WORD)) continue;
    noteRange(c, argv, i + 1, i + 1 + ((argc - i - 1) >> 1), 1);
    return;
  }
}

/** CLIENT CACHING is about the command or transaction behind it. */
export function afterTracked(c: Conn): void {
  if (trackingOverLimit()) refreshGuards();
  if ((c.flags & (CLIENT_TRACKING_CACHING | CLIENT_MULTI)) != CLIENT_TRACKING_CACHING) return;
  const id = c.lastCommand;
  const isClientCommand =
    id != u32.MAX_VALUE &&
    (id == CMD_ID_CLIENT || <u32>load<u16>(Record.at(id), RECORD_PARENT) == CMD_ID_CLIENT);
  if (!isClientCommand) c.flags &= ~CLIENT_TRACKING_CACHING;
}
