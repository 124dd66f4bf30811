// Numbers shared by the core (AssemblyScript) and the host (TypeScript).
//
// This file is compiled by both languages, so it holds nothing but plain constants: no types, no
// functions, no expressions that differ between the two. A layout written here is pinned by a
// compile-time check beside the class that implements it; a status or id never changes its meaning.

// --- Batch status: what `feed` and `resume` return ---

/** Every complete command ran; an unfinished tail, if any, is kept with the connection. */
export const STATUS_OK = 0;
/** A host-owned command is next: read it through the ABI block, append a reply, call `resume`. */
export const STATUS_HOST_COMMAND = 1;
/** Write the reply out, then close the connection; ABI_CLOSE_REASON tells why. */
export const STATUS_CLOSE = 2;
/** The connection waits for another one's write; nothing more runs until it is unblocked. */
export const STATUS_BLOCKED = 3;
/** The reply buffer reached its batch limit: write it out, then call `resume`. */
export const STATUS_FLUSH = 4;
/** Commands are held back (CLIENT PAUSE); call `resume` when the pause ends. */
export const STATUS_PAUSED = 5;
/** Close the connection at once, without writing anything more; ABI_CLOSE_REASON tells why. */
export const STATUS_ABORT = 6;
/** FLUSHALL ran (CFG_TELL_FLUSHALL): save if need be, write the reply out, then call `resume`. */
export const STATUS_FLUSHED_ALL = 7;

/** A command asked for it: QUIT, CLIENT KILL ... */
export const CLOSE_ASKED = 0;
/** Memory for its input or its replies ran out. */
export const CLOSE_NO_MEMORY = 1;
/** It sent more than client-query-buffer-limit before anything of it could run. */
export const CLOSE_QUERY_LIMIT = 2;
/** It sent POST or Host:, as a browser tricked into talking to the server does. */
export const CLOSE_CROSS_PROTOCOL = 3;
/** It broke the protocol, and has been told so. */
export const CLOSE_PROTOCOL_ERROR = 4;
// Only for the client that replays a file; the command's arguments are at ABI_ARGV.
/** There is no command of that name. */
export const CLOSE_UNKNOWN_COMMAND = 5;
/** It has too few or too many arguments. */
export const CLOSE_WRONG_ARITY = 6;
/** Memory for what it adds ran out. */
export const CLOSE_REPLAY_NO_MEMORY = 7;

// --- Shared input region ---

/** Bytes of the region that sockets read into. */
export const INPUT_BYTES = 262144;

// --- ABI block: u32 words at the address `abi()` returns ---

export const ABI_OUT_PTR = 0; // reply bytes of the current batch
export const ABI_OUT_LEN = 1;
export const ABI_CMD_ID = 2; // command the host has to run
export const ABI_ARGC = 3;
export const ABI_ARGV = 4; // ARG_BYTES per argument: u32 pointer, u32 length, u64 hash
export const ABI_DIRTY_CONN = 5; // first connection with pushed output, 0 when none
export const ABI_SCRATCH = 6; // SCRATCH_BYTES for the host's small arguments
export const ABI_CLOSE_CONN = 7; // first connection the core wants closed, 0 when none
export const ABI_STATS = 8; // f64 words, STAT_*
export const ABI_CMD_STATS = 9; // CMDSTAT_BYTES per command id
export const ABI_ASSERT_LINE = 10; // where the last assertion failed
export const ABI_ASSERT_FILE = 11; // UTF-16, length in bytes before it
export const ABI_CURRENT_CONN = 12; // connection whose batch is running
export const ABI_INPUT = 13; // INPUT_BYTES region
export const ABI_EVENTS = 14; // number of queued host events
export const ABI_EVENTS_PTR = 15; // EVENT_BYTES each
export const ABI_ERROR_STATS = 16; // ERRSTAT_SLOTS records
export const ABI_CLOSE_REASON = 17; // CLOSE_*, after STATUS_CLOSE and STATUS_ABORT
export const ABI_SEQUEL = 18; // SEQUEL_* bits: what a call left for the host to do
export const ABI_PAYLOAD_FAULT = 20; // RDB_FAULT_* of a payload, its type in the high half
export const ABI_RECORDS = 21; // RECORD_BYTES per command id
export const ABI_COMMANDS = 22; // how many commands and subcommands there are
export const ABI_NAMES = 23; // their full names, end to end: RECORD_NAME_OFFSET, RECORD_NAME_LEN
export const ABI_SNAPSHOT_PTR = 24; // what the walk over the keyspace has written
export const ABI_SNAPSHOT_LEN = 25;
export const ABI_PROPAGATED_PTR = 26; // stream of changes, while it is switched on
export const ABI_PROPAGATED_LEN = 27; // bytes of it that belong to whole units
export const ABI_WORDS = 32;

/** Clients wait no longer and have input: take them with `nextUnblocked` and call `resume`. */
export const SEQUEL_UNBLOCKED = 1;
/** The first deadline changed: ask `nextDeadline`. */
export const SEQUEL_DEADLINE = 2;
/** Connections have output that other clients' commands wrote: `nextDirty` names them. */
export const SEQUEL_PUSHED = 4;
/** RESTORE refused a payload: ABI_PAYLOAD_FAULT tells why, until `payloadFaultTaken`. */
export const SEQUEL_PAYLOAD = 8;

export const ARG_BYTES = 16;
export const SCRATCH_BYTES = 65536;

// --- Connection block: byte offsets ---

export const CONN_ID = 0; // u64
export const CONN_FLAGS = 8; // u32, CLIENT_*
export const CONN_RESP = 12; // u32, 2 or 3
export const CONN_DB = 16; // u32
export const CONN_LAST_CMD = 20; // u32 id of the last or running command, 0xffffffff if unknown
export const CONN_QUERY_PTR = 24; // u32 unfinished input
export const CONN_QUERY_LEN = 28; // u32
export const CONN_QUERY_CAP = 32; // u32
export const CONN_PARSE_POS = 36; // u32
export const CONN_MULTIBULK_LEFT = 40; // i32
export const CONN_BULK_LEN = 44; // i32, -1 when unknown
export const CONN_ARGV_PTR = 48; // u32 arguments parsed so far of an unfinished command
export const CONN_ARGC = 52; // u32
export const CONN_ARGV_CAP = 56; // u32
export const CONN_PUSH_PTR = 60; // u32 output written by other connections' commands
export const CONN_PUSH_LEN = 64; // u32
export const CONN_PUSH_CAP = 68; // u32
export const CONN_NEXT_DIRTY = 72; // u32 list link, 1 when last
export const CONN_NEXT_MONITOR = 76; // u32 list link
export const CONN_COMMANDS = 80; // u64 commands run
export const CONN_NET_IN = 88; // u64 bytes
export const CONN_NET_OUT = 96; // u64 bytes
export const CONN_CREATED_MS = 104; // i64 unix ms
export const CONN_LAST_ACTIVE_MS = 112; // i64 unix ms
export const CONN_ADDR_PTR = 120; // u32 "ip:port" or socket path
export const CONN_ADDR_LEN = 124; // u32
export const CONN_NAME_PTR = 128; // u32
export const CONN_NAME_LEN = 132; // u32
export const CONN_MULTI_PTR = 136; // u32 transaction state, 0 when none
export const CONN_ARGV_BYTES = 140; // u32 argument bytes of the command being read
export const CONN_QUERY_POS = 148; // u32 where the unread bytes begin
export const CONN_OWNED_BYTES = 188; // u32 of watched keys, subscriptions and prefixes
export const CONN_BYTES = 192;

// --- Connection flags ---

export const CLIENT_AUTHENTICATED = 1;
export const CLIENT_MULTI = 2;
export const CLIENT_MONITOR = 4;
export const CLIENT_CLOSE_AFTER_REPLY = 8;
export const CLIENT_BLOCKED = 16;
export const CLIENT_REPLY_OFF = 32;
export const CLIENT_REPLY_SKIP = 64;
export const CLIENT_REPLY_SKIP_NEXT = 128;
export const CLIENT_NO_TOUCH = 256;
export const CLIENT_NO_EVICT = 512;
export const CLIENT_UNIX_SOCKET = 1024;
export const CLIENT_PUBSUB = 2048;
export const CLIENT_DIRTY_CAS = 4096;
export const CLIENT_DIRTY_EXEC = 8192;
export const CLIENT_PAUSED = 16384;
export const CLIENT_REPLICA = 32768;
export const CLIENT_PRIMARY = 65536;
export const CLIENT_TRACKING = 131072;
export const CLIENT_READONLY = 262144;
export const CLIENT_ASKING = 524288;
export const CLIENT_CLOSE_ASAP = 1048576;
/** No socket behind it: embedded calls; while GUARD_LOADING is set, the replay of a file. */
export const CLIENT_INTERNAL = 2097152;
export const CLIENT_TRACKING_BROKEN = 33554432; // the client it redirects to is gone
export const CLIENT_TRACKING_BCAST = 67108864;
export const CLIENT_TRACKING_OPTIN = 134217728;
export const CLIENT_TRACKING_OPTOUT = 268435456;
export const CLIENT_TRACKING_CACHING = 536870912; // CLIENT CACHING came just before
export const CLIENT_TRACKING_NOLOOP = 1073741824;

// --- Command table records: byte offsets of one RECORD_BYTES record ---
// FIRST_KEY, LAST_KEY and KEY_STEP are what COMMAND reports, except for KEYS_KEYNUM.

export const RECORD_BYTES = 32;
export const RECORD_NAME_OFFSET = 0; // u16 into the name blob, set at start; lower case, "parent|sub" for subcommands
export const RECORD_NAME_LEN = 2; // u8
export const RECORD_OWNER = 3; // u8, 0 core, 1 host
export const RECORD_ARITY = 4; // i16, as in COMMAND
export const RECORD_PARENT = 6; // u16 id, 0xffff when top level
export const RECORD_FLAGS = 8; // u32, CMD_*
export const RECORD_FIRST_KEY = 16; // i8 legacy range, as in COMMAND
export const RECORD_LAST_KEY = 17; // i8
export const RECORD_KEY_STEP = 18; // i8
export const RECORD_KEY_KIND = 19; // u8, KEYS_*
export const RECORD_KEYNUM_INDEX = 20; // u8 argument that holds the number of keys
export const RECORD_HAS_SUBCOMMANDS = 21; // u8
export const RECORD_FIRST_SUB = 22; // u16 id of the first subcommand
export const RECORD_SUB_COUNT = 24; // u16
export const RECORD_FIRST_MEMBER = 26; // u8 argument that is the first member of the first key, 0 for none
export const RECORD_MEMBER_STEP = 27; // u8 arguments from one member to the next, 0 for a single one
export const RECORD_NO_ID = 65535;

export const KEYS_NONE = 0;
export const KEYS_RANGE = 1;
export const KEYS_KEYNUM = 2; // count at KEYNUM_INDEX, keys from FIRST_KEY on, every KEY_STEP
export const KEYS_IRREGULAR = 3; // found by a function named in the command's record
export const KEYS_STREAMS = 4; // the first half of the arguments behind the word STREAMS

// --- Command flags: bits of RECORD_FLAGS ---

export const CMD_WRITE = 1;
export const CMD_READONLY = 2;
export const CMD_DENYOOM = 4;
export const CMD_ADMIN = 8;
export const CMD_PUBSUB = 16;
export const CMD_NOSCRIPT = 32;
export const CMD_BLOCKING = 64;
export const CMD_LOADING = 128;
export const CMD_STALE = 256;
export const CMD_SKIP_MONITOR = 512;
export const CMD_SKIP_SLOWLOG = 1024;
export const CMD_ASKING = 2048;
export const CMD_FAST = 4096;
export const CMD_NO_AUTH = 8192;
export const CMD_MAY_REPLICATE = 16384;
export const CMD_NO_ASYNC_LOADING = 32768;
export const CMD_NO_MULTI = 65536;
export const CMD_MOVABLEKEYS = 131072;
export const CMD_ALLOW_BUSY = 262144;
export const CMD_PROTECTED = 524288;
/** Ours: runs in more than constant time, so its duration is measured alone. */
export const CMD_TIMED = 1048576;
/** Ours: key lookups leave LRU and LFU alone (TYPE, TTL, OBJECT ...). */
export const CMD_NO_TOUCH_KEYS = 2097152;
export const CMD_NO_MANDATORY_KEYS = 4194304;
export const CMD_TOUCHES_ARBITRARY_KEYS = 8388608;
/** Derived: the core's, without subcommands, not CMD_ADMIN, CMD_TIMED or CMD_PROTECTED. */
export const CMD_PLAIN = 16777216;

// --- Statistics: f64 word index in the ABI_STATS block ---

export const STAT_USED_MEMORY = 0;
export const STAT_PEAK_MEMORY = 1;
export const STAT_COMMANDS = 2;
export const STAT_KEYSPACE_HITS = 3;
export const STAT_KEYSPACE_MISSES = 4;
export const STAT_EXPIRED_KEYS = 5;
export const STAT_EVICTED_KEYS = 6;
export const STAT_DIRTY = 7; // keyspace changes since the last reset
export const STAT_ERROR_REPLIES = 8;
export const STAT_EXPIRED_STALE_PERCENT = 9;
export const STAT_EXPIRE_CYCLE_US = 10;
export const STAT_EXPIRED_TIME_CAP = 11;
export const STAT_LAZYFREE_PENDING = 12;
export const STAT_LAZYFREED = 13;
export const STAT_SYSTEM_MEMORY = 14; // bytes of linear memory
export const STAT_UNEXPECTED_ERRORS = 15;
export const STAT_QUERYBUF_DISCONNECTS = 16;
export const STAT_OVERHEAD_MEMORY = 17; // static tables of the core
export const STAT_SLOWLOG_ENTRIES = 18;
export const STAT_EVICT_EXCEEDED_US = 19;
export const STAT_EVICTION_STARTED_US = 20; // 0 unless over maxmemory
export const STAT_CLIENT_MEMORY = 21;
export const STAT_TAKEN_MEMORY = 22; // bytes of pages in use, the allocator's slack included
export const STAT_DUMP_SANITIZATIONS = 60; // payloads that RESTORE checked
export const STAT_EXPIRED_SUBKEYS = 32; // fields of hashes
export const STAT_WORDS = 64;

// --- Per-command statistics ---

export const CMDSTAT_BYTES = 40;
export const CMDSTAT_CALLS = 0; // u64
export const CMDSTAT_USEC = 8; // f64
export const CMDSTAT_REJECTED = 16; // u64
export const CMDSTAT_FAILED = 24; // u64
export const CMDSTAT_HISTOGRAM = 32; // u32 pointer to LATENCY_BUCKETS u64 counters, 0 before the first call

// Latency histogram: bucket of a duration of v nanoseconds is v >> 6 below 1,024, else
// (msb - 9) * 16 + the four bits after the highest, capped at the last bucket.
export const LATENCY_BUCKETS = 384;

// Error statistics: ERRSTAT_SLOTS records of a code word and how often it was sent.
export const ERRSTAT_SLOTS = 128;
export const ERRSTAT_BYTES = 64;
export const ERRSTAT_COUNT = 0; // u64
export const ERRSTAT_NAME_LEN = 8; // u32
export const ERRSTAT_NAME = 12; // up to 52 bytes

// --- Settings the host hands to the core: `setConfig(id, value)` ---

export const CFG_MAXMEMORY = 0; // bytes, 0 none
export const CFG_MAXMEMORY_POLICY = 1; // POLICY_*
export const CFG_MAXMEMORY_SAMPLES = 2;
export const CFG_LFU_LOG_FACTOR = 3;
export const CFG_LFU_DECAY_MINUTES = 4;
export const CFG_SLOWLOG_SLOWER_US = 5; // negative: off
export const CFG_SLOWLOG_MAX_LEN = 6;
export const CFG_PROTO_MAX_BULK = 7; // bytes
export const CFG_QUERY_BUFFER_LIMIT = 8; // bytes
export const CFG_LATENCY_TRACKING = 9;
export const CFG_LATENCY_THRESHOLD_MS = 10; // 0: off
export const CFG_LAZYFREE_EVICTION = 11;
export const CFG_LAZYFREE_EXPIRE = 12;
export const CFG_LAZYFREE_SERVER_DEL = 13;
export const CFG_LAZYFREE_USER_DEL = 14;
export const CFG_LAZYFREE_USER_FLUSH = 15;
export const CFG_ACTIVE_EXPIRE_EFFORT = 16;
export const CFG_ACTIVE_EXPIRE = 17; // DEBUG SET-ACTIVE-EXPIRE
export const CFG_EVICTION_TENACITY = 18;
export const CFG_DEBUG_COMMAND = 19; // 0 no, 1 yes, 2 local only
export const CFG_DEFAULT_USER_NOPASS = 20;
export const CFG_GUARDS = 21; // GUARD_* bits
export const CFG_ACTIVE_REHASHING = 22;
export const CFG_HZ = 23;
export const CFG_NOTIFY_EVENTS = 24; // NOTIFY_* bits of notify-keyspace-events
export const CFG_TRACKING_MAX_KEYS = 25; // 0 none
export const CFG_TELL_FLUSHALL = 26; // whether FLUSHALL ends with STATUS_FLUSHED_ALL
export const CFG_LIST_MAX_LISTPACK_SIZE = 40; // elements, or negative: -1 to -5
export const CFG_LIST_COMPRESS_DEPTH = 41;
export const CFG_ZSET_MAX_LISTPACK_ENTRIES = 42;
export const CFG_ZSET_MAX_LISTPACK_VALUE = 43; // bytes
export const CFG_HASH_LISTPACK_ENTRIES = 32;
export const CFG_HASH_LISTPACK_VALUE = 33; // bytes
export const CFG_SET_INTSET_ENTRIES = 34;
export const CFG_SET_LISTPACK_ENTRIES = 35;
export const CFG_SET_LISTPACK_VALUE = 36; // bytes
export const CFG_RDB_COMPRESSION = 60;
export const CFG_SKIP_CHECKSUM = 61; // DEBUG SET-SKIP-CHECKSUM-VALIDATION
export const CFG_HLL_SPARSE_MAX_BYTES = 48;
export const CFG_STREAM_NODE_MAX_BYTES = 53; // 0: no limit
export const CFG_STREAM_NODE_MAX_ENTRIES = 54; // 0: no limit
export const CFG_STREAM_IDMP_DURATION = 55; // seconds
export const CFG_STREAM_IDMP_MAXSIZE = 56;
export const CFG_HOST_BYTES = 63; // output the host holds for clients that do not read it
export const CFG_COUNT = 64;

export const POLICY_NOEVICTION = 0;
export const POLICY_ALLKEYS_LRU = 1;
export const POLICY_ALLKEYS_LFU = 2;
export const POLICY_ALLKEYS_RANDOM = 3;
export const POLICY_VOLATILE_LRU = 4;
export const POLICY_VOLATILE_LFU = 5;
export const POLICY_VOLATILE_RANDOM = 6;
export const POLICY_VOLATILE_TTL = 7;

/** Server states in which dispatch refuses some commands, by their flags. */
export const GUARD_LOADING = 1;
export const GUARD_READONLY_REPLICA = 2;
export const GUARD_STALE = 4;
export const GUARD_DISK_ERROR = 8;
export const GUARD_PAUSE_WRITE = 16;
export const GUARD_PAUSE_ALL = 32;
export const GUARD_BUSY = 64;
export const GUARD_TOO_FEW_REPLICAS = 128;
/** As GUARD_PAUSE_WRITE, while keys are carried to another server. */
export const GUARD_HOLD_WRITES = 256;
/** The same while the server saves its last snapshot. */
export const GUARD_SHUTDOWN = 512;

// --- Events the core leaves for the host (drained after every call) ---

export const EVENT_BYTES = 32;
export const EVENT_KIND = 0; // u32
export const EVENT_A = 4; // u32
export const EVENT_B = 8; // f64
export const EVENT_LATENCY = 1; // A: LATENCY_EVENT_*, B: milliseconds
export const LATENCY_EVENT_COMMAND = 0;
export const LATENCY_EVENT_FAST_COMMAND = 1;
export const LATENCY_EVENT_EXPIRE_CYCLE = 2;
export const LATENCY_EVENT_EVICTION_CYCLE = 3;
export const LATENCY_EVENT_EVICTION_DEL = 4;
export const LATENCY_EVENT_WHILE_BLOCKED_CRON = 5;

// --- Errors of replayed commands: what `replayErrors` points to ---

export const REPLAY_ERRORS_BYTES = 0; // u32, bytes of the records behind this head
export const REPLAY_ERRORS_LOST = 4; // u32, errors there was no room for
export const REPLAY_ERRORS_HEAD = 8; // records: u32 command id, u32 length, text, padded to 4 bytes

// --- Loading RDB files: LOAD_BYTES at the address that `loadBegin` returns, good after each step ---

export const LOAD_BYTES = 96;
export const LOAD_TAKEN = 0; // u32 bytes the step took
export const LOAD_WANTED = 4; // u32 bytes that are missing behind the piece to go on, 0 when any will do
export const LOAD_PTR = 8; // u32 LOAD_AUX: name; LOAD_EMPTY_KEY and faults of a key: the key
export const LOAD_LEN = 12; // u32
export const LOAD_VALUE_PTR = 16; // u32 LOAD_AUX: value; LOAD_FUNCTIONS: the library
export const LOAD_VALUE_LEN = 20; // u32
export const LOAD_REASON = 24; // u32 RDB_FAULT_*, after LOAD_ERROR
export const LOAD_FAULT_AT = 28; // u32 where in the piece
export const LOAD_VERSION = 32; // u32 of the file
export const LOAD_DB = 36; // u32 database of the key
export const LOAD_TYPE = 40; // u32 type of the value, LOAD_NO_TYPE outside of values
export const LOAD_STATE = 44; // u32 LOADING_*: what was being read
export const LOAD_KEYS = 48; // f64 keys loaded so far
export const LOAD_EXPIRED = 56; // f64 keys whose time had come
export const LOAD_EMPTY = 64; // f64 keys without elements
export const LOAD_NUMBER = 72; // u64 id of the module, number of the database
export const LOAD_CRC = 80; // u64 of what was read
export const LOAD_CRC_FOUND = 88; // u64 that the file has, 0 for none
export const LOAD_NO_TYPE = 255;

/** Flags of `loadBegin`. */
export const LOAD_CHECKSUM = 1; // verify the checksum
export const LOAD_KEEP_EXPIRED = 2; // keys whose time has come stay
export const LOAD_REPLACE = 4; // keys that are there already are replaced

/** What `loadStep` returns. */
export const LOAD_MORE = 0; // the piece is used up but for an incomplete part: go on with it and more
export const LOAD_DONE = 1; // the file ends behind the bytes taken
export const LOAD_ERROR = 2; // LOAD_REASON tells why; nothing is left behind but keys loaded before
export const LOAD_AUX = 3; // a field about the file
export const LOAD_EMPTY_KEY = 4; // a key without elements was passed over
export const LOAD_FUNCTIONS = 5; // a library of functions was passed over
export const LOAD_MODULE_AUX = 6; // data of a module was passed over
export const LOAD_PAUSE = 7; // as many keys as the step may take

/** What was being read. */
export const LOADING_HEADER = 0;
export const LOADING_OPCODE = 1;
export const LOADING_KEY = 2;
export const LOADING_VALUE = 3;
export const LOADING_STRING = 4; // a string that comes in several pieces
export const LOADING_MODULE = 5; // data of a module
export const LOADING_CHECKSUM = 6;
export const LOADING_END = 7;

/** What is wrong with an RDB file or a payload: 0 nothing. */
export const RDB_FAULT_EOF = 1;
export const RDB_FAULT_CHECKSUM = 2;
export const RDB_FAULT_SIGNATURE = 3;
export const RDB_FAULT_VERSION = 4;
export const RDB_FAULT_DATABASE = 5;
export const RDB_FAULT_TYPE = 6;
export const RDB_FAULT_LENGTH = 7;
export const RDB_FAULT_STRING = 8;
export const RDB_FAULT_LZF = 9;
export const RDB_FAULT_LIST_NODES = 10;
export const RDB_FAULT_LIST_ZIPLIST = 11;
export const RDB_FAULT_LISTPACK = 12;
export const RDB_FAULT_ZIPLIST = 13;
export const RDB_FAULT_ZIPMAP = 14;
export const RDB_FAULT_INTSET = 15;
export const RDB_FAULT_SET_LISTPACK = 16;
export const RDB_FAULT_SET_DUPLICATE = 17;
export const RDB_FAULT_ZSET_ZIPLIST = 18;
export const RDB_FAULT_ZSET_LISTPACK = 19;
export const RDB_FAULT_ZSET_NAN = 20;
export const RDB_FAULT_ZSET_DUPLICATE = 21;
export const RDB_FAULT_HASH_ZIPLIST = 22;
export const RDB_FAULT_HASH_LISTPACK = 23;
export const RDB_FAULT_HASH_DUPLICATE = 24;
export const RDB_FAULT_HASH_EXPIRY = 25;
export const RDB_FAULT_STREAM_NODE_KEY = 26;
export const RDB_FAULT_STREAM_LISTPACK = 27;
export const RDB_FAULT_STREAM_EMPTY_NODE = 28;
export const RDB_FAULT_STREAM_NODE_ORDER = 29;
export const RDB_FAULT_STREAM_LENGTH = 30;
export const RDB_FAULT_STREAM_GROUP = 31;
export const RDB_FAULT_STREAM_PEL = 32;
export const RDB_FAULT_STREAM_CONSUMER = 33;
export const RDB_FAULT_STREAM_CONSUMER_PEL = 34;
export const RDB_FAULT_STREAM_NO_OWNER = 35;
export const RDB_FAULT_MODULE_OLD = 36;
export const RDB_FAULT_MODULE_TYPE = 37;
export const RDB_FAULT_MODULE_AUX = 38;
export const RDB_FAULT_MODULE_DATA = 39;
export const RDB_FAULT_DUPLICATE_KEY = 40;
export const RDB_FAULT_NO_MEMORY = 41;

// --- Distribution of value sizes, for INFO keysizes: KEYSIZES_TYPES rows of KEYSIZES_BINS u32 ---

export const KEYSIZES_TYPES = 5; // string, list, set, zset, hash
export const KEYSIZES_BINS = 34; // 0 empty values, 1 + i sizes from 2^i on

// --- Figures of the allocator, for MEMORY MALLOC-STATS ---
// ALLOC_CLASSES records of u32 block size, slabs or spans, blocks in use; then u32 runs, pages in runs, free
// pages.

export const ALLOC_CLASSES = 72;
export const ALLOC_CLASS_BYTES = 12;
export const ALLOC_STATS_BYTES = 876;

// --- Description of a stored key, for DEBUG: KEY_INFO_BYTES that `describeKey` writes ---

export const KEY_INFO_BYTES = 40;
export const KEY_INFO_ADDRESS = 0; // u32 of the entry
export const KEY_INFO_TYPE = 4; // u32
export const KEY_INFO_ENCODING = 8; // u32
export const KEY_INFO_CLOCK = 12; // u32, access clock
export const KEY_INFO_IDLE_SECONDS = 16; // u32
export const KEY_INFO_ENTRY_BYTES = 20; // u32, block of the entry
export const KEY_INFO_VALUE_LEN = 24; // u32, bytes of a string that is not an integer
export const KEY_INFO_VALUE_BYTES = 28; // u32, block of the value, 0 when it is in the entry
export const KEY_INFO_SERIALIZED = 32; // f64, bytes of the value in an RDB file

// --- A key on its way to another server: TRANSFER_BYTES that `transferBegin` writes ---

export const TRANSFER_BYTES = 16;
export const TRANSFER_PTR = 0; // u32, its payload
export const TRANSFER_LEN = 4; // u32
export const TRANSFER_EXPIRE_AT = 8; // f64 Unix milliseconds, negative for never

export const TRANSFER_NO_KEY = 0;
export const TRANSFER_DUMPED = 1;
export const TRANSFER_NO_MEMORY = 2;

// --- Snapshots: `snapshotBegin(flags)`, what comes of `snapshotStep` ---

export const SNAPSHOT_COMPRESS = 1;
export const SNAPSHOT_CHECKSUM = 2;
/** RESP commands in place of an RDB file. */
export const SNAPSHOT_COMMANDS = 4;

export const SNAPSHOT_MORE = 0;
export const SNAPSHOT_DONE = 1;
export const SNAPSHOT_FAILED = 2;

/** Counters of `tableChains`: buckets of 0, 1, 2 ... entries; the last for that many or more. */
export const CHAIN_COUNTERS = 50;
