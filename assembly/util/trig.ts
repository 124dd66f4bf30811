// Sine, cosine and arc sine to the double nearest to the true value; once in some hundred thousand
// cases, where the truth lies all but half way between two, to the other one.
//
// The standard library's are right to one unit in the last place, and which one is an accident of
// how it computes; distances (geohash.ts) are to be the same as Redis's, whose C library is right in
// all but one of 700 cases. So results are computed to some 66 bits before they are rounded.
//
//   sin(k/64 + t) = S + C t + (S (cos t - 1) + C (sin t - t)),   S = sin k/64, C = cos k/64
//
// S and C come from a table, each as a sum of two doubles, and |t| is at most 1/128, so that the third
// term is small and the second is needed exactly (as a sum of two doubles, too). Arguments beyond
// pi/4 are first reduced by a multiple of pi/2, to a sum of two doubles again.
//
// The arc sine is the standard library's, corrected by one step of Newton's method with that sine. Above
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
/** Beyond, the reduction would not be exact. */
const ARGUMENT_MAX: f64 = 4;
const SIN_QUARTER_PI: f64 = Math.SQRT1_2;

const STEPS: f64 = 64;
const ROW_BYTES: usize = 32;
/** sin k/64 and cos k/64, each as a sum of two doubles, for k from 0 to 50. */
const TABLE: usize = memory.data<f64>([
  0, 0, 1, 0, 0.015624364224883372, -1.2650937552759816e-19, 0.9998779321710066,
  3.216122229972341e-17, 0.03124491398532608, -1.562781562225433e-18, 0.9995117584851364,
  -3.418806487972947e-17, 0.04685783574813424, -2.3419368365610254e-18, 0.9989015683384429,
  -2.1425557800399754e-17, 0.0624593178423802, -2.040259504585711e-18, 0.9980475107000991,
  3.3232291674141346e-17, 0.07804555138996731, -5.449443782005793e-18, 0.9969497940760287,
  -1.2467075728553626e-17, 0.09361273123551289, 1.4628632005878733e-18, 0.9956086864580017,
  3.312922430932991e-17, 0.10915705687532236, 6.6284699502736666e-18, 0.9940245152582091,
  1.3287985046260087e-17, 0.12467473338522769, -2.925947496057858e-18, 0.992197667229329,
  4.754870575189364e-17, 0.1401619723470637, -9.946847113883478e-18, 0.9901285883701071,
  -4.589906353553811e-18, 0.15561499277355603, 8.886053372342288e-18, 0.9878177838164719,
  4.91917302237681e-17, 0.17103002203139503, -9.954774726452923e-18, 0.9852658177182139,
  -4.925721262944555e-17, 0.18640329676226988, 2.3493796901281573e-18, 0.9824733131012553,
  -3.919920375420088e-17, 0.2017310638016388, 5.587232815460113e-18, 0.9794409517155483,
  1.3108769521526758e-17, 0.21700958109501015, 1.1170071073364376e-17, 0.9761694738686353,
  -7.850690609285027e-18, 0.23223511861151147, -8.318080852687206e-18, 0.9726596782449127,
  2.3920264546490165e-17, 0.24740395925452294, -7.53102495590706e-18, 0.9689124217106447,
  5.071436662403936e-17, 0.2625123997691533, -2.2534597527902125e-17, 0.964928619104771,
  -3.0345542681018625e-18, 0.2775567516463363, 1.7674070262791822e-17, 0.9607092430155619,
  -2.807827063516729e-17, 0.29253334202332754, 7.516944930327352e-18, 0.9562553235431753,
  -3.148450868841629e-17, 0.30743851458038085, 1.1004366442765296e-19, 0.9515679480481722,
  -3.8614834675674123e-17, 0.3222686304333866, 2.093773358126606e-17, 0.9466482608860534,
  -3.911683334934152e-17, 0.33702006902225307, 1.0312279860787216e-17, 0.9414974631278811,
  -4.8523830236797095e-18, 0.3516892289948141, -2.5616208736069942e-17, 0.9361168122670553,
  -5.2350302039683216e-17, 0.36627252908604757, -9.938814562106524e-18, 0.9305076219123143,
  4.488760003328074e-18, 0.38076640899239017, 2.1372528646211374e-17, 0.924671261467036,
  5.5444125388034563e-17, 0.39516733024093426, -1.9613487871414228e-17, 0.9186091557949183,
  -4.0564150104514996e-17, 0.40947177705329507, -5.679403000091266e-18, 0.9123227848721178,
  2.6349040211413332e-17, 0.42367625720393803, -2.331800700068871e-17, 0.9058136834259364,
  4.2864666490805214e-17, 0.4377773028727551, 7.64345629962023e-18, 0.8990834405601384,
  9.076951775075616e-18, 0.4517714714916838, -8.234073942098903e-18, 0.8921336993669944,
  2.3160655211380166e-17, 0.46565534658516017, 1.459870391051426e-17, 0.8849661565261433,
  -7.690557775987357e-18, 0.479425538604203, -5.103969860556013e-18, 0.8775825618903728,
  -4.2623149864279997e-17, 0.49307868575392305, 5.605083973871755e-18, 0.8699847180584174,
  1.657385110740923e-17, 0.5066114548142574, -3.269413423618168e-17, 0.8621744799348805,
  4.4132427578105805e-18, 0.520020541953727, -3.983266745698455e-17, 0.8541537542773854,
  5.420565102675286e-18, 0.5333026735360201, 5.129318115032044e-17, 0.8459244992310679,
  1.549506647350329e-17, 0.5464546069192036, 8.399754840929507e-18, 0.8374887238505236,
  4.3337026043948396e-17, 0.5594731312473669, 1.575565514488728e-17, 0.8288484876093257,
  1.1163935406617444e-17, 0.5723550682345072, 2.6575872357215316e-17, 0.820005899897234,
  -3.912431748209128e-17, 0.5850972729404622, -5.4883972461161805e-17, 0.8109631195052179,
  -3.091333486122179e-17, 0.5976966345387015, 5.450323593054385e-17, 0.8017223540984184,
  4.0134533311087014e-17, 0.6101500770757914, -1.479826990758988e-17, 0.7922858596771786,
  -2.9049779312834576e-17, 0.6224545602223437, -6.049035765709707e-18, 0.7826559400262728,
  -1.474071641211487e-17, 0.6346070800152693, -3.4568582392624965e-17, 0.7728349461524715,
  4.231014921891023e-17, 0.6466046695911524, 4.567647714393289e-19, 0.7628252757105762,
  1.6672995021546628e-17, 0.6584443999105676, -3.7736386700306717e-17, 0.7526293724180665,
  -1.2970993013150526e-17, 0.6701233804731629, 6.183536725574959e-18, 0.7422497254585013,
  -1.2339303604869521e-17, 0.6816387600233341, 4.410467313197903e-17, 0.7316888688738209,
  -1.0475824306512768e-17, 0.692987727246318, -5.3543290798909455e-17, 0.7209493809456964,
  3.494986701478816e-17, 0.7041675114545337, -3.94095700584825e-17, 0.7100338835660797,
  1.505272211891291e-17,
]);

/** 2^27 + 1: splits a double into two halves whose products are exact. */
const SPLITTER: f64 = 134217729;

/** What the last result left unrounded: the true value is about result + trigRest. */
let trigRest: f64 = 0;
/** The rest of the reduced argument. */
let reducedRest: f64 = 0;
/** How often pi/2 was taken off, modulo 4. */
let reducedQuadrant: i32 = 0;

/** The sine; not to full precision for arguments beyond 4. */
export function sin(x: f64): f64 {
  if (!(abs(x) <= ARGUMENT_MAX)) return Math.sin(x);
  return quadrantSin(reduce(x), reducedRest, reducedQuadrant);
}

/** The cosine; not to full precision for arguments beyond 4. */
export function cos(x: f64): f64 {
  if (!(abs(x) <= ARGUMENT_MAX)) return Math.cos(x);
  return quadrantSin(reduce(x), reducedRest, reducedQuadrant + 1);
}

/** The arc sine; NaN beyond 1. */
export function asin(y: f64): f64 {
  const size = abs(y);
  if (!(size <= 1)) return NaN;
  let result: f64;
  if (size <= SIN_QUARTER_PI) {
    const angle = Math.asin(size);
    result = angle + newtonStep(angle, size, 0);
  } else {
    const square = (1 - size) * 0.5; // exact
    const root = sqrt(square);
    if (root == 0) return copysign(HALF_PI_HIGH, y);
    const product = root * root;
    const rest = (square - product - productError(root, root, product)) / (root + root);
    const angle = Math.asin(root);
    const step = newtonStep(angle, root, rest);
    result = HALF_PI_HIGH - (angle + angle);
    const error = HALF_PI_HIGH - result - (angle + angle);
    result += error + (HALF_PI_MIDDLE - (step + step));
  }
  return copysign(result, y);
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
  const times = nearest(x * TWO_OVER_PI); // at most 3
  reducedQuadrant = <i32>times;
  // Multiplying by 1 and 2 is exact; by 3, for arguments above 3.9 that nobody has, nearly so.
  const high = x - times * HALF_PI_HIGH; // exact: the two are near each other
  const middle = -times * HALF_PI_MIDDLE;
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

/** The sine or cosine of r + rest, |r| up to pi/4; sets `trigRest`. */
function kernel(r: f64, rest: f64, isCos: bool): f64 {
  const size = abs(r);
  if (r < 0) rest = -rest;
  const index = nearest(size * STEPS);
  const t = size - index / STEPS; // exact
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
  const tt = t * t;
  const sinTail = t * tt * (-1.0 / 6 + tt * (1.0 / 120 - tt * (1.0 / 5040))) + rest;
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
