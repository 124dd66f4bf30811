import { beforeAll, describe, expect, it } from 'vitest';
import { loadTestModule, type TestModule } from '../support/assembly.ts';
import { Random } from '../support/random.ts';
import { RespClient } from '../support/resp_client.ts';
import { realRedisAvailable, startServer } from '../support/server.ts';

interface Exports {
  crc16(ptr: number, len: number): number;
  keyHashSlot(ptr: number, len: number): number;
  crc64(crc: bigint, ptr: number, len: number): bigint;
  xxh3(ptr: number, len: number): bigint;
  formatDigest(hash: bigint, out: number): number;
}

/** CRC-16/XMODEM bit by bit. */
function crc16Model(data: Uint8Array): number {
  let crc = 0;
  for (const byte of data) {
    crc ^= byte << 8;
    for (let bit = 0; bit < 8; bit++) crc = ((crc << 1) ^ (crc & 0x8000 ? 0x1021 : 0)) & 0xffff;
  }
  return crc;
}

const reverseBits = (value: bigint, width: number) =>
  BigInt(`0b${[...value.toString(2).padStart(width, '0')].reverse().join('')}`);

/** CRC-64/Jones by its definition: bits of each byte in reverse, and the result in reverse. */
function crc64Model(data: Uint8Array): bigint {
  let crc = 0n;
  for (const byte of data) {
    crc ^= reverseBits(BigInt(byte), 8) << 56n;
    for (let bit = 0; bit < 8; bit++) {
      crc = BigInt.asUintN(64, crc << 1n) ^ (crc >> 63n ? 0xad93d23594c935a9n : 0n);
    }
  }
  return reverseBits(crc, 64);
}

/** XXH3 of n bytes that count up by seven, from the reference implementation. */
const XXH3_VECTORS: [length: number, hash: string][] = [
  [0, '2d06800538d394c2'],
  [1, 'c44bdff4074eecdb'],
  [3, 'c3489259e968ad9e'],
  [4, 'd3d60c1519014e89'],
  [8, 'b88dee77f6bf6980'],
  [9, '03688dcad730d826'],
  [16, '9da23836adf2be1e'],
  [17, 'f34c3c9cf5a112d1'],
  [32, '99cb9ad0f1a11fbe'],
  [33, 'c077b45492d29cde'],
  [64, '6efb76ff16f37561'],
  [65, '2640848e9137156b'],
  [96, '764d2d5db92942df'],
  [97, '077acb7e5f4fd940'],
  [128, '65f3c2c00fa93185'],
  [129, '28065c6ec25f5b25'],
  [240, '4917a75c0ef8eed7'],
  [241, '541b19226f0052e8'],
  [256, 'ff5a1cefade75bb9'],
  [1024, 'dc5acf0b043c445b'],
  [1025, 'e1d9cd946277ae26'],
  [5000, '6abe8be5abcb2760'],
];

describe('checksums', () => {
  const random = Random.fresh();
  const seed = `seed ${random.seed}`;
  let module: TestModule<Exports>;
  beforeAll(async () => {
    module = await loadTestModule<Exports>('util');
  });

  const crc64 = (data: Uint8Array | string, start = 0n) =>
    BigInt.asUintN(64, module.exports.crc64(start, module.writeAtEnd(data), data.length));
  const crc16 = (data: Uint8Array | string) =>
    module.exports.crc16(module.writeAtEnd(data), data.length);

  it('gives the published check values', () => {
    expect(crc16('123456789')).toBe(0x31c3);
    expect(crc64('123456789')).toBe(0xe9c6d914c4b8d9can);
  });

  it(`computes CRCs of every length as bit by bit, reading no byte too many (${seed})`, () => {
    for (let length = 0; length <= 130; length++) {
      const data = random.bytes(length);
      expect(crc16(data)).toBe(crc16Model(data));
      expect(crc64(data)).toBe(crc64Model(data));
    }
  });

  it(`continues a CRC-64 from part to part (${seed})`, () => {
    const data = random.bytes(200);
    const whole = crc64(data);
    for (let cut = 0; cut <= data.length; cut++) {
      expect(crc64(data.subarray(cut), crc64(data.subarray(0, cut)))).toBe(whole);
    }
  });

  const slot = (key: string) => module.exports.keyHashSlot(module.writeAtEnd(key), key.length);

  it('takes the slot from the first non-empty hash tag only', () => {
    const whole = (text: string) => crc16(text) & 16383;
    expect(slot('foo')).toBe(12182);
    expect(slot('{user1000}.following')).toBe(whole('user1000'));
    expect(slot('foo{}{bar}')).toBe(whole('foo{}{bar}'));
    expect(slot('foo{{bar}}zap')).toBe(whole('{bar'));
    expect(slot('foo{bar}{zap}')).toBe(whole('bar'));
    expect(slot('}a{b}')).toBe(whole('b'));
    for (const key of ['', '{', '}', '{}', 'a{', '{a', 'a}b{']) expect(slot(key)).toBe(whole(key));
  });

  const digest = (data: Uint8Array | string) => {
    const hash = module.exports.xxh3(module.writeAtEnd(data), data.length);
    return module.text(module.base, module.exports.formatDigest(hash, module.base));
  };

  it('gives the XXH3 hashes of the reference implementation in every length class', () => {
    for (const [length, hash] of XXH3_VECTORS) {
      expect(digest(Uint8Array.from({ length }, (_, i) => i * 7)), `length ${length}`).toBe(hash);
    }
  });

  it('prints digests with their leading zeros, as the documentation of DIGEST shows', () => {
    expect(digest('Hello world')).toBe('b6acb9d84a38ff74');
    module.exports.formatDigest(0x1fn, module.base);
    expect(module.text(module.base, 16)).toBe('000000000000001f');
  });

  it(`hashes each byte: any change changes the digest (${seed})`, () => {
    for (const length of [2, 7, 15, 31, 100, 128, 200, 240, 300, 1100]) {
      const data = random.bytes(length);
      const before = digest(data);
      for (let i = 0; i < length; i++) {
        const changed = data.slice();
        changed[i]! ^= 1 + random.below(255);
        if (digest(changed) === before) expect.fail(`byte ${i} of ${length}`);
      }
    }
  });

  describe.skipIf(!realRedisAvailable())('against redis-server', () => {
    it(`finds the slots CLUSTER KEYSLOT finds (${seed})`, async () => {
      const server = await startServer({ kind: 'redis', args: ['--cluster-enabled', 'yes'] });
      const client = await RespClient.connect({ port: server.port });
      const keys = Array.from({ length: 3000 }, () => random.text(random.below(24), 'ab{}\0\xffz'));
      const replies = await client.pipeline(
        keys.map((key) => ['CLUSTER', 'KEYSLOT', Buffer.from(key, 'latin1')]),
      );
      keys.forEach((key, i) => {
        expect(replies[i], JSON.stringify(key)).toEqual({
          kind: 'integer',
          value: BigInt(slot(key)),
        });
      });
      await client.close();
      await server.stop();
    });
  });
});
