// SHA-1 of a run of bytes.
//
//   message | 0x80 | zeros | bit length u64, big-endian      padded to a multiple of 64 bytes
//
// Whole blocks are read where they lie; only the end, one or two blocks with the padding, is
// copied. O(len). Source: FIPS 180-4. For naming things, not for secrets: collisions can be made.

/** Bytes of a digest. */
export const SHA1_BYTES: u32 = 20;

const BLOCK_BYTES: u32 = 64;
const LENGTH_BYTES: u32 = 8;
const ROUNDS: u32 = 80;

const schedule: usize = memory.data(320, 8); // u32 per round
const tail: usize = memory.data(128, 8);

let h0: u32 = 0;
let h1: u32 = 0;
let h2: u32 = 0;
let h3: u32 = 0;
let h4: u32 = 0;

/** Writes the digest of `len` bytes at `ptr` to `out`, which may lie in the message. */
export function sha1(ptr: usize, len: u32, out: usize): void {
  h0 = 0x67452301;
  h1 = 0xefcdab89;
  h2 = 0x98badcfe;
  h3 = 0x10325476;
  h4 = 0xc3d2e1f0;
  const whole = len & ~(BLOCK_BYTES - 1);
  for (let at: u32 = 0; at < whole; at += BLOCK_BYTES) addBlock(ptr + at);
  addTail(ptr + whole, len - whole, len);
  store<u32>(out, bswap(h0));
  store<u32>(out, bswap(h1), 4);
  store<u32>(out, bswap(h2), 8);
  store<u32>(out, bswap(h3), 12);
  store<u32>(out, bswap(h4), 16);
}

/** The last `rest` bytes with the padding. `len` is the length of the whole message. */
function addTail(ptr: usize, rest: u32, len: u32): void {
  memory.copy(tail, ptr, rest);
  store<u8>(tail + rest, 0x80);
  const end = rest + 1 + LENGTH_BYTES > BLOCK_BYTES ? BLOCK_BYTES * 2 : BLOCK_BYTES;
  memory.fill(tail + rest + 1, 0, end - rest - 1);
  store<u64>(tail + end - LENGTH_BYTES, bswap((<u64>len) << 3));
  addBlock(tail);
  if (end > BLOCK_BYTES) addBlock(tail + BLOCK_BYTES);
}

function word(i: u32): u32 {
  return load<u32>(schedule + (i << 2));
}

function addBlock(block: usize): void {
  for (let i: u32 = 0; i < 16; i++) {
    store<u32>(schedule + (i << 2), bswap(load<u32>(block + (i << 2))));
  }
  for (let i: u32 = 16; i < ROUNDS; i++) {
    const mixed = word(i - 3) ^ word(i - 8) ^ word(i - 14) ^ word(i - 16);
    store<u32>(schedule + (i << 2), rotl(mixed, 1));
  }
  let a = h0;
  let b = h1;
  let c = h2;
  let d = h3;
  let e = h4;
  for (let i: u32 = 0; i < ROUNDS; i++) {
    let f: u32;
    if (i < 20) f = ((b & c) | (~b & d)) + 0x5a827999;
    else if (i < 40) f = (b ^ c ^ d) + 0x6ed9eba1;
    else if (i < 60) f = ((b & c) | (b & d) | (c & d)) + 0x8f1bbcdc;
    else f = (b ^ c ^ d) + 0xca62c1d6;
    const next = rotl(a, 5) + f + e + word(i);
    e = d;
    d = c;
    c = rotl(b, 30);
    b = a;
    a = next;
  }
  h0 += a;
  h1 += b;
  h2 += c;
  h3 += d;
  h4 += e;
}
