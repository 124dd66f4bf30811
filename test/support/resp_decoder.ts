// Decodes RESP2 and RESP3 replies into a model that keeps every distinction the wire makes.
//
// Strict: a reply that is not well-formed (a length with a sign, a missing CRLF, `:1x`, an unknown
// type byte) throws RespSyntaxError, so a malformed reply can never pass for a good one. Status,
// error and number texts are held as latin1 strings: one character per byte on the wire.

export type Reply =
  | { kind: 'simple'; text: string }
  | { kind: 'error'; text: string }
  | { kind: 'bulk-error'; text: string }
  | { kind: 'integer'; value: bigint }
  | { kind: 'bulk'; bytes: Buffer }
  | { kind: 'null'; form: NullForm }
  | { kind: 'array' | 'set' | 'push'; items: Reply[] }
  | { kind: 'map'; entries: [key: Reply, value: Reply][] }
  | { kind: 'double'; text: string; value: number }
  | { kind: 'boolean'; value: boolean }
  | { kind: 'verbatim'; format: string; bytes: Buffer }
  | { kind: 'bignum'; text: string }
  | {
      kind: 'attributed';
      attributes: [key: Reply, value: Reply][];
      reply: Reply;
    };

/** RESP2 null bulk string, RESP2 null array, RESP3 null. */
export type NullForm = '$-1' | '*-1' | '_';

export interface RawReply {
  reply: Reply;
  /** Exactly what the server sent for it. */
  bytes: Buffer;
}

export class RespSyntaxError extends Error {}

const MAX_DEPTH = 64;
const DOUBLE = /^(?:[+-]?(?:inf|\d+(?:\.\d*)?(?:[eE][+-]?\d+)?)|-?nan)$/;

/** Thrown inside, never outside: the reply goes on beyond the bytes at hand. */
class NeedMore extends Error {}
const needMore = new NeedMore();

/** Feed it what the socket gave; take whole replies out with `next`. */
export class RespDecoder {
  private buffer = Buffer.alloc(0);
  private start = 0;
  private end = 0;
  private pos = 0;

  push(chunk: Uint8Array): void {
    if (this.end + chunk.length > this.buffer.length) {
      const held = this.end - this.start;
      const capacity = Math.max(4096, 2 * (held + chunk.length));
      const grown = Buffer.allocUnsafe(capacity);
      this.buffer.copy(grown, 0, this.start, this.end);
      this.buffer = grown;
      this.start = 0;
      this.end = held;
    }
    this.buffer.set(chunk, this.end);
    this.end += chunk.length;
  }

  /** Bytes that belong to no complete reply yet. */
  rest(): Buffer {
    return Buffer.from(this.buffer.subarray(this.start, this.end));
  }

  /** The next reply, or null when it is not complete. Throws RespSyntaxError on malformed bytes. */
  next(): RawReply | null {
    if (this.start === this.end) return null;
    this.pos = this.start;
    try {
      const reply = this.decode(0);
      const bytes = Buffer.from(this.buffer.subarray(this.start, this.pos));
      this.start = this.pos;
      return { reply, bytes };
    } catch (error) {
      if (error === needMore) return null;
      throw error;
    }
  }

  private fail(what: string): never {
    const from = Math.max(this.start, this.pos - 40);
    const near = this.buffer.subarray(from, Math.min(this.end, this.pos + 40)).toString('latin1');
    throw new RespSyntaxError(`${what} near ${JSON.stringify(near)}`);
  }

  private line(): string {
    const at = this.buffer.indexOf(10, this.pos);
    if (at < 0 || at >= this.end) throw needMore;
    if (at === this.pos || this.buffer[at - 1] !== 13) this.fail('LF without CR');
    const text = this.buffer.toString('latin1', this.pos, at - 1);
    if (text.includes('\r')) this.fail('CR inside a line');
    this.pos = at + 1;
    return text;
  }

  private length(): number {
    const text = this.line();
    if (!/^(?:0|[1-9]\d{0,9})$/.test(text)) this.fail(`bad length ${JSON.stringify(text)}`);
    return Number(text);
  }

  private block(size: number): Buffer {
    const stop = this.pos + size;
    if (stop + 2 > this.end) throw needMore;
    const bytes = Buffer.from(this.buffer.subarray(this.pos, stop));
    this.pos = stop;
    if (this.buffer[stop] !== 13 || this.buffer[stop + 1] !== 10) this.fail('no CRLF after bulk');
    this.pos = stop + 2;
    return bytes;
  }

  /** `$-1` and `*-1`, the two nulls of RESP2; leaves the position alone otherwise. */
  private nullForm(form: '$-1' | '*-1'): Reply | null {
    if (this.buffer[this.pos] !== 0x2d) return null;
    if (this.line() !== '-1') this.fail('negative length');
    return { kind: 'null', form };
  }

  private items(count: number, depth: number): Reply[] {
    const items: Reply[] = [];
    for (let i = 0; i < count; i++) items.push(this.decode(depth));
    return items;
  }

  private entries(count: number, depth: number): [Reply, Reply][] {
    const entries: [Reply, Reply][] = [];
    for (let i = 0; i < count; i++) entries.push([this.decode(depth), this.decode(depth)]);
    return entries;
  }

  private decode(depth: number): Reply {
    if (depth > MAX_DEPTH) this.fail('too deeply nested');
    if (this.pos >= this.end) throw needMore;
    const type = String.fromCharCode(this.buffer[this.pos++] ?? 0);
    switch (type) {
      case '+':
        return { kind: 'simple', text: this.line() };
      case '-':
        return { kind: 'error', text: this.line() };
      case ':':
        return { kind: 'integer', value: this.integer() };
      case '$':
        return (
          this.nullForm('$-1') ?? {
            kind: 'bulk',
            bytes: this.block(this.length()),
          }
        );
      case '!':
        return {
          kind: 'bulk-error',
          text: this.block(this.length()).toString('latin1'),
        };
      case '*':
        return (
          this.nullForm('*-1') ?? {
            kind: 'array',
            items: this.items(this.length(), depth + 1),
          }
        );
      case '~':
        return { kind: 'set', items: this.items(this.length(), depth + 1) };
      case '>':
        return { kind: 'push', items: this.items(this.length(), depth + 1) };
      case '%':
        return { kind: 'map', entries: this.entries(this.length(), depth + 1) };
      case '|': {
        const attributes = this.entries(this.length(), depth + 1);
        return {
          kind: 'attributed',
          attributes,
          reply: this.decode(depth + 1),
        };
      }
      default:
        return this.scalar(type);
    }
  }

  private integer(): bigint {
    const text = this.line();
    if (!/^-?(?:0|[1-9]\d*)$/.test(text)) this.fail(`bad integer ${JSON.stringify(text)}`);
    return BigInt(text);
  }

  private scalar(type: string): Reply {
    switch (type) {
      case '_':
        if (this.line() !== '') this.fail('text after null');
        return { kind: 'null', form: '_' };
      case '#': {
        const text = this.line();
        if (text !== 't' && text !== 'f') this.fail('bad boolean');
        return { kind: 'boolean', value: text === 't' };
      }
      case ',': {
        const text = this.line();
        if (!DOUBLE.test(text)) this.fail(`bad double ${JSON.stringify(text)}`);
        return {
          kind: 'double',
          text,
          value: Number(text.replace('inf', 'Infinity')),
        };
      }
      case '=': {
        const bytes = this.block(this.length());
        if (bytes.length < 4 || bytes[3] !== 0x3a) this.fail('verbatim without format');
        return {
          kind: 'verbatim',
          format: bytes.toString('latin1', 0, 3),
          bytes: bytes.subarray(4),
        };
      }
      case '(': {
        const text = this.line();
        if (!/^[+-]?\d+$/.test(text)) this.fail(`bad big number ${JSON.stringify(text)}`);
        return { kind: 'bignum', text };
      }
      default:
        return this.fail(`unknown type byte ${JSON.stringify(type)}`);
    }
  }
}

/** All replies in `bytes`, which must end with one. */
export function decodeAll(bytes: Uint8Array): Reply[] {
  const decoder = new RespDecoder();
  decoder.push(bytes);
  const replies: Reply[] = [];
  for (let next = decoder.next(); next; next = decoder.next()) replies.push(next.reply);
  const rest = decoder.rest();
  if (rest.length) throw new RespSyntaxError(`incomplete: ${JSON.stringify(rest.toString())}`);
  return replies;
}
