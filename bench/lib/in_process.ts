// Commands per second without sockets: batches handed straight to the engine.
//
// Batches are encoded before the clock starts, over random keys of 16 bytes; every reply's length is
// checked in the measured passes, every byte of it in the first one. The figure is the median of
// some passes over all batches.

import { twelveDigits, WrongResult } from './benchmark_tests.ts';
import type { BatchTarget } from './in_process_target.ts';
import { Progress } from './progress.ts';
import { encodeCommand } from './resp_client.ts';
import type { InProcessRow } from './results.ts';
import { median } from './stats.ts';

const VALUE = 'xxx';
const FILL_BATCH = 1024;

export interface InProcessPlan {
  keys: number;
  batch: number;
  rounds: number;
  /** Commands per pass. */
  commands: number;
  seed: number;
}

/** xorshift32: the same keys in every run, for the seed that the result names. */
export function* randomIndexes(seed: number, below: number): Generator<number> {
  let state = seed >>> 0 || 1;
  for (;;) {
    state ^= state << 13;
    state >>>= 0;
    state ^= state >>> 17;
    state ^= state << 5;
    state >>>= 0;
    yield Math.floor((state / 2 ** 32) * below);
  }
}

/** `commands` commands in batches, each batch one buffer. */
export function encodeBatches(
  plan: InProcessPlan,
  command: (key: string) => string[],
): Uint8Array[] {
  const indexes = randomIndexes(plan.seed, plan.keys);
  return Array.from({ length: Math.ceil(plan.commands / plan.batch) }, () => {
    let text = '';
    for (let count = 0; count < plan.batch; count++) {
      const index = indexes.next().value as number;
      text += encodeCommand(command(`key:${twelveDigits(index)}`));
    }
    return Buffer.from(text, 'latin1');
  });
}

export function measureInProcess(target: BatchTarget, plan: InProcessPlan): InProcessRow[] {
  fill(target, plan);
  const operations: [name: string, command: (key: string) => string[], reply: string][] = [
    ['GET', (key) => ['GET', key], `$${VALUE.length}\r\n${VALUE}\r\n`],
    ['SET', (key) => ['SET', key, VALUE], '+OK\r\n'],
  ];
  const progress = new Progress('in-process', operations.length);
  return operations.map(([operation, command, reply]) => {
    const batches = encodeBatches(plan, command);
    const expected = Buffer.from(reply.repeat(plan.batch), 'latin1');
    verify(target, batches, expected, operation);
    const rates = Array.from({ length: plan.rounds }, () => pass(target, batches, expected.length));
    const millionsPerSecond = (median(rates) * plan.batch) / 1e6;
    progress.step(`${operation}: ${millionsPerSecond.toFixed(2)} M/s`);
    return { operation, batch: plan.batch, keys: plan.keys, millionsPerSecond };
  });
}

function fill(target: BatchTarget, plan: InProcessPlan): void {
  for (let first = 0; first < plan.keys; first += FILL_BATCH) {
    let text = '';
    const count = Math.min(FILL_BATCH, plan.keys - first);
    for (let index = first; index < first + count; index++)
      text += encodeCommand(['SET', `key:${twelveDigits(index)}`, VALUE]);
    const reply = target.execute(Buffer.from(text, 'latin1'));
    if (Buffer.from(reply).toString('latin1') !== '+OK\r\n'.repeat(count))
      throw new WrongResult('a SET while loading was not answered OK');
  }
}

function verify(
  target: BatchTarget,
  batches: readonly Uint8Array[],
  expected: Buffer,
  operation: string,
): void {
  for (const batch of batches)
    if (!expected.equals(target.execute(batch)))
      throw new WrongResult(`a batch of ${operation} got a wrong reply`);
}

/** Batches per second of one pass. */
function pass(target: BatchTarget, batches: readonly Uint8Array[], replyBytes: number): number {
  let wrong = 0;
  const startMs = performance.now();
  for (const batch of batches) if (target.execute(batch).length !== replyBytes) wrong++;
  const seconds = (performance.now() - startMs) / 1000;
  if (wrong > 0) throw new WrongResult(`${wrong} batches got a reply of the wrong length`);
  return batches.length / seconds;
}
