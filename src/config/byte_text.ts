// Byte strings: JavaScript strings in which every character stands for one byte (0 to 255).
//
// Configuration text is bytes in Redis: a password or a path may hold any of them, `\xNN` escapes
// name single ones, and the file is rewritten without changing what was not understood. Keeping the
// bytes one per character makes that exact and still lets the code use string operations. The
// conversions happen at the edges: files and command arguments come in as bytes, values handed to
// the rest of the host go out as ordinary text.
//
// Case folding and white space follow the C locale, so only ASCII letters have a case.

const decoder = new TextDecoder();
const encoder = new TextEncoder();

/** How many characters one call of String.fromCharCode may take safely. */
const CHUNK_LENGTH = 8192;

export function bytesToByteText(bytes: Uint8Array): string {
  let text = '';
  for (let start = 0; start < bytes.length; start += CHUNK_LENGTH) {
    text += String.fromCharCode(...bytes.subarray(start, start + CHUNK_LENGTH));
  }
  return text;
}

export function byteTextToBytes(text: string): Uint8Array {
  const bytes = new Uint8Array(text.length);
  for (let i = 0; i < text.length; i++) bytes[i] = text.charCodeAt(i);
  return bytes;
}

/** Ordinary text as the bytes of its UTF-8 form. */
export function toByteText(text: string): string {
  return isAscii(text) ? text : bytesToByteText(encoder.encode(text));
}

/** The UTF-8 reading of the bytes; what is not valid UTF-8 becomes U+FFFD. */
export function fromByteText(text: string): string {
  return isAscii(text) ? text : decoder.decode(byteTextToBytes(text));
}

export function isAscii(text: string): boolean {
  for (let i = 0; i < text.length; i++) {
    if (text.charCodeAt(i) > 127) return false;
  }
  return true;
}

/** ASCII letters to lower case, everything else as it is. */
export function lowerCase(text: string): string {
  return text.replace(/[A-Z]+/g, (letters) => letters.toLowerCase());
}

export function equalsIgnoringCase(a: string, b: string): boolean {
  return a.length === b.length && lowerCase(a) === lowerCase(b);
}

/** The text up to its first NUL: what C's string functions see of it. */
export function cString(text: string): string {
  const end = text.indexOf('\0');
  return end < 0 ? text : text.slice(0, end);
}

/** isspace() of the C locale. */
export function isSpace(char: string | undefined): boolean {
  return char !== undefined && char.length === 1 && ' \t\n\v\f\r'.includes(char);
}

/** `text` without the leading and trailing characters that `characters` holds. */
export function trim(text: string, characters: string): string {
  let start = 0;
  let end = text.length;
  while (start < end && characters.includes(text[start]!)) start++;
  while (end > start && characters.includes(text[end - 1]!)) end--;
  return text.slice(start, end);
}
