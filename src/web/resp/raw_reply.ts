// Replies with every distinction that the wire makes, read from bytes that come in pieces.
//
// The typed interface of the store is made for programs: a status and a bulk string are both texts there, a
// RESP2 map is an array. The terminal has to show what was sent, so it reads RESP itself.
//
// Aggregates under way are on a stack; only the element that is not whole yet is kept as bytes.

export type RawReply =
  | { readonly kind: 'status' | 'error' | 'integer' | 'double' | 'big-number'; text: string }
  | { readonly kind: 'bulk' | 'verbatim'; bytes: Uint8Array }
  | { readonly kind: 'nil' }
  | { readonly kind: 'boolean'; value: boolean }
  /** A map's keys and values take turns. */
  | { readonly kind: AggregateKind; items: RawReply[] };

export type AggregateKind = 'array' | 'set' | 'map' | 'push';

class RespSyntaxError extends Error {}

interface Aggregate {
  readonly kind: AggregateKind | 'attribute';
  readonly items: RawReply[];
  left: number;
}

const NIL: RawReply = { kind: 'nil' };
const INCOMPLETE = Symbol('incomplete');
const OPENED = Symbol('opened');
const CR = 13;
const VERBATIM_HEAD_BYTES = 4;

const decoder = new TextDecoder('utf-8', { ignoreBOM: true });

const LINES: Readonly<Record<string, 'status' | 'error' | 'integer' | 'double' | 'big-number'>> = {
  '+': 'status',
  '-': 'error',
  ':': 'integer',
  ',': 'double',
  '(': 'big-number',
};
const AGGREGATES: Readonly<Record<string, Aggregate['kind']>> = {
  '*': 'array',
  '~': 'set',
  '%': 'map',
  '>': 'push',
  '|': 'attribute',
};

export class RawReplyReader {
  private bytes: Uint8Array = new Uint8Array(0);
  private at = 0;
  private readonly stack: Aggregate[] = [];
  private readonly onReply: (reply: RawReply) => void;

  constructor(onReply: (reply: RawReply) => void) {
    this.onReply = onReply;
  }

  /** Reads what is whole. The bytes are copied. Throws RespSyntaxError for what is not RESP. */
  push(bytes: Uint8Array): void {
    const kept = this.bytes.subarray(this.at);
    const all = new Uint8Array(kept.length + bytes.length);
    all.set(kept);
    all.set(bytes, kept.length);
    this.bytes = all;
    this.at = 0;
    while (this.at < all.length) {
      const from = this.at;
      const element = this.readElement();
      if (element === INCOMPLETE) {
        this.at = from;
        return;
      }
      if (element !== OPENED) this.finish(element);
    }
  }

  private finish(element: RawReply): void {
    let value = element;
    for (;;) {
      const top = this.stack.at(-1);
      if (top === undefined) {
        this.onReply(value);
        return;
      }
      top.items.push(value);
      top.left -= 1;
      if (top.left > 0) return;
      this.stack.pop();
      if (top.kind === 'attribute') return;
      value = { kind: top.kind, items: top.items };
    }
  }

  private readElement(): RawReply | typeof INCOMPLETE | typeof OPENED {
    const end = this.bytes.indexOf(CR, this.at);
    if (end < 0 || end + 1 >= this.bytes.length) return INCOMPLETE;
    const mark = String.fromCharCode(this.bytes[this.at]!);
    const text = decoder.decode(this.bytes.subarray(this.at + 1, end));
    this.at = end + 2;
    const line = LINES[mark];
    if (line !== undefined) return { kind: line, text };
    const aggregate = AGGREGATES[mark];
    if (aggregate !== undefined) return this.open(aggregate, lengthOf(text));
    switch (mark) {
      case '$':
      case '=':
      case '!':
        return this.readBulk(mark, lengthOf(text));
      case '_':
        return NIL;
      case '#':
        return { kind: 'boolean', value: text === 't' };
      default:
        throw new RespSyntaxError(`A reply cannot begin with ${JSON.stringify(mark)}`);
    }
  }

  private readBulk(mark: string, length: number): RawReply | typeof INCOMPLETE {
    if (length < 0) return NIL;
    const end = this.at + length;
    if (end + 2 > this.bytes.length) return INCOMPLETE;
    const bytes = this.bytes.slice(this.at, end);
    this.at = end + 2;
    if (mark === '!') return { kind: 'error', text: decoder.decode(bytes) };
    if (mark === '$') return { kind: 'bulk', bytes };
    return { kind: 'verbatim', bytes: bytes.subarray(VERBATIM_HEAD_BYTES) };
  }

  private open(kind: Aggregate['kind'], length: number): RawReply | typeof OPENED {
    if (length < 0) return NIL;
    const pairs = kind === 'map' || kind === 'attribute';
    if (length > 0) {
      this.stack.push({ kind, items: [], left: pairs ? length * 2 : length });
      return OPENED;
    }
    return kind === 'attribute' ? OPENED : { kind, items: [] };
  }
}

function lengthOf(text: string): number {
  if (!/^(-1|\d+)$/.test(text)) throw new RespSyntaxError(`${JSON.stringify(text)} is no length`);
  return Number(text);
}
