// npm run crash -- browser [--kills 200] [--backend opfs,indexeddb] [--durability strict,relaxed] [--load-ms 500] [--seed N]
//
// Kills the tab or the worker that has a store, while it writes, so often per backend and durability, and
// checks what is there afterwards. Ends with 0 when every promise was kept, 1 when one was broken.

import { parseArgs } from 'node:util';
import type { BackendName } from '../../src/browser/storage/backend.ts';
import type { Durability } from '../../src/browser/storage/persistent_store.ts';
import { Random } from '../support/random.ts';
import { type BrowserRound, killInBrowser } from './browser_kill.ts';
import { PromiseBroken } from './kill.ts';

export async function main(args: string[]): Promise<number> {
  const { values } = parseArgs({
    args,
    options: {
      kills: { type: 'string', default: '200' },
      backend: { type: 'string', default: 'opfs,indexeddb' },
      durability: { type: 'string', default: 'strict,relaxed' },
      'load-ms': { type: 'string', default: '500' },
      seed: { type: 'string', default: String(Date.now() % 2 ** 31) },
    },
  });
  const kills = Number(values.kills);
  process.stdout.write(`seed ${values.seed}\n`);
  for (const backend of values.backend.split(',') as BackendName[]) {
    for (const durability of values.durability.split(',') as Durability[]) {
      const rounds: BrowserRound[] = [];
      const name = `${backend}, ${durability}`;
      try {
        await killInBrowser({
          backend,
          durability,
          kills,
          random: new Random(Number(values.seed)),
          loadMs: Number(values['load-ms']),
          onRound: (round) => {
            rounds.push(round);
            if (rounds.length % 10 === 0) {
              process.stderr.write(`${name}: ${rounds.length} of ${kills} kills\n`);
            }
          },
        });
      } catch (error) {
        if (!(error instanceof PromiseBroken)) throw error;
        process.stdout.write(
          `${name}: PROMISE BROKEN in kill ${rounds.length + 1}: ${error.message}\n`,
        );
        return 1;
      }
      process.stdout.write(`${name}: ${summary(rounds)}\n`);
    }
  }
  return 0;
}

function summary(rounds: readonly BrowserRound[]): string {
  const sum = (count: (round: BrowserRound) => number) =>
    rounds.reduce((total, round) => total + count(round), 0);
  const how = [...new Set(rounds.map(({ kill }) => kill))].sort();
  const kills = how.map((kill) => `${sum((round) => Number(round.kill === kill))} by ${kill}`);
  const oldest = Math.max(0, ...rounds.map(({ oldestLostMs }) => oldestLostMs));
  return (
    `${rounds.length} kills (${kills.join(', ')}; ${sum((round) => Number(round.isTakenOver))} with a ` +
    `follower that took over), ${sum((round) => round.acknowledged)} numbers acknowledged, ` +
    `${sum((round) => round.lost)} gone as the durability allows, the oldest ${oldest} ms before the kill`
  );
}
