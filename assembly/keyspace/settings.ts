// Settings handed over by the host with `setConfig`: i64 words, CFG_* in abi.ts. Every engine starts
// with Redis's defaults, so that an embedded core works without a configuration.
import {
  CFG_ACTIVE_EXPIRE,
  CFG_ACTIVE_EXPIRE_EFFORT,
  CFG_ACTIVE_REHASHING,
  CFG_COUNT,
  CFG_DEFAULT_USER_NOPASS,
  CFG_EVICTION_TENACITY,
  CFG_GUARDS,
  CFG_HASH_LISTPACK_ENTRIES,
  CFG_HASH_LISTPACK_VALUE,
  CFG_HLL_SPARSE_MAX_BYTES,
  CFG_HZ,
  CFG_LATENCY_TRACKING,
  CFG_LFU_DECAY_MINUTES,
  CFG_LFU_LOG_FACTOR,
  CFG_LIST_MAX_LISTPACK_SIZE,
  CFG_MAXMEMORY_SAMPLES,
  CFG_PROTO_MAX_BULK,
  CFG_QUERY_BUFFER_LIMIT,
  CFG_RDB_COMPRESSION,
  CFG_SET_INTSET_ENTRIES,
  CFG_SET_LISTPACK_ENTRIES,
  CFG_SET_LISTPACK_VALUE,
  CFG_SLOWLOG_MAX_LEN,
  CFG_SLOWLOG_SLOWER_US,
  CFG_STREAM_IDMP_DURATION,
  CFG_STREAM_IDMP_MAXSIZE,
  CFG_STREAM_NODE_MAX_BYTES,
  CFG_STREAM_NODE_MAX_ENTRIES,
  CFG_TRACKING_MAX_KEYS,
  CFG_ZSET_MAX_LISTPACK_ENTRIES,
  CFG_ZSET_MAX_LISTPACK_VALUE,
  GUARD_HOLD_WRITES,
  GUARD_LOADING,
  GUARD_PAUSE_ALL,
  GUARD_PAUSE_WRITE,
  GUARD_SHUTDOWN,
} from '../abi';

const settings: usize = memory.data(<i32>CFG_COUNT * 8, 8);

export class Settings {
  @inline static get(id: u32): i64 {
    return load<i64>(settings + (id << 3));
  }
  @inline static set(id: u32, value: i64): void {
    store<i64>(settings + (id << 3), value);
  }
  @inline static on(id: u32): bool {
    return load<i64>(settings + (id << 3)) != 0;
  }
}

/** Guards that hold commands which write back: CLIENT PAUSE of either kind, MIGRATE, the last save. */
const GUARD_STANDSTILL: u32 =
  GUARD_PAUSE_ALL | GUARD_PAUSE_WRITE | GUARD_HOLD_WRITES | GUARD_SHUTDOWN;

/** Whether writes are held back, by whatever. */
export function areWritesHeld(): bool {
  return (<u32>Settings.get(CFG_GUARDS) & GUARD_STANDSTILL) != 0;
}

/** Whether data is being loaded. */
export function isLoading(): bool {
  return (<u32>Settings.get(CFG_GUARDS) & GUARD_LOADING) != 0;
}

/** Whether keys neither expire nor are evicted: writes are held back, or data is loaded. */
export function areKeysKept(): bool {
  return (<u32>Settings.get(CFG_GUARDS) & (GUARD_STANDSTILL | GUARD_LOADING)) != 0;
}

export function settingsInit(): void {
  Settings.set(CFG_MAXMEMORY_SAMPLES, 5);
  Settings.set(CFG_LFU_LOG_FACTOR, 10);
  Settings.set(CFG_LFU_DECAY_MINUTES, 1);
  Settings.set(CFG_SLOWLOG_SLOWER_US, 10000);
  Settings.set(CFG_SLOWLOG_MAX_LEN, 128);
  Settings.set(CFG_PROTO_MAX_BULK, 512 * 1024 * 1024);
  Settings.set(CFG_QUERY_BUFFER_LIMIT, 1024 * 1024 * 1024);
  Settings.set(CFG_LATENCY_TRACKING, 1);
  Settings.set(CFG_ACTIVE_EXPIRE_EFFORT, 1);
  Settings.set(CFG_ACTIVE_EXPIRE, 1);
  Settings.set(CFG_ACTIVE_REHASHING, 1);
  Settings.set(CFG_EVICTION_TENACITY, 10);
  Settings.set(CFG_HZ, 10);
  Settings.set(CFG_DEFAULT_USER_NOPASS, 1);
  Settings.set(CFG_TRACKING_MAX_KEYS, 1000000);
  Settings.set(CFG_LIST_MAX_LISTPACK_SIZE, -2);
  Settings.set(CFG_ZSET_MAX_LISTPACK_ENTRIES, 128);
  Settings.set(CFG_ZSET_MAX_LISTPACK_VALUE, 64);
  Settings.set(CFG_HASH_LISTPACK_ENTRIES, 512);
  Settings.set(CFG_HASH_LISTPACK_VALUE, 64);
  Settings.set(CFG_SET_INTSET_ENTRIES, 512);
  Settings.set(CFG_SET_LISTPACK_ENTRIES, 128);
  Settings.set(CFG_SET_LISTPACK_VALUE, 64);
  Settings.set(CFG_RDB_COMPRESSION, 1);
  Settings.set(CFG_HLL_SPARSE_MAX_BYTES, 3000);
  Settings.set(CFG_STREAM_NODE_MAX_BYTES, 4096);
  Settings.set(CFG_STREAM_NODE_MAX_ENTRIES, 100);
  Settings.set(CFG_STREAM_IDMP_DURATION, 100);
  Settings.set(CFG_STREAM_IDMP_MAXSIZE, 100);
}
