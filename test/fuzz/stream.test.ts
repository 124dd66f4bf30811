// The core's stream of changes against the append-only file of real Redis: a sample of what
// `npm run fuzz -- stream --commands 100000` does.

import { expect, it } from 'vitest';
import { Random } from '../support/random.ts';
import { realRedisAvailable } from '../support/server.ts';
import { runStream } from './stream.ts';

it.skipIf(!realRedisAvailable())(
  'what Redis writes for random commands is what the core writes',
  async () => {
    const { seed } = Random.fresh();
    const { failure, written } = await runStream({ commands: 6000, seed });
    expect(failure, `seed ${seed}`).toBeNull();
    expect(written).toBeGreaterThan(500);
  },
  60_000,
);
