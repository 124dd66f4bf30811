// A data set as plain JSON, in an order that does not depend on anything: for snapshots and for reading.

import type { CommandArg, Reply } from '../embedded/reply.ts';
import type { RespiteBase } from '../embedded/respite.ts';
import { quoteBytes } from '../util/quote.ts';

export type JsonValue =
  | string
  | number
  | boolean
  | null
  | JsonValue[]
  | { [key: string]: JsonValue };

export interface KeyView {
  readonly type: string;
  /**
   * Strings as text; lists as arrays; sets as arrays in order; hashes as objects in the order of their fields;
   * sorted sets as [member, score] pairs; streams as their entries and groups. What is not UTF-8 is written
   * as redis-cli does: in quotes, with escapes.
   */
  readonly value: JsonValue;
  /** Milliseconds that are left, with a clock that stands; else only that the key expires. */
  readonly ttlMs?: number;
  readonly expires?: true;
  /** Fields of a hash that expire. */
  readonly expiringFields?: readonly string[];
}

export type DataSetView = Record<string, KeyView>;

export interface DataOptions {
  /** Number of the database, 0 by default. */
  readonly database?: number;
  /** Pattern of the keys, as KEYS has it; all by default. */
  readonly match?: string;
}

/** Keys asked for at a time. */
const KEYS_PER_STEP = 1000;

/** A key as it is known, and the fields whose times to live are asked for with its value. */
interface Unread {
  readonly key: Uint8Array;
  readonly type: string;
  readonly fields: readonly Uint8Array[];
}

/** What was true of a key at one moment. */
interface Facts {
  readonly key: Uint8Array;
  readonly type: string;
  readonly ttlMs: number;
  readonly value: Reply;
  /** Fields of a hash that expire. */
  readonly expiringFields: readonly Uint8Array[];
}

/** Reads all keys. `showsTtl`: with how long they have left, rather than that they expire. */
export async function readData(
  store: RespiteBase,
  { database = 0, match = '*' }: DataOptions,
  showsTtl: boolean,
): Promise<DataSetView> {
  await using session = await store.session({ database });
  const view = session.with({ buffers: true });
  const batch = (commands: CommandArg[][]) => view.batch(commands);
  const keys = await scanKeys(batch, match);
  const found: [string, KeyView][] = [];
  for (let at = 0; at < keys.length; at += KEYS_PER_STEP) {
    for (const facts of await readKeys(batch, keys.slice(at, at + KEYS_PER_STEP))) {
      found.push([text(facts.key), keyView(facts, showsTtl)]);
    }
  }
  return Object.fromEntries(found.sort(byText));
}

/**
 * Reads keys that may go, or become something else, meanwhile. What is told of a key is of one moment: whose type, or
 * fields, are not those that were asked for is asked for again.
 */
async function readKeys(batch: Batch, keys: readonly Uint8Array[]): Promise<Facts[]> {
  const found: Facts[] = [];
  const types = await batch(keys.map((key) => ['TYPE', key]));
  const isThere = ({ type }: Unread) => type !== 'none';
  let unread = keys.map((key, i): Unread => ({ key, type: text(types[i]), fields: [] }));
  for (unread = unread.filter(isThere); unread.length > 0; ) {
    const asked = unread.map(readersOf);
    const replies = await inTransaction(batch, asked.flat());
    const changed: Unread[] = [];
    let at = 0;
    for (const [i, before] of unread.entries()) {
      const end = at + (asked[i] as CommandArg[][]).length;
      const facts = factsOf(before, replies.slice(at, end));
      at = end;
      if ('ttlMs' in facts) found.push(facts);
      else changed.push(facts);
    }
    unread = changed.filter(isThere);
  }
  return found;
}

async function inTransaction(batch: Batch, commands: CommandArg[][]): Promise<Reply[]> {
  const outcome = (await batch([['MULTI'], ...commands, ['EXEC']])).at(-1);
  if (!Array.isArray(outcome)) throw outcome;
  return outcome;
}

function readersOf({ key, type, fields }: Unread): CommandArg[][] {
  const readers: CommandArg[][] = [['TYPE', key], ['PTTL', key], readerOf(type, key)];
  if (fields.length > 0) readers.push(['HPTTL', key, 'FIELDS', fields.length, ...fields]);
  return readers;
}

/** What the replies tell, or with what the key is to be asked for again. */
function factsOf(before: Unread, replies: readonly Reply[]): Facts | Unread {
  const { key, fields } = before;
  const [type, ttlMs] = [text(replies[0]), Number(replies[1])];
  const value = replies[2] as Reply;
  if (type !== before.type) return { key, type, fields: [] };
  if (type !== 'hash') return { key, type, ttlMs, value, expiringFields: [] };
  const present = [...(value as Fields).keys()] as Uint8Array[];
  const known = new Set(fields.map(byteText));
  if (!present.every((field) => known.has(byteText(field)))) return { key, type, fields: present };
  // Of a field that has gone it is told as well, by another number.
  const ttls = replies[3] as number[];
  return { key, type, ttlMs, value, expiringFields: fields.filter((_, i) => (ttls[i] ?? -1) >= 0) };
}

type Batch = (commands: CommandArg[][]) => Promise<Reply[]>;

async function scanKeys(batch: Batch, match: string): Promise<Uint8Array[]> {
  const keys = new Map<string, Uint8Array>();
  let cursor = '0';
  do {
    const command = ['SCAN', cursor, 'MATCH', match, 'COUNT', KEYS_PER_STEP];
    const [page] = (await batch([command])) as [[Uint8Array, Uint8Array[]]];
    cursor = text(page[0]);
    for (const key of page[1]) keys.set(byteText(key), key);
  } while (cursor !== '0');
  return [...keys.values()];
}

function readerOf(type: string, key: Uint8Array): CommandArg[] {
  switch (type) {
    case 'list':
      return ['LRANGE', key, 0, -1];
    case 'set':
      return ['SMEMBERS', key];
    case 'hash':
      return ['HGETALL', key];
    case 'zset':
      return ['ZRANGE', key, 0, -1, 'WITHSCORES'];
    case 'stream':
      return ['XINFO', 'STREAM', key, 'FULL', 'COUNT', 0];
    default:
      return ['GET', key];
  }
}

function keyView({ type, ttlMs, value, expiringFields }: Facts, showsTtl: boolean): KeyView {
  const expiry = ttlMs < 0 ? {} : showsTtl ? { ttlMs } : { expires: true as const };
  const fields = expiringFields.map(text).sort();
  const more = fields.length > 0 ? { expiringFields: fields } : {};
  return { type, value: valueView(type, value), ...expiry, ...more };
}

type Fields = Map<Reply, Reply>;

function valueView(type: string, value: Reply): JsonValue {
  switch (type) {
    case 'list':
      return (value as Reply[]).map(text);
    case 'set':
      return [...(value as Set<Reply>)].map(text).sort();
    case 'hash':
      return Object.fromEntries(
        [...(value as Fields)]
          .map(([field, held]) => [text(field), text(held)] as const)
          .sort(byText),
      );
    case 'zset':
      return (value as [Reply, number][]).map(([member, score]) => [
        text(member),
        scoreView(score),
      ]);
    case 'stream':
      return streamView(value as Fields);
    default:
      return text(value);
  }
}

/** JSON has no infinity. */
function scoreView(score: number): JsonValue {
  return Number.isFinite(score) ? score : score > 0 ? 'inf' : '-inf';
}

function streamView(info: Fields): JsonValue {
  const facts = named(info);
  const entries = (facts.get('entries') as [Reply, Reply[]][]).map(([id, fields]) => [
    text(id),
    fieldsView(fields),
  ]);
  const groups = (facts.get('groups') as Fields[]).map((group): JsonValue => {
    const about = named(group);
    const consumers = (about.get('consumers') as Fields[]).map((each) =>
      text(named(each).get('name')),
    );
    return {
      name: text(about.get('name')),
      lastDeliveredId: text(about.get('last-delivered-id')),
      pending: (about.get('pending') as Reply[][]).map(
        ([id, consumer]): JsonValue => [text(id), text(consumer)],
      ),
      consumers: consumers.sort(),
    };
  });
  return groups.length === 0 ? { entries } : { entries, groups };
}

/** An object; where a field occurs twice, fields and values in their order. */
function fieldsView(fields: readonly Reply[]): JsonValue {
  const flat = fields.map(text);
  const pairs = flat.flatMap((field, i) => (i % 2 === 0 ? [[field, flat[i + 1] ?? '']] : []));
  const object: Record<string, string> = Object.fromEntries(pairs);
  return Object.keys(object).length === pairs.length ? object : flat;
}

function named(map: Fields): Map<string, Reply> {
  return new Map([...map].map(([name, value]) => [text(name), value]));
}

const strict = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

function text(value: Reply | undefined): string {
  if (!(value instanceof Uint8Array)) return String(value);
  try {
    return strict.decode(value);
  } catch {
    return quoteBytes(value);
  }
}

/** One character for each byte, for comparing. */
function byteText(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('latin1');
}

function byText([a]: readonly [string, unknown], [b]: readonly [string, unknown]): number {
  return a < b ? -1 : 1;
}
