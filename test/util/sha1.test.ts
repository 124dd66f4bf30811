// SHA-1 of the core against Node's.

import { createHash } from 'node:crypto';
import { beforeAll, expect, it } from 'vitest';
import { loadTestModule, type TestModule } from '../support/assembly.ts';
import { Random } from '../support/random.ts';

const DIGEST_BYTES = 20;

let module: TestModule<{ sha1(ptr: number, length: number, out: number): void }>;

beforeAll(async () => {
  module = await loadTestModule('sha1');
});

function digest(data: Uint8Array): string {
  const at = module.writeAtEnd(data);
  module.exports.sha1(at, data.length, module.base);
  return Buffer.from(module.read(module.base, DIGEST_BYTES)).toString('hex');
}

it('gives the digests of the standard', () => {
  expect(digest(Buffer.from(''))).toBe('da39a3ee5e6b4b0d3255bfef95601890afd80709');
  expect(digest(Buffer.from('abc'))).toBe('a9993e364706816aba3e25717850c26c9cd0d89d');
});

it('agrees with another implementation at every length around the block size', () => {
  const random = Random.fresh();
  for (let length = 0; length <= 260; length++) {
    const data = random.bytes(length);
    const expected = createHash('sha1').update(data).digest('hex');
    expect(digest(data), `seed ${random.seed}, length ${length}`).toBe(expected);
  }
});

it('may write the digest over the message', () => {
  const at = module.base;
  module.write(at, 'x'.repeat(DIGEST_BYTES));
  module.exports.sha1(at, DIGEST_BYTES, at);
  const expected = createHash('sha1').update('x'.repeat(DIGEST_BYTES)).digest();
  expect(Buffer.from(module.read(at, DIGEST_BYTES))).toEqual(expected);
});
