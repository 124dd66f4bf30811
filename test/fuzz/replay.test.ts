// The replay fuzzer finds nothing, and it finds what is missing: a sample of what
// `npm run fuzz -- replay --steps 1000000` does.

import { expect, it } from 'vitest';
import { Random } from '../support/random.ts';
import { runReplay, showReplayStep } from './replay.ts';

const STEPS = 45_000;
/** What has to be seen: what is written is of all kinds. A rare one may be missing in one run. */
const WRITTEN =
  'SET DEL MULTI SELECT PEXPIREAT HPEXPIREAT HDEL XADD XCLAIM XGROUP XTRIM XIDMPRECORD SREM LPOP RPOP ' +
  'ZPOPMIN LMOVE RPOPLPUSH RESTORE HSETEX ZADD MSET SORT FLUSHDB COPY XACK UNLINK PERSIST HPERSIST XDEL ' +
  'XDELEX XACKDEL XNACK SREM SMOVE ZREM ZUNIONSTORE';
const RUNS_MAX = 5;

it('the stream of changes makes the same data in another engine', () => {
  const { seed } = Random.fresh();
  let missing = WRITTEN.split(' ');
  for (let run = 0; run < RUNS_MAX && missing.length > 0; run++) {
    const { failure, written } = runReplay({ steps: STEPS, seed: seed + run });
    const text = failure && [failure.problem, ...failure.shrunk.map(showReplayStep)].join('\n');
    expect(text, `seed ${seed + run}`).toBeNull();
    missing = missing.filter((name) => !written.has(name));
  }
  expect(missing, `seed ${seed}`).toEqual([]);
}, 120_000);

it.each(['DEL', 'HDEL', 'PERSIST', 'XCLAIM', 'SELECT'])(
  '%s that is not replayed is missed',
  (name) => {
    const leavesOut = (command: readonly Buffer[]) => command[0]?.toString() === name;
    const { failure } = runReplay({ steps: 15_000, seed: 1, leavesOut });
    expect(failure?.problem).toMatch(/A:|fails/);
    expect(failure?.shrunk.length).toBeLessThan(12);
  },
  60_000,
);
