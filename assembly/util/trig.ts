// Sine, cosine and arc sine to the double nearest to the true value; once in some hundred thousand
// cases, where the truth lies all but half way between two, to the other one.
//
// The standard library's are right to one unit in the last place, and which one is an accident of
// how it computes; distances (geohash.ts) are to be the same as Redis's, whose C library is right in
// all but one of 700 cases. So results are computed to some 66 bits before they are rounded.
//
//   sin(k/64 + t) = S + C t + (S (cos t - 1) + C (sin t - t)),   S = sin k/64, C = cos k/64
//
// S and C come from a table that is computed when it is first needed, each as a sum of two doubles, and |t| is
// at most 1/128, so that the third term is small and the second is needed exactly (as a sum of two doubles, too).
// Arguments beyond pi/4 are first reduced by a multiple of pi/2, to a sum of two doubles again.
//
// The arc sine is computed with that sine by Newton's method, the last step of which corrects the last bit. Above
// sin pi/4 it is computed from the half angle: asin y = pi/2 - 2 asin sqrt((1 - y) / 2).
//
// Sources: Dekker, "A floating-point technique for extending the available precision"; Gal and Bachelis,
// "An accurate elementary mathematical library".

/** pi/2 as a sum of three doubles. */
const HALF_PI_HIGH: f64 = 1.5707963267948966;
const HALF_PI_MIDDLE: f64 = 6.123233995736766e-17;
const HALF_PI_LOW: f64 = -1.4973849048591698e-33;
const TWO_OVER_PI: f64 = 0.6366197723675814;
const QUARTER_PI: f64 = 0.7853981633974483;
/** Beyond, the reduction would not be exact, and doubles are so far apart that no angle is meant. */
const ARGUMENT_MAX: f64 = 1e8;
const SIN_QUARTER_PI: f64 = Math.SQRT1_2;

/** Up to here a few terms give the arc sine to 40 bits, which one step of Newton's method makes all of them. */
const SERIES_MAX: f64 = 0.125;

const STEPS: f64 = 64;
const ROW_BYTES: usize = 32;
const ROWS: usize = 51;
/** sin k/64 and cos k/64, each as a sum of two doubles, for k from 0 to 50. */
const TABLE: usize = memory.data(1632, 8);
/** Its second row: sin 1/64 and cos 1/64. */
const FIRST_STEP: usize = memory.data<f64>([
  0.015624364224883372, -1.2650937552759816e-19, 0.9998779321710066, 3.216122229972341e-17,
]);
const COSINE: usize = 16;

/** 2^27 + 1: splits a double into two halves whose products are exact. */
const SPLITTER: f64 = 134217729;

/** What the last result left unrounded: the true value is about result + trigRest. */
let trigRest: f64 = 0;
/** The rest of the reduced argument. */
let reducedRest: f64 = 0;
/** How often pi/2 was taken off, modulo 4. */
let reducedQuadrant: i32 = 0;

/** The sine; NaN beyond 10^8. */
export function sin(x: f64): f64 {
  if (!(abs(x) <= ARGUMENT_MAX)) return NaN;
  return quadrantSin(reduce(x), reducedRest, reducedQuadrant);
}

/** The cosine; NaN beyond 10^8. */
export function cos(x: f64): f64 {
  if (!(abs(x) <= ARGUMENT_MAX)) return NaN;
  return quadrantSin(reduce(x), reducedRest, reducedQuadrant + 1);
}

/** The arc sine; NaN beyond 1. */
export function asin(y: f64): f64 {
  const size = abs(y);
  if (!(size <= 1)) return NaN;
  let result: f64;
  if (size <= SIN_QUARTER_PI) {
    const angle = nearlyAsin(size);
    result = angle + newtonStep(angle, size, 0);
  } else {
    const square = (1 - size) * 0.5; // exact
    const root = sqrt(square);
    if (root == 0) return copysign(HALF_PI_HIGH, y);
    const product = root * root;
    const rest = (square - product - productError(root, root, product)) / (root + root);
    const angle = nearlyAsin(root);
    const step = newtonStep(angle, root, rest);
    result = HALF_PI_HIGH - (angle + angle);
    const error = HALF_PI_HIGH - result - (angle + angle);
    result += error + (HALF_PI_MIDDLE - (step + step));
  }
  return copysign(result, y);
}

/** The arc sine up to sin pi/4, but for the last bits. */
function nearlyAsin(y: f64): f64 {
  const yy = y * y;
  if (y <= SERIES_MAX) {
    const tail = 15.0 / 336 + yy * (105.0 / 3456 + yy * (945.0 / 42240));
    return y + y * yy * (1.0 / 6 + yy * (3.0 / 40 + yy * tail));
  }
  let angle = y + y * yy * (1.0 / 6);
  for (let i = 0; i < 3; i++) angle += newtonStep(angle, y, 0);
  return angle;
}

/** What to add to `angle`, an approximation of asin(y + rest). */
function newtonStep(angle: f64, y: f64, rest: f64): f64 {
  const sine = kernel(angle, 0, false);
  return (y - sine - trigRest + rest) / sqrt((1 - y) * (1 + y));
}

/** x less a multiple of pi/2, at most about pi/4; sets `reducedRest` and `reducedQuadrant`. */
function reduce(x: f64): f64 {
  reducedRest = 0;
  reducedQuadrant = 0;
  if (abs(x) <= QUARTER_PI) return x;
  const times = nearest(x * TWO_OVER_PI);
  reducedQuadrant = <i32>times;
  const product = times * HALF_PI_HIGH;
  const high = x - product; // exact: the two are near each other
  const middle = -times * HALF_PI_MIDDLE - productError(times, HALF_PI_HIGH, product);
  const sum = high + middle;
  const part = sum - high;
  const error = high - (sum - part) + (middle - part);
  reducedRest = error - times * HALF_PI_LOW;
  return sum;
}

/** The sine of r + rest + quadrant * pi/2. */
function quadrantSin(r: f64, rest: f64, quadrant: i32): f64 {
  const result = kernel(r, rest, (quadrant & 1) != 0);
  return (quadrant & 2) != 0 ? -result : result;
}

/** a * b less `product`, its rounded value: exact. */
function productError(a: f64, b: f64, product: f64): f64 {
  let scaled = a * SPLITTER;
  const aHigh = scaled - (scaled - a);
  const aLow = a - aHigh;
  scaled = b * SPLITTER;
  const bHigh = scaled - (scaled - b);
  const bLow = b - bHigh;
  return aHigh * bHigh - product + aHigh * bLow + aLow * bHigh + aLow * bLow;
}

/** Fills the table row by row: k/64 is (k - 1)/64 and 1/64, and adding angles is multiplying. */
function fillTable(): void {
  store<f64>(TABLE + COSINE, 1);
  const last = TABLE + (ROWS - 1) * ROW_BYTES;
  for (let row = TABLE; row < last; row += ROW_BYTES) {
    const next = row + ROW_BYTES;
    storeProducts(next, row, FIRST_STEP + COSINE, row + COSINE, FIRST_STEP, 1);
    storeProducts(next + COSINE, row + COSINE, FIRST_STEP + COSINE, row, FIRST_STEP, -1);
  }
}

/** Stores a * b + sign * c * d at `out`; all of them are addresses of sums of two doubles. */
function storeProducts(out: usize, a: usize, b: usize, c: usize, d: usize, sign: f64): void {
  const first = load<f64>(a) * load<f64>(b);
  const second = load<f64>(c) * load<f64>(d) * sign;
  const sum = first + second;
  const part = sum - first;
  const rest =
    first - (sum - part) + (second - part) + productRest(a, b) + productRest(c, d) * sign;
  store<f64>(out, sum + rest);
  store<f64>(out, sum - (sum + rest) + rest, 8);
}

/** a * b less the rounded product of their greater parts. */
function productRest(a: usize, b: usize): f64 {
  const x = load<f64>(a);
  const y = load<f64>(b);
  return productError(x, y, x * y) + (x * load<f64>(b, 8) + y * load<f64>(a, 8));
}

/** The sine or cosine of r + rest, |r| up to pi/4; sets `trigRest`. */
function kernel(r: f64, rest: f64, isCos: bool): f64 {
  if (load<f64>(TABLE, COSINE) == 0) fillTable();
  const size = abs(r);
  if (r < 0) rest = -rest;
  const index = nearest(size * STEPS);
  const t = size - index * (1 / STEPS); // exact
  const tt = t * t;
  const sinTail = t * tt * (-1.0 / 6 + tt * (1.0 / 120 - tt * (1.0 / 5040))) + rest;
  if (index == 0 && !isCos) {
    // What is below comes to the same.
    const result = size + sinTail;
    trigRest = size - result + sinTail;
    if (r < 0) trigRest = -trigRest;
    return copysign(result, r);
  }
  const row = TABLE + <usize>index * ROW_BYTES;
  // The value at k/64 and its derivative.
  let value = load<f64>(row);
  let valueRest = load<f64>(row, 8);
  let slope = load<f64>(row, 16);
  let slopeRest = load<f64>(row, 24);
  if (isCos) {
    const sine = value;
    const sineRest = valueRest;
    value = slope;
    valueRest = slopeRest;
    slope = -sine;
    slopeRest = -sineRest;
  }
  const cosTail = tt * (-0.5 + tt * (1.0 / 24 + tt * (-1.0 / 720 + tt * (1.0 / 40320)))) - t * rest;

  const linear = slope * t;
  let low = productError(slope, t, linear);
  const high = value + linear; // |linear| is less than |value|, or the latter is 0
  low += value - high + linear;
  low += value * cosTail + slope * sinTail + (valueRest + slopeRest * t);
  const result = high + low;
  trigRest = high - result + low;
  if (isCos) return result;
  trigRest = r < 0 ? -trigRest : trigRest;
  return copysign(result, r);
}
