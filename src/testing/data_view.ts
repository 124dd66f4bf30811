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

interface Facts {
  readonly key: Uint8Array;
  readonly type: string;
  readonly ttlMs: number;
  readonly value: Reply;
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
      found.push([text(facts.key), await keyView(batch, facts, showsTtl)]);
    }
  }
  return Object.fromEntries(found.sort(byText));
}

/** Reads keys that may go, or become something else, meanwhile; value and time to live are of one moment. */
async function readKeys(batch: Batch, keys: readonly Uint8Array[]): Promise<Facts[]> {
  const found: Facts[] = [];
  const types = await batch(keys.map((key) => ['TYPE', key]));
  const isThere = ({ type }: { readonly type: string }) => type !== 'none';
  let unread = keys.map((key, i) => ({ key, type: text(types[i]) })).filter(isThere);
  while (unread.length > 0) {
    const replies = await batch(
      unread.flatMap(({ key, type }) => [['TYPE', key], ['PTTL', key], readerOf(type, key)]),
    );
    const changed: typeof unread = [];
    for (const [i, { key, type }] of unread.entries()) {
      const now = text(replies[3 * i]);
      const [ttlMs, value] = [Number(replies[3 * i + 1]), replies[3 * i + 2] as Reply];
      if (now === type) found.push({ key, type, ttlMs, value });
      else changed.push({ key, type: now });
    }
    unread = changed.filter(isThere);
  }
  return found;
}

type Batch = (commands: CommandArg[][]) => Promise<Reply[]>;

async function scanKeys(batch: Batch, match: string): Promise<Uint8Array[]> {
  const keys = new Map<string, Uint8Array>();
  let cursor = '0';
  do {
    const command = ['SCAN', cursor, 'MATCH', match, 'COUNT', KEYS_PER_STEP];
    const [page] = (await batch([command])) as [[Uint8Array, Uint8Array[]]];
    cursor = text(page[0]);
    for (const key of page[1]) keys.set(Buffer.from(key).toString('latin1'), key);
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

async function keyView(
  batch: Batch,
  { key, type, ttlMs, value }: Facts,
  showsTtl: boolean,
): Promise<KeyView> {
  const expiry = ttlMs < 0 ? {} : showsTtl ? { ttlMs } : { expires: true as const };
  const fields = type === 'hash' ? await expiringFields(batch, key, value as Fields) : [];
  const more = fields.length > 0 ? { expiringFields: fields } : {};
  return { type, value: valueView(type, value), ...expiry, ...more };
}

type Fields = Map<Reply, Reply>;

async function expiringFields(batch: Batch, key: Uint8Array, hash: Fields): Promise<string[]> {
  const names = [...hash.keys()] as Uint8Array[];
  const command = ['HPTTL', key, 'FIELDS', names.length, ...names];
  const [ttls] = (await batch([command])) as [number[]];
  return names
    .filter((_, i) => (ttls[i] as number) >= 0)
    .map(text)
    .sort();
}

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

function byText([a]: readonly [string, unknown], [b]: readonly [string, unknown]): number {
  return a < b ? -1 : 1;
}
