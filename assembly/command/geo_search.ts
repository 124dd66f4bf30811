// Searching places: GEOSEARCH and GEORADIUS in all their forms.
//
// An area is at most nine ranges of scores (geohash.ts). What is found in them and inside of the area is
// collected, sorted if need be, and replied or stored. COUNT with ANY stops when it has enough; COUNT
// alone sorts, though only as far as it must.
//
//   point   distance f64 | score f64 | member address u32 | its length u32
//
// which is a record of sort_items.ts. A member that a listpack has as an integer is noted by the address
// of its element. Points stay valid until the reply or the result is complete.

import { deleteKey, lookupKeyRead } from '../keyspace/db';
import { NOTIFY_GENERIC, NOTIFY_ZSET } from '../keyspace/effects';
import { EntryPtr } from '../keyspace/entry';
import {
  cursorElement,
  cursorMember,
  cursorNext,
  cursorScore,
  cursorSeek,
  foundScore,
  memberLen,
  memberPtr,
  tryStoreZset,
  zsetFind,
  zsetRangeCount,
  zsetRangeFrom,
  zsetScoreRange,
} from '../keyspace/zset_value';
import { free, tryAlloc, tryRealloc, usableSize } from '../memory/alloc';
import { argEvent } from '../resp/arg_event';
import { argI64, argI64OrReply } from '../resp/arg_number';
import { Arg, argc, argIs } from '../resp/args';
import {
  ERR_OOM_LIMIT,
  ERR_SYNTAX,
  errorBytes,
  errorEnd,
  errorStart,
  replyError,
} from '../resp/errors';
import { outputLost, replyArray, replyBulk, replyInt, replyText } from '../resp/writer';
import {
  GeoShape,
  geoCenterDistance,
  geohashDecode,
  geoLatitude,
  geoLongitude,
  geoRangeMax,
  geoRangeMin,
  geoSearchRanges,
  geoWithin,
} from '../struct/geohash';
import { LP_INT_CHARS, lpGetText, lpValueLen } from '../struct/listpack';
import { ITEM_BYTES, ORDER_NUMBER, trySortItems, trySortPart } from '../struct/sort_items';
import { SortedSet, tryZslInsert, tryZslNew, zslFind, zslFree } from '../struct/sorted_set';
import { parseF64Value } from '../util/number_parse';
import { hashBytes } from '../util/siphash';
import {
  argLatitude,
  argLongitude,
  parseF64OrReply,
  parsePositionOrReply,
  parseUnitOrReply,
  replyDistance,
  replyPosition,
} from './geo';
import { isZsetOrReply } from './zset';

/** The forms of the command. */
const AROUND_POSITION: u32 = 1;
const AROUND_MEMBER: u32 = 2;
const READ_ONLY: u32 = 4;
const SEARCH: u32 = 8;
const SEARCH_STORE: u32 = 16;

const UNSORTED: u32 = 0;
const ASCENDING: u32 = 1;
const DESCENDING: u32 = 2;

@unmanaged
class GeoPoint {
  distance: f64;
  score: f64;
  member: usize;
  memberLen: u32;
}

/** Stands for the length of a member that is an integer. */
const INTEGER_MEMBER: u32 = 0xffffffff;
const POINTS_MIN_BYTES: usize = 4096;

const shape = changetype<GeoShape>(memory.data(56, 8));
const digits: usize = memory.data(<i32>LP_INT_CHARS, 8);

// What the arguments ask for.
let form: u32 = 0;
let source: EntryPtr = 0;
let hasCenter: bool = false;
let centerIsMember: bool = false;
let hasShape: bool = false;
let withDistance: bool = false;
let withHash: bool = false;
let withPosition: bool = false;
let anyOrder: bool = false;
let sorting: u32 = UNSORTED;
let limit: i64 = 0; // 0: none
let storeAt: u32 = 0; // argument that names the destination; 0: reply
let storeDistance: bool = false;

// --- Commands ---

/** GEORADIUS key longitude latitude radius unit [option ...] */
export function georadiusCommand(): void {
  search(1, AROUND_POSITION);
}

/** GEORADIUS_RO key longitude latitude radius unit [option ...] */
export function georadiusRoCommand(): void {
  search(1, AROUND_POSITION | READ_ONLY);
}

/** GEORADIUSBYMEMBER key member radius unit [option ...] */
export function georadiusbymemberCommand(): void {
  search(1, AROUND_MEMBER);
}

/** GEORADIUSBYMEMBER_RO key member radius unit [option ...] */
export function georadiusbymemberRoCommand(): void {
  search(1, AROUND_MEMBER | READ_ONLY);
}

/** GEOSEARCH key FROMMEMBER member | FROMLONLAT ... BYRADIUS radius unit | BYBOX ... [option ...] */
export function geosearchCommand(): void {
  search(1, SEARCH);
}

/** GEOSEARCHSTORE destination source FROMMEMBER ... BYRADIUS ... [option ...] [STOREDIST] */
export function geosearchstoreCommand(): void {
  search(2, SEARCH | SEARCH_STORE);
}

function search(at: u32, which: u32): void {
  form = which;
  source = lookupKeyRead(Arg.ptr(at), Arg.len(at), Arg.hash(at));
  if (source != 0 && !isZsetOrReply(source)) return;
  const first = parseAreaOrReply(at);
  if (first == 0 || !parseOptionsOrReply(first) || !areOptionsGoodOrReply()) return;
  if (source == 0) {
    if (storeAt != 0) storeNothing();
    else replyArray(0);
    return;
  }
  if (limit != 0 && sorting == UNSORTED && !anyOrder) sorting = ASCENDING;
  if (tryCollect() && trySort()) finish();
  else replyError(ERR_OOM_LIMIT);
  if (points != 0) free(points);
  points = 0;
}

// --- Arguments ---

/** Reads what the older forms have in fixed places; returns where options begin, 0 after an error. */
function parseAreaOrReply(at: u32): u32 {
  hasCenter = false;
  centerIsMember = false;
  hasShape = false;
  storeAt = 0;
  if (form & AROUND_POSITION) {
    if (!parsePositionOrReply(2) || !parseRadiusOrReply(4)) return 0;
    setCenter(argLongitude, argLatitude);
    return 6;
  }
  if (form & AROUND_MEMBER) {
    if (source != 0 && (!centerOnMemberOrReply(2) || !parseRadiusOrReply(3))) return 0;
    return 5;
  }
  if (form & SEARCH_STORE) storeAt = 1;
  return at + 1;
}

function setCenter(longitude: f64, latitude: f64): void {
  shape.longitude = longitude;
  shape.latitude = latitude;
}

function centerOnMemberOrReply(i: u32): bool {
  if (!zsetFind(source, Arg.ptr(i), Arg.len(i))) {
    replyError('ERR could not decode requested zset member');
    return false;
  }
  geohashDecode(foundScore);
  setCenter(geoLongitude, geoLatitude);
  return true;
}

function parseRadiusOrReply(i: u32): bool {
  if (!parseF64OrReply(i, 'ERR need numeric radius')) return false;
  if (parseF64Value < 0) {
    replyError('ERR radius cannot be negative');
    return false;
  }
  shape.radius = parseF64Value;
  shape.isBox = 0;
  shape.unit = parseUnitOrReply(i + 1);
  return shape.unit != 0;
}

function parseBoxOrReply(i: u32): bool {
  if (!parseF64OrReply(i, 'ERR need numeric width')) return false;
  shape.width = parseF64Value;
  if (!parseF64OrReply(i + 1, 'ERR need numeric height')) return false;
  shape.height = parseF64Value;
  if (shape.height < 0 || shape.width < 0) {
    replyError('ERR height or width cannot be negative');
    return false;
  }
  shape.isBox = 1;
  shape.unit = parseUnitOrReply(i + 2);
  return shape.unit != 0;
}

/** Arguments that the option read last takes after its own word. */
let taken: u32 = 0;

function parseOptionsOrReply(first: u32): bool {
  withDistance = false;
  withHash = false;
  withPosition = false;
  anyOrder = false;
  sorting = UNSORTED;
  limit = 0;
  storeDistance = false;
  for (let i = first; i < argc; i += 1 + taken) {
    taken = 0;
    if (parseFlag(i)) continue;
    const left = argc - i - 1;
    let good = false;
    if (left >= 1 && argIs(i, 'count')) good = parseCountOrReply(i + 1);
    else if ((form & SEARCH) != 0 && isAreaOption(i, left)) good = parseAreaOptionOrReply(i);
    else if ((form & (SEARCH | READ_ONLY)) == 0 && left >= 1 && isStoreOption(i)) {
      storeAt = i + 1;
      taken = 1;
      good = true;
    } else replyError(ERR_SYNTAX);
    if (!good) return false;
  }
  return true;
}

/** Reads an option of one word. */
function parseFlag(i: u32): bool {
  if (argIs(i, 'withdist')) withDistance = true;
  else if (argIs(i, 'withhash')) withHash = true;
  else if (argIs(i, 'withcoord')) withPosition = true;
  else if (argIs(i, 'any')) anyOrder = true;
  else if (argIs(i, 'asc')) sorting = ASCENDING;
  else if (argIs(i, 'desc')) sorting = DESCENDING;
  else if ((form & SEARCH_STORE) != 0 && argIs(i, 'storedist')) storeDistance = true;
  else return false;
  return true;
}

function isStoreOption(i: u32): bool {
  storeDistance = argIs(i, 'storedist');
  return storeDistance || argIs(i, 'store');
}

function parseCountOrReply(i: u32): bool {
  if (!argI64OrReply(i)) return false;
  limit = argI64;
  taken = 1;
  if (limit > 0) return true;
  replyError('ERR COUNT must be > 0');
  return false;
}

/** Whether argument `i` is an option of GEOSEARCH, with `left` words behind it, that may stand there. */
function isAreaOption(i: u32, left: u32): bool {
  if (argIs(i, 'frommember')) return left >= 1 && (!hasCenter || centerIsMember);
  if (argIs(i, 'fromlonlat')) return left >= 2 && (!hasCenter || !centerIsMember);
  if (argIs(i, 'byradius')) return left >= 2 && (!hasShape || shape.isBox == 0);
  return argIs(i, 'bybox') && left >= 3 && (!hasShape || shape.isBox != 0);
}

function parseAreaOptionOrReply(i: u32): bool {
  const isMember = argIs(i, 'frommember');
  if (isMember || argIs(i, 'fromlonlat')) {
    if (!isMember) {
      if (!parsePositionOrReply(i + 1)) return false;
      setCenter(argLongitude, argLatitude);
    } else if (source != 0 && !centerOnMemberOrReply(i + 1)) return false;
    hasCenter = true;
    centerIsMember = isMember;
    taken = isMember ? 1 : 2;
    return true;
  }
  const isBox = argIs(i, 'bybox');
  if (isBox ? !parseBoxOrReply(i + 1) : !parseRadiusOrReply(i + 1)) return false;
  hasShape = true;
  taken = isBox ? 3 : 2;
  return true;
}

/** Whether the options go together. */
function areOptionsGoodOrReply(): bool {
  const isSearch = (form & SEARCH) != 0;
  if (storeAt != 0 && (withDistance || withHash || withPosition)) {
    const start = errorStart();
    replyText('ERR ');
    replyText(isSearch ? 'GEOSEARCHSTORE' : 'STORE option in GEORADIUS');
    replyText(' is not compatible with WITHDIST, WITHHASH and WITHCOORD options');
    errorEnd(start);
  } else if (isSearch && !hasCenter) {
    replyMissing('ERR exactly one of FROMMEMBER or FROMLONLAT can be specified for ');
  } else if (isSearch && !hasShape) {
    replyMissing('ERR exactly one of BYRADIUS and BYBOX can be specified for ');
  } else if (anyOrder && limit == 0) replyError('ERR the ANY argument requires COUNT argument');
  else return true;
  return false;
}

function replyMissing(text: string): void {
  const start = errorStart();
  replyText(text);
  errorBytes(Arg.ptr(0), Arg.len(0));
  errorEnd(start);
}

// --- Collecting ---

let points: usize = 0;
let pointsBytes: usize = 0;
let pointCount: u32 = 0;

function point(i: u32): GeoPoint {
  return changetype<GeoPoint>(points + <usize>i * ITEM_BYTES);
}

/** Collects the places in the area. False when memory is exhausted. */
function tryCollect(): bool {
  if (offsetof<GeoPoint>() != 24 || ITEM_BYTES != 24) ERROR('GeoPoint is a record to sort');
  if (offsetof<GeoShape>() > 56) ERROR('shape');
  pointCount = 0;
  pointsBytes = 0;
  const enough = anyOrder ? <u32>min<i64>(limit, u32.MAX_VALUE) : u32.MAX_VALUE;
  const ranges = geoSearchRanges(shape);
  for (let i: u32 = 0; i < ranges && pointCount < enough; i++) {
    zsetScoreRange(source, geoRangeMin(i), false, geoRangeMax(i), true);
    if (zsetRangeCount != 0 && !tryCollectRange(zsetRangeCount, enough)) return false;
  }
  return true;
}

/** The same for `count` members from `zsetRangeFrom` on. */
function tryCollectRange(count: u32, enough: u32): bool {
  const measured = withDistance || storeDistance || sorting != UNSORTED;
  cursorSeek(source, zsetRangeFrom);
  while (true) {
    const score = cursorScore();
    if (geoWithin(shape, score)) {
      if (!tryAddPoint(measured ? geoCenterDistance(shape) : 0, score)) return false;
      if (pointCount >= enough) return true;
    }
    count -= 1;
    if (count == 0) return true;
    cursorNext();
  }
}

function tryAddPoint(distance: f64, score: f64): bool {
  const end = <usize>pointCount * ITEM_BYTES;
  if (end + ITEM_BYTES > pointsBytes && !tryGrow(end + ITEM_BYTES)) return false;
  const p = changetype<GeoPoint>(points + end);
  p.distance = distance;
  p.score = score;
  cursorMember();
  p.member = memberPtr != 0 ? memberPtr : cursorElement();
  p.memberLen = memberPtr != 0 ? memberLen : INTEGER_MEMBER;
  pointCount += 1;
  return true;
}

function tryGrow(bytes: usize): bool {
  const wanted = max<usize>(bytes << 1, POINTS_MIN_BYTES);
  const wider = points == 0 ? tryAlloc(wanted) : tryRealloc(points, wanted);
  if (wider == 0) return false;
  points = wider;
  pointsBytes = usableSize(wider);
  return true;
}

/** How many points the result has. */
function resultCount(): u32 {
  return limit == 0 ? pointCount : <u32>min<i64>(limit, pointCount);
}

function trySort(): bool {
  if (sorting == UNSORTED || pointCount == 0) return true;
  const descending = sorting == DESCENDING;
  const wanted = resultCount();
  if (wanted == pointCount) return trySortItems(points, pointCount, ORDER_NUMBER, descending);
  return trySortPart(points, pointCount, 0, wanted - 1, ORDER_NUMBER, descending);
}

// --- The result ---

/** Bytes of the member that `readMember` read. */
let nameLen: u32 = 0;

function readMember(p: GeoPoint): usize {
  nameLen = p.memberLen;
  if (nameLen != INTEGER_MEMBER) return p.member;
  const name = lpGetText(p.member, digits);
  nameLen = lpValueLen;
  return name;
}

function finish(): void {
  if (storeAt == 0) replyPoints();
  else if (pointCount == 0) storeNothing();
  else storePoints();
}

function replyPoints(): void {
  const count = resultCount();
  const parts = u32(withDistance) + u32(withHash) + u32(withPosition);
  replyArray(count);
  for (let i: u32 = 0; i < count && !outputLost; i++) {
    const p = point(i);
    if (parts != 0) replyArray(parts + 1);
    const name = readMember(p);
    replyBulk(name, nameLen);
    if (withDistance) replyDistance(p.distance / shape.unit);
    if (withHash) replyInt(wholeScore(p.score));
    if (withPosition) {
      geohashDecode(p.score);
      replyPosition();
    }
  }
}

const I64_RANGE: f64 = 9223372036854775808.0;

/** A score as an integer, the least one if it is none of 64 bits. */
function wholeScore(score: f64): i64 {
  return score >= -I64_RANGE && score < I64_RANGE ? <i64>score : i64.MIN_VALUE;
}

function storeNothing(): void {
  const at = storeAt;
  if (deleteKey(Arg.ptr(at), Arg.len(at), Arg.hash(at))) argEvent(at, NOTIFY_GENERIC, 'del', 1);
  replyInt(0);
}

function storePoints(): void {
  const at = storeAt;
  const block = tryZslNew(resultCount());
  if (block == 0 || !tryFill(changetype<SortedSet>(block))) {
    if (block != 0) zslFree(block);
    replyError(ERR_OOM_LIMIT);
    return;
  }
  const members = changetype<SortedSet>(block).keys;
  if (!tryStoreZset(Arg.ptr(at), Arg.len(at), Arg.hash(at), block)) {
    replyError(ERR_OOM_LIMIT);
    return;
  }
  argEvent(at, NOTIFY_ZSET, form & SEARCH ? 'geosearchstore' : 'georadiusstore', members);
  replyInt(members);
}

function tryFill(z: SortedSet): bool {
  const count = resultCount();
  for (let i: u32 = 0; i < count; i++) {
    const p = point(i);
    const name = readMember(p);
    // Around the whole globe a place may be found twice.
    if (zslFind(z, name, nameLen) != 0) continue;
    const score = storeDistance ? p.distance / shape.unit : p.score;
    if (tryZslInsert(z, name, nameLen, hashBytes(name, nameLen), score) == 0) return false;
  }
  return true;
}
