// Several sorted sets at once: ZUNION, ZINTER, ZDIFF, their STORE forms, ZINTERCARD.
//
// The result is built as a sorted set of its own, which is then either the reply or stored. Sources
// are looked up before options are parsed, as in Redis, so a wrong type hides a wrong option. Unions
// and intersections take them from the smallest to the largest; above SORT_MAX of them only the
// smallest is put first.
//
//   source   entry u32 | length u32 | weight f64

import { lookupKeyRead } from '../keyspace/db';
import { EntryPtr } from '../keyspace/entry';
import {
  isSource,
  sourceFind,
  sourceFirst,
  sourceFoundScore,
  sourceLength,
  sourceMember,
  sourceMemberLen,
  sourceNext,
  sourceScore,
} from '../keyspace/scored_source';
import { free, tryAlloc } from '../memory/alloc';
import { argAtLeastOrText, argI64, argI64OrReply } from '../resp/arg_number';
import { Arg, argc, argIs } from '../resp/args';
import { client } from '../resp/connection';
import {
  ERR_OOM_LIMIT,
  ERR_SYNTAX,
  ERR_WRONG_TYPE,
  errorEnd,
  errorStart,
  replyError,
} from '../resp/errors';
import {
  outputLost,
  replyArray,
  replyBulk,
  replyDouble,
  replyInt,
  replyText,
} from '../resp/writer';
import { Member } from '../struct/member_table';
import {
  SortedSet,
  tryZslInsert,
  tryZslNew,
  tryZslUpdate,
  zslFind,
  zslFree,
  zslMember,
  zslNext,
  zslScore,
  zslSeek,
} from '../struct/sorted_set';
import { parseF64, parseF64Value } from '../util/number_parse';
import { hashBytes } from '../util/siphash';
import { storeResult } from './zset_range';

const UNION: u32 = 0;
const INTER: u32 = 1;
const DIFF: u32 = 2;

const SUM: u32 = 0;
const MIN: u32 = 1;
const MAX: u32 = 2;
const COUNT: u32 = 3;

const SORT_MAX: u32 = 256;
const RESERVED_MAX: u32 = 1 << 20;

@unmanaged
class Source {
  entry: EntryPtr;
  length: u32;
  weight: f64;
}

const SOURCE_BYTES: usize = 16;

let sources: usize = 0;
let sourceCount: u32 = 0;
let aggregate: u32 = SUM;
let withScores: bool = false;
let limit: u64 = 0; // of ZINTERCARD; 0 for none

function source(i: u32): Source {
  return changetype<Source>(sources + <usize>i * SOURCE_BYTES);
}

// --- Commands ---

/** ZUNION numkeys key [key ...] [WEIGHTS weight ...] [AGGREGATE SUM | MIN | MAX | COUNT] [WITHSCORES] */
export function zunionCommand(): void {
  combine(UNION, false, 'zunion');
}

/** ZINTER numkeys key [key ...] [WEIGHTS weight ...] [AGGREGATE SUM | MIN | MAX | COUNT] [WITHSCORES] */
export function zinterCommand(): void {
  combine(INTER, false, 'zinter');
}

/** ZDIFF numkeys key [key ...] [WITHSCORES] */
export function zdiffCommand(): void {
  combine(DIFF, false, 'zdiff');
}

/** ZUNIONSTORE destination numkeys key [key ...] [WEIGHTS weight ...] [AGGREGATE ...] */
export function zunionstoreCommand(): void {
  combine(UNION, true, 'zunionstore');
}

/** ZINTERSTORE destination numkeys key [key ...] [WEIGHTS weight ...] [AGGREGATE ...] */
export function zinterstoreCommand(): void {
  combine(INTER, true, 'zinterstore');
}

/** ZDIFFSTORE destination numkeys key [key ...] */
export function zdiffstoreCommand(): void {
  combine(DIFF, true, 'zdiffstore');
}

/** ZINTERCARD numkeys key [key ...] [LIMIT limit] */
export function zintercardCommand(): void {
  if (!openSourcesOrReply(1, 'zintercard')) return;
  if (parseCardOrReply()) {
    sortSources();
    replyInt(countCommon());
  }
  free(sources);
}

function combine(op: u32, store: bool, command: string): void {
  const at: u32 = store ? 2 : 1;
  if (!openSourcesOrReply(at, command)) return;
  if (parseOptionsOrReply(at + 1 + sourceCount, op != DIFF, !store)) {
    if (op != DIFF) sortSources();
    const block = tryResult(op);
    if (block == 0) replyError(ERR_OOM_LIMIT);
    else finish(block, store, command);
  }
  free(sources);
}

function finish(block: usize, store: bool, command: string): void {
  const z = changetype<SortedSet>(block);
  const members = z.keys;
  if (!store) replyResult(z);
  else storeResult(block, members, command);
  if (!store || members == 0) zslFree(block);
}

function replyResult(z: SortedSet): void {
  const nested = withScores && client.resp == 3;
  replyArray(withScores && !nested ? z.keys << 1 : z.keys);
  for (let at = zslSeek(z, 0); at != 0 && !outputLost; at = zslNext(at)) {
    const m = zslMember(at);
    if (nested) replyArray(2);
    replyBulk(Member.ptr(m), Member.len(m));
    if (withScores) replyDouble(zslScore(at));
  }
}

// --- Arguments ---

/** Reads the keys from argument `at` on into `sources`, to be freed. False after an error reply. */
function openSourcesOrReply(at: u32, command: string): bool {
  if (offsetof<Source>() != 16) ERROR('Source is 16 bytes');
  if (!argI64OrReply(at)) return false;
  if (argI64 < 1) {
    const start = errorStart();
    replyText("ERR at least 1 input key is needed for '");
    replyText(command);
    replyText("' command");
    errorEnd(start);
    return false;
  }
  if (argI64 > <i64>(argc - at - 1)) {
    replyError(ERR_SYNTAX);
    return false;
  }
  sourceCount = <u32>argI64;
  sources = tryAlloc(<usize>sourceCount * SOURCE_BYTES);
  if (sources == 0) {
    replyError(ERR_OOM_LIMIT);
    return false;
  }
  for (let i: u32 = 0; i < sourceCount; i++) {
    const arg = at + 1 + i;
    const e = lookupKeyRead(Arg.ptr(arg), Arg.len(arg), Arg.hash(arg));
    if (e != 0 && !isSource(e)) {
      free(sources);
      replyError(ERR_WRONG_TYPE);
      return false;
    }
    source(i).entry = e;
    source(i).length = sourceLength(e);
    source(i).weight = 1;
  }
  return true;
}

/** Options from argument `first` on; `weighted`: WEIGHTS and AGGREGATE are among them. */
function parseOptionsOrReply(first: u32, weighted: bool, scored: bool): bool {
  aggregate = SUM;
  withScores = false;
  let i = first;
  while (i < argc) {
    const words = argc - i;
    if (weighted && words > sourceCount && argIs(i, 'weights')) {
      if (!parseWeightsOrReply(i + 1)) return false;
      i += 1 + sourceCount;
    } else if (weighted && words >= 2 && argIs(i, 'aggregate') && parseAggregate(i + 1)) i += 2;
    else if (scored && argIs(i, 'withscores')) {
      withScores = true;
      i += 1;
    } else {
      replyError(ERR_SYNTAX);
      return false;
    }
  }
  return true;
}

function parseWeightsOrReply(first: u32): bool {
  for (let i: u32 = 0; i < sourceCount; i++) {
    if (!parseF64(Arg.ptr(first + i), Arg.len(first + i))) {
      replyError('ERR weight value is not a float');
      return false;
    }
    source(i).weight = parseF64Value;
  }
  return true;
}

function parseAggregate(i: u32): bool {
  if (argIs(i, 'sum')) aggregate = SUM;
  else if (argIs(i, 'min')) aggregate = MIN;
  else if (argIs(i, 'max')) aggregate = MAX;
  else if (argIs(i, 'count')) aggregate = COUNT;
  else return false;
  return true;
}

function parseCardOrReply(): bool {
  limit = 0;
  for (let i: u32 = 2 + sourceCount; i < argc; i += 2) {
    if (i + 1 == argc || !argIs(i, 'limit')) {
      replyError(ERR_SYNTAX);
      return false;
    }
    if (!argAtLeastOrText(i + 1, 0, "ERR LIMIT can't be negative")) return false;
    limit = argI64;
  }
  return true;
}

/** Orders the sources by their numbers of members, the smallest first. */
function sortSources(): void {
  const sorted = sourceCount <= SORT_MAX ? sourceCount : 1;
  for (let i: u32 = 0; i < sorted; i++) {
    let least = i;
    for (let k = i + 1; k < sourceCount; k++) {
      if (source(k).length < source(least).length) least = k;
    }
    // Those between keep their order.
    const entry = source(least).entry;
    const length = source(least).length;
    const weight = source(least).weight;
    const from = sources + <usize>i * SOURCE_BYTES;
    memory.copy(from + SOURCE_BYTES, from, <usize>(least - i) * SOURCE_BYTES);
    source(i).entry = entry;
    source(i).length = length;
    source(i).weight = weight;
  }
}

// --- Results ---

/** What a member's score in a source counts. */
function weigh(weight: f64, score: f64): f64 {
  if (aggregate == COUNT) return weight;
  const weighted = weight * score;
  return isNaN(weighted) ? 0 : weighted;
}

function aggregated(a: f64, b: f64): f64 {
  if (aggregate == MIN) return b < a ? b : a;
  if (aggregate == MAX) return b > a ? b : a;
  const sum = a + b;
  return isNaN(sum) ? 0 : sum;
}

/** The result as a SortedSet, 0 when memory is exhausted. */
function tryResult(op: u32): usize {
  const block = tryZslNew(op == INTER ? 0 : min(source(sourceCount - 1).length, RESERVED_MAX));
  if (block == 0) return 0;
  const z = changetype<SortedSet>(block);
  let good = true;
  if (op == UNION) {
    for (let i: u32 = 0; i < sourceCount && good; i++) good = tryUnite(z, source(i));
  } else good = op == INTER ? tryIntersect(z) : trySubtract(z);
  if (good) return block;
  zslFree(block);
  return 0;
}

/** Adds the member that the walk is at. */
function tryTake(z: SortedSet, score: f64): bool {
  const hash = hashBytes(sourceMember, sourceMemberLen);
  return tryZslInsert(z, sourceMember, sourceMemberLen, hash, score) != 0;
}

function tryUnite(z: SortedSet, from: Source): bool {
  for (let more = sourceFirst(from.entry); more; more = sourceNext()) {
    const score = weigh(from.weight, sourceScore);
    const there = zslFind(z, sourceMember, sourceMemberLen);
    const good =
      there != 0
        ? tryZslUpdate(z, there, aggregated(Member.score(there), score))
        : tryTake(z, score);
    if (!good) return false;
  }
  return true;
}

function tryIntersect(z: SortedSet): bool {
  const first = source(0);
  if (first.length == 0) return true;
  for (let more = sourceFirst(first.entry); more; more = sourceNext()) {
    let score = weigh(first.weight, sourceScore);
    let k: u32 = 1;
    for (; k < sourceCount; k++) {
      const other = source(k);
      if (!sourceFind(other.entry, sourceMember, sourceMemberLen)) break;
      const value = aggregate == COUNT ? other.weight : other.weight * sourceFoundScore;
      score = aggregated(score, value);
    }
    if (k == sourceCount && !tryTake(z, score)) return false;
  }
  return true;
}

function trySubtract(z: SortedSet): bool {
  for (let more = sourceFirst(source(0).entry); more; more = sourceNext()) {
    let k: u32 = 1;
    while (k < sourceCount && !sourceFind(source(k).entry, sourceMember, sourceMemberLen)) k += 1;
    if (k == sourceCount && !tryTake(z, sourceScore)) return false;
  }
  return true;
}

/** Number of members that all sources have, up to the limit. */
function countCommon(): u32 {
  let count: u32 = 0;
  if (source(0).length == 0) return 0;
  for (let more = sourceFirst(source(0).entry); more; more = sourceNext()) {
    let k: u32 = 1;
    while (k < sourceCount && sourceFind(source(k).entry, sourceMember, sourceMemberLen)) k += 1;
    if (k < sourceCount) continue;
    count += 1;
    if (<u64>count == limit) break;
  }
  return count;
}
