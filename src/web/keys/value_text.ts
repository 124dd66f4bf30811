// Values as text that can be edited, and back to bytes.
//
// What is UTF-8 is shown as it is. Other bytes are shown as redis-cli shows them ("\xff"), and read back so.

import { quoteBytes } from '../../util/quote.ts';
import { splitWords } from '../terminal/split_words.ts';

const strict = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
const encoder = new TextEncoder();

export interface ValueText {
  readonly text: string;
  readonly isBinary: boolean;
}

export function toText(bytes: Uint8Array): ValueText {
  try {
    return { text: strict.decode(bytes), isBinary: false };
  } catch {
    return { text: quoteBytes(bytes), isBinary: true };
  }
}

/** Throws when a binary value's text is not quoted as it has to be. */
export function fromText(text: string, isBinary: boolean): Uint8Array {
  if (!isBinary) return encoder.encode(text);
  const { words, fault } = splitWords(text);
  if (fault !== undefined || words.length !== 1) {
    throw new Error('Bytes that are not text are written between double quotes: "\\xff\\x00a"');
  }
  return words[0]!.bytes;
}

// --- Forms of a string ---

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

/** JSON over several lines. Throws when it is none. */
export function formatJson(text: string): string {
  return JSON.stringify(JSON.parse(text), undefined, 2);
}

export function compactJson(text: string): string {
  return JSON.stringify(JSON.parse(text));
}

/** Whether it looks like JSON worth formatting: an object or an array. */
export function isJson(text: string): boolean {
  if (!/^\s*[[{]/.test(text)) return false;
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}
