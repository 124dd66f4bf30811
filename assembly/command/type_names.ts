// The names under which TYPE reports types and OBJECT ENCODING encodings, and SCAN takes types.
import {
  ENCODING_EMBSTR,
  ENCODING_HASHTABLE,
  ENCODING_INT,
  ENCODING_INTSET,
  ENCODING_LISTPACK,
  ENCODING_LISTPACK_EX,
  ENCODING_QUICKLIST,
  ENCODING_RAW,
  ENCODING_SKIPLIST,
  ENCODING_STREAM,
  TYPE_HASH,
  TYPE_LIST,
  TYPE_SET,
  TYPE_STREAM,
  TYPE_STRING,
  TYPE_ZSET,
} from '../keyspace/entry';
import { argIs } from '../resp/args';

/** What `argType` gives for a name that belongs to no type. */
export const TYPE_UNKNOWN: u32 = 0xff;

export function typeName(type: u32): string {
  switch (type) {
    case TYPE_STRING:
      return 'string';
    case TYPE_LIST:
      return 'list';
    case TYPE_SET:
      return 'set';
    case TYPE_ZSET:
      return 'zset';
    case TYPE_HASH:
      return 'hash';
    default:
      assert(type == TYPE_STREAM);
      return 'stream';
  }
}

/** The type that argument `i` names, in any case. */
export function argType(i: u32): u32 {
  if (argIs(i, 'string')) return TYPE_STRING;
  if (argIs(i, 'list')) return TYPE_LIST;
  if (argIs(i, 'set')) return TYPE_SET;
  if (argIs(i, 'zset')) return TYPE_ZSET;
  if (argIs(i, 'hash')) return TYPE_HASH;
  if (argIs(i, 'stream')) return TYPE_STREAM;
  return TYPE_UNKNOWN;
}

export function encodingName(encoding: u32): string {
  switch (encoding) {
    case ENCODING_RAW:
      return 'raw';
    case ENCODING_INT:
      return 'int';
    case ENCODING_HASHTABLE:
      return 'hashtable';
    case ENCODING_INTSET:
      return 'intset';
    case ENCODING_SKIPLIST:
      return 'skiplist';
    case ENCODING_EMBSTR:
      return 'embstr';
    case ENCODING_QUICKLIST:
      return 'quicklist';
    case ENCODING_STREAM:
      return 'stream';
    case ENCODING_LISTPACK_EX:
      return 'listpackex';
    default:
      assert(encoding == ENCODING_LISTPACK);
      return 'listpack';
  }
}
