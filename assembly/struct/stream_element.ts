// Elements of a stream's node: those of a listpack, or the same without their backlens (stream_packed.ts).
//
// Finding an entry means passing over those before it, so the encodings that nearly all elements have are
// dealt with here, without a call. `back` is how many bytes of backlen short elements have: 1 in a listpack,
// 0 in a packed node.

import { lpDataBytes, lpGet, lpSkip, lpValueInt } from './listpack';

export class Element {
  /** The integer at `p`, where there is one. */
  @inline static integer(p: usize): i64 {
    const first: u32 = load<u8>(p);
    return first < 0x80 ? <i64>first : longInteger(p);
  }
  /** The address behind the element at `p`. */
  @inline static skip(p: usize, back: usize): usize {
    const first: u32 = load<u8>(p);
    if (first < 0x80) return p + 1 + back;
    return first < 0xc0 ? p + 1 + back + (first & 0x3f) : skipLong(p, back);
  }
}

function longInteger(p: usize): i64 {
  const first: u32 = load<u8>(p);
  assert(first >= 0xc0);
  if (first < 0xe0) return ((<i64>(((first & 0x1f) << 8) | load<u8>(p, 1))) << 51) >> 51;
  const string = lpGet(p);
  assert(string == 0);
  return lpValueInt;
}

function skipLong(p: usize, back: usize): usize {
  return back != 0 ? lpSkip(p) : p + lpDataBytes(p);
}

export function skipElements(p: usize, count: i64, back: usize): usize {
  for (let i = count; i > 0; i--) p = Element.skip(p, back);
  return p;
}
