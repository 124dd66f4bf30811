import { describe, expect, test } from 'vitest';
import { encodeBatches, measureInProcess, randomIndexes } from '../../bench/lib/in_process.ts';
import type { BatchTarget } from '../../bench/lib/in_process_target.ts';
import { ReplyParser } from '../../bench/lib/resp_client.ts';

const PLAN = { keys: 500, batch: 8, rounds: 2, commands: 100, seed: 42 };

/** GET and SET over a map; `wrong` may spoil a reply. */
function modelTarget(
  wrong: (reply: string, call: number) => string = (reply) => reply,
): BatchTarget {
  const values = new Map<string, string>();
  let call = 0;
  return {
    execute(requestBytes) {
      const parser = new ReplyParser();
      parser.push(Buffer.from(requestBytes));
      let text = '';
      for (let command = parser.next(); command !== undefined; command = parser.next()) {
        const [name, key, value] = command as [string, string, string];
        if (name === 'SET') values.set(key, value);
        const stored = values.get(key) ?? '';
        text += name === 'SET' ? '+OK\r\n' : `$${stored.length}\r\n${stored}\r\n`;
      }
      return Buffer.from(wrong(text, call++));
    },
  };
}

describe('measureInProcess', () => {
  test('reports GET and SET', () => {
    const rows = measureInProcess(modelTarget(), PLAN);
    expect(rows.map((row) => row.operation)).toEqual(['GET', 'SET']);
    for (const row of rows) expect(row.millionsPerSecond).toBeGreaterThan(0);
  });

  test('refuses a wrong reply, when filling, when verifying and when measuring', () => {
    const spoilFrom = (from: number) =>
      modelTarget((reply, call) => (call >= from ? `${reply.slice(0, -3)}?\r\n+` : reply));
    const fillCalls = 1;
    const batches = Math.ceil(PLAN.commands / PLAN.batch);
    expect(() => measureInProcess(spoilFrom(0), PLAN)).toThrow('while loading');
    expect(() => measureInProcess(spoilFrom(fillCalls), PLAN)).toThrow('wrong reply');
    expect(() => measureInProcess(spoilFrom(fillCalls + batches), PLAN)).toThrow('wrong length');
  });
});

test('random indexes repeat with their seed, cover the range and stay in it', () => {
  const take = (seed: number) => {
    const source = randomIndexes(seed, 50);
    return Array.from({ length: 2000 }, () => source.next().value as number);
  };
  expect(take(1)).toEqual(take(1));
  expect(take(1)).not.toEqual(take(2));
  expect(new Set(take(3)).size).toBe(50);
  expect(Math.min(...take(0))).toBe(0);
  expect(Math.max(...take(0))).toBe(49);
});

test('batches hold the wanted number of commands each', () => {
  const batches = encodeBatches(PLAN, (key) => ['GET', key]);
  expect(batches).toHaveLength(13);
  for (const batch of batches) expect(`${Buffer.from(batch)}`.match(/GET/g)).toHaveLength(8);
});
