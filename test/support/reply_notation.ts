// Replies as text: what the family tests expect, and how a reply is shown when it differs.
//
//   +OK  -ERR some text        status and error, up to the end of the line; inside an aggregate
//                              +"OK" and -"ERR some text"
//   123                        integer
//   "bytes\x00"                bulk string
//   nil  nil-array             null: $-1 or *-1 in RESP2, _ in RESP3
//   [1, "a", [2]]              array
//   {"k": 1}                   map; in RESP2 the flat array of its keys and values
//   ~["a", "b"]  >["x", 1]     set (in RESP2 an array), push
//   double(1.5)                double; in RESP2 a bulk string
//   true  false                boolean; in RESP2 the integers 1 and 0
//   txt"bytes"                 verbatim string; in RESP2 a bulk string
//   bignum(12)                 big number
//
// and, where a reply cannot be known in advance:
//
//   <integer> <bulk> <simple> <error> <array> <map> <null> <double> <verbatim> <any>   of that kind
//   <90..100>                  integer in that range, both ends included
//   /regex/                    bulk, verbatim, status or error text (latin1) that contains a match
//   any-order[1, 2]            array or set with these elements in any order
//   any-order{"k": 1}          map with these entries in any order
//   [1, ...]                   array that starts so
//
// One expectation serves both protocol versions: `matchReply` lowers it to RESP2 where needed.

import { quote, unquote } from './arguments.ts';
import type { Reply } from './resp_decoder.ts';

export type Expected =
  | { kind: 'simple' | 'error' | 'bignum'; text: string }
  | { kind: 'integer'; value: bigint }
  | { kind: 'range'; low: bigint; high: bigint }
  | { kind: 'bulk' | 'verbatim'; bytes: Buffer }
  | { kind: 'nil' | 'nil-array' }
  | { kind: 'array' | 'set' | 'push' | 'any-order'; items: Expected[]; open: boolean }
  | { kind: 'map'; entries: [Expected, Expected][]; anyOrder: boolean }
  | { kind: 'double'; text: string }
  | { kind: 'boolean'; value: boolean }
  | { kind: 'of-kind'; name: string }
  | { kind: 'regex'; regex: RegExp };

const KINDS: Record<string, readonly Reply['kind'][]> = {
  integer: ['integer'],
  bulk: ['bulk'],
  simple: ['simple'],
  error: ['error'],
  array: ['array'],
  map: ['map'],
  null: ['null'],
  double: ['double'],
  verbatim: ['verbatim'],
};
/** What RESP2 sends in place of a kind that only RESP3 has. */
const RESP2_KINDS: Record<string, readonly Reply['kind'][]> = {
  map: ['array'],
  double: ['bulk'],
  verbatim: ['bulk'],
};

// --- Reading the notation ---

class NotationParser {
  private readonly text: string;
  private pos = 0;

  constructor(text: string) {
    this.text = text.trim();
  }

  whole(): Expected {
    const sign = this.text[0];
    if ((sign === '+' || sign === '-') && !/^[+-]["\d/]/.test(this.text)) {
      return { kind: sign === '+' ? 'simple' : 'error', text: utf8(this.text.slice(1)) };
    }
    const value = this.value();
    if (this.pos !== this.text.length) this.fail('text after the value');
    return value;
  }

  private fail(what: string): never {
    throw new Error(`expected reply: ${what} at ${this.pos} of ${this.text}`);
  }

  private blanks(): void {
    while (/\s/.test(this.text[this.pos] ?? '')) this.pos++;
  }

  private take(regex: RegExp): RegExpExecArray | null {
    const sticky = new RegExp(regex.source, 'y');
    sticky.lastIndex = this.pos;
    const found = sticky.exec(this.text);
    if (found) this.pos = sticky.lastIndex;
    return found;
  }

  private quoted(): Buffer {
    const { bytes, end } = unquote(this.text, this.pos);
    this.pos = end + 1;
    return bytes;
  }

  private items(): { items: Expected[]; open: boolean } {
    const items: Expected[] = [];
    let open = false;
    for (;;) {
      this.blanks();
      if (this.take(/\]/)) return { items, open };
      if (items.length && !this.take(/,\s*/)) this.fail('no comma');
      if (this.take(/\.\.\./)) open = true;
      else items.push(this.value());
    }
  }

  private map(anyOrder: boolean): Expected {
    const entries: [Expected, Expected][] = [];
    for (;;) {
      this.blanks();
      if (this.take(/\}/)) return { kind: 'map', entries, anyOrder };
      if (entries.length && !this.take(/,\s*/)) this.fail('no comma');
      const key = this.value();
      if (!this.take(/\s*:\s*/)) this.fail('no colon');
      entries.push([key, this.value()]);
    }
  }

  private value(): Expected {
    let found: RegExpExecArray | null;
    if (this.take(/"/)) return { kind: 'bulk', bytes: this.quoted() };
    if (this.take(/txt"/)) return { kind: 'verbatim', bytes: this.quoted() };
    if (this.take(/\+"/)) return { kind: 'simple', text: this.quoted().toString('latin1') };
    if (this.take(/-"/)) return { kind: 'error', text: this.quoted().toString('latin1') };
    if (this.take(/\{/)) return this.map(false);
    if (this.take(/any-order\{/)) return this.map(true);
    if (this.take(/\[/)) return { kind: 'array', ...this.items() };
    if (this.take(/~\[/)) return { kind: 'set', ...this.items() };
    if (this.take(/>\[/)) return { kind: 'push', ...this.items() };
    if (this.take(/any-order\[/)) return { kind: 'any-order', ...this.items() };
    if (this.take(/nil-array\b/)) return { kind: 'nil-array' };
    if (this.take(/nil\b/)) return { kind: 'nil' };
    found = this.take(/(?:true|false)\b/);
    if (found) return { kind: 'boolean', value: found[0] === 'true' };
    found = this.take(/double\(([^)]*)\)/);
    if (found) return { kind: 'double', text: found[1] ?? '' };
    found = this.take(/bignum\(([^)]*)\)/);
    if (found) return { kind: 'bignum', text: found[1] ?? '' };
    found = this.take(/<(-?\d+)\.\.(-?\d+)>/);
    if (found) return { kind: 'range', low: BigInt(found[1] ?? 0), high: BigInt(found[2] ?? 0) };
    found = this.take(/<([a-z]+)>/);
    if (found) return this.ofKind(found[1] ?? '');
    found = this.take(/\/((?:[^/\\]|\\.)+)\/([a-z]*)/);
    if (found) return { kind: 'regex', regex: new RegExp(found[1] ?? '', found[2]) };
    found = this.take(/-?\d+/);
    if (found) return { kind: 'integer', value: BigInt(found[0]) };
    return this.fail('no value');
  }

  private ofKind(name: string): Expected {
    if (name !== 'any' && !KINDS[name]) this.fail(`unknown kind <${name}>`);
    return { kind: 'of-kind', name };
  }
}

/** Text that stands outside quotes, as the latin1 string a decoded reply holds. */
function utf8(text: string): string {
  return Buffer.from(text, 'utf8').toString('latin1');
}

export function parseExpected(text: string): Expected {
  return new NotationParser(text).whole();
}

// --- Matching ---

function allMatch(expected: readonly Expected[], actual: readonly Reply[], resp: 2 | 3): boolean {
  return expected.every((item, i) => {
    const reply = actual[i];
    return reply !== undefined && matchReply(item, reply, resp);
  });
}

function matchAnyOrder(expected: readonly Expected[], actual: readonly Reply[], resp: 2 | 3) {
  const left = [...actual];
  for (const item of expected) {
    const at = left.findIndex((reply) => matchReply(item, reply, resp));
    if (at < 0) return false;
    left.splice(at, 1);
  }
  return true;
}

function matchItems(
  expected: Extract<Expected, { items: Expected[] }>,
  actual: Reply,
  resp: 2 | 3,
): boolean {
  if (!('items' in actual)) return false;
  if (expected.kind === 'any-order') {
    if (actual.kind === 'push') return false;
  } else if (actual.kind !== (resp === 2 ? 'array' : expected.kind)) return false;
  const enough = expected.open
    ? actual.items.length >= expected.items.length
    : actual.items.length === expected.items.length;
  if (!enough) return false;
  return expected.kind === 'any-order'
    ? matchAnyOrder(expected.items, actual.items, resp)
    : allMatch(expected.items, actual.items, resp);
}

function textOf(reply: Reply): string | null {
  if ('text' in reply) return reply.text;
  return 'bytes' in reply ? reply.bytes.toString('latin1') : null;
}

function matchScalar(expected: Expected, actual: Reply, resp: 2 | 3): boolean {
  switch (expected.kind) {
    case 'simple':
    case 'error':
    case 'bignum':
      return actual.kind === expected.kind && actual.text === expected.text;
    case 'integer':
      return actual.kind === 'integer' && actual.value === expected.value;
    case 'range':
      return (
        actual.kind === 'integer' && actual.value >= expected.low && actual.value <= expected.high
      );
    case 'bulk':
    case 'verbatim': {
      const kind = resp === 2 ? 'bulk' : expected.kind;
      return actual.kind === kind && 'bytes' in actual && actual.bytes.equals(expected.bytes);
    }
    case 'double':
      return resp === 2
        ? actual.kind === 'bulk' && actual.bytes.toString() === expected.text
        : actual.kind === 'double' && actual.text === expected.text;
    case 'boolean':
      return resp === 2
        ? actual.kind === 'integer' && actual.value === (expected.value ? 1n : 0n)
        : actual.kind === 'boolean' && actual.value === expected.value;
    default:
      return false;
  }
}

/** A map's entries, or the pairs of the flat array RESP2 has in its place. */
function entriesOf(reply: Reply, resp: 2 | 3): [Reply, Reply][] | null {
  if (resp === 3) return reply.kind === 'map' ? reply.entries : null;
  if (reply.kind !== 'array' || reply.items.length % 2 !== 0) return null;
  const entries: [Reply, Reply][] = [];
  for (let i = 0; i < reply.items.length; i += 2) {
    entries.push([reply.items[i] as Reply, reply.items[i + 1] as Reply]);
  }
  return entries;
}

function matchMap(
  expected: Extract<Expected, { kind: 'map' }>,
  actual: Reply,
  resp: 2 | 3,
): boolean {
  const entries = entriesOf(actual, resp);
  if (entries?.length !== expected.entries.length) return false;
  if (!expected.anyOrder) return allMatch(expected.entries.flat(), entries.flat(), resp);
  const left = [...entries];
  for (const wanted of expected.entries) {
    const at = left.findIndex((entry) => allMatch(wanted, entry, resp));
    if (at < 0) return false;
    left.splice(at, 1);
  }
  return true;
}

/** Whether the reply is what was expected, as RESP version `resp` writes it. */
export function matchReply(expected: Expected, actual: Reply, resp: 2 | 3): boolean {
  switch (expected.kind) {
    case 'nil':
      return actual.kind === 'null' && actual.form === (resp === 2 ? '$-1' : '_');
    case 'nil-array':
      return actual.kind === 'null' && actual.form === (resp === 2 ? '*-1' : '_');
    case 'array':
    case 'set':
    case 'push':
    case 'any-order':
      return matchItems(expected, actual, resp);
    case 'map':
      return matchMap(expected, actual, resp);
    case 'of-kind': {
      if (expected.name === 'any') return true;
      const kinds = (resp === 2 && RESP2_KINDS[expected.name]) || KINDS[expected.name];
      return kinds?.includes(actual.kind) ?? false;
    }
    case 'regex':
      return expected.regex.test(textOf(actual) ?? '');
    default:
      return matchScalar(expected, actual, resp);
  }
}

// --- Showing ---

const SHOWN_BYTES = 400;

function shownBytes(bytes: Buffer): string {
  if (bytes.length <= SHOWN_BYTES) return quote(bytes);
  return `${quote(bytes.subarray(0, SHOWN_BYTES))}... (${bytes.length} bytes)`;
}

function pairs(entries: readonly [Reply, Reply][]): string {
  return entries.map(([key, value]) => `${showItem(key)}: ${showItem(value)}`).join(', ');
}

function showItem(reply: Reply): string {
  switch (reply.kind) {
    case 'simple':
      return `+${quote(Buffer.from(reply.text, 'latin1'))}`;
    case 'error':
      return `-${quote(Buffer.from(reply.text, 'latin1'))}`;
    case 'bulk-error':
      return `!${quote(Buffer.from(reply.text, 'latin1'))}`;
    case 'integer':
      return String(reply.value);
    case 'bulk':
      return shownBytes(reply.bytes);
    case 'null':
      return reply.form === '*-1' ? 'nil-array' : 'nil';
    case 'array':
      return `[${reply.items.map(showItem).join(', ')}]`;
    case 'set':
      return `~[${reply.items.map(showItem).join(', ')}]`;
    case 'push':
      return `>[${reply.items.map(showItem).join(', ')}]`;
    case 'map':
      return `{${pairs(reply.entries)}}`;
    case 'double':
      return `double(${reply.text})`;
    case 'boolean':
      return String(reply.value);
    case 'verbatim':
      return `${reply.format}${shownBytes(reply.bytes)}`;
    case 'bignum':
      return `bignum(${reply.text})`;
    case 'attributed':
      return `|{${pairs(reply.attributes)}} ${showItem(reply.reply)}`;
  }
}

/** The reply in the notation above; errors and statuses without quotes when they are the whole. */
export function showReply(reply: Reply): string {
  if (reply.kind === 'simple' || reply.kind === 'error') {
    const sign = reply.kind === 'simple' ? '+' : '-';
    return `${sign}${Buffer.from(reply.text, 'latin1').toString('utf8')}`;
  }
  return showItem(reply);
}
