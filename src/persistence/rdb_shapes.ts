// How the values of RDB files are put together, type by type, as far as one has to know to step over
// them: see assembly/snapshot/format.ts for what the parts mean.
//
//   'string'   a length and bytes, an integer, or compressed bytes
//   'length'   a number in the form of a length
//   'score'    a length of one byte and digits; 253 to 255 stand for themselves
//   8          so many bytes
//   { each }   a length, and as many times these parts

export type SimplePart = 'string' | 'length' | 'score' | number;
export type Part = SimplePart | { readonly each: readonly Part[] };

/** What TYPE calls the value. */
export type ValueKind = 'string' | 'list' | 'set' | 'zset' | 'hash' | 'stream' | 'module';

export interface ValueShape {
  readonly kind: ValueKind;
  /** The encoding's name, as tools for RDB files print it. */
  readonly name: string;
  readonly parts: readonly Part[];
}

const RAW_ID_BYTES = 16;
const TIME_BYTES = 8;
const DOUBLE_BYTES = 8;

const ENTRIES: readonly Part[] = [{ each: ['string', 'string'] }, 'length', 'length', 'length'];
/** First id, greatest deleted id, entries ever added. */
const COUNTERS: readonly Part[] = ['length', 'length', 'length', 'length', 'length'];

function groups(hasEntriesRead: boolean, consumerTimes: number): Part {
  const pending: Part = { each: [RAW_ID_BYTES, TIME_BYTES, 'length'] };
  const consumer: Part = {
    each: ['string', TIME_BYTES * consumerTimes, { each: [RAW_ID_BYTES] }],
  };
  const read: Part[] = hasEntriesRead ? ['length'] : [];
  return { each: ['string', 'length', 'length', ...read, pending, consumer] };
}

/** Stands for a value of a module, which has records of its own. */
export const TYPE_MODULE_2 = 7;

export const VALUE_SHAPES: ReadonlyMap<number, ValueShape> = new Map<number, ValueShape>([
  [0, { kind: 'string', name: 'string', parts: ['string'] }],
  [1, { kind: 'list', name: 'list-linked', parts: [{ each: ['string'] }] }],
  [2, { kind: 'set', name: 'set-hashtable', parts: [{ each: ['string'] }] }],
  [3, { kind: 'zset', name: 'zset-v1', parts: [{ each: ['string', 'score'] }] }],
  [4, { kind: 'hash', name: 'hash-hashtable', parts: [{ each: ['string', 'string'] }] }],
  [5, { kind: 'zset', name: 'zset-v2', parts: [{ each: ['string', DOUBLE_BYTES] }] }],
  [TYPE_MODULE_2, { kind: 'module', name: 'module-value', parts: [] }],
  [9, { kind: 'hash', name: 'hash-zipmap', parts: ['string'] }],
  [10, { kind: 'list', name: 'list-ziplist', parts: ['string'] }],
  [11, { kind: 'set', name: 'set-intset', parts: ['string'] }],
  [12, { kind: 'zset', name: 'zset-ziplist', parts: ['string'] }],
  [13, { kind: 'hash', name: 'hash-ziplist', parts: ['string'] }],
  [14, { kind: 'list', name: 'quicklist', parts: [{ each: ['string'] }] }],
  [15, { kind: 'stream', name: 'stream', parts: [...ENTRIES, groups(false, 1)] }],
  [16, { kind: 'hash', name: 'hash-listpack', parts: ['string'] }],
  [17, { kind: 'zset', name: 'zset-listpack', parts: ['string'] }],
  [18, { kind: 'list', name: 'quicklist-v2', parts: [{ each: ['length', 'string'] }] }],
  [19, { kind: 'stream', name: 'stream-v2', parts: [...ENTRIES, ...COUNTERS, groups(true, 1)] }],
  [20, { kind: 'set', name: 'set-listpack', parts: ['string'] }],
  [21, { kind: 'stream', name: 'stream-v3', parts: [...ENTRIES, ...COUNTERS, groups(true, 2)] }],
  [
    22,
    {
      kind: 'hash',
      name: 'hash-hashtable-md-pre-release',
      parts: [{ each: ['length', 'string', 'string'] }],
    },
  ],
  [23, { kind: 'hash', name: 'hash-listpack-md-pre-release', parts: ['string'] }],
  [
    24,
    {
      kind: 'hash',
      name: 'hash-hashtable-md',
      parts: [TIME_BYTES, { each: ['length', 'string', 'string'] }],
    },
  ],
  [25, { kind: 'hash', name: 'hash-listpack-md', parts: [TIME_BYTES, 'string'] }],
]);
