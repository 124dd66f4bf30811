// What the value editor can do with each type of many elements: read a page, find, add, change, remove.
//
// All of it is done by ordinary commands. What rests on an element as it was shown is done only while it is still
// so: the key is watched, the element read again and compared. What has a name (a field, a member, an ID) is
// removed by it, whatever became of its value. A new name is added before the old one is removed,
// so that the key, and when it expires, stays; a name that is taken is refused.

import type { CommandArg, Reply } from '../../embedded/reply.ts';
import type { DatabaseSession } from './database_session.ts';
import { collectPage, type Element, elementOf, type Page, scanPage } from './element_pages.ts';
import { glance, isEqual } from './value_text.ts';

export interface Column {
  readonly label: string;
  /** Whether a cell of it can be changed in place. */
  readonly isEditable: boolean;
  readonly isNumber?: boolean;
}

export interface Field {
  readonly label: string;
  readonly placeholder?: string;
  /** Several pairs, one a line: "field value". */
  readonly isPairs?: boolean;
}

export interface Collection {
  readonly columns: readonly Column[];
  readonly fields: readonly Field[];
  readonly addLabel: string;
  /** What can be looked for. */
  readonly findLabel: string;
  count(): Promise<number>;
  /** The page that begins at `from`, of the elements that are wanted; all of them for an empty text. */
  page(from: string | undefined, wanted?: string): Promise<Page>;
  add(values: readonly Uint8Array[]): Promise<void>;
  /** A cell of an editable column gets another value. Rejects when the element is not what was shown. */
  change(element: Element, column: number, value: Uint8Array): Promise<void>;
  remove(element: Element): Promise<void>;
}

type Key = string | Uint8Array;

const NAME_SHOWN_BYTES = 60;
const CHANGED = 'It was changed elsewhere meanwhile: nothing was done.';

const decoder = new TextDecoder();
const encoder = new TextEncoder();

export function openCollection(
  type: string,
  session: DatabaseSession,
  key: Key,
): Collection | undefined {
  switch (type) {
    case 'hash':
      return hash(session, key);
    case 'list':
      return list(session, key);
    case 'set':
      return set(session, key);
    case 'zset':
      return sortedSet(session, key);
    case 'stream':
      return stream(session, key);
    default:
      return undefined;
  }
}

/** Runs a command whose bulk strings come as bytes. Throws the error it replies. */
async function run(session: DatabaseSession, ...command: CommandArg[]): Promise<Reply> {
  const [reply] = await session.bytes([command]);
  if (reply instanceof Error) throw reply;
  return reply ?? null;
}

function isSame(reply: Reply | undefined, bytes: Uint8Array): boolean {
  return reply instanceof Uint8Array && isEqual(reply, bytes);
}

function requireSame(isSo: boolean): void {
  if (!isSo) throw new Error(CHANGED);
}

/** Throws when a name is taken. */
function requireFree(isFree: boolean, kind: string, name: Uint8Array): void {
  if (isFree) return;
  throw new Error(`There is a ${kind} ${glance(name, NAME_SHOWN_BYTES)} already.`);
}

// --- Hash ---

function hash(session: DatabaseSession, key: Key): Collection {
  const rename = (field: Uint8Array, value: Uint8Array, name: Uint8Array) =>
    session.guarded(
      key,
      [
        ['HMGET', key, field, name],
        ['HPEXPIRETIME', key, 'FIELDS', 1, field],
      ],
      ([values, times]) => {
        const [old, taken] = values as (Uint8Array | null)[];
        requireSame(isSame(old, value));
        requireFree(taken === null, 'field', name);
        const [expiry] = times as [number];
        return [
          ['HSET', key, name, value],
          ...(expiry > 0 ? [['HPEXPIREAT', key, expiry, 'FIELDS', 1, name]] : []),
          ['HDEL', key, field],
        ];
      },
    );
  const setValue = (field: Uint8Array, old: Uint8Array, value: Uint8Array) =>
    session.guarded(key, [['HGET', key, field]], ([current]) => {
      requireSame(isSame(current, old));
      return [['HSETEX', key, 'KEEPTTL', 'FIELDS', 1, field, value]];
    });
  return {
    columns: [
      { label: 'Field', isEditable: true },
      { label: 'Value', isEditable: true },
    ],
    fields: [{ label: 'Field' }, { label: 'Value' }],
    addLabel: 'Add field',
    findLabel: 'Find fields: text or pattern*',
    count: async () => Number(await run(session, 'HLEN', key)),
    page: (from, wanted) => scanPage(session, ['HSCAN', key], 2, from, wanted),
    add: async ([field, value]) =>
      requireFree((await run(session, 'HSETNX', key, field!, value!)) === 1, 'field', field!),
    change: async ({ cells }, column, value) => {
      const [field, old] = cells as [Uint8Array, Uint8Array];
      await (column === 1 ? setValue(field, old, value) : rename(field, old, value));
    },
    remove: async ({ cells }) => void (await run(session, 'HDEL', key, cells[0]!)),
  };
}

// --- List ---

/** What an element is set to before it is removed; nobody else has this value. */
function tombstone(): string {
  return `respite:removed:${crypto.randomUUID()}`;
}

/** The command that adds at a place that was typed. */
function pushAt(place: string): 'LPUSH' | 'RPUSH' {
  if (/^(start|left|head|0)$/i.test(place)) return 'LPUSH';
  if (/^(end|right|tail|-1|)$/i.test(place)) return 'RPUSH';
  throw new Error('At: an element is added at the start, or at the end.');
}

function list(session: DatabaseSession, key: Key): Collection {
  /** Does something with an element that is still at its place. */
  const atPlace = ({ id, cells }: Element, commands: CommandArg[][]) =>
    session.guarded(key, [['LINDEX', key, id]], ([current]) => {
      requireSame(isSame(current, cells[1]!));
      return commands;
    });
  return {
    columns: [
      { label: 'Index', isEditable: false, isNumber: true },
      { label: 'Value', isEditable: true },
    ],
    fields: [{ label: 'Value' }, { label: 'At', placeholder: 'end, or start' }],
    addLabel: 'Add element',
    findLabel: 'Go to an index',
    count: async () => Number(await run(session, 'LLEN', key)),
    page: (from, wanted = '') =>
      collectPage(firstIndex(from, wanted), async (first, count) => {
        const reply = await run(session, 'LRANGE', key, first, first + count - 1);
        return (reply as Uint8Array[]).map((value, i) =>
          elementOf([encoder.encode(String(first + i)), value], String(first + i)),
        );
      }),
    add: async ([value, place]) =>
      void (await run(session, pushAt(decoder.decode(place).trim()), key, value!)),
    change: async (element, _column, value) =>
      void (await atPlace(element, [['LSET', key, element.id, value]])),
    remove: async (element) => {
      const mark = tombstone();
      await atPlace(element, [
        ['LSET', key, element.id, mark],
        ['LREM', key, 1, mark],
      ]);
    },
  };
}

/** Where a page of a list begins: at what was left over, or asked for. */
function firstIndex(from: string | undefined, wanted: string): number {
  if (from !== undefined) return Number(from);
  return /^\s*\d+\s*$/.test(wanted) ? Number(wanted) : 0;
}

// --- Set ---

function set(session: DatabaseSession, key: Key): Collection {
  return {
    columns: [{ label: 'Member', isEditable: true }],
    fields: [{ label: 'Member' }],
    addLabel: 'Add member',
    findLabel: 'Find members: text or pattern*',
    count: async () => Number(await run(session, 'SCARD', key)),
    page: (from, wanted) => scanPage(session, ['SSCAN', key], 1, from, wanted),
    add: async ([member]) =>
      requireFree((await run(session, 'SADD', key, member!)) === 1, 'member', member!),
    change: async ({ cells: [member] }, _column, value) =>
      void (await session.guarded(key, [['SMISMEMBER', key, member!, value]], ([reply]) => {
        const [isThere, isTaken] = reply as [number, number];
        requireSame(isThere === 1);
        requireFree(isTaken === 0, 'member', value);
        return [
          ['SADD', key, value],
          ['SREM', key, member!],
        ];
      })),
    remove: async ({ cells }) => void (await run(session, 'SREM', key, cells[0]!)),
  };
}

// --- Sorted set ---

function sortedSet(session: DatabaseSession, key: Key): Collection {
  const columns = [
    { label: 'Score', isEditable: true, isNumber: true },
    { label: 'Member', isEditable: true },
  ];
  return {
    columns,
    fields: [{ label: 'Score', placeholder: '0' }, { label: 'Member' }],
    addLabel: 'Add member',
    findLabel: 'Find members: text or pattern*',
    count: async () => Number(await run(session, 'ZCARD', key)),
    page: async (from, wanted = '') => {
      if (wanted !== '') {
        const { elements, next } = await scanPage(session, ['ZSCAN', key], 2, from, wanted);
        return {
          elements: elements.map(({ cells }) => scored(cells[0]!, scoreOf(cells[1]!))),
          next,
        };
      }
      return collectPage(Number(from ?? 0), async (first, count) => {
        const reply = await run(session, 'ZRANGE', key, first, first + count - 1, 'WITHSCORES');
        return (reply as [Uint8Array, number][]).map(([member, score]) => scored(member, score));
      });
    },
    add: async ([score, member]) => {
      const added = await run(session, 'ZADD', key, 'NX', score!, member!);
      requireFree(added === 1, 'member', member!);
    },
    change: async ({ cells }, column, value) => {
      const [score, member] = cells as [Uint8Array, Uint8Array];
      const name = column === 1 ? value : member;
      await session.guarded(key, [['ZMSCORE', key, member, name]], ([reply]) => {
        const [current, taken] = reply as [number | null, number | null];
        requireSame(current !== null && scoreText(current) === decoder.decode(score));
        if (column === 0) return [['ZADD', key, value, member]];
        requireFree(taken === null, 'member', name);
        return [
          ['ZADD', key, score, name],
          ['ZREM', key, member],
        ];
      });
    },
    remove: async ({ cells }) => void (await run(session, 'ZREM', key, cells[1]!)),
  };
}

function scored(member: Uint8Array, score: number): Element {
  return elementOf([encoder.encode(scoreText(score)), member], member.join());
}

function scoreOf(bytes: Uint8Array): number {
  return Number(decoder.decode(bytes).replace('inf', 'Infinity'));
}

function scoreText(score: number): string {
  if (score === Number.POSITIVE_INFINITY) return 'inf';
  return score === Number.NEGATIVE_INFINITY ? '-inf' : String(score);
}

// --- Stream ---

function stream(session: DatabaseSession, key: Key): Collection {
  return {
    columns: [
      { label: 'ID', isEditable: false },
      { label: 'Fields', isEditable: false },
    ],
    fields: [
      { label: 'ID', placeholder: '*' },
      { label: 'Fields', placeholder: 'name value', isPairs: true },
    ],
    addLabel: 'Add entry',
    findLabel: 'Go back to an ID',
    count: async () => Number(await run(session, 'XLEN', key)),
    // The newest first.
    page: (from, wanted = '') => {
      const newest = /^\s*(\d+(?:-\d+)?)\s*$/.exec(wanted)?.[1] ?? '+';
      return collectPage(from === undefined ? newest : `(${from}`, async (end, count) => {
        const reply = await run(session, 'XREVRANGE', key, end, '-', 'COUNT', count);
        const entries = reply as [Uint8Array, Uint8Array[]][];
        return entries.map(([id, fields]) => elementOf([id, ...fields], decoder.decode(id)));
      });
    },
    add: async ([id, ...fields]) => {
      const wanted = decoder.decode(id).trim();
      await run(session, 'XADD', key, wanted === '' ? '*' : wanted, ...fields);
    },
    change: () => Promise.reject(new Error('An entry of a stream cannot be changed')),
    remove: async ({ id }) => void (await run(session, 'XDEL', key, id)),
  };
}
