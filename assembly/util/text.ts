// Literals as bytes. A literal is static UTF-16 data of ASCII characters, so nothing is allocated.

/** Writes a literal's characters at `out`, a byte each; returns the address behind them. */
export function putText(out: usize, text: string): usize {
  const len = <u32>text.length;
  const from = changetype<usize>(text);
  for (let i: u32 = 0; i < len; i++) store<u8>(out + i, load<u8>(from + (i << 1)));
  return out + len;
}
