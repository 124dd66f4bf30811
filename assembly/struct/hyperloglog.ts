// HyperLogLog: estimates how many different strings were added, in 12 KiB at most; error 0.81%.
//
//   0         4          5        8                  16
//   +---------+----------+--------+------------------+------------ ... --+
//   | "HYLL"  | encoding | unused | cardinality u64  | registers         |
//   +---------+----------+--------+------------------+------------ ... --+
//
//   cardinality   of the last count; its top bit set: not valid since something was added
//
//   encoding 0, dense: 16384 registers of 6 bits, lowest bits first: four in three bytes
//   encoding 1, sparse: runs of equal registers that cover all 16384
//
//     00xxxxxx                x + 1 registers of 0 (1 to 64)
//     01xxxxxx xxxxxxxx       x + 1 registers of 0 (1 to 16384), high bits first
//     1vvvvvxx                x + 1 registers of v + 1 (1 to 4 of 1 to 32)
//
// A string's hash names a register (14 bits) and a number: how many zero bits follow, plus one. A
// register keeps the largest such number, and from all registers the estimate is computed.
//
// The bytes are Redis's, also in how sparse runs are split and joined. They are a string value, which
// anybody may have written: nothing here reads or writes outside of it, and runs that do not cover all
// registers are reported as corrupt. Its memory belongs to the caller, so what may grow reports that
// it must (HLL_GROW, HLL_PROMOTE) and is called again. Nothing allocates.
//
// Adding: O(1) dense, O(bytes) sparse. Counting: O(1) if nothing was added since, else O(registers),
// like merging.
//
// Sources: Flajolet, Fusy, Gandouet and Meunier, "HyperLogLog"; Ertl, "New cardinality estimation
// algorithms for HyperLogLog sketches"; Appleby, MurmurHash2 (64-bit, for 64-bit platforms). Differences
// from Redis: a run cut off by the end of the string is corrupt, where Redis takes the byte behind it.

/** The address of a HyperLogLog's bytes. */
export type HllPtr = usize;

export const HLL_REGISTERS: u32 = 16384;
export const HLL_DENSE: u32 = 0;
export const HLL_SPARSE: u32 = 1;
/** Size of a dense one, and of a sparse one to which nothing was added. */
export const HLL_DENSE_BYTES: u32 = 12304;
export const HLL_EMPTY_BYTES: u32 = 18;

/** What `hllAdd` says. */
export const HLL_UNCHANGED: u32 = 0;
/** Added; the size is in `hllBytes` now. The cached cardinality is no longer valid. */
export const HLL_CHANGED: u32 = 1;
/** Nothing done: it needs room for `hllBytes` bytes. */
export const HLL_GROW: u32 = 2;
/** Nothing done: it must become dense (`hllToDense`). */
export const HLL_PROMOTE: u32 = 3;
export const HLL_CORRUPT: u32 = 4;

/** See HLL_CHANGED and HLL_GROW. */
export let hllBytes: u32 = 0;
/** What the last `hllCount` counted. */
export let hllCardinality: u64 = 0;
/** Registers in the run that the last `hllReadRun` found. */
export let hllRunLength: u32 = 0;
/** The value of each of them. */
export let hllRunValue: u32 = 0;

const MAGIC: u32 = 0x4c4c5948; // "HYLL"
const HDR_SIZE: usize = 16;
const ENCODING_OFFSET: usize = 4;
const CARDINALITY_OFFSET: usize = 8;
const CACHE_INVALID: u64 = 1 << 63;

const INDEX_BITS: u64 = 14;
const INDEX_MASK: u64 = 16383;
/** Bits of the hash that are looked at for zeros. */
const PATTERN_BITS: u32 = 50;
const REGISTER_MASK: u32 = 63;
const HASH_SEED: u64 = 0xadc83b19;

const XZERO_BIT: u32 = 0x40;
const VAL_BIT: u32 = 0x80;
const VAL_MAX_VALUE: u32 = 32;
const VAL_MAX_LEN: u32 = 4;
const ZERO_MAX_LEN: u32 = 64;
/** Runs looked at for joining after a change. */
const JOIN_SCAN: u32 = 5;

/** 0.5 / ln(2), with the digits that Redis has. */
const ALPHA_INF: f64 = 0.7213475204444817;
const I64_RANGE: f64 = 9223372036854775808.0;

/** One byte per register: the union of what is being merged. */
const UNION: usize = memory.data(16384, 16);
/** Four histograms of register values, u32 each. */
const HISTOGRAM: usize = memory.data(1024, 16);
/** Runs that replace one: zeros, a value, zeros. */
const SEQUENCE: usize = memory.data(8, 8);
/** What `hllUnionWrite` made: the largest has a run of two bytes for each register. */
const RESULT: usize = memory.data(32784, 16);
const RESULT_BYTES: u32 = 32784;

// --- The whole ---

/** Writes a HyperLogLog without elements, HLL_EMPTY_BYTES. */
export function hllInit(hll: HllPtr): void {
  store<u32>(hll, MAGIC);
  store<u32>(hll, HLL_SPARSE, ENCODING_OFFSET);
  store<u64>(hll, 0, CARDINALITY_OFFSET);
  store<u8>(hll, XZERO_BIT | 0x3f, HDR_SIZE);
  store<u8>(hll, 0xff, HDR_SIZE + 1);
}

/** Whether a string can be a HyperLogLog: by header and size, not by its runs. */
export function hllIsValid(hll: usize, bytes: u32): bool {
  if (<usize>bytes < HDR_SIZE || load<u32>(hll) != MAGIC) return false;
  const encoding = hllEncoding(hll);
  return encoding == HLL_SPARSE || (encoding == HLL_DENSE && bytes == HLL_DENSE_BYTES);
}

export function hllEncoding(hll: HllPtr): u32 {
  return load<u8>(hll, ENCODING_OFFSET);
}

/** Whether the cardinality is still the one that was counted last. */
export function hllIsCached(hll: HllPtr): bool {
  return (load<u64>(hll, CARDINALITY_OFFSET) & CACHE_INVALID) == 0;
}

export function hllCached(hll: HllPtr): u64 {
  return load<u64>(hll, CARDINALITY_OFFSET);
}

export function hllSetCached(hll: HllPtr, cardinality: u64): void {
  store<u64>(hll, cardinality, CARDINALITY_OFFSET);
}

export function hllInvalidateCache(hll: HllPtr): void {
  store<u64>(hll, load<u64>(hll, CARDINALITY_OFFSET) | CACHE_INVALID, CARDINALITY_OFFSET);
}

// --- Hash ---

/** MurmurHash64A. */
export function hllHash(s: usize, len: usize): u64 {
  const m: u64 = 0xc6a4a7935bd1e995;
  let h = HASH_SEED ^ (<u64>len * m);
  const end = s + (len & ~7);
  while (s < end) {
    let k = load<u64>(s) * m;
    k ^= k >> 47;
    h = (h ^ (k * m)) * m;
    s += 8;
  }
  const rest = len & 7;
  if (rest != 0) {
    let k: u64 = 0;
    for (let i = rest; i != 0; i--) k = (k << 8) | load<u8>(s + i - 1);
    h = (h ^ k) * m;
  }
  h = (h ^ (h >> 47)) * m;
  return h ^ (h >> 47);
}

/** What a hash brings to its register: the zeros that follow the index, plus one; at most 51. */
function patternLength(hash: u64): u32 {
  return <u32>ctz((hash >> INDEX_BITS) | ((<u64>1) << PATTERN_BITS)) + 1;
}

// --- Adding ---

/**
 * Adds a string to a HyperLogLog of `bytes` bytes with room for `capacity`. A sparse one may have up to
 * `maxBytes` (hll-sparse-max-bytes). Returns HLL_*.
 */
export function hllAdd(
  hll: HllPtr,
  bytes: u32,
  capacity: u32,
  s: usize,
  len: usize,
  maxBytes: u32,
): u32 {
  const hash = hllHash(s, len);
  const index = <u32>(hash & INDEX_MASK);
  const value = patternLength(hash);
  hllBytes = bytes;
  if (hllEncoding(hll) != HLL_DENSE) {
    rewind();
    return sparseSet(hll, bytes, capacity, index, value, maxBytes);
  }
  if (!hllDenseSet(hll, index, value)) return HLL_UNCHANGED;
  hllInvalidateCache(hll);
  return HLL_CHANGED;
}

/** The three bytes that hold a dense register and its neighbours. */
function denseGroup(hll: HllPtr, index: u32): usize {
  return hll + HDR_SIZE + (<usize>index >> 2) * 3;
}

/** A register of a dense HyperLogLog. */
export function hllDenseGet(hll: HllPtr, index: u32): u32 {
  const group = denseGroup(hll, index);
  const bits = <u32>load<u16>(group) | ((<u32>load<u8>(group, 2)) << 16);
  return (bits >> ((index & 3) * 6)) & REGISTER_MASK;
}

/** Raises a register of a dense HyperLogLog to a value. False if it was not less. */
export function hllDenseSet(hll: HllPtr, index: u32, value: u32): bool {
  const group = denseGroup(hll, index);
  const shift = (index & 3) * 6;
  let bits = <u32>load<u16>(group) | ((<u32>load<u8>(group, 2)) << 16);
  if (value <= ((bits >> shift) & REGISTER_MASK)) return false;
  bits = (bits & ~(REGISTER_MASK << shift)) | (value << shift);
  store<u16>(group, <u16>bits);
  store<u8>(group, <u8>(bits >> 16), 2);
  return true;
}

// --- Sparse ---

/**
 * Reads the run at `p` into `hllRunLength` and `hllRunValue` and returns the address behind it; 0 if the
 * run does not end before `end`.
 */
export function hllReadRun(p: usize, end: usize): usize {
  const first: u32 = load<u8>(p);
  if (first >= VAL_BIT) {
    hllRunLength = (first & 3) + 1;
    hllRunValue = ((first >> 2) & 0x1f) + 1;
    return p + 1;
  }
  hllRunValue = 0;
  if (first < XZERO_BIT) {
    hllRunLength = first + 1;
    return p + 1;
  }
  if (p + 1 >= end) return 0;
  hllRunLength = (((first & 0x3f) << 8) | load<u8>(p, 1)) + 1;
  return p + 2;
}

/** The first run of a sparse HyperLogLog. */
export function hllFirstRun(hll: HllPtr): usize {
  return hll + HDR_SIZE;
}

// Where the last `sparseSet` found the run before its own: the next one may start there if its register
// is behind. 0: it must start at the first run.
let resumeOffset: usize = 0;
let resumeRegister: u32 = 0;

function rewind(): void {
  resumeOffset = 0;
}

/** Raises a register of a sparse HyperLogLog. Returns HLL_*. */
function sparseSet(
  hll: HllPtr,
  bytes: u32,
  capacity: u32,
  index: u32,
  value: u32,
  maxBytes: u32,
): u32 {
  if (value > VAL_MAX_VALUE) return HLL_PROMOTE;
  const end = hll + bytes;
  let p = hll + HDR_SIZE;
  let first: u32 = 0; // first register of the run at p
  let prev: usize = 0;
  if (resumeOffset != 0) {
    p = hll + resumeOffset;
    first = resumeRegister;
  }
  let prevFirst: u32 = 0;
  let next: usize = 0;
  while (true) {
    if (p >= end) return HLL_CORRUPT;
    next = hllReadRun(p, end);
    if (next == 0) return HLL_CORRUPT;
    if (index < first + hllRunLength) break;
    prev = p;
    prevFirst = first;
    first += hllRunLength;
    p = next;
  }
  if (prev == 0 && resumeOffset != 0) {
    // It was found in the very run to resume from: what is before that is not known.
    rewind();
    return sparseSet(hll, bytes, capacity, index, value, maxBytes);
  }
  if (hllRunValue >= value) return HLL_UNCHANGED;

  const oldLen = <u32>(next - p);
  const newLen = writeSequence(index - first, value);
  if (newLen > oldLen) {
    if (bytes + newLen - oldLen > maxBytes) return HLL_PROMOTE;
    if (bytes + newLen - oldLen > capacity) {
      hllBytes = bytes + newLen - oldLen;
      return HLL_GROW;
    }
  }
  if (newLen != oldLen) memory.copy(p + newLen, next, end - next);
  for (let i: u32 = 0; i < newLen; i++) store<u8>(p + i, load<u8>(SEQUENCE + i));
  bytes += newLen - oldLen;
  const from = prev != 0 ? prev : hll + HDR_SIZE;
  bytes -= joinRuns(from, hll + bytes);
  resumeOffset = prev != 0 ? prev - hll : 0;
  resumeRegister = prevFirst;
  hllBytes = bytes;
  hllInvalidateCache(hll);
  return HLL_CHANGED;
}

/**
 * Writes to SEQUENCE what the run that was read last becomes when one of its registers, at `offset`, gets
 * a value, and returns its size.
 */
function writeSequence(offset: u32, value: u32): u32 {
  const behind = hllRunLength - 1 - offset;
  let out = SEQUENCE;
  if (offset != 0) out = writeRun(out, hllRunValue, offset);
  out = writeRun(out, value, 1);
  if (behind != 0) out = writeRun(out, hllRunValue, behind);
  return <u32>(out - SEQUENCE);
}

/** Writes a run, which has at most VAL_MAX_LEN registers unless they are zero. */
function writeRun(out: usize, value: u32, length: u32): usize {
  if (value != 0) {
    store<u8>(out, VAL_BIT | ((value - 1) << 2) | (length - 1));
    return out + 1;
  }
  if (length <= ZERO_MAX_LEN) {
    store<u8>(out, length - 1);
    return out + 1;
  }
  store<u8>(out, XZERO_BIT | ((length - 1) >> 8));
  store<u8>(out, length - 1, 1);
  return out + 2;
}

/** Joins equal values among a few runs from `p` on, and returns how many bytes that saved. */
function joinRuns(p: usize, end: usize): u32 {
  let saved: u32 = 0;
  for (let scan = JOIN_SCAN; scan != 0 && p < end; scan--) {
    const run: u32 = load<u8>(p);
    if (run < VAL_BIT) {
      p += run < XZERO_BIT ? 1 : 2;
      continue;
    }
    const following: u32 = p + 1 < end ? load<u8>(p, 1) : 0;
    const length = (run & 3) + (following & 3) + 2;
    if ((run ^ following) < VAL_MAX_LEN && length <= VAL_MAX_LEN) {
      store<u8>(p, (run & ~3) | (length - 1));
      memory.copy(p + 1, p + 2, end - p - 2);
      end--;
      saved++;
      // The joined run may be joined with what comes now.
      continue;
    }
    p++;
  }
  return saved;
}

/**
 * Writes the dense form of a sparse HyperLogLog to `dense`, HLL_DENSE_BYTES that must not overlap it,
 * with the cached cardinality. False if the runs are corrupt; then `dense` is partly written.
 */
export function hllToDense(hll: HllPtr, bytes: u32, dense: usize): bool {
  memory.fill(dense, 0, HLL_DENSE_BYTES);
  memory.copy(dense, hll, HDR_SIZE);
  store<u8>(dense, HLL_DENSE, ENCODING_OFFSET);
  const end = hll + bytes;
  let index: u32 = 0;
  let p = hll + HDR_SIZE;
  while (p < end) {
    p = hllReadRun(p, end);
    if (p == 0 || hllRunLength > HLL_REGISTERS - index) return false;
    const behind = index + hllRunLength;
    if (hllRunValue == 0) index = behind;
    for (; index < behind; index++) hllDenseSet(dense, index, hllRunValue);
  }
  return index == HLL_REGISTERS;
}

// --- Union ---

/** Starts a union of HyperLogLogs: none so far. */
export function hllUnionStart(): void {
  memory.fill(UNION, 0, HLL_REGISTERS);
}

/** Adds one to the union. False if its runs are corrupt; then it is partly added. */
export function hllUnionAdd(hll: HllPtr, bytes: u32): bool {
  if (hllEncoding(hll) == HLL_DENSE) {
    uniteDense(hll + HDR_SIZE);
    return true;
  }
  const end = hll + bytes;
  let index: u32 = 0;
  let p = hll + HDR_SIZE;
  while (p < end) {
    p = hllReadRun(p, end);
    if (p == 0 || hllRunLength > HLL_REGISTERS - index) return false;
    const behind = index + hllRunLength;
    if (hllRunValue == 0) index = behind;
    for (; index < behind; index++) {
      if (load<u8>(UNION + index) < hllRunValue) store<u8>(UNION + index, hllRunValue);
    }
  }
  return index == HLL_REGISTERS;
}

/** Sixteen registers of six bits, in the first twelve bytes, to one byte each. */
function unpack(packed: v128): v128 {
  const groups = i8x16.swizzle(packed, i8x16(0, 1, 2, -1, 3, 4, 5, -1, 6, 7, 8, -1, 9, 10, 11, -1));
  return v128.or(
    v128.or(
      v128.and(groups, i32x4.splat(0x3f)),
      v128.and(i32x4.shl(groups, 2), i32x4.splat(0x3f00)),
    ),
    v128.or(
      v128.and(i32x4.shl(groups, 4), i32x4.splat(0x3f0000)),
      v128.and(i32x4.shl(groups, 6), i32x4.splat(0x3f000000)),
    ),
  );
}

/** Sixteen registers of one byte to six bits each, in the first twelve bytes. */
function pack(registers: v128): v128 {
  const groups = v128.or(
    v128.or(
      v128.and(registers, i32x4.splat(0x3f)),
      v128.and(i32x4.shr_u(registers, 2), i32x4.splat(0xfc0)),
    ),
    v128.or(
      v128.and(i32x4.shr_u(registers, 4), i32x4.splat(0x3f000)),
      v128.and(i32x4.shr_u(registers, 6), i32x4.splat(0xfc0000)),
    ),
  );
  return i8x16.swizzle(groups, i8x16(0, 1, 2, 4, 5, 6, 8, 9, 10, 12, 13, 14, -1, -1, -1, -1));
}

/** Sixteen registers from twelve bytes that are the last of their string. */
function loadLast(dense: usize): v128 {
  const shifted = v128.load(dense - 4);
  return i8x16.swizzle(shifted, i8x16(4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, -1, -1, -1, -1));
}

function uniteDense(dense: usize): void {
  const last = UNION + HLL_REGISTERS - 16;
  for (let out = UNION; out < last; out += 16) {
    v128.store(out, i8x16.max_u(v128.load(out), unpack(v128.load(dense))));
    dense += 12;
  }
  v128.store(last, i8x16.max_u(v128.load(last), unpack(loadLast(dense))));
}

/**
 * Writes a HyperLogLog with the union's elements and with those of `hll` (0: none), which must be in the
 * union too, and returns its address; the size is in `hllBytes`. It is sparse where `hll` is, unless `dense`
 * or it would exceed `maxBytes`. 0 if the runs of `hll` are corrupt. Valid until the next call.
 */
export function hllUnionWrite(hll: HllPtr, bytes: u32, dense: bool, maxBytes: u32): usize {
  if (hll == 0) {
    hll = RESULT;
    bytes = HLL_EMPTY_BYTES;
    hllInit(hll);
    // What becomes of nothing and the union needs nothing but the union.
    if (!dense && uniteSparse(bytes, maxBytes)) return RESULT;
    memory.fill(RESULT + HDR_SIZE, 0, <usize>HLL_DENSE_BYTES - HDR_SIZE);
    store<u8>(RESULT, HLL_DENSE, ENCODING_OFFSET);
  } else if (hllEncoding(hll) == HLL_DENSE) {
    memory.copy(RESULT, hll, HDR_SIZE);
  } else {
    if (bytes > RESULT_BYTES) return 0;
    memory.copy(RESULT, hll, bytes);
    if (!dense && uniteSparse(bytes, maxBytes)) return RESULT;
    if (!hllToDense(hll, bytes, RESULT)) return 0;
  }
  packUnion();
  hllBytes = HLL_DENSE_BYTES;
  hllInvalidateCache(RESULT);
  return RESULT;
}

/** Writes the registers of the union, all of them, into RESULT. */
function packUnion(): void {
  let dense = RESULT + HDR_SIZE;
  for (let from = UNION; from < UNION + HLL_REGISTERS; from += 16) {
    const packed = pack(v128.load(from));
    v128.store64_lane(dense, packed, 0);
    v128.store32_lane(dense, packed, 2, 8);
    dense += 12;
  }
}

/** Adds the union to the sparse HyperLogLog in RESULT. False if it must become dense. */
function uniteSparse(bytes: u32, maxBytes: u32): bool {
  rewind();
  for (let index: u32 = 0; index < HLL_REGISTERS; index++) {
    const value: u32 = load<u8>(UNION + index);
    if (value == 0) continue;
    hllBytes = bytes;
    if (sparseSet(RESULT, bytes, RESULT_BYTES, index, value, maxBytes) > HLL_CHANGED) return false;
    bytes = hllBytes;
  }
  hllBytes = bytes;
  hllInvalidateCache(RESULT);
  return true;
}

// --- Counting ---

/**
 * Estimates how many different strings a HyperLogLog has, into `hllCardinality`. False if its runs are
 * corrupt. Starts a new union.
 */
export function hllCount(hll: HllPtr, bytes: u32): bool {
  hllUnionStart();
  if (!hllUnionAdd(hll, bytes)) return false;
  hllCardinality = hllUnionCount();
  return true;
}

/** Estimates how many different strings the union has. */
export function hllUnionCount(): u64 {
  memory.fill(HISTOGRAM, 0, 1024);
  for (let p = UNION; p < UNION + HLL_REGISTERS; p += 8) {
    const word = load<u64>(p);
    if (word == 0) {
      store<u32>(HISTOGRAM, load<u32>(HISTOGRAM) + 8);
      continue;
    }
    // Neighbours count in different tables, so that none waits for the one before it.
    count(0, <u32>word);
    count(256, <u32>(word >> 8));
    count(512, <u32>(word >> 16));
    count(768, <u32>(word >> 24));
    count(0, <u32>(word >> 32));
    count(256, <u32>(word >> 40));
    count(512, <u32>(word >> 48));
    count(768, <u32>(word >> 56));
  }
  for (let i: usize = 0; i < 256; i += 16) {
    const even = i32x4.add(v128.load(HISTOGRAM + i), v128.load(HISTOGRAM + i, 256));
    const odd = i32x4.add(v128.load(HISTOGRAM + i, 512), v128.load(HISTOGRAM + i, 768));
    v128.store(HISTOGRAM + i, i32x4.add(even, odd));
  }
  return estimate();
}

function count(table: usize, register: u32): void {
  const slot = HISTOGRAM + table + ((<usize>register & REGISTER_MASK) << 2);
  store<u32>(slot, load<u32>(slot) + 1);
}

/** Registers of a value. */
function frequency(value: u32): f64 {
  return <f64>load<u32>(HISTOGRAM + ((<usize>value) << 2));
}

/** The estimate from the histogram; the operations and their order are Redis's. */
function estimate(): u64 {
  const m = <f64>HLL_REGISTERS;
  let z = m * tau((m - frequency(PATTERN_BITS + 1)) / m);
  for (let value = PATTERN_BITS; value != 0; value--) {
    z += frequency(value);
    z *= 0.5;
  }
  z += m * sigma(frequency(0) / m);
  const cardinality = (ALPHA_INF * m * m) / z;
  // Registers that no hash can have set: what the C library rounds to is the least i64.
  if (!(cardinality < I64_RANGE)) return CACHE_INVALID;
  const whole = floor(cardinality);
  return <u64>whole + u64(cardinality - whole >= 0.5);
}

function sigma(x: f64): f64 {
  if (x == 1) return Infinity;
  let y: f64 = 1;
  let z = x;
  while (true) {
    x *= x;
    const before = z;
    z += x * y;
    y += y;
    if (before == z) return z;
  }
}

function tau(x: f64): f64 {
  if (x == 0 || x == 1) return 0;
  let y: f64 = 1;
  let z = 1 - x;
  while (true) {
    x = sqrt(x);
    const before = z;
    y *= 0.5;
    z -= (1 - x) * (1 - x) * y;
    if (before == z) return z / 3;
  }
}
