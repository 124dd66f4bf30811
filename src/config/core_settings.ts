// Which directives the core has to know, and how their values become its numbers.

import * as abi from '../../assembly/abi.ts';
import type { Core } from '../core/core.ts';
import type { Config } from './config.ts';
import type { DirectiveName } from './directives.ts';

const POLICIES: Readonly<Record<string, number>> = {
  noeviction: abi.POLICY_NOEVICTION,
  'allkeys-lru': abi.POLICY_ALLKEYS_LRU,
  'allkeys-lfu': abi.POLICY_ALLKEYS_LFU,
  'allkeys-random': abi.POLICY_ALLKEYS_RANDOM,
  'volatile-lru': abi.POLICY_VOLATILE_LRU,
  'volatile-lfu': abi.POLICY_VOLATILE_LFU,
  'volatile-random': abi.POLICY_VOLATILE_RANDOM,
  'volatile-ttl': abi.POLICY_VOLATILE_TTL,
};

const PROTECTED_ACTIONS: Readonly<Record<string, number>> = { no: 0, yes: 1, local: 2 };

const number = (value: unknown): number => Number(value);
const flag = (value: unknown): number => (value === true ? 1 : 0);

const SETTINGS: readonly [DirectiveName, number, (value: unknown) => number][] = [
  ['maxmemory', abi.CFG_MAXMEMORY, number],
  ['maxmemory-policy', abi.CFG_MAXMEMORY_POLICY, (value) => POLICIES[String(value)] ?? 0],
  ['maxmemory-samples', abi.CFG_MAXMEMORY_SAMPLES, number],
  ['maxmemory-eviction-tenacity', abi.CFG_EVICTION_TENACITY, number],
  ['lfu-log-factor', abi.CFG_LFU_LOG_FACTOR, number],
  ['lfu-decay-time', abi.CFG_LFU_DECAY_MINUTES, number],
  ['slowlog-log-slower-than', abi.CFG_SLOWLOG_SLOWER_US, number],
  ['slowlog-max-len', abi.CFG_SLOWLOG_MAX_LEN, number],
  ['proto-max-bulk-len', abi.CFG_PROTO_MAX_BULK, number],
  ['client-query-buffer-limit', abi.CFG_QUERY_BUFFER_LIMIT, number],
  ['latency-tracking', abi.CFG_LATENCY_TRACKING, flag],
  ['latency-monitor-threshold', abi.CFG_LATENCY_THRESHOLD_MS, number],
  ['lazyfree-lazy-eviction', abi.CFG_LAZYFREE_EVICTION, flag],
  ['lazyfree-lazy-expire', abi.CFG_LAZYFREE_EXPIRE, flag],
  ['lazyfree-lazy-server-del', abi.CFG_LAZYFREE_SERVER_DEL, flag],
  ['lazyfree-lazy-user-del', abi.CFG_LAZYFREE_USER_DEL, flag],
  ['lazyfree-lazy-user-flush', abi.CFG_LAZYFREE_USER_FLUSH, flag],
  ['active-expire-effort', abi.CFG_ACTIVE_EXPIRE_EFFORT, number],
  ['activerehashing', abi.CFG_ACTIVE_REHASHING, flag],
  ['hz', abi.CFG_HZ, number],
  ['notify-keyspace-events', abi.CFG_NOTIFY_EVENTS, number],
  ['tracking-table-max-keys', abi.CFG_TRACKING_MAX_KEYS, number],
  ['list-max-listpack-size', abi.CFG_LIST_MAX_LISTPACK_SIZE, number],
  ['list-compress-depth', abi.CFG_LIST_COMPRESS_DEPTH, number],
  ['zset-max-listpack-entries', abi.CFG_ZSET_MAX_LISTPACK_ENTRIES, number],
  ['zset-max-listpack-value', abi.CFG_ZSET_MAX_LISTPACK_VALUE, number],
  ['hash-max-listpack-entries', abi.CFG_HASH_LISTPACK_ENTRIES, number],
  ['hash-max-listpack-value', abi.CFG_HASH_LISTPACK_VALUE, number],
  ['set-max-intset-entries', abi.CFG_SET_INTSET_ENTRIES, number],
  ['set-max-listpack-entries', abi.CFG_SET_LISTPACK_ENTRIES, number],
  ['set-max-listpack-value', abi.CFG_SET_LISTPACK_VALUE, number],
  ['rdbcompression', abi.CFG_RDB_COMPRESSION, flag],
  ['hll-sparse-max-bytes', abi.CFG_HLL_SPARSE_MAX_BYTES, number],
  ['stream-node-max-bytes', abi.CFG_STREAM_NODE_MAX_BYTES, number],
  ['stream-node-max-entries', abi.CFG_STREAM_NODE_MAX_ENTRIES, number],
  ['stream-idmp-duration', abi.CFG_STREAM_IDMP_DURATION, number],
  ['stream-idmp-maxsize', abi.CFG_STREAM_IDMP_MAXSIZE, number],
  ['enable-debug-command', abi.CFG_DEBUG_COMMAND, (value) => PROTECTED_ACTIONS[String(value)] ?? 0],
];

/** Hands all settings over, and every later change of one. */
export function bindCoreSettings(config: Config, core: Core): void {
  const push = (names: ReadonlySet<DirectiveName> | null) => {
    for (const [name, id, convert] of SETTINGS) {
      if (names === null || names.has(name)) core.exports.setConfig(id, convert(config.get(name)));
    }
    return undefined;
  };
  push(null);
  config.subscribe(
    SETTINGS.map(([name]) => name),
    push,
  );
}
