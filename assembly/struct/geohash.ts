// Geohash: places on Earth as scores of a sorted set, and what is near a place.
//
//   score, 52 bits:   longitude and latitude as 26-bit fractions of their ranges, bits interleaved
//
//     bit  51 50 49 48 ...                    1  0
//          x  y  x  y                         x  y        x longitude, y latitude, highest bits first
//
// Neighbouring scores are neighbouring places, mostly: all places with the same first 2 * step bits are
// a box of 1/2^step of both ranges, and a range of scores. An area is searched in the box of its center
// and in the eight around it, with boxes large enough for these nine to cover it; each score found
// there is then decoded and measured (`geoWithin`).
//
//   +----+---+----+
//   | nw | n | ne |
//   +----+---+----+
//   | w  | c | e  |     boxes that the area does not reach are left out
//   +----+---+----+
//   | sw | s | se |
//   +----+---+----+
//
// Longitudes are from -180 to 180 degrees, latitudes from -85.05112878 to 85.05112878 (what the Mercator
// projection makes a square of); callers check that. Distances are along a great circle of a sphere,
// by the haversine formula, in metres. All operations and their order are Redis's, so scores, positions
// and ranges are the same, for any double as a score too; and so is what they miss: in wide areas that
// reach around a pole, the boxes do not cover everything.
//
// Results are left in module variables, valid until the next call. All functions are O(1).
//
// Sources: Niemeyer's geohash (the text form); Sinnott, "Virtues of the haversine". Differences from
// Redis: none in coordinates and scores; sines and cosines are rounded better than the C library does
// (trig.ts), so that one distance in some 200 differs in its last binary digit, which no four decimals
// show.

import { asin, cos, sin } from '../util/trig';

export const GEO_LONG_MIN: f64 = -180;
export const GEO_LONG_MAX: f64 = 180;
export const GEO_LAT_MIN: f64 = -85.05112878;
export const GEO_LAT_MAX: f64 = 85.05112878;
/** Length of the text form. */
export const GEOHASH_CHARS: usize = 11;

/** Bits of each coordinate in a score. */
const STEP_MAX: u32 = 26;
const SCORE_BITS: u32 = 52;
/** 2^-STEP_MAX */
const SMALLEST_CELL: f64 = 1.0 / 67108864;
const AREAS: u32 = 9;
/** Latitudes of the text form. */
const TEXT_LAT_MAX: f64 = 90;
const EARTH_RADIUS: f64 = 6372797.560856;
/** Half the circumference that the boxes' sizes are estimated from. */
const MERCATOR_MAX: f64 = 20037726.37;
const RADIANS: f64 = Math.PI / 180;
const I64_RANGE: f64 = 9223372036854775808.0;

const EVEN_BITS: u64 = 0x5555555555555555; // latitude
const ODD_BITS: u64 = 0xaaaaaaaaaaaaaaaa; // longitude

/** "0123456789bcdefghjkmnpqrstuvwxyz" */
const ALPHABET: usize = memory.data<u8>([
  48, 49, 50, 51, 52, 53, 54, 55, 56, 57, 98, 99, 100, 101, 102, 103, 104, 106, 107, 109, 110, 112,
  113, 114, 115, 116, 117, 118, 119, 120, 121, 122,
]);

/** The area of a search, and the boxes that cover it. Its memory is the user's. */
@unmanaged
export class GeoShape {
  /** Center, in degrees. */
  longitude: f64;
  latitude: f64;
  /** Radius of a circle, in `unit`. */
  radius: f64;
  /** Sides of a rectangle, in `unit`. */
  width: f64;
  height: f64;
  /** Metres in one unit. */
  unit: f64;
  isBox: u32;
}

/** Position found by the last function that decodes. */
export let geoLongitude: f64 = 0;
export let geoLatitude: f64 = 0;

// --- Bits ---

/** The bits of a 32-bit number at the even positions of a 64-bit one. */
function spread(bits: u64): u64 {
  bits = (bits | (bits << 16)) & 0x0000ffff0000ffff;
  bits = (bits | (bits << 8)) & 0x00ff00ff00ff00ff;
  bits = (bits | (bits << 4)) & 0x0f0f0f0f0f0f0f0f;
  bits = (bits | (bits << 2)) & 0x3333333333333333;
  return (bits | (bits << 1)) & EVEN_BITS;
}

/** The even bits of a 64-bit number as a 32-bit one. */
function gather(bits: u64): u32 {
  bits &= EVEN_BITS;
  bits = (bits | (bits >> 1)) & 0x3333333333333333;
  bits = (bits | (bits >> 2)) & 0x0f0f0f0f0f0f0f0f;
  bits = (bits | (bits >> 4)) & 0x00ff00ff00ff00ff;
  bits = (bits | (bits >> 8)) & 0x0000ffff0000ffff;
  return <u32>(bits | (bits >> 16));
}

/** A place as 2 * step bits, within latitudes up to `latMax`. */
function encode(longitude: f64, latitude: f64, step: u32, latMax: f64): u64 {
  const cells = <f64>((<u64>1) << step);
  const y = ((latitude + latMax) / (latMax + latMax)) * cells;
  const x = ((longitude - GEO_LONG_MIN) / (GEO_LONG_MAX - GEO_LONG_MIN)) * cells;
  return spread(<u32>y) | (spread(<u32>x) << 1);
}

/** The coordinate at the lower side of a cell. */
function edge(cell: u32, step: u32, low: f64, high: f64): f64 {
  return low + (<f64>cell / <f64>((<u64>1) << step)) * (high - low);
}

function southOf(bits: u64, step: u32): f64 {
  return edge(gather(bits), step, GEO_LAT_MIN, GEO_LAT_MAX);
}

function northOf(bits: u64, step: u32): f64 {
  return edge(gather(bits) + 1, step, GEO_LAT_MIN, GEO_LAT_MAX);
}

function westOf(bits: u64, step: u32): f64 {
  return edge(gather(bits >> 1), step, GEO_LONG_MIN, GEO_LONG_MAX);
}

function eastOf(bits: u64, step: u32): f64 {
  return edge(gather(bits >> 1) + 1, step, GEO_LONG_MIN, GEO_LONG_MAX);
}

// --- Scores ---

/** The score of a place. */
export function geohashEncode(longitude: f64, latitude: f64): f64 {
  return <f64>encode(longitude, latitude, STEP_MAX, GEO_LAT_MAX);
}

/** Decodes any score to `geoLongitude` and `geoLatitude`: the middle of its smallest box. */
export function geohashDecode(score: f64): void {
  const bits = scoreBits(score);
  const x = middle(gather(bits >> 1), GEO_LONG_MIN, GEO_LONG_MAX);
  const y = middle(gather(bits), GEO_LAT_MIN, GEO_LAT_MAX);
  geoLongitude = min(max(x, GEO_LONG_MIN), GEO_LONG_MAX);
  geoLatitude = min(max(y, GEO_LAT_MIN), GEO_LAT_MAX);
}

/** The middle of one of the smallest cells. As the cells are a power of two, multiplying is exact. */
function middle(cell: u32, low: f64, high: f64): f64 {
  const from = low + <f64>cell * SMALLEST_CELL * (high - low);
  const to = low + <f64>(cell + 1) * SMALLEST_CELL * (high - low);
  return (from + to) / 2;
}

/** A double to u64 as the processors that Redis runs on convert it, whatever its value. */
function scoreBits(score: f64): u64 {
  if (score >= I64_RANGE) return toI64(score - I64_RANGE) ^ ((<u64>1) << 63);
  return toI64(score);
}

function toI64(value: f64): u64 {
  if (!(value >= -I64_RANGE && value < I64_RANGE)) return (<u64>1) << 63;
  return <u64>(<i64>value);
}

/** Writes the usual text form of a score's place, GEOHASH_CHARS; the last is always 0. */
export function geohashText(score: f64, out: usize): void {
  geohashDecode(score);
  const bits = encode(geoLongitude, geoLatitude, STEP_MAX, TEXT_LAT_MAX);
  for (let i: u32 = 0; i < <u32>GEOHASH_CHARS - 1; i++) {
    const digit = <usize>(bits >> (SCORE_BITS - (i + 1) * 5)) & 31;
    store<u8>(out + i, load<u8>(ALPHABET + digit));
  }
  store<u8>(out + GEOHASH_CHARS - 1, load<u8>(ALPHABET));
}

// --- Distances ---

/** Metres between two latitudes on one meridian. */
function latitudeDistance(latitude1: f64, latitude2: f64): f64 {
  return EARTH_RADIUS * abs(latitude2 * RADIANS - latitude1 * RADIANS);
}

/** Metres between two places. */
export function geoDistance(longitude1: f64, latitude1: f64, longitude2: f64, latitude2: f64): f64 {
  const v = sin((longitude2 * RADIANS - longitude1 * RADIANS) / 2);
  if (v == 0) return latitudeDistance(latitude1, latitude2);
  const y1 = latitude1 * RADIANS;
  const y2 = latitude2 * RADIANS;
  const u = sin((y2 - y1) / 2);
  const a = u * u + cos(y1) * cos(y2) * v * v;
  return 2.0 * EARTH_RADIUS * asin(sqrt(a));
}

// What `prepare` computed of the area of a search.
let centerCos: f64 = 0;
let centerSin: f64 = 0;
/** Whether `quickDecision` may be asked. */
let isSmall: bool = false;
/** What is below the one is inside, what is above the other outside. */
let surelyInside: f64 = 0;
let surelyOutside: f64 = 0;

/** Half angles up to this one are small: series of a few terms will do. */
const SMALL_ANGLE: f64 = 0.05;
const INSIDE: u32 = 0;
const OUTSIDE: u32 = 1;
const UNDECIDED: u32 = 2;

/** Gets ready for `geoWithin`. */
function prepare(shape: GeoShape): void {
  centerCos = cos(shape.latitude * RADIANS);
  centerSin = sin(shape.latitude * RADIANS);
  const reach = (shape.isBox != 0 ? shape.width / 2 : shape.radius) * shape.unit;
  const height = (shape.isBox != 0 ? shape.height / 2 : shape.radius) * shape.unit;
  const angle = reach / (2 * EARTH_RADIUS);
  isSmall = angle <= SMALL_ANGLE && height / (2 * EARTH_RADIUS) <= SMALL_ANGLE;
  const sine = sin(angle);
  // Far more than what rounding and the series miss.
  const least = max(sine * (1 - 1e-9) - 1e-13, 0);
  const most = sine * (1 + 1e-9) + 1e-13;
  surelyInside = least * least;
  surelyOutside = most * most;
}

function sinSmall(x: f64): f64 {
  const xx = x * x;
  return x * (1 - xx * (1.0 / 6 - xx * (1.0 / 120 - xx * (1.0 / 5040))));
}

/**
 * Whether the place decoded last is nearer to the center than the radius, or for a box nearer to its
 * meridian than half the width, by the haversine formula with series: undecided only near the border.
 * The latitude has been found to be near enough.
 */
function quickDecision(shape: GeoShape): u32 {
  const v = ((geoLongitude - shape.longitude) * RADIANS) / 2;
  if (!isSmall || abs(v) > 2 * SMALL_ANGLE) return UNDECIDED;
  const d = (geoLatitude - shape.latitude) * RADIANS;
  const dd = d * d;
  const cosine =
    centerCos * (1 - dd * (0.5 - dd * (1.0 / 24 - dd * (1.0 / 720)))) - centerSin * sinSmall(d);
  const across = sinSmall(v);
  let square = cosine * across * across;
  if (shape.isBox != 0) square *= cosine;
  else {
    const along = sinSmall(d / 2);
    square = along * along + square * centerCos;
  }
  if (square < surelyInside) return INSIDE;
  return square > surelyOutside ? OUTSIDE : UNDECIDED;
}

/**
 * Whether a score's place is in the area for which ranges were computed last. It is decoded in any case;
 * if it is inside, `geoCenterDistance` tells how far from the center.
 */
export function geoWithin(shape: GeoShape, score: f64): bool {
  geohashDecode(score);
  const y = geoLatitude;
  if (shape.isBox != 0) {
    if (latitudeDistance(y, shape.latitude) > (shape.height * shape.unit) / 2) return false;
    const quick = quickDecision(shape);
    if (quick != UNDECIDED) return quick == INSIDE;
    return geoDistance(geoLongitude, y, shape.longitude, y) <= (shape.width * shape.unit) / 2;
  }
  const radius = shape.radius * shape.unit;
  // No way is shorter than that along the meridian. The margin covers the rounding of either.
  if (latitudeDistance(y, shape.latitude) * (1 - 1e-9) > radius) return false;
  const quick = quickDecision(shape);
  if (quick != UNDECIDED) return quick == INSIDE;
  return geoCenterDistance(shape) <= radius;
}

/** Metres between the center of the area and the place that was decoded last. */
export function geoCenterDistance(shape: GeoShape): f64 {
  const v = sin((geoLongitude * RADIANS - shape.longitude * RADIANS) / 2);
  if (v == 0) return latitudeDistance(shape.latitude, geoLatitude);
  const y2 = geoLatitude * RADIANS;
  const u = sin((y2 - shape.latitude * RADIANS) / 2);
  const a = u * u + centerCos * cos(y2) * v * v;
  return 2.0 * EARTH_RADIUS * asin(sqrt(a));
}

// --- Searching ---

/** Bits of the nine boxes, u64 each, in the order of a search. */
const BOXES: usize = memory.data(72, 8);
const CENTER: u32 = 0;
const NORTH: u32 = 1;
const SOUTH: u32 = 2;
const EAST: u32 = 3;
const WEST: u32 = 4;
const NORTH_EAST: u32 = 5;
const NORTH_WEST: u32 = 6;
const SOUTH_EAST: u32 = 7;
const SOUTH_WEST: u32 = 8;
/** Which of them the area does not reach, a bit each. */
const NORTHERN: u32 = (1 << NORTH) | (1 << NORTH_EAST) | (1 << NORTH_WEST);
const SOUTHERN: u32 = (1 << SOUTH) | (1 << SOUTH_EAST) | (1 << SOUTH_WEST);
const EASTERN: u32 = (1 << EAST) | (1 << NORTH_EAST) | (1 << SOUTH_EAST);
const WESTERN: u32 = (1 << WEST) | (1 << NORTH_WEST) | (1 << SOUTH_WEST);

/** Ranges of scores, two f64 each: from the first on and below the second. */
const RANGES: usize = memory.data(144, 8);

// The bounding box of the area.
let boundWest: f64 = 0;
let boundEast: f64 = 0;
let boundSouth: f64 = 0;
let boundNorth: f64 = 0;

/**
 * Computes the ranges of scores to search for places in the area and returns how many there are, at
 * most nine, to be searched in that order. In them, `geoWithin` decides.
 */
export function geoSearchRanges(shape: GeoShape): u32 {
  prepare(shape);
  setBounds(shape);
  let step = estimateStep(shape);
  setBoxes(shape, step);
  if (step > 1 && !boxesCoverBounds(step)) {
    step--;
    setBoxes(shape, step);
  }
  const unused = step >= 2 ? unreachedBoxes(step) : 0;
  const shift = SCORE_BITS - step * 2;
  let count: u32 = 0;
  let last: u32 = 0;
  for (let i: u32 = 0; i < AREAS; i++) {
    if ((unused & (1 << i)) != 0) continue;
    const bits = boxBits(i);
    // Around a large area, boxes on either side are the same. As in Redis, only the one before is
    // compared, and not with the center: then places are found twice.
    if (last != 0 && bits == boxBits(last)) continue;
    const range = RANGES + ((<usize>count) << 4);
    store<f64>(range, <f64>(bits << shift));
    store<f64>(range, <f64>((bits + 1) << shift), 8);
    count++;
    last = i;
  }
  return count;
}

/** The least score of a range, which belongs to it. */
export function geoRangeMin(range: u32): f64 {
  return load<f64>(RANGES + ((<usize>range) << 4));
}

/** The least score above a range. */
export function geoRangeMax(range: u32): f64 {
  return load<f64>(RANGES + ((<usize>range) << 4), 8);
}

function setBounds(shape: GeoShape): void {
  const isBox = shape.isBox != 0;
  const height = shape.unit * (isBox ? shape.height / 2 : shape.radius);
  const width = shape.unit * (isBox ? shape.width / 2 : shape.radius);
  const latitude = shape.latitude;
  const latDelta = height / EARTH_RADIUS / RADIANS;
  // Degrees of longitude are shortest at the side nearer to the pole.
  const farLatitude = latitude < 0 ? latitude - latDelta : latitude + latDelta;
  const longDelta = width / EARTH_RADIUS / cos(farLatitude * RADIANS) / RADIANS;
  boundWest = shape.longitude - longDelta;
  boundEast = shape.longitude + longDelta;
  boundSouth = latitude - latDelta;
  boundNorth = latitude + latDelta;
}

/** How small boxes may be for nine of them to cover the area, most of the time. */
function estimateStep(shape: GeoShape): u32 {
  let range = shape.radius;
  if (shape.isBox != 0) {
    const width = shape.width / 2;
    const height = shape.height / 2;
    range = sqrt(width * width + height * height);
  }
  range *= shape.unit;
  if (range == 0) return STEP_MAX;
  let step = 1;
  while (range < MERCATOR_MAX) {
    range *= 2;
    step++;
  }
  step -= 2;
  // Towards the poles the boxes are narrower.
  const latitude = abs(shape.latitude);
  if (latitude > 66) step--;
  if (latitude > 80) step--;
  return <u32>min(max(step, 1), <i32>STEP_MAX);
}

function boxBits(box: u32): u64 {
  return load<u64>(BOXES + ((<usize>box) << 3));
}

function setBox(box: u32, bits: u64): void {
  store<u64>(BOXES + ((<usize>box) << 3), bits);
}

/** The box `add` cells further east, around the globe; -1 for west. */
function moveEast(bits: u64, step: u32, add: i32): u64 {
  const mask = u64.MAX_VALUE >> (64 - step * 2);
  const latitude = bits & EVEN_BITS;
  // With ones between the bits of the longitude, carries run through; a minus borrows through zeros.
  const longitude =
    add > 0
      ? (bits & ODD_BITS) + (EVEN_BITS & mask) + 1
      : ((bits & ODD_BITS) | (EVEN_BITS & mask)) - ((EVEN_BITS & mask) + 1);
  return (longitude & ODD_BITS & mask) | latitude;
}

/** The box `add` cells further north, from pole to pole; -1 for south. */
function moveNorth(bits: u64, step: u32, add: i32): u64 {
  const mask = u64.MAX_VALUE >> (64 - step * 2);
  const longitude = bits & ODD_BITS;
  const latitude =
    add > 0
      ? (bits & EVEN_BITS) + (ODD_BITS & mask) + 1
      : ((bits & EVEN_BITS) | (ODD_BITS & mask)) - ((ODD_BITS & mask) + 1);
  return (latitude & EVEN_BITS & mask) | longitude;
}

function setBoxes(shape: GeoShape, step: u32): void {
  const center = encode(shape.longitude, shape.latitude, step, GEO_LAT_MAX);
  const east = moveEast(center, step, 1);
  const west = moveEast(center, step, -1);
  setBox(CENTER, center);
  setBox(NORTH, moveNorth(center, step, 1));
  setBox(SOUTH, moveNorth(center, step, -1));
  setBox(EAST, east);
  setBox(WEST, west);
  setBox(NORTH_EAST, moveNorth(east, step, 1));
  setBox(NORTH_WEST, moveNorth(west, step, 1));
  setBox(SOUTH_EAST, moveNorth(east, step, -1));
  setBox(SOUTH_WEST, moveNorth(west, step, -1));
}

function boxesCoverBounds(step: u32): bool {
  if (northOf(boxBits(NORTH), step) < boundNorth) return false;
  if (southOf(boxBits(SOUTH), step) > boundSouth) return false;
  if (eastOf(boxBits(EAST), step) < boundEast) return false;
  return !(westOf(boxBits(WEST), step) > boundWest);
}

/** The boxes on sides where the center's own box reaches beyond the bounds, a bit each. */
function unreachedBoxes(step: u32): u32 {
  const center = boxBits(CENTER);
  let unused: u32 = 0;
  if (southOf(center, step) < boundSouth) unused |= SOUTHERN;
  if (northOf(center, step) > boundNorth) unused |= NORTHERN;
  if (westOf(center, step) < boundWest) unused |= WESTERN;
  if (eastOf(center, step) > boundEast) unused |= EASTERN;
  return unused;
}
