// The replay fuzzer finds nothing, and it finds what is missing: a sample of what
// `npm run fuzz -- replay --steps 1000000` does.

import { expect, it } from 'vitest';
import { Random } from '../support/random.ts';
import { runReplay, showReplayStep } from './replay.ts';

const STEPS = 45_000;
/** Seen in every run of so many steps: what is written is of all kinds. */
const WRITTEN =
  'SET DEL MULTI SELECT PEXPIREAT HPEXPIREAT HDEL XADD XCLAIM XGROUP XTRIM XIDMPRECORD SREM LPOP RPOP ' +
  'ZPOPMIN LMOVE RPOPLPUSH RESTORE HSETEX ZADD MSET SORT FLUSHDB COPY XACK UNLINK PERSIST HPERSIST XDEL ' +
  'XDELEX XACKDEL XNACK SREM SMOVE ZREM ZUNIONSTORE';

it('the stream of changes makes the same data in another engine', () => {
  const { seed } = Random.fresh();
  const { failure, written } = runReplay({ steps: STEPS, seed });
  const text = failure && [failure.problem, ...failure.shrunk.map(showReplayStep)].join('\n');
  expect(text, `seed ${seed}`).toBeNull();
  for (const name of WRITTEN.split(' '))
    expect([...written.keys()], `seed ${seed}`).toContain(name);
}, 60_000);

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
