// INFO keysizes: exact counts, for data sets that take one turn and for those that take many.

import { expect, it } from 'vitest';
import { binLabel, type DatabaseKeySizes, KeySizes } from '../../src/monitor/key_sizes.ts';
import { encodeCommand } from '../support/arguments.ts';
import { createEngine, EngineTestClient } from '../support/engine_client.ts';
import { createMonitor } from './monitor_fixture.ts';

const STRING = 0;

it('bins are named by their smallest size', () => {
  expect([0, 1, 2, 3, 10, 11, 12, 20, 21, 31, 33].map(binLabel)).toEqual([
    ...['0', '1', '2', '4', '512', '1K', '2K', '512K', '1M', '1G', '4G'],
  ]);
});

it('a string counts by its length in bytes, an integer by its digits', async () => {
  const { client } = createMonitor();
  expect(await client.text('info', 'keysizes')).toBe('# Keysizes\r\n');
  const values = ['', 'a', 'bc', 'abc', '1234', '-1234567', 'x'.repeat(8), 'x'.repeat(1500)];
  for (const [i, value] of values.entries()) await client.call('set', `key:${i}`, value);
  expect(await client.text('info', 'keysizes')).toBe(
    '# Keysizes\r\ndb0_distrib_strings_sizes:0=1,1=1,2=2,4=1,8=2,1K=1\r\n',
  );
  await client.call('set', 'key:0', 'abcd');
  expect(await client.text('info', 'keysizes')).toContain('sizes:1=1,2=2,4=2,8=2,1K=1\r\n');
});

it('every database that holds keys has its line', async () => {
  const { client } = createMonitor();
  await client.call('set', 'a', 'x');
  await client.call('select', '5');
  await client.call('set', 'a', 'xx');
  expect(await client.text('info', 'keysizes')).toBe(
    '# Keysizes\r\ndb0_distrib_strings_sizes:1=1\r\ndb5_distrib_strings_sizes:2=1\r\n',
  );
});

/** An engine with 3,000 keys whose clock goes on by a slice whenever somebody looks at it. */
function createSlowEngine() {
  const state = { us: 1, stepUs: 0 };
  const engine = createEngine({
    clockUs: () => {
      state.us += state.stepUs;
      return state.us;
    },
  });
  const client = new EngineTestClient(engine);
  const set = (from: number, to: number, size: number) => {
    const commands = Array.from({ length: to - from }, (_, i) =>
      encodeCommand(['set', `key:${from + i}`, 'x'.repeat(size)]),
    );
    client.send(Buffer.concat(commands));
  };
  set(0, 3000, 100);
  return { engine, state, set };
}

function strings(result: readonly DatabaseKeySizes[]): readonly number[] {
  return result[0]!.counts[STRING]!;
}

it('a large data set is counted in many turns, with the same result for all who ask', async () => {
  const { engine, state } = createSlowEngine();
  const sizes = new KeySizes(engine.core);
  state.stepUs = 1500;
  const first = sizes.read();
  expect(first).toBeInstanceOf(Promise);
  expect(sizes.read()).toBe(first);
  expect(strings(await first)[7]).toBe(3000);
});

it('keys that are there throughout are counted while others come and go', async () => {
  const { engine, state, set } = createSlowEngine();
  const sizes = new KeySizes(engine.core);
  state.stepUs = 1500;
  const pending = sizes.read();
  set(3000, 6000, 1000);
  const counts = strings(await pending);
  expect(counts[7]).toBe(3000);
  expect(counts[10]).toBeLessThanOrEqual(3000);
});

it('the result of a long count is kept for a while, that of a short one is not', async () => {
  const { engine, state, set } = createSlowEngine();
  const sizes = new KeySizes(engine.core);
  state.stepUs = 1500;
  const before = await sizes.read();
  set(0, 100, 3);
  expect(await sizes.read()).toBe(before);
  state.stepUs = 0;
  state.us += 1e9;
  const after = sizes.read();
  expect(after).not.toBeInstanceOf(Promise);
  expect(strings(await after)[2]).toBe(100);
  set(100, 200, 3);
  expect(strings(await sizes.read())[2]).toBe(200);
});
