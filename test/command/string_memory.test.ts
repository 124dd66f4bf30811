// Goal: a string command that runs out of memory says so and changes nothing, and memory that is no
// longer used comes back.
// Method: random commands with large values against an engine with little memory and a plain model
// beside it. After every refusal the keys concerned are compared with the model, at the end all keys.

import { describe, expect, it } from 'vitest';
import { CFG_LATENCY_TRACKING } from '../../assembly/abi.ts';
import { CoreSession } from '../support/core_session.ts';
import { Random } from '../support/random.ts';
import { showReply } from '../support/reply_notation.ts';

const MEMORY_LIMIT_BYTES = 12 * 1024 * 1024;
const WARM_UP_COMMANDS = 100;
const COMMANDS = 400;
/** Rounds go on until every command has been refused once: mostly after the first or second. */
const ROUNDS_MAX = 30;
/** Counted as used: 16 bytes for every page that memory has grown by. */
const PAGE_RECORDS_BYTES = (MEMORY_LIMIT_BYTES / 65536) * 16;
const KEYS = ['a', 'b', 'c', 'd', 'e', 'f'];
/** Values are read back in pieces: a reply as large as the value would need memory, too. */
const PIECE_BYTES = 100_000;

type Model = Map<string, Buffer>;

/** A command and what it makes of the model when it succeeds. */
interface Step {
  args: (string | number | Buffer)[];
  keys: string[];
  apply(model: Model): void;
}

function bytesOf(model: Model, key: string): Buffer {
  return model.get(key) ?? Buffer.alloc(0);
}

function extended(bytes: Buffer, length: number): Buffer {
  return Buffer.concat([bytes, Buffer.alloc(Math.max(0, length - bytes.length))]);
}

function randomStep(random: Random): Step {
  const key = random.pick(KEYS);
  const length = random.pick([150, 5000, 100_000, 300_000, 300_000]);
  const value = Buffer.alloc(random.below(length), random.below(256));
  const set = (model: Model) => void model.set(key, value);
  const setExisting = (model: Model) => {
    if (model.has(key)) set(model);
  };
  const pairs = Array.from({ length: 1 + random.below(5) }, () => random.pick(KEYS));
  const steps: (() => Step)[] = [
    () => ({ args: ['SET', key, value], keys: [key], apply: set }),
    () => ({ args: ['SET', key, value, 'XX', 'EX', 1000], keys: [key], apply: setExisting }),
    () => ({
      args: ['APPEND', key, value],
      keys: [key],
      apply: (model) => void model.set(key, Buffer.concat([bytesOf(model, key), value])),
    }),
    () => {
      const offset = random.below(2_000_000);
      return {
        args: ['SETRANGE', key, offset, 'range'],
        keys: [key],
        apply: (model) => {
          const bytes = extended(bytesOf(model, key), offset + 5);
          bytes.write('range', offset);
          model.set(key, bytes);
        },
      };
    },
    () => {
      const offset = random.below(2_000_000 * 8);
      return {
        args: ['SETBIT', key, offset, 1],
        keys: [key],
        apply: (model) => {
          const bytes = extended(bytesOf(model, key), (offset >> 3) + 1);
          bytes[offset >> 3]! |= 128 >> (offset & 7);
          model.set(key, bytes);
        },
      };
    },
    () => ({
      args: ['MSET', ...pairs.flatMap((name) => [name, value])],
      keys: pairs,
      apply: (model) => {
        for (const name of pairs) model.set(name, value);
      },
    }),
    () => ({
      args: ['BITOP', 'OR', key, ...pairs],
      keys: [key],
      apply: (model) => {
        const sources = pairs.map((name) => bytesOf(model, name));
        const result = Buffer.alloc(Math.max(...sources.map((bytes) => bytes.length)));
        for (const bytes of sources) for (const [i, byte] of bytes.entries()) result[i]! |= byte;
        if (result.length > 0) model.set(key, result);
        else model.delete(key);
      },
    }),
    () => ({ args: ['DELEX', key], keys: [key], apply: (model) => void model.delete(key) }),
  ];
  return random.pick(steps)();
}

function expectValue(session: CoreSession, model: Model, key: string, about: string): void {
  const bytes = bytesOf(model, key);
  const length = session.call('STRLEN', key);
  expect(length, `length of ${key} ${about}`).toEqual({
    kind: 'integer',
    value: BigInt(bytes.length),
  });
  for (let at = 0; at < bytes.length; at += PIECE_BYTES) {
    const reply = session.call('GETRANGE', key, at, at + PIECE_BYTES - 1);
    // Comparing megabytes is left to Buffer: a deep comparison would take minutes.
    const piece = bytes.subarray(at, at + PIECE_BYTES);
    const same = reply.kind === 'bulk' && reply.bytes.equals(piece);
    expect(same, `value of ${key} at ${at} ${about}`).toBe(true);
  }
}

/** Runs random commands, then deletes all keys; returns the commands that were refused. */
function runRandomly(session: CoreSession, random: Random, commands: number): Set<string> {
  const model: Model = new Map();
  const refused = new Set<string>();
  for (let i = 0; i < commands; i++) {
    const step = randomStep(random);
    const about = `after ${step.args[0]}, command ${i}, seed ${random.seed}`;
    const reply = session.tryCall(...step.args);
    if (reply && reply.kind !== 'error') {
      step.apply(model);
      continue;
    }
    if (reply) {
      expect(showReply(reply), about).toMatch(/OOM out of memory/);
      refused.add(String(step.args[0]));
    }
    for (const key of step.keys) expectValue(session, model, key, about);
  }
  for (const key of KEYS) expectValue(session, model, key, `at the end, seed ${random.seed}`);
  for (const key of KEYS) session.call('DELEX', key);
  session.reconnect();
  return refused;
}

describe('strings in little memory', () => {
  it('a command that runs out of memory changes nothing', { timeout: 60_000 }, () => {
    const random = Random.fresh();
    const session = new CoreSession({ memoryLimitBytes: MEMORY_LIMIT_BYTES });
    // A command's histogram is made when it first runs, or later when there was no memory for it.
    session.core.exports.setConfig(CFG_LATENCY_TRACKING, 0);
    // The first commands also allocate what stays.
    runRandomly(session, random, WARM_UP_COMMANDS);
    const usedBefore = session.usedBytes();
    const unrefused = new Set(['APPEND', 'BITOP', 'MSET', 'SET', 'SETBIT', 'SETRANGE']);
    for (let round = 0; round < ROUNDS_MAX && unrefused.size > 0; round++) {
      for (const name of runRandomly(session, random, COMMANDS)) unrefused.delete(name);
    }
    expect([...unrefused], `never refused, seed ${random.seed}`).toEqual([]);
    const used = session.usedBytes();
    expect(used, `seed ${random.seed}`).toBeLessThanOrEqual(usedBefore + PAGE_RECORDS_BYTES);
  });

  it('LCS refuses a table for which there is no memory', () => {
    const session = new CoreSession({ memoryLimitBytes: MEMORY_LIMIT_BYTES });
    session.call('MSET', 'a', 'x'.repeat(3000), 'b', 'x'.repeat(3000));
    const text = 'ERR Insufficient memory, failed allocating transient memory for LCS';
    expect(session.call('LCS', 'a', 'b')).toMatchObject({ kind: 'error', text });
    expect(session.call('LCS', 'a', 'b', 'LEN')).toEqual({ kind: 'integer', value: 3000n });
  });
});
