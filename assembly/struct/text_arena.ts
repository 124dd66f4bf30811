// Copies of texts that are needed until a command ends, and then go all at once.
//
//   chunk   | next chunk u32 | texts, one after the other ...
//
// A text never moves. Adding is O(len), freeing O(chunks).

import { free, tryAlloc, usableSize } from '../memory/alloc';
import { copySmall } from '../util/bytes';

const CHUNK_HEADER_BYTES: usize = 4;
/** Chunks double up to the larger of these sizes; one for a single longer text has its size. */
const CHUNK_MIN_BYTES: usize = 1024;
const CHUNK_MAX_BYTES: usize = 262144;

let chunk: usize = 0;
let unused: usize = 0;
let end: usize = 0;
let nextBytes: usize = CHUNK_MIN_BYTES;

/** The address of a copy, which is never 0; or 0 when memory is exhausted. */
export function tryArenaCopy(ptr: usize, len: u32): usize {
  const at = tryArenaRoom(len);
  if (at != 0) copySmall(at, ptr, len);
  return at;
}

/** The address of `len` bytes to be filled, which is never 0; or 0 when memory is exhausted. */
export function tryArenaRoom(len: u32): usize {
  if (chunk == 0 || len > <u32>(end - unused)) {
    if (!tryAddChunk(len)) return 0;
  }
  const at = unused;
  unused += len;
  return at;
}

function tryAddChunk(len: u32): bool {
  const least = CHUNK_HEADER_BYTES + <usize>len;
  if (least < <usize>len) return false;
  let added = tryAlloc(max(nextBytes, least));
  if (added == 0) added = tryAlloc(least);
  if (added == 0) return false;
  store<u32>(added, <u32>chunk);
  chunk = added;
  unused = added + CHUNK_HEADER_BYTES;
  end = added + usableSize(added);
  nextBytes = min(nextBytes << 1, CHUNK_MAX_BYTES);
  return true;
}

/** Frees all texts. */
export function arenaFree(): void {
  while (chunk != 0) {
    const next: usize = load<u32>(chunk);
    free(chunk);
    chunk = next;
  }
  unused = 0;
  end = 0;
  nextBytes = CHUNK_MIN_BYTES;
}
