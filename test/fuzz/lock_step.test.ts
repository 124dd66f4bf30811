// The lock-step fuzzer finds nothing between a server and itself, or between the two servers; and it
// finds a difference that there is.

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  realRedisAvailable,
  respiteBuilt,
  startServer,
  type TestServer,
} from '../support/server.ts';
import { runLockStep } from './lock_step.ts';

const DEBUG = ['--enable-debug-command', 'yes'];
const STEPS = 900;

describe.skipIf(!realRedisAvailable() || !respiteBuilt())('in lock step', () => {
  let redis: TestServer;
  let respite: TestServer;

  beforeAll(async () => {
    redis = await startServer({ kind: 'redis', args: DEBUG });
    respite = await startServer({ kind: 'respite', args: DEBUG });
  });

  afterAll(async () => {
    await redis.stop();
    await respite.stop();
  });

  it.each([2, 3] as const)('transactions and waiting are the same, in RESP%i', async (resp) => {
    const seed = Math.floor(Math.random() * 1e9);
    const [a, b] = [{ port: redis.port }, { port: respite.port }];
    const result = await runLockStep({ a, b, steps: STEPS, seed, resp });
    expect(result.failure, `seed ${seed}`).toBeNull();
    expect(result.replies).toBeGreaterThanOrEqual(STEPS);
  });

  it('a server that has fewer databases is found out, in few steps', async () => {
    const small = await startServer({ kind: 'redis', args: [...DEBUG, '--databases', '1'] });
    const [a, b] = [{ port: redis.port }, { port: small.port }];
    const { failure } = await runLockStep({ a, b, steps: 20_000, seed: 1 });
    await small.stop();
    expect(failure?.shrunk.length).toBe(1);
    expect(failure?.mismatch.b).toMatch(/ERR .*(DB index|second DB)/);
  });
});
