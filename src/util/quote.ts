// Bytes between double quotes as Redis prints them: \" \\ \n \r \t \a \b, \xNN for what is not
// printable ASCII.

const ESCAPES: Readonly<Record<number, string>> = {
  7: '\\a',
  8: '\\b',
  9: '\\t',
  10: '\\n',
  13: '\\r',
  34: '\\"',
  92: '\\\\',
};

export function quoteBytes(bytes: Uint8Array): string {
  let text = '"';
  for (const byte of bytes) {
    const isPrintable = byte >= 32 && byte < 127;
    text +=
      ESCAPES[byte] ??
      (isPrintable ? String.fromCharCode(byte) : `\\x${byte.toString(16).padStart(2, '0')}`);
  }
  return `${text}"`;
}
