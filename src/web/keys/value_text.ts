// Values as text that can be edited, and back to bytes.
//
// What is UTF-8 is shown as it is. Other bytes are shown as redis-cli shows them ("\xff"), and read back so; text
// with a carriage return, too, since a field of the page makes a line feed of it, and text that looks so itself.

import { quoteBytes } from '../../util/quote.ts';
import { quoteWord, splitWords } from '../terminal/split_words.ts';

const strict = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
const encoder = new TextEncoder();

export interface ValueText {
  readonly text: string;
  /** Whether the text is the bytes between quotes, with escapes. */
  readonly isQuoted: boolean;
}

/** The bytes as UTF-8; undefined when they are none. */
export function decodeText(bytes: Uint8Array): string | undefined {
  try {
    return strict.decode(bytes);
  } catch {
    return undefined;
  }
}

export function isEqual(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, i) => byte === b[i]);
}

export function toText(bytes: Uint8Array): ValueText {
  const text = decodeText(bytes);
  if (text === undefined) return { text: quoteBytes(bytes), isQuoted: true };
  if (text.includes('\r') || isQuotedBytes(text)) return { text: quoteWord(bytes), isQuoted: true };
  return { text, isQuoted: false };
}

/** Throws when a quoted text is not quoted as it has to be. */
export function fromText(text: string, isQuoted: boolean): Uint8Array {
  if (!isQuoted) return encoder.encode(text);
  const { words, fault } = splitWords(text);
  if (fault !== undefined || words.length !== 1) {
    throw new Error('Bytes that are not text are written between double quotes: "\\xff\\x00a"');
  }
  return words[0]!.bytes;
}

// --- One line ---

/** Whether it is bytes between quotes, and can be nothing else: JSON has no \x. */
function isQuotedBytes(text: string): boolean {
  // No pattern over the whole: it would look for an end that is not there from every \x on.
  const isBetweenQuotes = text.length > 1 && text.startsWith('"') && text.endsWith('"');
  if (!isBetweenQuotes || !/\\x[0-9a-f]{2}/i.test(text) || isJsonText(text)) return false;
  const { words, fault } = splitWords(text);
  return words.length === 1 && fault === undefined;
}

function isJsonText(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

/** The same for a field of one line: empty text is quoted as well, and what could not be seen or kept there. */
export function toLine(bytes: Uint8Array): ValueText {
  const text = decodeText(bytes);
  if (text === undefined) return { text: quoteBytes(bytes), isQuoted: true };
  const isPlain = text !== '' && !/\p{Cc}/u.test(text) && !isQuotedBytes(text);
  return isPlain ? { text, isQuoted: false } : { text: quoteWord(bytes), isQuoted: true };
}

/** What was typed: text as it is, but bytes for "\xff". */
export function fromTyped(text: string): Uint8Array {
  return fromText(text, isQuotedBytes(text));
}

// --- A glance ---

/** The beginning of a value, for who looks over many of them. */
export function glance(bytes: Uint8Array, bytesMax: number): string {
  if (bytes.length <= bytesMax) return toText(bytes).text;
  let end = bytesMax;
  // No character is cut in two.
  while (end > bytesMax - 4 && (bytes[end]! & 0xc0) === 0x80) end -= 1;
  return `${toText(bytes.subarray(0, end)).text} …`;
}

// --- Hexadecimal ---

const HEX_BYTES_PER_LINE = 16;

/** "48 65 6c 6c 6f", 16 bytes a line. */
export function toHex(bytes: Uint8Array): string {
  const lines: string[] = [];
  for (let at = 0; at < bytes.length; at += HEX_BYTES_PER_LINE) {
    const line = bytes.subarray(at, at + HEX_BYTES_PER_LINE);
    lines.push(Array.from(line, (byte) => byte.toString(16).padStart(2, '0')).join(' '));
  }
  return lines.join('\n');
}

export function fromHex(text: string): Uint8Array {
  const digits = text.replaceAll(/\s/g, '');
  const wrong = /[^0-9a-fA-F]/.exec(digits);
  if (wrong) throw new Error(`"${wrong[0]}" is no hexadecimal digit`);
  if (digits.length % 2 === 1) throw new Error('The last byte has one digit only');
  return Uint8Array.from(digits.match(/../g) ?? [], (byte) => Number.parseInt(byte, 16));
}
