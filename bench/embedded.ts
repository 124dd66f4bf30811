// The store in a program against what programs use today: ioredis over loopback to redis-server, and
// ioredis-mock. One call after the other unless it says otherwise.
//
//     npm run build && npm install --prefix bench/mocks --ignore-scripts && npx tsx bench/embedded.ts
//
// Medians over rounds of 100 calls: a round in which the system ran something else does not count. Each table is
// measured in a process of its own.

import { spawnSync } from 'node:child_process';
import { loadavg } from 'node:os';
import path from 'node:path';
import { buildSync } from 'esbuild';
import { startServer, stopAllServers } from '../test/support/server.ts';
import { describeMachine } from './lib/machine.ts';
import { REPOSITORY } from './lib/processes.ts';

const PROGRAM = path.join(REPOSITORY, 'dist/bench/embedded_measures.js');

function measure(...args: readonly string[]): string {
  const { stdout, status } = spawnSync(process.execPath, [PROGRAM, ...args], {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  if (status !== 0) throw new Error(`${args[0]} could not be measured`);
  return stdout.trimEnd();
}

buildSync({
  absWorkingDir: REPOSITORY,
  entryPoints: ['bench/lib/embedded_measures.ts'],
  outfile: PROGRAM,
  bundle: true,
  packages: 'external',
  platform: 'node',
  format: 'esm',
});
const server = await startServer({ kind: 'redis' });
const table = measure('calls', String(server.port));
await stopAllServers();
const { cpu, kernel, node, cores } = describeMachine();
const load = `load ${loadavg()[0]?.toFixed(1)} on ${cores} cores`;
const lines = [[cpu, kernel, `Node ${node}`, load].join(', '), '', table, ''];
lines.push('| | |', '| --- | ---: |', measure('figures'), measure('batches'));
process.stdout.write(`${lines.join('\n')}\n`);
