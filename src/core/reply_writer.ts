// Encodes a host command's reply as RESP2 or RESP3 into one growing buffer.
//
// The core has its own writer for its own commands; this one serves commands whose owner is the
// host. Aggregates are written head first: `array(3)` must be followed by three elements. Where the
// protocols differ, the RESP2 form is the one Redis falls back to (a map becomes a flat array, a
// double a bulk string, a boolean an integer, null a null bulk string).

const CRLF = '\r\n';

export class ReplyWriter {
  readonly resp: 2 | 3;
  private buffer: Buffer;
  private length = 0;

  constructor(resp: 2 | 3, capacityBytes = 1024) {
    this.resp = resp;
    this.buffer = Buffer.allocUnsafe(capacityBytes);
  }

  /** The bytes written so far; valid until the next write. */
  bytes(): Uint8Array {
    return this.buffer.subarray(0, this.length);
  }

  get size(): number {
    return this.length;
  }

  /** Forgets what was written. */
  reset(): void {
    this.length = 0;
  }

  /** Already encoded RESP. */
  raw(text: string | Uint8Array): this {
    if (typeof text === 'string') {
      this.reserve(text.length * 3);
      this.length += this.buffer.write(text, this.length, 'utf8');
    } else {
      this.reserve(text.length);
      this.buffer.set(text, this.length);
      this.length += text.length;
    }
    return this;
  }

  ok(): this {
    return this.raw('+OK\r\n');
  }

  simple(text: string): this {
    return this.raw(`+${text}${CRLF}`);
  }

  /** `text` starts with its code word ("ERR ..."); line breaks become spaces, as Redis does. */
  error(text: string): this {
    return this.raw(`-${text.replace(/[\r\n]/g, ' ')}${CRLF}`);
  }

  /** The same for byte text (one character per byte), which may quote what a client sent. */
  byteError(text: string): this {
    return this.raw(Buffer.from(`-${text.replace(/[\r\n]/g, ' ')}${CRLF}`, 'latin1'));
  }

  integer(value: number | bigint): this {
    return this.raw(`:${value}${CRLF}`);
  }

  bulk(value: string | Uint8Array | null): this {
    if (value === null) return this.null();
    const bytes = typeof value === 'string' ? Buffer.from(value, 'utf8') : value;
    return this.raw(`$${bytes.length}${CRLF}`).raw(bytes).raw(CRLF);
  }

  null(): this {
    return this.raw(this.resp === 3 ? '_\r\n' : '$-1\r\n');
  }

  nullArray(): this {
    return this.raw(this.resp === 3 ? '_\r\n' : '*-1\r\n');
  }

  array(count: number): this {
    return this.raw(`*${count}${CRLF}`);
  }

  /** `pairs` keys, each followed by its value. */
  map(pairs: number): this {
    return this.raw(this.resp === 3 ? `%${pairs}${CRLF}` : `*${pairs * 2}${CRLF}`);
  }

  set(count: number): this {
    return this.raw(this.resp === 3 ? `~${count}${CRLF}` : `*${count}${CRLF}`);
  }

  push(count: number): this {
    return this.raw(this.resp === 3 ? `>${count}${CRLF}` : `*${count}${CRLF}`);
  }

  boolean(value: boolean): this {
    return this.raw(this.resp === 3 ? (value ? '#t\r\n' : '#f\r\n') : value ? ':1\r\n' : ':0\r\n');
  }

  double(value: number): this {
    const text =
      value === Infinity
        ? 'inf'
        : value === -Infinity
          ? '-inf'
          : Number.isNaN(value)
            ? 'nan'
            : `${value}`;
    return this.resp === 3 ? this.raw(`,${text}${CRLF}`) : this.bulk(text);
  }

  /** `format` is three letters, "txt" or "mkd". */
  verbatim(text: string | Uint8Array, format = 'txt'): this {
    if (this.resp === 2) return this.bulk(text);
    const bytes = typeof text === 'string' ? Buffer.from(text, 'utf8') : text;
    return this.raw(`=${bytes.length + 4}${CRLF}${format}:`)
      .raw(bytes)
      .raw(CRLF);
  }

  bulkArray(values: readonly (string | Uint8Array)[]): this {
    this.array(values.length);
    for (const value of values) this.bulk(value);
    return this;
  }

  /** The reply every container command gives for HELP: a headline, then `lines`, then HELP itself. */
  help(command: string, lines: readonly string[]): this {
    this.array(lines.length + 3);
    this.simple(`${command} <subcommand> [<arg> [value] [opt] ...]. Subcommands are:`);
    for (const line of lines) this.simple(line);
    return this.simple('HELP').simple('    Print this help.');
  }

  private reserve(bytes: number): void {
    const wanted = this.length + bytes;
    if (wanted <= this.buffer.length) return;
    const grown = Buffer.allocUnsafe(Math.max(wanted, this.buffer.length * 2));
    grown.set(this.buffer.subarray(0, this.length));
    this.buffer = grown;
  }
}
