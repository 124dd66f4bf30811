// Persistence against the real redis-server: how fast files are loaded and saved, and what a save in the
// background does to others.
//
//     npx tsx bench/persistence.ts [--quick] [--rounds N] [SECTION ...]
//
// Sections: load, save, bgsave. Needs redis-server on the path; RESPITE_REDIS_SERVER names another one.

import path from 'node:path';
import { parseArgs } from 'node:util';
import { loadSteps, measureLoad, showLoad } from './lib/persistence_load.ts';
import {
  measureBgsaves,
  measureSaves,
  saveSteps,
  showBgsaves,
  showSaves,
} from './lib/persistence_save.ts';
import { firstLine, REPOSITORY } from './lib/processes.ts';
import { Progress } from './lib/progress.ts';
import type { ServerInfo } from './lib/results.ts';

interface Plan {
  readonly redis: ServerInfo;
  /** Respite and redis-server. */
  readonly servers: readonly ServerInfo[];
  readonly rounds: number;
  readonly quick: boolean;
}

const SECTIONS: Readonly<Record<string, (plan: Plan) => Promise<string>>> = {
  load: async ({ redis, rounds, quick }) => {
    const progress = new Progress('load', loadSteps(rounds));
    return showLoad(await measureLoad(redis, rounds, quick, progress));
  },
  save: async ({ servers, rounds, quick }) => {
    const progress = new Progress('save', saveSteps(servers));
    return showSaves(await measureSaves(servers, rounds, quick, progress));
  },
  bgsave: async ({ servers, redis, quick }) => {
    const progress = new Progress('bgsave', servers.length);
    return showBgsaves(await measureBgsaves(servers, redis, quick, progress));
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
const entry = path.join(REPOSITORY, 'dist/src/bin/respite-server.js');
const respite: ServerInfo = {
  id: 'respite',
  kind: 'respite',
  version: firstLine(process.execPath, entry, '--version') ?? 'not built',
  command: [process.execPath, entry],
};
const servers = [respite, redis];
for (const name of wanted) {
  process.stdout.write(
    await SECTIONS[name]!({ redis, servers, rounds, quick: values.quick === true }),
  );
}
