// Heads of commands seen before: a pipeline repeats few of them, so most commands need no parsing up
// to their first argument and no look at the command table.
//
//   *3\r\n$3\r\nSET\r\n    the head: everything up to the first argument, at most HEAD_BYTES
//
// Sixteen bytes are compared at once, under a mask for shorter heads. The same bytes always parse
// alike, so a match needs no further check. One head per slot; the slot comes from three bytes that tell
// common heads apart. A container command is never kept: its id depends on its first argument.

const HEAD_BYTES: usize = 16;
const HEAD_MASK: usize = 16;
const HEAD_ID: usize = 32;
const HEAD_COUNT: usize = 36; // arguments, the name included
const HEAD_NAME_LEN: usize = 40;
const HEAD_LEN: usize = 44; // 0: slot empty
const HEAD_LONE_KEY: usize = 48; // its first argument is its only key: see touch.ts
const RECORD_SHIFT: u32 = 6;
const SLOT_COUNT: u32 = 32;

const heads: usize = memory.data(2048, 16);

export class KnownHead {
  @inline static at(start: usize): usize {
    // "*3\r\n$3\r\nSET": the count, the name's length, its first letter.
    const mixed =
      <u32>load<u8>(start, 1) * 3 + <u32>load<u8>(start, 5) * 5 + <u32>load<u8>(start, 8);
    return heads + ((<usize>(mixed & (SLOT_COUNT - 1))) << RECORD_SHIFT);
  }
  /** The head that the bytes at `start` begin with, or 0. HEAD_BYTES are read, `end` or not. */
  @inline static find(start: usize, end: usize): usize {
    const head = KnownHead.at(start);
    const bytes = v128.and(v128.load(start), v128.load(head, HEAD_MASK));
    if (v128.any_true(v128.xor(bytes, v128.load(head)))) return 0;
    const length = KnownHead.length(head);
    return length != 0 && end - start >= length ? head : 0;
  }
  @inline static id(head: usize): u32 {
    return load<u32>(head, HEAD_ID);
  }
  @inline static count(head: usize): u32 {
    return load<u32>(head, HEAD_COUNT);
  }
  @inline static nameLen(head: usize): u32 {
    return load<u32>(head, HEAD_NAME_LEN);
  }
  @inline static hasLoneKey(head: usize): bool {
    return load<u32>(head, HEAD_LONE_KEY) != 0;
  }
  @inline static length(head: usize): usize {
    return load<u32>(head, HEAD_LEN);
  }
}

/** Keeps the head of `length` bytes of the command at `start`, if it is short enough. */
export function keepHead(
  start: usize,
  length: usize,
  id: u32,
  count: u32,
  nameLen: u32,
  hasLoneKey: bool,
): void {
  if (length > HEAD_BYTES) return;
  const head = KnownHead.at(start);
  memory.fill(head, 0, 1 << RECORD_SHIFT);
  memory.copy(head, start, length);
  memory.fill(head + HEAD_MASK, 0xff, length);
  store<u32>(head, id, HEAD_ID);
  store<u32>(head, count, HEAD_COUNT);
  store<u32>(head, nameLen, HEAD_NAME_LEN);
  store<u32>(head, <u32>length, HEAD_LEN);
  store<u32>(head, <u32>hasLoneKey, HEAD_LONE_KEY);
}

/** To be called when names change their meaning. */
export function forgetHeads(): void {
  memory.fill(heads, 0, SLOT_COUNT << RECORD_SHIFT);
}
