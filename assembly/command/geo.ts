// Places in sorted sets: adding them, and what is known of single ones. Searching is in geo_search.ts.
//
// A place is a member whose score is its geohash; any sorted set will do. Positions are replied with the
// digits of a long double, as Redis does, distances with four decimals.

import { STAT_DIRTY } from '../abi';
import { lookupKeyRead } from '../keyspace/db';
import { EntryPtr } from '../keyspace/entry';
import { opInt, propagating } from '../keyspace/propagation';
import { Stats } from '../keyspace/stats';
import { foundScore, zsetFind } from '../keyspace/zset_value';
import { Arg, argc, argIs } from '../resp/args';
import { client } from '../resp/connection';
import { ERR_NOT_FLOAT, ERR_SYNTAX, errorEnd, errorStart, replyError } from '../resp/errors';
import { commandOp, opArg, opArgs } from '../resp/propagate';
import {
  replyArray,
  replyBulk,
  replyCrlf,
  replyNull,
  replyNullArray,
  replyRaw,
  replyText,
} from '../resp/writer';
import {
  GEO_LAT_MAX,
  GEO_LAT_MIN,
  GEO_LONG_MAX,
  GEO_LONG_MIN,
  GEOHASH_CHARS,
  geoDistance,
  geohashDecode,
  geohashEncode,
  geohashText,
  geoLatitude,
  geoLongitude,
} from '../struct/geohash';
import { findByte } from '../util/bytes';
import {
  formatLongDouble,
  LONG_DOUBLE_BYTES,
  LONG_DOUBLE_CHARS_MAX,
  LongDouble,
  longDoubleFromF64,
} from '../util/long_double';
import { formatF64Fixed, I64_CHARS_MAX } from '../util/number_format';
import { parseF64, parseF64Value } from '../util/number_parse';
import { ADD_CH, ADD_NX, ADD_XX, addBegin, addEnd, addOne, isZsetOrReply } from './zset';

const DISTANCE_DECIMALS: u32 = 4;
const COORDINATE_DECIMALS: u32 = 6;
const MINUS: u32 = 45;
const DOT: u32 = 46;
const ZERO: u32 = 48;

const wide = changetype<LongDouble>(memory.data(<i32>LONG_DOUBLE_BYTES, 8));
const text: usize = memory.data(<i32>LONG_DOUBLE_CHARS_MAX, 8);
const distanceText: usize = memory.data(32, 8);

// --- Arguments ---

/** The position that `parsePositionOrReply` read. */
export let argLongitude: f64 = 0;
export let argLatitude: f64 = 0;

/** Reads longitude and latitude from the arguments `i` and `i + 1`. False after an error reply. */
export function parsePositionOrReply(i: u32): bool {
  if (!parseF64OrReply(i, ERR_NOT_FLOAT)) return false;
  argLongitude = parseF64Value;
  if (!parseF64OrReply(i + 1, ERR_NOT_FLOAT)) return false;
  argLatitude = parseF64Value;
  if (argLongitude >= GEO_LONG_MIN && argLongitude <= GEO_LONG_MAX) {
    if (argLatitude >= GEO_LAT_MIN && argLatitude <= GEO_LAT_MAX) return true;
  }
  const start = errorStart();
  replyText('ERR invalid longitude,latitude pair ');
  replyCoordinate(argLongitude);
  replyText(',');
  replyCoordinate(argLatitude);
  errorEnd(start);
  return false;
}

/** Reads argument `i` into `parseF64Value`. */
export function parseF64OrReply(i: u32, error: string): bool {
  if (parseF64(Arg.ptr(i), Arg.len(i))) return true;
  replyError(error);
  return false;
}

/** Part of an error text: a number with six decimals. */
function replyCoordinate(value: f64): void {
  longDoubleFromF64(value, wide);
  let len = formatLongDouble(wide, text);
  if (isFinite(value)) {
    const point = findByte(text, text + len, <u8>DOT);
    const whole: u32 = point == 0 ? len : <u32>(point - text);
    store<u8>(text + whole, DOT);
    const fraction = text + whole + 1;
    const given: u32 = point == 0 ? 0 : len - whole - 1;
    len = whole + 1 + COORDINATE_DECIMALS;
    if (given < COORDINATE_DECIMALS) {
      memory.fill(fraction + given, <u8>ZERO, COORDINATE_DECIMALS - given);
    } else if (isRoundedUp(fraction, given)) len += raiseDigits(len);
  }
  replyRaw(text, len);
}

/** Whether digits after a point round up at COORDINATE_DECIMALS, a tie to the even digit. */
function isRoundedUp(fraction: usize, digits: u32): bool {
  if (digits == COORDINATE_DECIMALS) return false;
  const at = fraction + COORDINATE_DECIMALS;
  const next: u32 = load<u8>(at);
  if (next == ZERO + 5 && digits == COORDINATE_DECIMALS + 1) return (load<u8>(at - 1) & 1) != 0;
  return next >= ZERO + 5;
}

/** Adds one to the last digit of `text`. Returns 1 if it became longer by that, else 0. */
function raiseDigits(len: u32): u32 {
  const first = text + u32(load<u8>(text) == MINUS);
  for (let at = text + len - 1; at >= first; at--) {
    const digit: u32 = load<u8>(at);
    if (digit == DOT) continue;
    if (digit != ZERO + 9) {
      store<u8>(at, digit + 1);
      return 0;
    }
    store<u8>(at, ZERO);
  }
  memory.copy(first + 1, first, text + len - first);
  store<u8>(first, ZERO + 1);
  return 1;
}

/** Metres in the unit that argument `i` names, 0 after an error reply. */
export function parseUnitOrReply(i: u32): f64 {
  if (argIs(i, 'm')) return 1;
  if (argIs(i, 'km')) return 1000;
  if (argIs(i, 'ft')) return 0.3048;
  if (argIs(i, 'mi')) return 1609.34;
  replyError('ERR unsupported unit provided. please use M, KM, FT, MI');
  return 0;
}

// --- Replies ---

export function replyDistance(distance: f64): void {
  if (I64_CHARS_MAX + 2 > 32) ERROR('distanceText');
  replyBulk(distanceText, formatF64Fixed(distance, DISTANCE_DECIMALS, distanceText));
}

/** The position that was decoded last. */
export function replyPosition(): void {
  replyArray(2);
  replyWide(geoLongitude);
  replyWide(geoLatitude);
}

function replyWide(value: f64): void {
  longDoubleFromF64(value, wide);
  const len = formatLongDouble(wide, text);
  if (client.resp == 2) {
    replyBulk(text, len);
    return;
  }
  replyText(',');
  replyRaw(text, len);
  replyCrlf();
}

// --- Commands ---

/** GEOADD key [NX | XX] [CH] longitude latitude member [longitude latitude member ...] */
export function geoaddCommand(): void {
  let flags: u32 = 0;
  let first: u32 = 2;
  for (; first < argc; first++) {
    if (argIs(first, 'nx')) flags |= ADD_NX;
    else if (argIs(first, 'xx')) flags |= ADD_XX;
    else if (argIs(first, 'ch')) flags |= ADD_CH;
    else break;
  }
  const words = argc - first;
  if (words % 3 != 0 || (flags & (ADD_NX | ADD_XX)) == (ADD_NX | ADD_XX)) {
    replyError(ERR_SYNTAX);
    return;
  }
  for (let i = first; i < argc; i += 3) {
    if (!parsePositionOrReply(i)) return;
  }
  if (words == 0) {
    replyError(ERR_SYNTAX);
    return;
  }
  const e = addBegin(flags, words / 3, first + 2);
  if (e == 0) return;
  let error: string = '';
  let end = first;
  for (; end < argc; end += 3) {
    if (words > 3) parsePositionOrReply(end);
    error = addOne(e, end + 2, geohashEncode(argLongitude, argLatitude), flags);
    if (error.length != 0) break;
  }
  const before = Stats.get(STAT_DIRTY);
  addEnd(e, flags, error);
  if (propagating && Stats.get(STAT_DIRTY) != before) propagatePlaces(first, end);
}

/** Places from argument `first` up to `end` were added, or changed: as members with scores. */
function propagatePlaces(first: u32, end: u32): void {
  commandOp('ZADD', first + ((end - first) / 3) * 2);
  opArgs(1, first);
  for (let i = first; i < end; i += 3) {
    parsePositionOrReply(i);
    opInt(<i64>geohashEncode(argLongitude, argLatitude));
    opArg(i + 2);
  }
}

/** The sorted set in argument 1, 0 for none; false after replying that it is none. */
function findSetOrReply(): bool {
  set = lookupKeyRead(Arg.ptr(1), Arg.len(1), Arg.hash(1));
  return set == 0 || isZsetOrReply(set);
}

let set: EntryPtr = 0;

function findMember(i: u32): bool {
  return set != 0 && zsetFind(set, Arg.ptr(i), Arg.len(i));
}

/** GEODIST key member1 member2 [M | KM | FT | MI] */
export function geodistCommand(): void {
  let unit: f64 = 1;
  if (argc == 5) {
    unit = parseUnitOrReply(4);
    if (unit == 0) return;
  } else if (argc > 5) {
    replyError(ERR_SYNTAX);
    return;
  }
  if (!findSetOrReply()) return;
  if (!findMember(2)) {
    replyNull();
    return;
  }
  const score = foundScore;
  if (!findMember(3)) {
    replyNull();
    return;
  }
  geohashDecode(score);
  const longitude = geoLongitude;
  const latitude = geoLatitude;
  geohashDecode(foundScore);
  replyDistance(geoDistance(longitude, latitude, geoLongitude, geoLatitude) / unit);
}

const hashText: usize = memory.data(16, 8);

/** GEOHASH key [member [member ...]] */
export function geohashCommand(): void {
  if (!findSetOrReply()) return;
  replyArray(argc - 2);
  for (let i: u32 = 2; i < argc; i++) {
    if (findMember(i)) {
      geohashText(foundScore, hashText);
      replyBulk(hashText, <u32>GEOHASH_CHARS);
    } else replyNull();
  }
}

/** GEOPOS key [member [member ...]] */
export function geoposCommand(): void {
  if (!findSetOrReply()) return;
  replyArray(argc - 2);
  for (let i: u32 = 2; i < argc; i++) {
    if (findMember(i)) {
      geohashDecode(foundScore);
      replyPosition();
    } else replyNullArray();
  }
}
