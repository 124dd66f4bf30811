// The quoting rules of configuration lines: splitting a line into arguments, and the reverse.
//
//   plain text        ends at a blank; a quote inside it opens a quoted part of the same argument
//   "..."             \n \r \t \b \a, \xNN (two hex digits), any other \c is c itself
//   '...'             only \' is an escape
//
// A closing quote must be followed by a blank or the end of the line. All text is byte text
// (byte_text.ts).

import { isSpace } from './byte_text.ts';

const ESCAPES: Readonly<Record<string, string>> = {
  n: '\n',
  r: '\r',
  t: '\t',
  b: '\b',
  a: '\x07',
};

const HEX_PAIR = /^[0-9a-fA-F]{2}$/;

/** The arguments of `line`, or null when a quote is not closed or is followed by other text. */
export function splitArguments(line: string): string[] | null {
  const args: string[] = [];
  let at = 0;
  for (;;) {
    while (isSpace(line[at])) at++;
    if (at >= line.length || line[at] === '\0') return args;
    const parsed = readArgument(line, at);
    if (parsed === null) return null;
    args.push(parsed.text);
    at = parsed.end;
  }
}

interface Piece {
  text: string;
  /** Index of the first character after it. */
  end: number;
}

/**
 * One argument starting at `start`. A quoted part ends the argument it stands in, because what
 * follows the closing quote is a blank. Vertical tab and form feed are blanks between arguments
 * but ordinary characters inside one, as in Redis.
 */
function readArgument(line: string, start: number): Piece | null {
  let text = '';
  let at = start;
  while (at < line.length) {
    const char = line[at]!;
    if (char === '"' || char === "'") {
      const quoted = char === '"' ? readDoubleQuoted(line, at + 1) : readSingleQuoted(line, at + 1);
      if (quoted === null) return null;
      const next = line[quoted.end];
      if (next !== undefined && next !== '\0' && !isSpace(next)) return null;
      return { text: text + quoted.text, end: quoted.end };
    }
    if (' \n\r\t\0'.includes(char)) break;
    text += char;
    at++;
  }
  return { text, end: at };
}

function readDoubleQuoted(line: string, start: number): Piece | null {
  let text = '';
  let at = start;
  while (at < line.length && line[at] !== '\0') {
    const char = line[at]!;
    if (char === '"') return { text, end: at + 1 };
    const escaped = line[at + 1];
    if (char === '\\' && escaped !== undefined && escaped !== '\0') {
      const hex = line.slice(at + 2, at + 4);
      if (escaped === 'x' && HEX_PAIR.test(hex)) {
        text += String.fromCharCode(Number.parseInt(hex, 16));
        at += 4;
      } else {
        text += ESCAPES[escaped] ?? escaped;
        at += 2;
      }
    } else {
      text += char;
      at++;
    }
  }
  return null;
}

function readSingleQuoted(line: string, start: number): Piece | null {
  let text = '';
  let at = start;
  while (at < line.length && line[at] !== '\0') {
    const char = line[at]!;
    if (char === "'") return { text, end: at + 1 };
    if (char === '\\' && line[at + 1] === "'") {
      text += "'";
      at += 2;
    } else {
      text += char;
      at++;
    }
  }
  return null;
}

/** `text` in double quotes, in a form that `splitArguments` reads back as the same bytes. */
export function quote(text: string): string {
  let quoted = '"';
  for (const char of text) {
    const code = char.charCodeAt(0);
    if (char === '\\' || char === '"') quoted += `\\${char}`;
    else if (char === '\n') quoted += '\\n';
    else if (char === '\r') quoted += '\\r';
    else if (char === '\t') quoted += '\\t';
    else if (char === '\x07') quoted += '\\a';
    else if (char === '\b') quoted += '\\b';
    else if (code >= 32 && code < 127) quoted += char;
    else quoted += `\\x${code.toString(16).padStart(2, '0')}`;
  }
  return `${quoted}"`;
}
