// Values that are freed later, in steps: big collections whose key is gone already.
//
//   node: next u32 | type u8 | encoding u8 | (alignment) | block u32
//
// UNLINK, expiry and eviction (where lazyfree-lazy-* says so) defer values of more than
// LAZYFREE_ELEMENTS elements, as Redis does. Values too big to be freed within a few milliseconds are
// deferred whatever the command: a client cannot tell, and no other client has to wait.

import { STAT_LAZYFREE_PENDING, STAT_LAZYFREED } from '../abi';
import { free, tryAlloc } from '../memory/alloc';
import { clockUs } from './clock';
import {
  ENCODING_HASHTABLE,
  ENCODING_QUICKLIST,
  ENCODING_SKIPLIST,
  ENCODING_STREAM,
  TYPE_HASH,
} from './entry';
import { unfileHash } from './field_expiries';
import { Stats } from './stats';
import { valueEffort, valueFree, valueFreeStep } from './value';

const NODE_TYPE: usize = 4;
const NODE_ENCODING: usize = 5;
const NODE_BLOCK: usize = 8;
const NODE_BYTES: usize = 12;
/** A value of at most so many elements is freed at once even by UNLINK. */
const LAZYFREE_ELEMENTS: u32 = 64;
/** A value of more elements is deferred even by DEL. */
const BIG_ELEMENTS: u32 = 20000;
const ELEMENTS_PER_STEP: u32 = 256;

let head: usize = 0;
let lazily: bool = false;

/** Whether removals from here on may leave their values to the cron; returns what held before. */
export function freeLazily(on: bool): bool {
  const before = lazily;
  lazily = on;
  return before;
}

function isMultiPart(encoding: u32): bool {
  return (
    encoding == ENCODING_HASHTABLE ||
    encoding == ENCODING_SKIPLIST ||
    encoding == ENCODING_QUICKLIST ||
    encoding == ENCODING_STREAM
  );
}

/** Frees the block of a value whose entry is gone, now or later. */
export function releaseValue(type: u32, encoding: u32, block: usize): void {
  if (type == TYPE_HASH) unfileHash(encoding, block);
  if (isMultiPart(encoding)) {
    const elements = valueEffort(type, encoding, block);
    if (elements > (lazily ? LAZYFREE_ELEMENTS : BIG_ELEMENTS)) {
      const node = tryAlloc(NODE_BYTES);
      if (node != 0) {
        store<u32>(node, <u32>head);
        store<u8>(node, <u8>type, NODE_TYPE);
        store<u8>(node, <u8>encoding, NODE_ENCODING);
        store<u32>(node, <u32>block, NODE_BLOCK);
        head = node;
        Stats.add(STAT_LAZYFREE_PENDING, 1);
        return;
      }
    }
  }
  valueFree(type, encoding, block);
}

/** Frees until `deadlineUs`. True while there is more to do. */
export function lazyValuesStep(deadlineUs: f64): bool {
  while (head != 0) {
    const node = head;
    const type: u32 = load<u8>(node, NODE_TYPE);
    const encoding: u32 = load<u8>(node, NODE_ENCODING);
    if (valueFreeStep(type, encoding, load<u32>(node, NODE_BLOCK), ELEMENTS_PER_STEP)) {
      head = load<u32>(node);
      free(node);
      Stats.add(STAT_LAZYFREE_PENDING, -1);
      Stats.add(STAT_LAZYFREED, 1);
    }
    if (clockUs() >= deadlineUs) return head != 0;
  }
  return false;
}
