// Arguments and replies as a program sees them.

import type { ReplyError } from './errors.ts';

/** Text is sent as UTF-8, a number as the shortest text that reads back as it. */
export type CommandArg = string | number | bigint | Uint8Array;

/**
 * A reply in the shape RESP3 gives it: a map is a Map, a set a Set, nil is null. Integers are numbers, but
 * bigints where a number would not be exact. Bulk strings are texts, or bytes in a view that was asked
 * for with `buffers`; text that is not valid UTF-8 comes with replacement characters, so ask for bytes there.
 * Errors inside of other replies, and those of a batch, are values.
 */
export type Reply =
  | string
  | Uint8Array
  | number
  | bigint
  | boolean
  | null
  | ReplyError
  | Reply[]
  | Map<Reply, Reply>
  | Set<Reply>;
