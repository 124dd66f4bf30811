// Independent models of byte formats, and a harness around the test module `lists`: its allocator,
// places to put bytes, and memory to run out of.

import { loadTestModule, type TestModule } from '../support/assembly.ts';
import type { Random } from '../support/random.ts';

export interface AllocatorExports {
  allocInit(limitPages: number): void;
  tryAlloc(bytes: number): number;
  free(ptr: number): void;
  usableSize(ptr: number): number;
  usedBytes(): bigint;
  seedRandom(seed: bigint): void;
}

/** Pages the allocator needs for its own tables and its first growth, with room to spare. */
const LIMIT_PAGES = 80;
const BUFFER_BYTES = 4 << 20;
const PAGE_BYTES = 65536;
const MAX_SLAB_BLOCK = 32768;

export class Harness<Exports> {
  readonly module: TestModule<Exports & AllocatorExports>;
  readonly exports: Exports & AllocatorExports;
  private readonly buffers = new Map<string, number>();
  private view = new DataView(new ArrayBuffer(0));

  private constructor(module: TestModule<Exports & AllocatorExports>) {
    this.module = module;
    this.exports = module.exports;
  }

  static async load<Exports>(limitPages = 0): Promise<Harness<Exports>> {
    const options = { scratchPages: 0 };
    const harness = new Harness(await loadTestModule<Exports & AllocatorExports>('lists', options));
    harness.exports.allocInit(limitPages);
    return harness;
  }

  /** A module whose allocator soon has nothing left. */
  static small<Exports>(): Promise<Harness<Exports>> {
    return Harness.load<Exports>(LIMIT_PAGES);
  }

  /** Puts bytes where they stay until the next call with the same name, and returns the address. */
  put(data: Uint8Array | string, name = 'text'): number {
    const bytes = typeof data === 'string' ? Buffer.from(data, 'latin1') : data;
    let at = this.buffers.get(name);
    if (at === undefined || this.exports.usableSize(at) >>> 0 < bytes.length) {
      if (at !== undefined) this.exports.free(at);
      at = this.alloc(Math.max(bytes.length, 1024));
      this.buffers.set(name, at);
    }
    this.module.write(at, bytes);
    return at;
  }

  alloc(bytes: number): number {
    const at = this.exports.tryAlloc(bytes) >>> 0;
    if (at === 0) throw new Error(`no memory for ${bytes} bytes`);
    return at;
  }

  /** A block with just these bytes. */
  allocBytes(data: Uint8Array): number {
    const at = this.alloc(data.length);
    this.module.write(at, data);
    return at;
  }

  read(address: number, length: number): Buffer {
    return Buffer.from(this.module.read(address >>> 0, length));
  }

  u32(address: number): number {
    const { buffer } = this.module.memory;
    if (this.view.buffer !== buffer) this.view = new DataView(buffer);
    return this.view.getUint32(address >>> 0, true);
  }

  /** What is allocated beside the harness's own buffers. */
  usedBytes(): number {
    let own = 0;
    for (const at of this.buffers.values()) own += this.exports.usableSize(at) >>> 0;
    return Number(this.exports.usedBytes()) - own;
  }

  /**
   * Takes all memory that is left and returns what gives it back. Blocks of the given sizes are the
   * first that fail afterwards.
   */
  exhaust(): () => void {
    const taken: number[] = [];
    // From the largest down, so that nothing is left of any size.
    for (let bytes = BUFFER_BYTES; bytes > MAX_SLAB_BLOCK; bytes = bytes >> 1) {
      for (let at = this.exports.tryAlloc(bytes); at !== 0; at = this.exports.tryAlloc(bytes)) {
        taken.push(at);
      }
    }
    const sizes: number[] = [];
    for (let bytes = 8; bytes <= 128; bytes += 8) sizes.push(bytes);
    for (let group = 128; group < MAX_SLAB_BLOCK; group <<= 1) {
      for (let step = 1; step <= 8; step++) sizes.push(group + (step * group) / 8);
    }
    for (const bytes of sizes.reverse()) {
      for (let at = this.exports.tryAlloc(bytes); at !== 0; at = this.exports.tryAlloc(bytes)) {
        taken.push(at);
      }
    }
    return () => {
      for (const at of taken) this.exports.free(at);
    };
  }
}

if (BUFFER_BYTES % PAGE_BYTES !== 0) throw new Error('buffers are whole pages');

// --- Listpack ---

const INTEGER = /^(0|-?[1-9][0-9]{0,18})$/;
const I64_MIN = -(2n ** 63n);
const I64_MAX = 2n ** 63n - 1n;

/** The i64 whose canonical text this is. */
export function integerOf(text: Uint8Array): bigint | undefined {
  const match = text.length <= 20 && INTEGER.exec(Buffer.from(text).toString('latin1'));
  if (!match) return undefined;
  const value = BigInt(match[0]);
  return value >= I64_MIN && value <= I64_MAX ? value : undefined;
}

function encodeInteger(value: bigint): Buffer {
  if (value >= 0n && value <= 127n) return Buffer.of(Number(value));
  if (value >= -4096n && value <= 4095n) {
    const bits = Number(BigInt.asUintN(13, value));
    return Buffer.of(0xc0 | (bits >> 8), bits & 0xff);
  }
  for (const [first, bytes] of [
    [0xf1, 2],
    [0xf2, 3],
    [0xf3, 4],
    [0xf4, 8],
  ] as const) {
    const bits = BigInt(bytes * 8);
    if (BigInt.asIntN(bytes * 8, value) !== value) continue;
    const encoded = Buffer.alloc(9);
    encoded[0] = first;
    encoded.writeBigUInt64LE(BigInt.asUintN(Number(bits), value), 1);
    return encoded.subarray(0, 1 + bytes);
  }
  throw new RangeError(`${value} is no i64`);
}

function encodeText(text: Uint8Array): Buffer {
  if (text.length < 64) return Buffer.concat([Buffer.of(0x80 | text.length), text]);
  if (text.length < 4096) {
    return Buffer.concat([Buffer.of(0xe0 | (text.length >> 8), text.length & 0xff), text]);
  }
  const header = Buffer.alloc(5, 0xf0);
  header.writeUInt32LE(text.length, 1);
  return Buffer.concat([header, text]);
}

function backlen(size: number): Buffer {
  const limits = [127, 16382, 2097150, 268435454];
  const bytes = limits.findIndex((limit) => size <= limit) + 1 || 5;
  return Buffer.from(
    Array.from({ length: bytes }, (_, i) => {
      const group = Math.floor(size / 2 ** (7 * (bytes - 1 - i))) & 127;
      return i === 0 ? group : group | 128;
    }),
  );
}

/** One element of a listpack; `asText` keeps what looks like an integer a string. */
export function encodeElement(text: Uint8Array, asText = false): Buffer {
  const value = asText ? undefined : integerOf(text);
  const encoded = value === undefined ? encodeText(text) : encodeInteger(value);
  return Buffer.concat([encoded, backlen(encoded.length)]);
}

/** A listpack of elements that are encoded already. */
export function joinElements(elements: readonly Uint8Array[], count = elements.length): Buffer {
  const header = Buffer.alloc(6);
  const body = Buffer.concat(elements);
  header.writeUInt32LE(body.length + 7, 0);
  header.writeUInt16LE(Math.min(count, 65535), 4);
  return Buffer.concat([header, body, Buffer.of(0xff)]);
}

export function encodeListpack(elements: readonly Uint8Array[]): Buffer {
  return joinElements(elements.map((text) => encodeElement(text)));
}

/** An element as applications have them: words, integers of all sizes, long texts, odd bytes. */
export function randomElement(random: Random, longest = 300): Buffer {
  const kind = random.below(12);
  if (kind < 4) return Buffer.from(random.text(random.below(20), 'abcde'));
  if (kind < 8) {
    const bits = 1 + random.below(64);
    const value = BigInt.asIntN(bits, random.u64());
    return Buffer.from(`${random.chance(0.05) ? value * 10n : value}`);
  }
  if (kind === 8)
    return Buffer.from(random.pick(['', '-', '-0', '00', '0x1', '1 ', ' 1', '+1', '0']));
  if (kind === 9) return Buffer.from(random.bytes(random.pick([62, 63, 64, 65, 126, 127, 128])));
  if (kind === 10 && longest >= 5000) {
    return Buffer.from(random.bytes(random.pick([4093, 4094, 4095, 4096, 4097])));
  }
  return Buffer.from(random.bytes(random.below(longest)));
}

// --- Payloads of DUMP ---

/** A length as RDB has it, and the offset behind it. */
export function rdbLength(data: Buffer, at: number): [length: number, next: number] {
  const first = data[at]!;
  if (first < 0x40) return [first, at + 1];
  if (first < 0x80) return [((first & 0x3f) << 8) | data[at + 1]!, at + 2];
  if (first === 0x80) return [data.readUInt32BE(at + 1), at + 5];
  throw new Error(`unexpected length byte ${first}`);
}

/** A string of an RDB that was written with `rdbcompression no`, and the offset behind it. */
export function rdbString(data: Buffer, at: number): [text: Buffer, next: number] {
  if (data[at] === 0xc0) return [Buffer.from(`${data.readInt8(at + 1)}`), at + 2];
  if (data[at] === 0xc1) return [Buffer.from(`${data.readInt16LE(at + 1)}`), at + 3];
  if (data[at] === 0xc2) return [Buffer.from(`${data.readInt32LE(at + 1)}`), at + 5];
  const [length, start] = rdbLength(data, at);
  return [data.subarray(start, start + length), start + length];
}
