// RDB files that are broken in every way: a file comes out as an error or as keys that every command
// can rely on, never as a trap or a hang, and nothing leaks.
//
// The corpus has every type, every encoding and every opcode. Without a checksum, so that it is the
// content that is looked at.

import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { RdbLoadError } from '../../src/persistence/rdb_loader.ts';
import { LoadSession } from '../support/load_session.ts';
import { Random } from '../support/random.ts';
import {
  aux,
  expireMs,
  expireSeconds,
  frequency,
  idle,
  key,
  keyOfPayload,
  library,
  moduleAux,
  oldLibrary,
  rdbFile,
  resize,
  select,
  slotInfo,
} from '../support/rdb_file.ts';
import { length, lzf, lzfLiterals, plain, RDB } from '../support/rdb_payload.ts';
import { rdbSamples } from '../support/rdb_samples.ts';

/** Longer samples are left to test/snapshot/corrupt.test.ts. */
const SAMPLE_BYTES_MAX = 2000;

const FILE = rdbFile(
  12,
  aux('redis-ver', '7.4.0'),
  aux('ctime', '1700000000'),
  library('#!lua name=lib'),
  oldLibrary('lib', 'code', 'description'),
  moduleAux('ReJSON-RL'),
  select(0),
  resize(40, 3),
  slotInfo(1, 40, 3),
  expireMs(4_000_000_000_000),
  idle(1000),
  key(RDB.string, 'expires', plain('value')),
  expireSeconds(1_000_000_000),
  frequency(9),
  key(RDB.string, 'expired', lzf(lzfLiterals('packed'.repeat(40)), 240)),
  key(RDB.list, 'empty', length(0)),
  ...rdbSamples()
    .filter(({ payload }) => payload.length <= SAMPLE_BYTES_MAX)
    .map(({ name, payload }) => keyOfPayload(name, payload)),
  select(3),
  resize(1, 0),
  key(RDB.string, 'last', plain('value')),
);

const session = new LoadSession({}, 'nothing');
/** Small pieces make values go on from one to the next. */
const PIECES = [undefined, 1];

/** Loads bytes, looks at all that came of them, and forgets it. True when they were loaded. */
function tryOut(bytes: Uint8Array, progressBytes?: number): boolean {
  let isLoaded = true;
  try {
    session.load(bytes, {
      checksum: false,
      ...(progressBytes === undefined ? {} : { progressBytes }),
    });
  } catch (error) {
    if (!(error instanceof RdbLoadError)) throw error;
    expect(error.offset).toBeLessThanOrEqual(bytes.length);
    expect(error.message).not.toMatch(/unknown fault/);
    isLoaded = false;
  }
  session.digest();
  expect(session.call('FLUSHALL')).toBe('+OK');
  return isLoaded;
}

beforeAll(() => {
  for (const pieces of PIECES) expect(tryOut(FILE, pieces)).toBe(true);
});

let before: number;
beforeEach(() => {
  before = session.bytesWithoutKeys();
});
afterEach(() => {
  expect(session.bytesWithoutKeys(), 'bytes that are left').toBe(before);
});

describe(`a file of ${FILE.length} bytes`, () => {
  it('with one byte changed', () => {
    let loaded = 0;
    let refused = 0;
    for (let at = 0; at < FILE.length; at++) {
      const was = FILE[at]!;
      for (const now of [was ^ (1 << (at % 8)), at % 2 === 0 ? 0 : 0xff]) {
        if (now === was) continue;
        const changed = Buffer.from(FILE);
        changed[at] = now;
        if (tryOut(changed)) loaded += 1;
        else refused += 1;
      }
    }
    // Bytes of plain values may be anything, those of lengths may not.
    expect(loaded).toBeGreaterThan(FILE.length / 4);
    expect(refused).toBeGreaterThan(FILE.length / 4);
  });

  it('with one byte changed, in pieces', () => {
    for (let at = 0; at < FILE.length; at++) {
      const changed = Buffer.from(FILE);
      changed[at] = changed[at]! ^ (1 << (at % 8));
      tryOut(changed, 1);
    }
  });

  it('cut at any length', () => {
    for (let bytes = 0; bytes < FILE.length; bytes++) {
      for (const pieces of PIECES) {
        expect(tryOut(FILE.subarray(0, bytes), pieces), `${bytes} bytes`).toBe(false);
      }
    }
  });

  it('with a byte too many or too few', () => {
    for (let at = 9; at < FILE.length; at++) {
      const head = FILE.subarray(0, at);
      tryOut(Buffer.concat([head, FILE.subarray(at + 1)]));
      tryOut(Buffer.concat([head, Buffer.from([at & 255]), FILE.subarray(at)]));
    }
  });

  it('with a length that promises the world', () => {
    const huge = [
      [0x80, 0xff, 0xff, 0xff, 0xff],
      [0x81, 0, 0, 0, 1, 0, 0, 0, 0],
      [0x81, 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff],
      [0xc3, 0x05, 0x80, 0xff, 0xff, 0xff, 0xff],
    ];
    for (let at = 9; at < FILE.length; at++) {
      const bytes = Buffer.from(huge[at % huge.length]!);
      const promised = Buffer.concat([FILE.subarray(0, at), bytes, FILE.subarray(at + 1)]);
      tryOut(promised, at % 3 === 0 ? 1 : undefined);
    }
  });

  const random = Random.fresh();

  it(`of random bytes behind a sound beginning (seed ${random.seed})`, () => {
    for (let round = 0; round < 3000; round++) {
      const head = FILE.subarray(0, 9 + random.below(random.pick([1, FILE.length - 9])));
      const bytes = Buffer.concat([head, random.bytes(random.below(300))]);
      tryOut(bytes, random.chance(0.3) ? 1 : undefined);
    }
  });

  it(`with several bytes changed (seed ${random.seed})`, () => {
    for (let round = 0; round < 3000; round++) {
      const changed = Buffer.from(FILE);
      for (let i = random.between(1, 6); i > 0; i--) {
        changed[random.between(9, FILE.length - 1)] = random.below(256);
      }
      tryOut(changed, random.chance(0.3) ? 1 : undefined);
    }
  });
});
