// Arguments of the running command: where handlers find what the client sent.
//
//   argv -> [ u32 pointer, u32 length, u64 hash ] per argument, the command's name first
//
// Pointers lead into the input region or the connection's query buffer; the bytes stay put until the
// command is done, and no handler writes to them. The hash is filled in when the argument is first
// used as a key (by the touching stage, mostly) and kept, so a key is hashed once.

import { ARG_BYTES } from '../abi';
import { hashBytes } from '../util/siphash';

const ARG_LEN: usize = 4;
const ARG_HASH: usize = 8;
const ARG_SHIFT: u32 = 4;

export let argc: u32 = 0;
export let argv: usize = 0;

export function setArgs(count: u32, at: usize): void {
  if (ARG_BYTES != 1 << ARG_SHIFT) ERROR('ARG_BYTES');
  argc = count;
  argv = at;
}

export class Arg {
  @inline static ptr(i: u32): usize {
    return load<u32>(argv + (i << ARG_SHIFT));
  }
  @inline static len(i: u32): u32 {
    return load<u32>(argv + (i << ARG_SHIFT), ARG_LEN);
  }
  /** Hash of argument `i` as a key; 0 is stored for "not computed", which costs a rare recount. */
  @inline static hash(i: u32): u64 {
    return argHashAt(argv + (i << ARG_SHIFT));
  }
}

/** The hash of the argument record at `at`, computed on first use. */
export function argHashAt(at: usize): u64 {
  let hash = load<u64>(at, ARG_HASH);
  if (hash == 0) {
    hash = hashBytes(load<u32>(at), load<u32>(at, ARG_LEN));
    store<u64>(at, hash, ARG_HASH);
  }
  return hash;
}

export function setArgRecord(at: usize, ptr: usize, len: u32): void {
  store<u32>(at, <u32>ptr);
  store<u32>(at, len, ARG_LEN);
  store<u64>(at, 0, ARG_HASH);
}

/** Makes `at` a record of argument `i` whose bytes have been copied to `ptr`. */
export function copyArgRecord(at: usize, i: u32, ptr: usize): void {
  store<u32>(at, <u32>ptr);
  store<u32>(at, Arg.len(i), ARG_LEN);
  store<u64>(at, load<u64>(argv + (i << ARG_SHIFT), ARG_HASH), ARG_HASH);
}

/**
 * Whether argument `i` is this option word, in any case. `lower` is a literal in lower case.
 * Literals are static UTF-16 data, so nothing is allocated.
 */
export function argIs(i: u32, lower: string): bool {
  const len = Arg.len(i);
  if (len != <u32>lower.length) return false;
  const ptr = Arg.ptr(i);
  const word = changetype<usize>(lower);
  for (let k: u32 = 0; k < len; k++) {
    let byte: u32 = load<u8>(ptr + k);
    if (byte - 65 < 26) byte |= 32;
    if (byte != <u32>load<u16>(word + (k << 1))) return false;
  }
  return true;
}

const REDACTED_BYTES: u32 = 10;
/** "(redacted)" */
const REDACTED: usize = memory.data<u8>([40, 114, 101, 100, 97, 99, 116, 101, 100, 41]);

/** Blacks out an argument: MONITOR and SLOWLOG, which look once the command ran, must not show it. */
export function redactArg(i: u32): void {
  assert(i < argc);
  setArgRecord(argv + (i << ARG_SHIFT), REDACTED, REDACTED_BYTES);
}
