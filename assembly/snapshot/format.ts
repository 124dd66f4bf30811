// The numbers of the RDB format: types of values, lengths, versions.
//
//   length        00LLLLLL                            below 64
//                 01LLLLLL LLLLLLLL                   14 bits, high bits first
//                 10000000 + 4 bytes                  32 bits, big-endian
//                 10000001 + 8 bytes                  64 bits, big-endian
//                 11EEEEEE                            no length: a string in the encoding E
//
//   string        length, bytes
//                 E 0, 1, 2: an integer of 1, 2 or 4 bytes, little-endian, that stands for its text
//                 E 3: length of the LZF data, length of the string, LZF data
//
//   value         by type, below: "len" is a length, "str" a string, "f64" eight bytes little-endian
//
// Source: Redis's rdb.h and rdb.c of versions 7.0 to 7.4, for facts.

/** str */
export const RDB_STRING: u32 = 0;
/** len, str ... */
export const RDB_LIST: u32 = 1;
/** len, str ... */
export const RDB_SET: u32 = 2;
/** len, (str, score as text: u8 length, digits; 253 nan, 254 inf, 255 -inf) ... */
export const RDB_ZSET: u32 = 3;
/** len, (field str, value str) ... */
export const RDB_HASH: u32 = 4;
/** len, (str, f64) ... */
export const RDB_ZSET_2: u32 = 5;
/** A zipmap as str. */
export const RDB_HASH_ZIPMAP: u32 = 9;
/** A ziplist as str. */
export const RDB_LIST_ZIPLIST: u32 = 10;
/** An intset as str. */
export const RDB_SET_INTSET: u32 = 11;
/** A ziplist of members and scores as str. */
export const RDB_ZSET_ZIPLIST: u32 = 12;
/** A ziplist of fields and values as str. */
export const RDB_HASH_ZIPLIST: u32 = 13;
/** len, ziplists as str ... */
export const RDB_LIST_QUICKLIST: u32 = 14;
/** See encode_stream.ts; without first id, deletions, counters. */
export const RDB_STREAM_LISTPACKS: u32 = 15;
/** A listpack of fields and values as str. */
export const RDB_HASH_LISTPACK: u32 = 16;
/** A listpack of members and scores as str. */
export const RDB_ZSET_LISTPACK: u32 = 17;
/** len, (container len, listpack or plain element as str) ... */
export const RDB_LIST_QUICKLIST_2: u32 = 18;
/** See encode_stream.ts. */
export const RDB_STREAM_LISTPACKS_2: u32 = 19;
/** A listpack of members as str. */
export const RDB_SET_LISTPACK: u32 = 20;
/** As RDB_STREAM_LISTPACKS_2, with the consumers' active times. */
export const RDB_STREAM_LISTPACKS_3: u32 = 21;
/** len, (expiry len or 0, field str, value str) ...: expiries in milliseconds. */
export const RDB_HASH_METADATA_PRE_GA: u32 = 22;
/** A listpack of fields, values and expiries as str. */
export const RDB_HASH_LISTPACK_EX_PRE_GA: u32 = 23;
/** Earliest expiry i64, len, (expiry - earliest + 1 or 0 as len, field str, value str) ... */
export const RDB_HASH_METADATA: u32 = 24;
/** Earliest expiry i64, a listpack of fields, values and expiries (0: none) as str. */
export const RDB_HASH_LISTPACK_EX: u32 = 25;

/** Values of modules: without what tells where they end, and with it. */
export const RDB_MODULE_OLD: u32 = 6;
export const RDB_MODULE: u32 = 7;

// What a file has beside keys: first bytes that are no types.

/** Slot, its number of keys, its number of keys with an expiry: lengths. */
export const OPCODE_SLOT_INFO: u32 = 244;
/** A library of functions as str. */
export const OPCODE_FUNCTION: u32 = 245;
/** The same before its release: name, engine str, len, that many (0 or 1) descriptions, code str. */
export const OPCODE_FUNCTION_PRE_GA: u32 = 246;
/** Id of the module, MODULE_UINT, when it is to be loaded: lengths; then as a module's value. */
export const OPCODE_MODULE_AUX: u32 = 247;
/** Of the next key: seconds since it was used, as a length. */
export const OPCODE_IDLE: u32 = 248;
/** Of the next key: LFU counter u8. */
export const OPCODE_FREQUENCY: u32 = 249;
/** A field about the file: name and value as str. */
export const OPCODE_AUX: u32 = 250;
/** Numbers of keys, and of keys with an expiry, in the database at hand: lengths. */
export const OPCODE_RESIZE: u32 = 251;
/** Of the next key: Unix milliseconds i64. */
export const OPCODE_EXPIRE_MS: u32 = 252;
/** Of the next key: Unix seconds i32. */
export const OPCODE_EXPIRE: u32 = 253;
/** The following keys are in this database: a length. */
export const OPCODE_SELECT: u32 = 254;
/** The end; from version 5 on a CRC-64 of all before it follows, 0 for none. */
export const OPCODE_END: u32 = 255;

/** Parts of a module's data: lengths that tell what follows. */
export const MODULE_END: u64 = 0;
export const MODULE_SINT: u64 = 1;
export const MODULE_UINT: u64 = 2;
export const MODULE_FLOAT: u64 = 3;
export const MODULE_DOUBLE: u64 = 4;
export const MODULE_STRING: u64 = 5;

/** A file begins with "REDIS" and its version, four digits. */
export const MAGIC_BYTES: u32 = 5;
export const HEADER_BYTES: u32 = 9;
/** The first version with a checksum at the end. */
export const RDB_VERSION_CHECKSUM: u32 = 5;

/** Containers of RDB_LIST_QUICKLIST_2. */
export const CONTAINER_PLAIN: u64 = 1;
export const CONTAINER_PACKED: u64 = 2;

/** First byte of a length. */
export const LENGTH_14BIT: u32 = 0x40;
export const LENGTH_32BIT: u32 = 0x80;
export const LENGTH_64BIT: u32 = 0x81;
export const LENGTH_ENCODED: u32 = 0xc0;

/** Encodings of strings. */
export const STRING_INT8: u32 = 0;
export const STRING_INT16: u32 = 1;
export const STRING_INT32: u32 = 2;
export const STRING_LZF: u32 = 3;

/** The version that Redis 7.0 writes and reads; enough for all types but the newer ones. */
export const RDB_VERSION_MIN: u32 = 10;
/** The version of Redis 7.4, the first with expiries of fields. */
export const RDB_VERSION_FIELD_EXPIRY: u32 = 12;
/** The newest version that is read. */
export const RDB_VERSION_MAX: u32 = 12;

/** Bytes of a stream id in its raw form: milliseconds and sequence, big-endian. */
export const RAW_ID_BYTES: u32 = 16;
