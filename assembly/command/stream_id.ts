// Stream ids among arguments and in replies.
//
//   ms-seq       both unsigned 64-bit numbers, as strtoull reads them
//   ms           the sequence that is left out is the caller's choice
//   ms-*         for XADD: the next sequence
//   - and +      the smallest and the largest id, in ranges
//   (id          in ranges: without this one
//
// Redis reads ids as strings of C, so that what follows a zero byte does not count.

import { Arg } from '../resp/args';
import { replyError } from '../resp/errors';
import { replyBulk } from '../resp/writer';
import { idMs, idSeq, streamDecrId, streamIncrId } from '../struct/stream_nodes';
import { findByte } from '../util/bytes';
import { formatU64 } from '../util/number_format';
import { parseU64, parseU64Value } from '../util/number_parse';

const ID_MAX_CHARS: u32 = 127;
const ASCII_MINUS: u8 = 45;
const ASCII_PLUS: u32 = 43;
const ASCII_STAR: u32 = 42;
const ASCII_PAREN: u32 = 40;

const ERR_INVALID_ID: string = 'ERR Invalid stream ID specified as stream command argument';

/** The id that the last successful function of this file read. */
export let argMs: u64 = 0;
export let argSeq: u64 = 0;
/** Whether its sequence was "*". */
export let argSeqIsStar: bool = false;

/** Whether argument `i` is this one character. */
export function argIsChar(i: u32, char: u32): bool {
  return Arg.len(i) == 1 && <u32>load<u8>(Arg.ptr(i)) == char;
}

/** Whether argument `i` is "*". */
export function argIsStar(i: u32): bool {
  return argIsChar(i, ASCII_STAR);
}

function tryParse(p: usize, len: u32, missingSeq: u64, mayStar: bool): bool {
  argSeqIsStar = false;
  if (len > ID_MAX_CHARS) return false;
  const zero = findByte(p, p + len, 0);
  const end = zero != 0 ? zero : p + len;
  const dash = findByte(p, end, ASCII_MINUS);
  const msEnd = dash != 0 ? dash : end;
  if (!parseU64(p, msEnd - p)) return false;
  argMs = parseU64Value;
  argSeq = missingSeq;
  if (dash == 0) return true;
  const seq = dash + 1;
  if (mayStar && end - seq == 1 && <u32>load<u8>(seq) == ASCII_STAR) {
    argSeqIsStar = true;
    argSeq = 0;
    return true;
  }
  if (!parseU64(seq, end - seq)) return false;
  argSeq = parseU64Value;
  return true;
}

/** Reads argument `i` as an id if it is one. */
export function argIsId(i: u32): bool {
  return tryParse(Arg.ptr(i), Arg.len(i), 0, false);
}

/** Reads the id in argument `i`. False after replying that it is none. */
export function argIdOrReply(i: u32): bool {
  if (argIsId(i)) return true;
  replyError(ERR_INVALID_ID);
  return false;
}

/** The same for an id that may be "ms-*". */
export function argNewIdOrReply(i: u32): bool {
  if (tryParse(Arg.ptr(i), Arg.len(i), 0, true)) return true;
  replyError(ERR_INVALID_ID);
  return false;
}

/** Reads argument `i`, which may also be "-" or "+"; `missingSeq` is the sequence if it has none. */
export function argAnyIdOrReply(i: u32, missingSeq: u64): bool {
  const p = Arg.ptr(i);
  const len = Arg.len(i);
  const alone = len == 1 || (len > 1 && len <= ID_MAX_CHARS && load<u8>(p, 1) == 0);
  const first: u32 = alone ? load<u8>(p) : 0;
  if (first == ASCII_PLUS || first == <u32>ASCII_MINUS) {
    argMs = first == ASCII_PLUS ? u64.MAX_VALUE : 0;
    argSeq = argMs;
    return true;
  }
  if (tryParse(p, len, missingSeq, false)) return true;
  replyError(ERR_INVALID_ID);
  return false;
}

/** Reads one end of a range, `isStart` or not. False after an error reply. */
export function argRangeIdOrReply(i: u32, isStart: bool): bool {
  const p = Arg.ptr(i);
  const len = Arg.len(i);
  const missingSeq: u64 = isStart ? 0 : u64.MAX_VALUE;
  if (len < 2 || <u32>load<u8>(p) != ASCII_PAREN) return argAnyIdOrReply(i, missingSeq);
  if (!tryParse(p + 1, len - 1, missingSeq, false)) {
    replyError(ERR_INVALID_ID);
    return false;
  }
  const exists = isStart ? streamIncrId(argMs, argSeq) : streamDecrId(argMs, argSeq);
  if (!exists) {
    replyError(
      isStart ? 'ERR invalid start ID for the interval' : 'ERR invalid end ID for the interval',
    );
    return false;
  }
  argMs = idMs;
  argSeq = idSeq;
  return true;
}

/** Whether the arguments from `from` up to `to` are ids. False after an error reply. */
export function argIdsOrReply(from: u32, to: u32): bool {
  for (let i = from; i < to; i++) {
    if (!argIdOrReply(i)) return false;
  }
  return true;
}

/** Bytes that `formatStreamId` may write. */
export const STREAM_ID_CHARS: u32 = 48;

const idText: usize = memory.data(48, 8);

/** Writes an id as text and returns how many bytes it has. */
export function formatStreamId(ms: u64, seq: u64, out: usize): u32 {
  const len = formatU64(ms, out);
  store<u8>(out + len, ASCII_MINUS);
  return len + 1 + formatU64(seq, out + len + 1);
}

/** Replies with an id. */
export function replyStreamId(ms: u64, seq: u64): void {
  replyBulk(idText, formatStreamId(ms, seq, idText));
}
