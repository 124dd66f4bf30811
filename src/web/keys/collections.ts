// What the value editor can do with each type of many elements: read a page, add, change, remove. Everything
// is done by ordinary commands; changes of two steps are transactions.

import type { CommandArg, Reply } from '../../embedded/reply.ts';
import type { DatabaseSession } from './database_session.ts';

export interface Column {
  readonly label: string;
  /** Whether a cell of it can be changed in place. */
  readonly isEditable: boolean;
  readonly isNumber?: boolean;
}

export interface Field {
  readonly label: string;
  readonly placeholder?: string;
  readonly isOptional?: boolean;
  /** Several pairs, one a line: "field value". */
  readonly isPairs?: boolean;
}

export interface Element {
  /** The same for the same element as long as it is there. */
  readonly id: string;
  readonly cells: readonly Uint8Array[];
}

export interface Page {
  readonly elements: readonly Element[];
  /** Where the next page begins; undefined behind the last one. */
  readonly next: string | undefined;
}

export interface Collection {
  readonly columns: readonly Column[];
  readonly fields: readonly Field[];
  readonly addLabel: string;
  count(): Promise<number>;
  page(from: string | undefined): Promise<Page>;
  add(values: readonly Uint8Array[]): Promise<void>;
  /** A cell of an editable column has another value now. */
  change(element: Element, column: number, value: Uint8Array): Promise<void>;
  remove(element: Element): Promise<void>;
}

export const PAGE_ELEMENTS = 100;

type Key = string | Uint8Array;

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

async function runTogether(
  session: DatabaseSession,
  commands: readonly (readonly CommandArg[])[],
): Promise<void> {
  const replies = await session.transaction(commands);
  const failed = replies?.find((reply) => reply instanceof Error);
  if (failed instanceof Error) throw failed;
}

function elementOf(cells: readonly Uint8Array[], id = cells[0]!.join()): Element {
  return { id, cells };
}

// --- Hash ---

function hash(session: DatabaseSession, key: Key): Collection {
  return {
    columns: [
      { label: 'Field', isEditable: true },
      { label: 'Value', isEditable: true },
    ],
    fields: [{ label: 'Field' }, { label: 'Value' }],
    addLabel: 'Add field',
    count: async () => Number(await run(session, 'HLEN', key)),
    page: (from) => scan(session, ['HSCAN', key], from, 2),
    add: async ([field, value]) => void (await run(session, 'HSET', key, field!, value!)),
    change: async ({ cells }, column, value) => {
      const [field, old] = cells as [Uint8Array, Uint8Array];
      if (column === 1) await run(session, 'HSET', key, field, value);
      else
        await runTogether(session, [
          ['HDEL', key, field],
          ['HSET', key, value, old],
        ]);
    },
    remove: async ({ cells }) => void (await run(session, 'HDEL', key, cells[0]!)),
  };
}

// --- List ---

/** What an element is set to before it is removed; nobody else has this value. */
function tombstone(): string {
  return `respite:removed:${crypto.randomUUID()}`;
}

function list(session: DatabaseSession, key: Key): Collection {
  return {
    columns: [
      { label: 'Index', isEditable: false, isNumber: true },
      { label: 'Value', isEditable: true },
    ],
    fields: [{ label: 'Value' }, { label: 'At', placeholder: 'end, or start', isOptional: true }],
    addLabel: 'Add element',
    count: async () => Number(await run(session, 'LLEN', key)),
    page: async (from) => {
      const first = Number(from ?? 0);
      const values = (await run(
        session,
        'LRANGE',
        key,
        first,
        first + PAGE_ELEMENTS - 1,
      )) as Uint8Array[];
      const elements = values.map((value, i) =>
        elementOf([encoder.encode(String(first + i)), value], String(first + i)),
      );
      const isLast = values.length < PAGE_ELEMENTS;
      return { elements, next: isLast ? undefined : String(first + PAGE_ELEMENTS) };
    },
    add: async ([value, place]) => {
      const atStart = /^\s*(start|left|head|0)\s*$/i.test(decoder.decode(place));
      await run(session, atStart ? 'LPUSH' : 'RPUSH', key, value!);
    },
    change: async ({ id }, _column, value) => void (await run(session, 'LSET', key, id, value)),
    remove: async ({ id }) => {
      const mark = tombstone();
      await runTogether(session, [
        ['LSET', key, id, mark],
        ['LREM', key, 1, mark],
      ]);
    },
  };
}

// --- Set ---

function set(session: DatabaseSession, key: Key): Collection {
  return {
    columns: [{ label: 'Member', isEditable: true }],
    fields: [{ label: 'Member' }],
    addLabel: 'Add member',
    count: async () => Number(await run(session, 'SCARD', key)),
    page: (from) => scan(session, ['SSCAN', key], from, 1),
    add: async ([member]) => void (await run(session, 'SADD', key, member!)),
    change: ({ cells }, _column, value) =>
      runTogether(session, [
        ['SREM', key, cells[0]!],
        ['SADD', key, value],
      ]),
    remove: async ({ cells }) => void (await run(session, 'SREM', key, cells[0]!)),
  };
}

async function scan(
  session: DatabaseSession,
  command: CommandArg[],
  from: string | undefined,
  width: number,
): Promise<Page> {
  const elements: Element[] = [];
  let cursor = from ?? '0';
  // SCAN may return less than was asked for, or nothing, and go on all the same.
  do {
    const reply = await run(session, ...command, cursor, 'COUNT', PAGE_ELEMENTS);
    const [next, items] = reply as [Uint8Array, Uint8Array[]];
    cursor = decoder.decode(next);
    for (let i = 0; i < items.length; i += width)
      elements.push(elementOf(items.slice(i, i + width)));
  } while (cursor !== '0' && elements.length < PAGE_ELEMENTS);
  return { elements, next: cursor === '0' ? undefined : cursor };
}

// --- Sorted set ---

function sortedSet(session: DatabaseSession, key: Key): Collection {
  return {
    columns: [
      { label: 'Score', isEditable: true, isNumber: true },
      { label: 'Member', isEditable: true },
    ],
    fields: [{ label: 'Score', placeholder: '0' }, { label: 'Member' }],
    addLabel: 'Add member',
    count: async () => Number(await run(session, 'ZCARD', key)),
    page: async (from) => {
      const first = Number(from ?? 0);
      const last = first + PAGE_ELEMENTS - 1;
      const reply = await run(session, 'ZRANGE', key, first, last, 'WITHSCORES');
      const pairs = reply as [Uint8Array, number][];
      const elements = pairs.map(([member, score]) =>
        elementOf([encoder.encode(scoreText(score)), member], member.join()),
      );
      return {
        elements,
        next: pairs.length < PAGE_ELEMENTS ? undefined : String(first + PAGE_ELEMENTS),
      };
    },
    add: async ([score, member]) => void (await run(session, 'ZADD', key, score!, member!)),
    change: async ({ cells }, column, value) => {
      const [score, member] = cells as [Uint8Array, Uint8Array];
      if (column === 0) await run(session, 'ZADD', key, value, member);
      else
        await runTogether(session, [
          ['ZREM', key, member],
          ['ZADD', key, score, value],
        ]);
    },
    remove: async ({ cells }) => void (await run(session, 'ZREM', key, cells[1]!)),
  };
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
      { label: 'ID', placeholder: '*', isOptional: true },
      { label: 'Fields', placeholder: 'name value', isPairs: true },
    ],
    addLabel: 'Add entry',
    count: async () => Number(await run(session, 'XLEN', key)),
    // The newest first.
    page: async (from) => {
      const end = from === undefined ? '+' : `(${from}`;
      const reply = await run(session, 'XREVRANGE', key, end, '-', 'COUNT', PAGE_ELEMENTS);
      const entries = reply as [Uint8Array, Uint8Array[]][];
      const elements = entries.map(([id, fields]) => ({
        id: decoder.decode(id),
        cells: [id, ...fields],
      }));
      return { elements, next: entries.length < PAGE_ELEMENTS ? undefined : elements.at(-1)!.id };
    },
    add: async ([id, ...fields]) => {
      const wanted = decoder.decode(id).trim();
      await run(session, 'XADD', key, wanted === '' ? '*' : wanted, ...fields);
    },
    change: () => Promise.reject(new Error('An entry of a stream cannot be changed')),
    remove: async ({ id }) => void (await run(session, 'XDEL', key, id)),
  };
}
