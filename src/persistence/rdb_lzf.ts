// Strings compressed with LZF, as the names of keys may be in RDB files.
//
//   000LLLLL                            L + 1 bytes follow as they are
//   LLLHHHHH [more length] LLLLLLLL     L + 2 bytes (L 7: plus the byte behind) from so far back + 1

/** The first `wanted` bytes of the text; undefined when the data are not LZF of so many bytes. */
export function lzfText(data: Uint8Array, wanted: number): Buffer | undefined {
  const text = Buffer.alloc(wanted);
  let from = 0;
  let to = 0;
  while (to < wanted) {
    if (from >= data.length) return undefined;
    const control = data[from++]!;
    if (control < 32) {
      const count = Math.min(control + 1, wanted - to);
      if (from + count > data.length) return undefined;
      text.set(data.subarray(from, from + count), to);
      from += control + 1;
      to += count;
      continue;
    }
    let count = control >> 5;
    if (count === 7) count += data[from++] ?? 0;
    const back = ((control & 0x1f) << 8) + (data[from++] ?? 0) + 1;
    if (back > to) return undefined;
    // Byte by byte: what is copied may reach into what is being written.
    for (let left = Math.min(count + 2, wanted - to); left > 0; left--, to++) {
      text[to] = text[to - back]!;
    }
  }
  return text;
}
