// Values written and read in pieces: whatever the budget of a step and however the bytes arrive, the
// same comes of it as in one go, and no step takes much more than its budget.

import { readFileSync } from 'node:fs';
import { beforeAll, describe, expect, it } from 'vitest';
import type { Core, CoreExports } from '../../src/core/core.ts';
import { valueDigest } from '../../src/core/keyspace.ts';
import type { Argument } from '../support/arguments.ts';
import { testModuleFile } from '../support/assembly.ts';
import { CoreSession } from '../support/core_session.ts';
import { Random } from '../support/random.ts';
import { rdbSamples } from '../support/rdb_samples.ts';
import type { Reply } from '../support/resp_decoder.ts';

/** What assembly/testing/snapshot.ts exports beside the core's own functions. */
interface SnapshotExports extends CoreExports {
  encodeKey(key: number, keyLen: number, compressMax: number): number;
  encodeMore(budget: number): number;
  encodedPtr(): number;
  encodedLen(): number;
  encodeEnd(): void;
  decodeBegin(rdbType: number): void;
  decodeMore(ptr: number, len: number, whole: number): number;
  decodeTaken(): number;
  decodeStore(key: number, keyLen: number): number;
}

const DONE = 0;
const MORE = 1;
const FOOTER_BYTES = 10;
/** Strings up to this length are written whole. */
const WHOLE_BYTES = 4096;
/** Room for what surrounds a string: lengths, scores, ids. */
const AROUND_BYTES = 64;

const seed = Random.fresh().seed;
const random = new Random(seed);
let session: CoreSession;
let core: Core;
let exports: SnapshotExports;

beforeAll(async () => {
  const module = new WebAssembly.Module(readFileSync(await testModuleFile('snapshot')));
  session = new CoreSession({}, module);
  core = session.core;
  exports = core.exports as SnapshotExports;
}, 120_000);

function withBytes<T>(bytes: Uint8Array, use: (ptr: number) => T): T {
  const ptr = exports.hostAlloc(Math.max(bytes.length, 1)) >>> 0;
  core.bytes.set(bytes, ptr);
  try {
    return use(ptr);
  } finally {
    exports.hostFree(ptr);
  }
}

/** The value of a key as steps of so many bytes give it, its type first. */
function inPieces(key: string, compressMax: number, budget: () => number): Buffer[] {
  return withBytes(Buffer.from(key), (ptr) => {
    const pieces: Buffer[] = [Buffer.from([exports.encodeKey(ptr, key.length, compressMax)])];
    for (let status = MORE; status === MORE; ) {
      status = exports.encodeMore(budget());
      pieces.push(core.copy(exports.encodedPtr() >>> 0, exports.encodedLen() >>> 0));
      expect(status === MORE || status === DONE).toBe(true);
    }
    exports.encodeEnd();
    return pieces;
  });
}

/** Reads a value from bytes that come in chunks, and files it. */
function readInChunks(key: string, body: Buffer, chunk: () => number): void {
  exports.decodeBegin(body[0]!);
  let pending: Buffer = Buffer.alloc(0);
  let at = 1;
  for (let status = MORE; status === MORE; ) {
    const next = Math.min(body.length, at + chunk());
    pending = Buffer.concat([pending, body.subarray(at, next)]);
    at = next;
    status = withBytes(pending, (ptr) => {
      const came = exports.decodeMore(ptr, pending.length, 0);
      if (came === DONE) file(key);
      return came;
    });
    expect(status === MORE || status === DONE).toBe(true);
    pending = pending.subarray(exports.decodeTaken() >>> 0);
    if (status === MORE) expect(at).toBeLessThan(body.length);
  }
  expect(pending.length).toBe(0);
}

function file(key: string): void {
  withBytes(Buffer.from(key), (ptr) => expect(exports.decodeStore(ptr, key.length)).toBe(DONE));
}

function digest(key: string): string {
  return valueDigest(core, 0, Buffer.from(key)).toString('hex');
}

function bulk(reply: Reply): Buffer {
  if (reply.kind !== 'bulk') throw new Error(reply.kind);
  return Buffer.from(reply.bytes);
}

const WORDS = Array.from({ length: 3000 }, (_, i) => `word:${i}:${'x'.repeat(i % 90)}`);
const BIG = random.text(100_000, 'abcdefghijklmnopqrstuvwxyz0123456789');

const LARGE: readonly (readonly [string, readonly Argument[]])[] = [
  ['a large string', ['SET', 'k', BIG]],
  ['a list', ['RPUSH', 'k', ...WORDS, BIG]],
  ['a set', ['SADD', 'k', ...WORDS, BIG]],
  ['a small set', ['SADD', 'k', ...WORDS.slice(0, 60), '17', '-4']],
  ['a sorted set', ['ZADD', 'k', ...WORDS.flatMap((word, i) => [i / 3, word]), 5, BIG]],
  ['a hash', ['HSET', 'k', ...WORDS.flatMap((word, i) => [word, i % 500 === 0 ? BIG : i])]],
];

describe(`seed ${seed}`, () => {
  const sources = [
    ...rdbSamples().map(
      ({ name, payload }) => [name, ['RESTORE', 'k', 0, payload] as readonly Argument[]] as const,
    ),
    ...LARGE,
  ];

  it.each(sources)('%s', (_name, command) => {
    session.call('FLUSHALL');
    session.call(...command);
    const dumped = bulk(session.call('DUMP', 'k')).subarray(0, -FOOTER_BYTES);
    const budgets = [() => 1, () => 100, () => 5000, () => 1 + random.below(300)];
    for (const budget of budgets) {
      const whole = Buffer.concat(inPieces('k', 0xffffffff, budget));
      expect(whole.equals(dumped)).toBe(true);
    }
    const plain = inPieces('k', 0, () => 500);
    for (const piece of plain) {
      // Nodes of long lists are compressed already, whatever is asked for.
      expect(piece.length).toBeLessThan(500 + 2 * WHOLE_BYTES + AROUND_BYTES);
    }
    for (const [i, body] of [dumped, Buffer.concat(plain)].entries()) {
      readInChunks(`read${i}`, body, () => 1 + random.below(2000));
      expect(digest(`read${i}`)).toBe(digest('k'));
    }
  });
});
