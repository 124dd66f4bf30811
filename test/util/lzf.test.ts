// Goal: LZF both ways, with Redis's bytes, and no step outside the buffers for any input.
// Method: round trips; corrupted and random input between guard bytes; the same strings compressed
// by a real server, taken out of its DUMP payloads, and payloads of ours given to its RESTORE.
import { beforeAll, describe, expect, it } from 'vitest';
import { loadTestModule, type TestModule } from '../support/assembly.ts';
import { Random } from '../support/random.ts';
import { RespClient } from '../support/resp_client.ts';
import { realRedisAvailable, startServer } from '../support/server.ts';

interface Exports {
  lzfCompress(input: number, len: number, output: number, capacity: number): number;
  lzfDecompress(input: number, len: number, output: number, capacity: number): number;
  crc64(crc: bigint, ptr: number, len: number): bigint;
}

const GUARD = 64;
const GUARD_BYTE = 0xa5;
const LONGEST = 100_000;

describe('lzf', () => {
  const random = Random.fresh();
  const seed = `seed ${random.seed}`;
  let module: TestModule<Exports>;
  beforeAll(async () => {
    module = await loadTestModule<Exports>('util');
  });

  /** Runs one direction with the input at the end of memory and guards around the output. */
  function run(
    direction: 'lzfCompress' | 'lzfDecompress',
    data: Uint8Array,
    capacity: number,
  ): Uint8Array | undefined {
    const output = module.base + GUARD;
    module.bytes().fill(GUARD_BYTE, module.base, output + capacity + GUARD);
    const input = module.writeAtEnd(data);
    const length = module.exports[direction](input, data.length, output, capacity);
    const guards = [module.read(module.base, GUARD), module.read(output + capacity, GUARD)].map(
      (guard) => guard.every((byte) => byte === GUARD_BYTE),
    );
    expect(guards).toEqual([true, true]);
    expect(length).toBeLessThanOrEqual(capacity);
    return length === 0 ? undefined : module.read(output, length);
  }

  const compress = (data: Uint8Array, capacity = data.length + 64 + (data.length >> 4)) =>
    run('lzfCompress', data, capacity);
  const decompress = (data: Uint8Array, capacity: number) => run('lzfDecompress', data, capacity);

  /** Text with repetitions near and far, in runs of all lengths. */
  function compressible(length: number): Uint8Array {
    const data = new Uint8Array(length);
    let at = 0;
    while (at < length) {
      const size = 1 + random.below(random.pick([4, 12, 40, 300]));
      const part = data.subarray(at, at + size);
      if (at > 0 && random.chance(0.6)) {
        const distance = 1 + random.below(Math.min(at, random.pick([3, 100, 9000])));
        for (let i = 0; i < part.length; i++) part[i] = data[at + i - distance]!;
      } else {
        for (let i = 0; i < part.length; i++) part[i] = random.below(random.pick([2, 8, 256]));
      }
      at += size;
    }
    return data;
  }

  it(`gives back what it compressed, for every length up to 300 and some beyond (${seed})`, () => {
    const lengths = Array.from({ length: 300 }, (_, i) => i + 1);
    for (let i = 0; i < 40; i++) lengths.push(300 + random.below(20_000));
    lengths.push(LONGEST);
    for (const length of lengths) {
      for (const data of [compressible(length), random.bytes(length), new Uint8Array(length)]) {
        const packed = compress(data);
        expect(packed).toBeDefined();
        expect(Buffer.compare(decompress(packed!, length)!, data)).toBe(0);
      }
    }
  });

  it(`gives up only when there is no room to spare (${seed})`, () => {
    for (let round = 0; round < 60; round++) {
      const data = compressible(1 + random.below(120));
      const packed = compress(data)!;
      for (let capacity = 0; capacity < packed.length + 8; capacity++) {
        const result = compress(data, capacity);
        if (capacity < packed.length) expect(result).toBeUndefined();
        if (capacity >= packed.length + 4) expect(result).toEqual(packed);
      }
      for (let capacity = 0; capacity < data.length; capacity++) {
        expect(decompress(packed, capacity)).toBeUndefined();
      }
    }
  });

  it('does not mistake what an earlier call saw for its own input', () => {
    const data = compressible(5000);
    const first = compress(data)!;
    for (let round = 0; round < 50; round++) {
      compress(compressible(1 + random.below(5000)));
      expect(compress(data)).toEqual(first);
    }
  });

  it('decompresses the forms drawn in its header, and refuses what is cut or out of range', () => {
    const bytes = (...values: number[]) => Uint8Array.of(...values);
    const text = (data: Uint8Array | undefined) => data && Buffer.from(data).toString();
    expect(text(decompress(bytes(2, 97, 98, 99), 9))).toBe('abc');
    expect(text(decompress(bytes(2, 97, 98, 99, 0x20, 2), 9))).toBe('abcabc');
    expect(text(decompress(bytes(0, 97, 0xe0, 1, 0), 11))).toBe('a'.repeat(11));
    expect(text(decompress(bytes(1, 97, 98, 0xe0, 0, 1), 11))).toBe('abababababa');
    const refused = [
      bytes(),
      bytes(0),
      bytes(2, 97, 98),
      bytes(0, 97, 0x20),
      bytes(0, 97, 0xe0),
      bytes(0, 97, 0xe0, 1),
      bytes(0, 97, 0x20, 1),
      bytes(0, 97, 0x3f, 0),
    ];
    for (const data of refused) expect(decompress(data, 100), `${data}`).toBeUndefined();
  });

  it(`stays inside its buffers for damaged and random input (${seed})`, () => {
    for (let round = 0; round < 20_000; round++) {
      let data: Uint8Array;
      if (round % 4 === 0) {
        data = random.bytes(random.below(40));
      } else {
        data = round % 400 === 1 ? compress(compressible(3000))! : compress(compressible(60))!;
        for (let i = random.below(4); i >= 0; i--) data[random.below(data.length)] = random.u32();
        if (random.chance(0.3)) data = data.subarray(0, random.below(data.length + 1));
      }
      decompress(data, random.below(200));
    }
  });

  describe.skipIf(!realRedisAvailable())('against redis-server', () => {
    /** The compressed bytes in a DUMP payload of a string, if it is compressed. */
    function packedPart(payload: Buffer): Buffer | undefined {
      if (payload[1] !== 0xc3) return undefined;
      const [length, next] = rdbLength(payload, 2);
      const [, start] = rdbLength(payload, next);
      return payload.subarray(start, start + length);
    }

    function rdbLength(data: Buffer, at: number): [length: number, next: number] {
      const first = data[at]!;
      if (first < 0x40) return [first, at + 1];
      if (first < 0x80) return [((first & 0x3f) << 8) | data[at + 1]!, at + 2];
      return [data.readUInt32BE(at + 1), at + 5];
    }

    function rdbLengthBytes(length: number): Buffer {
      const bytes = Buffer.alloc(5, 0x80);
      bytes.writeUInt32BE(length, 1);
      return bytes;
    }

    it(`compresses to the same bytes, and both read each other's (${seed})`, async () => {
      const server = await startServer({ kind: 'redis' });
      const client = await RespClient.connect({ port: server.port });
      let compressed = 0;
      for (let round = 0; round < 500; round++) {
        const data = compressible(21 + random.below(random.pick([30, 1000, 30_000])));
        await client.call('SET', 'original', data);
        const dump = await client.call('DUMP', 'original');
        if (dump.kind !== 'bulk') throw new Error(`DUMP gave ${dump.kind}`);
        const payload = dump.bytes;
        const checked = payload.subarray(0, -8);
        const sum = module.exports.crc64(0n, module.writeAtEnd(checked), checked.length);
        expect(BigInt.asUintN(64, sum)).toBe(payload.readBigUInt64LE(checked.length));

        const theirs = packedPart(payload);
        const ours = compress(data, data.length - 4);
        if (theirs === undefined) {
          expect(ours).toBeUndefined();
          continue;
        }
        compressed++;
        expect(Buffer.compare(decompress(theirs, data.length)!, data)).toBe(0);
        expect(Buffer.compare(ours!, theirs)).toBe(0);

        const version = payload.subarray(-10, -8);
        const made = Buffer.concat([
          Buffer.of(0, 0xc3),
          rdbLengthBytes(ours!.length),
          rdbLengthBytes(data.length),
          ours!,
          version,
        ]);
        const footer = Buffer.alloc(8);
        footer.writeBigInt64LE(module.exports.crc64(0n, module.writeAtEnd(made), made.length));
        await client.call('RESTORE', 'copy', 0, Buffer.concat([made, footer]), 'REPLACE');
        const copy = await client.call('GET', 'copy');
        expect(copy.kind === 'bulk' && copy.bytes.equals(data)).toBe(true);
      }
      expect(compressed).toBeGreaterThan(100);
      await client.close();
      await server.stop();
    });
  });
});
