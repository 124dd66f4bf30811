// What is wrong with an RDB file or a payload, in Redis's words: texts of the core's RDB_FAULT_*.

import * as abi from '../../assembly/abi.ts';

/** What a text may refer to. */
export interface FaultContext {
  /** Type of the value. */
  readonly type: number;
  /** Version of the file. */
  readonly version: number;
  /** Id of a module. */
  readonly number: bigint;
  /** Databases of this server. */
  readonly databases: number;
}

type Text = string | ((context: FaultContext) => string);

const TEXTS: Readonly<Record<number, Text>> = {
  [abi.RDB_FAULT_EOF]: 'Unexpected EOF reading RDB file',
  [abi.RDB_FAULT_CHECKSUM]: 'RDB CRC error',
  [abi.RDB_FAULT_SIGNATURE]: 'Wrong signature trying to load DB from file',
  [abi.RDB_FAULT_VERSION]: ({ version }) => `Can't handle RDB format version ${version}`,
  [abi.RDB_FAULT_DATABASE]: ({ databases }) =>
    'FATAL: Data file was created with a Redis server configured to handle more than ' +
    `${databases} databases. Exiting`,
  [abi.RDB_FAULT_TYPE]: ({ type }) => `Unknown RDB encoding type ${type}`,
  [abi.RDB_FAULT_LENGTH]: 'Unknown length encoding in rdbLoadLen()',
  [abi.RDB_FAULT_STRING]: 'Unknown RDB string encoding type',
  [abi.RDB_FAULT_LZF]: 'Invalid LZF compressed string',
  [abi.RDB_FAULT_LIST_NODES]: 'Quicklist integrity check failed.',
  [abi.RDB_FAULT_LIST_ZIPLIST]: 'List ziplist integrity check failed.',
  [abi.RDB_FAULT_LISTPACK]: 'Listpack integrity check failed.',
  [abi.RDB_FAULT_ZIPLIST]: 'Ziplist integrity check failed.',
  [abi.RDB_FAULT_ZIPMAP]: 'Zipmap integrity check failed.',
  [abi.RDB_FAULT_INTSET]: 'Intset integrity check failed.',
  [abi.RDB_FAULT_SET_LISTPACK]: 'Set listpack integrity check failed.',
  [abi.RDB_FAULT_SET_DUPLICATE]: 'Duplicate set members detected',
  [abi.RDB_FAULT_ZSET_ZIPLIST]: 'Zset ziplist integrity check failed.',
  [abi.RDB_FAULT_ZSET_LISTPACK]: 'Zset listpack integrity check failed.',
  [abi.RDB_FAULT_ZSET_NAN]: 'Zset with NAN score detected',
  [abi.RDB_FAULT_ZSET_DUPLICATE]: 'Duplicate zset fields detected',
  [abi.RDB_FAULT_HASH_ZIPLIST]: 'Hash ziplist integrity check failed.',
  [abi.RDB_FAULT_HASH_LISTPACK]: 'Hash listpack integrity check failed.',
  [abi.RDB_FAULT_HASH_DUPLICATE]: 'Duplicate hash fields detected',
  [abi.RDB_FAULT_HASH_EXPIRY]: 'Invalid expiry of a hash field',
  [abi.RDB_FAULT_STREAM_NODE_KEY]: 'Stream node key entry is not the size of a stream ID',
  [abi.RDB_FAULT_STREAM_LISTPACK]: 'Stream listpack integrity check failed.',
  [abi.RDB_FAULT_STREAM_EMPTY_NODE]: 'Empty listpack inside stream',
  [abi.RDB_FAULT_STREAM_NODE_ORDER]: 'Listpack re-added with existing key',
  [abi.RDB_FAULT_STREAM_LENGTH]: 'Stream length inconsistent with rax entries',
  [abi.RDB_FAULT_STREAM_GROUP]: 'Duplicated consumer group name',
  [abi.RDB_FAULT_STREAM_PEL]: 'Duplicated global PEL entry loading stream consumer group',
  [abi.RDB_FAULT_STREAM_CONSUMER]: 'Duplicate stream consumer detected.',
  [abi.RDB_FAULT_STREAM_CONSUMER_PEL]: 'Consumer entry not found in group global PEL',
  [abi.RDB_FAULT_STREAM_NO_OWNER]: 'Stream CG PEL entry without consumer',
  [abi.RDB_FAULT_MODULE_OLD]: 'Pre-release module format not supported',
  [abi.RDB_FAULT_MODULE_TYPE]: ({ number }) =>
    "The RDB file contains module data I can't load: no matching module type " +
    `'${moduleName(number)}'`,
  [abi.RDB_FAULT_MODULE_AUX]: 'bad when_opcode',
  [abi.RDB_FAULT_MODULE_DATA]: ({ number }) =>
    `Error reading data of module '${moduleName(number)}'`,
  [abi.RDB_FAULT_DUPLICATE_KEY]: 'Duplicated key found in RDB file',
  [abi.RDB_FAULT_NO_MEMORY]: 'Out of memory',
};

/** The text of a RDB_FAULT_*. */
export function faultText(fault: number, context: FaultContext): string {
  const text = TEXTS[fault] ?? `unknown fault ${fault}`;
  return typeof text === 'string' ? text : text(context);
}

const NAME_CHARS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
const NAME_LENGTH = 9;
/** An id ends with the version of what the module writes. */
const VERSION_BITS = 10n;

/** The nine characters that the id of a module's type stands for. */
export function moduleName(id: bigint): string {
  let rest = id >> VERSION_BITS;
  let name = '';
  for (let i = 0; i < NAME_LENGTH; i++) {
    name = (NAME_CHARS[Number(rest & 63n)] as string) + name;
    rest >>= 6n;
  }
  return name;
}

/** What redis-check-rdb calls the types of values. */
const TYPE_NAMES: readonly string[] = [
  'string',
  'list-linked',
  'set-hashtable',
  'zset-v1',
  'hash-hashtable',
  'zset-v2',
  'module-pre-release',
  'module-value',
  '',
  'hash-zipmap',
  'list-ziplist',
  'set-intset',
  'zset-ziplist',
  'hash-ziplist',
  'quicklist',
  'stream',
  'hash-listpack',
  'zset-listpack',
  'quicklist-v2',
  'stream-v2',
  'set-listpack',
  'stream-v3',
  'hash-metadata-pre-release',
  'hash-listpack-ex-pre-release',
  'hash-metadata',
  'hash-listpack-ex',
];

/** The name of the type of a value in an RDB file. */
export function rdbTypeName(type: number): string {
  return TYPE_NAMES[type] || 'unknown';
}
