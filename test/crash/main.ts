// npm run crash -- [--kills 200] [--policies always,everysec,no] [--kind respite|redis] [--load-ms 1500] [--seed N]
//
// npm run crash -- browser ...: tabs and workers in place of a server, see browser.ts
//
// Kills a server under load, so often per fsync policy, and checks what is there afterwards. Ends with 0
// when every promise was kept, 1 when one was broken.

import { parseArgs } from 'node:util';
import { Random } from '../support/random.ts';
import type { ServerKind } from '../support/server.ts';
import { type FsyncPolicy, killRepeatedly, PromiseBroken } from './kill.ts';

if (process.argv[2] === 'browser') {
  const { main } = await import('./browser.ts');
  process.exit(await main(process.argv.slice(3)));
}

const { values } = parseArgs({
  options: {
    kills: { type: 'string', default: '200' },
    policies: { type: 'string', default: 'always,everysec,no' },
    kind: { type: 'string', default: 'respite' },
    'load-ms': { type: 'string', default: '1500' },
    seed: { type: 'string', default: String(Date.now() % 2 ** 31) },
  },
});
const kills = Number(values.kills);
process.stdout.write(`seed ${values.seed}\n`);
for (const policy of values.policies.split(',') as FsyncPolicy[]) {
  let acknowledged = 0;
  let lost = 0;
  try {
    await killRepeatedly({
      kind: values.kind as ServerKind,
      policy,
      kills,
      random: new Random(Number(values.seed)),
      loadMs: Number(values['load-ms']),
      onRound: (round) => {
        acknowledged += round.acknowledged;
        lost += round.lost;
        if (round.number % 10 === 0) {
          process.stderr.write(`${policy}: ${round.number} of ${kills} kills\n`);
        }
      },
    });
  } catch (error) {
    if (!(error instanceof PromiseBroken)) throw error;
    process.stdout.write(`${policy}: PROMISE BROKEN: ${error.message}\n`);
    process.exit(1);
  }
  process.stdout.write(
    `${policy}: ${kills} kills, ${acknowledged} numbers acknowledged, ${lost} gone as the policy allows\n`,
  );
}
