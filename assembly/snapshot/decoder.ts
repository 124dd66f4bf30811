// The state of a value that is being read: see decode.ts.

import { HashValue } from '../keyspace/hash_value';
import { SetValue } from '../keyspace/set_value';

@unmanaged
export class Decoder {
  rdbType: u32;
  stage: u32; // 0: nothing is read
  type: u32; // of the value that comes of it
  encoding: u32; // these two are a SetValue or a HashValue
  block: usize; // 0 while there is none
  rest: u64; // elements to come
  earliest: u64; // hashes: the expiry that others are told relative to
  group: usize; // streams: the group and the consumer that are being read,
  consumer: usize;
  groups: u64; // and how many of each are to come, that one excluded
  consumers: u64;

  @inline set(): SetValue {
    return changetype<SetValue>(changetype<usize>(this) + VALUE_OFFSET);
  }
  @inline hash(): HashValue {
    return changetype<HashValue>(changetype<usize>(this) + VALUE_OFFSET);
  }
}

const VALUE_OFFSET: usize = 12;
/** Bytes of the record. */
export const DECODER_BYTES: i32 = 64;

/** `stage` of values that have a count and elements. */
export const STAGE_HEAD: u32 = 0;
export const STAGE_ELEMENTS: u32 = 1;

/** No more elements than this get room before they are there. */
export const RESERVED_MAX: u32 = 1 << 20;
