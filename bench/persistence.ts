// Persistence against the real redis-server: how fast files are loaded.
//
//     npx tsx bench/persistence.ts [--quick] [--rounds N] [SECTION ...]
//
// Sections: load. Needs redis-server on the path; RESPITE_REDIS_SERVER names another one.

import { parseArgs } from 'node:util';
import { loadSteps, measureLoad, showLoad } from './lib/persistence_load.ts';
import { firstLine } from './lib/processes.ts';
import { Progress } from './lib/progress.ts';
import type { ServerInfo } from './lib/results.ts';

interface Plan {
  readonly redis: ServerInfo;
  readonly rounds: number;
  readonly quick: boolean;
}

const SECTIONS: Readonly<Record<string, (plan: Plan) => Promise<string>>> = {
  load: async ({ redis, rounds, quick }) => {
    const progress = new Progress('load', loadSteps(rounds));
    return showLoad(await measureLoad(redis, rounds, quick, progress));
  },
};

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { quick: { type: 'boolean' }, rounds: { type: 'string', default: '5' } },
});
const rounds = Number(values.rounds);
const wanted = positionals.length > 0 ? positionals : Object.keys(SECTIONS);
const unknown = wanted.filter((name) => !(name in SECTIONS));
if (unknown.length > 0 || !Number.isInteger(rounds) || rounds < 1) {
  const names = Object.keys(SECTIONS).join(', ');
  process.stderr.write(`Usage: npx tsx bench/persistence.ts [--quick] [--rounds N] [${names}]\n`);
  process.exit(2);
}
const program = process.env.RESPITE_REDIS_SERVER ?? 'redis-server';
const version = firstLine(program, '--version');
if (version === null) {
  process.stderr.write(`${program} is needed and was not found\n`);
  process.exit(1);
}
const redis: ServerInfo = { id: 'redis', kind: 'redis', version, command: [program] };
process.stdout.write(`${version}\n\n`);
for (const name of wanted) {
  process.stdout.write(await SECTIONS[name]!({ redis, rounds, quick: values.quick === true }));
}
