// Command lines as text, in the notation redis-cli and redis.conf share.
//
// Words are separated by blanks. A word in double quotes may hold \n \r \t \b \a \" \\ and \xHH (one
// byte); one in single quotes holds everything but \' literally. Text outside escapes is UTF-8.

export type Argument = string | number | bigint | Uint8Array;

const ESCAPES: Record<string, number> = { n: 10, r: 13, t: 9, b: 8, a: 7 };
const NAMES: Record<number, string> = {
  10: '\\n',
  13: '\\r',
  9: '\\t',
  8: '\\b',
  7: '\\a',
};

export function argumentBytes(argument: Argument): Buffer {
  if (typeof argument === 'string') return Buffer.from(argument, 'utf8');
  if (typeof argument === 'object') return Buffer.from(argument);
  return Buffer.from(String(argument));
}

/** "..." with the escapes above; every byte outside printable ASCII becomes \xHH. */
export function quote(bytes: Uint8Array): string {
  let text = '"';
  for (const byte of bytes) {
    if (byte === 0x22 || byte === 0x5c) text += `\\${String.fromCharCode(byte)}`;
    else if (NAMES[byte] !== undefined) text += NAMES[byte];
    else if (byte < 0x20 || byte > 0x7e) text += `\\x${byte.toString(16).padStart(2, '0')}`;
    else text += String.fromCharCode(byte);
  }
  return `${text}"`;
}

/** The bytes of `text`, which stands between double quotes, and where its closing quote is. */
export function unquote(text: string, start: number): { bytes: Buffer; end: number } {
  const parts: Buffer[] = [];
  let i = start;
  for (;;) {
    const ch = text[i];
    if (ch === undefined) throw new Error(`unbalanced quotes: ${text}`);
    if (ch === '"') return { bytes: Buffer.concat(parts), end: i };
    if (ch !== '\\') {
      const code = text.codePointAt(i) ?? 0;
      const whole = String.fromCodePoint(code);
      parts.push(Buffer.from(whole, 'utf8'));
      i += whole.length;
      continue;
    }
    const next = text[i + 1] ?? '';
    const hex = /^[0-9a-fA-F]{2}/.exec(text.slice(i + 2, i + 4));
    if (next === 'x' && hex) {
      parts.push(Buffer.from([Number.parseInt(hex[0], 16)]));
      i += 4;
    } else {
      parts.push(ESCAPES[next] === undefined ? Buffer.from(next) : Buffer.from([ESCAPES[next]]));
      i += 2;
    }
  }
}

/** Splits a command line into its arguments. Throws on unbalanced quotes. */
export function splitArguments(line: string): Buffer[] {
  const found: Buffer[] = [];
  let i = 0;
  for (;;) {
    while (/\s/.test(line[i] ?? '')) i++;
    if (i >= line.length) return found;
    const parts: Buffer[] = [];
    while (i < line.length && !/\s/.test(line[i] ?? '')) {
      if (line[i] === '"') {
        const { bytes, end } = unquote(line, i + 1);
        parts.push(bytes);
        i = end + 1;
      } else if (line[i] === "'") {
        let literal = '';
        for (i++; line[i] !== "'"; i++) {
          if (line[i] === undefined) throw new Error(`unbalanced quotes: ${line}`);
          if (line[i] === '\\' && line[i + 1] === "'") i++;
          literal += line[i];
        }
        i++;
        parts.push(Buffer.from(literal, 'utf8'));
      } else {
        const plain = /^[^\s"']+/.exec(line.slice(i))?.[0] ?? '';
        parts.push(Buffer.from(plain, 'utf8'));
        i += plain.length;
      }
    }
    found.push(Buffer.concat(parts));
  }
}

/** The command line that `splitArguments` turns back into these arguments. */
export function joinArguments(args: readonly Uint8Array[]): string {
  return args
    .map((arg) => {
      const text = Buffer.from(arg).toString('latin1');
      return /^[\w.:*?+,=@%~^/<>()[\]{}|!$&;-]+$/.test(text) ? text : quote(arg);
    })
    .join(' ');
}

/** The command as clients send it: an array of bulk strings. */
export function encodeCommand(args: readonly Argument[]): Buffer {
  const parts: Buffer[] = [Buffer.from(`*${args.length}\r\n`)];
  for (const arg of args) {
    const bytes = argumentBytes(arg);
    parts.push(Buffer.from(`$${bytes.length}\r\n`), bytes, Buffer.from('\r\n'));
  }
  return Buffer.concat(parts);
}
