// Shows that the runner of a page tells failures: some of these fail on purpose.

import { beforeAll, describe, expect, it } from './vitest.ts';

it('holds', () => {
  expect([1, { a: Buffer.from('x') }]).toEqual([1, { a: Buffer.from('x') }]);
});

it('fails at once', () => {
  expect(1).toBe(2);
});

it('fails later', async () => {
  await Promise.resolve();
  expect(Buffer.from('a')).toEqual(Buffer.from('b'));
});

it('is excepted', () => {
  throw new Error('not to be run');
});

it.skipIf(true)('is skipped', () => {
  throw new Error('not to be run');
});

describe('a suite that cannot begin', () => {
  beforeAll(() => {
    throw new Error('no server');
  });
  it('is not run', () => {});
});
