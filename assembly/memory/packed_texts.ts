// Literals of the module for browsers, which have to come over the network: the build takes them out of static
// data, where a literal is a header and UTF-16, and puts their characters one after the other behind it
// (src/build/pack_texts.mjs). Here they go back to where they belong, before anything reads one.
//
//   | static data, literals empty | count u32 | gap, length, characters | gap, length ... |
//                                 ^ the page where the heap will begin
//
//   gap     from the end of the literal before to the start of this one, in units of 4 bytes
//   length  in characters; both as LEB128
//
// Of a header only the length is put back, since nothing else is ever read. Where there is nothing behind
// static data nothing was packed.

import { PAGE_BYTES } from './pages';

let at: usize = 0;

function readNumber(): u32 {
  let value: u32 = 0;
  let shift: u32 = 0;
  let byte: u32;
  do {
    byte = load<u8>(at);
    at += 1;
    value |= (byte & 127) << shift;
    shift += 7;
  } while (byte > 127);
  return value;
}

/** Puts the literals in their places, and leaves zeros where they were. */
export function unpackTexts(): void {
  const begin = (__heap_base + PAGE_BYTES - 1) & ~(<usize>PAGE_BYTES - 1);
  if (<usize>memory.size() * PAGE_BYTES <= begin) return;
  at = begin + 4;
  let out: usize = 0;
  for (let left = load<u32>(begin); left > 0; left--) {
    out += (<usize>readNumber()) << 2;
    const length = readNumber();
    store<u32>(out - 4, length << 1);
    for (let i: u32 = 0; i < length; i++) {
      store<u16>(out, load<u8>(at + i));
      out += 2;
    }
    at += length;
    out = (out + 3) & ~3;
  }
  memory.fill(begin, 0, at - begin);
}
