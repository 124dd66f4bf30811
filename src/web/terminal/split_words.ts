// A line of input as words, by redis-cli's rules.
//
// "..." has escapes: \xHH, \n \r \t \b \a, and a backslash before anything else gives that. '...' knows \' only.
// A closing quote ends its word: what follows has to be a space. Words are bytes, since "\xff" is one.

export interface Word {
  readonly bytes: Uint8Array;
  /** The same as text. */
  readonly text: string;
  /** Where it is in the line. */
  readonly from: number;
  readonly to: number;
}

export interface SplitLine {
  readonly words: readonly Word[];
  /** Why it cannot be run as it is; undefined when it can. */
  readonly fault: 'open quote' | 'text behind quote' | undefined;
}

const ESCAPES: Readonly<Record<string, number>> = { n: 10, r: 13, t: 9, b: 8, a: 7 };
const SPACE = /[ \t\n\r\v\f\0]/;

const encoder = new TextEncoder();
const decoder = new TextDecoder('utf-8', { ignoreBOM: true });

/** Collects a word's bytes; text between them is encoded in one go, so that pairs of surrogates stay whole. */
class WordBytes {
  private readonly bytes: number[] = [];
  private text = '';

  character(character: string): void {
    this.text += character;
  }

  byte(byte: number): void {
    this.flush();
    this.bytes.push(byte);
  }

  take(): Uint8Array {
    this.flush();
    return Uint8Array.from(this.bytes);
  }

  private flush(): void {
    for (const byte of encoder.encode(this.text)) this.bytes.push(byte);
    this.text = '';
  }
}

/** What was read of a word is among the words also when there is a fault. */
export function splitWords(line: string): SplitLine {
  const words: Word[] = [];
  let at = 0;
  for (;;) {
    while (at < line.length && SPACE.test(line[at]!)) at += 1;
    if (at >= line.length) return { words, fault: undefined };
    const { end, bytes, fault } = readWord(line, at);
    words.push({ bytes, text: decoder.decode(bytes), from: at, to: end });
    if (fault !== undefined) return { words, fault };
    at = end;
  }
}

interface ReadWord {
  end: number;
  bytes: Uint8Array;
  fault: SplitLine['fault'];
}

function readWord(line: string, from: number): ReadWord {
  const word = new WordBytes();
  let quote = '';
  let at = from;
  while (at < line.length) {
    const character = line[at]!;
    if (quote === '') {
      if (SPACE.test(character)) break;
      if (character === '"' || character === "'") quote = character;
      else word.character(character);
      at += 1;
    } else if (character === quote) {
      at += 1;
      if (at < line.length && !SPACE.test(line[at]!)) {
        return { end: line.length, bytes: word.take(), fault: 'text behind quote' };
      }
      return { end: at, bytes: word.take(), fault: undefined };
    } else {
      at += readQuoted(line, at, quote, word);
    }
  }
  return { end: at, bytes: word.take(), fault: quote === '' ? undefined : 'open quote' };
}

/** Reads a character between quotes; returns how long its spelling is. */
function readQuoted(line: string, at: number, quote: string, word: WordBytes): number {
  const next = line[at + 1];
  if (line[at] !== '\\' || next === undefined || (quote === "'" && next !== "'")) {
    word.character(line[at]!);
    return 1;
  }
  const hex = /^\\x([0-9a-fA-F]{2})/.exec(line.slice(at, at + 4));
  if (quote === '"' && hex) {
    word.byte(Number.parseInt(hex[1]!, 16));
    return 4;
  }
  const special = quote === '"' ? ESCAPES[next] : undefined;
  if (special === undefined) word.character(next);
  else word.byte(special);
  return 2;
}

/** A word spelled so that it is read back as these bytes. */
export function quoteWord(bytes: Uint8Array): string {
  const text = decoder.decode(bytes);
  const isText = encoder.encode(text).length === bytes.length && !text.includes('\ufffd');
  if (isText && text !== '' && /^[^\s"'\\\p{C}]+$/u.test(text)) return text;
  let quoted = '"';
  if (isText) {
    for (const character of text) quoted += quoteCharacter(character);
  } else {
    for (const byte of bytes) {
      quoted += byte > 126 ? `\\x${byte.toString(16)}` : quoteCharacter(String.fromCharCode(byte));
    }
  }
  return `${quoted}"`;
}

function quoteCharacter(character: string): string {
  if (character === '"' || character === '\\') return `\\${character}`;
  const named = Object.keys(ESCAPES).find(
    (key) => String.fromCharCode(ESCAPES[key]!) === character,
  );
  if (named !== undefined) return `\\${named}`;
  const code = character.codePointAt(0)!;
  if (code < 32 || code === 127) return `\\x${code.toString(16).padStart(2, '0')}`;
  return character;
}
