// `npm run check`: everything that can be judged without running the product. All checks run, also
// after one failed; the exit code is 1 when any did. What the tests check is not repeated here.
import { spawnSync } from 'node:child_process';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '../..');

const TYPES = 'typescript/bin/tsc';
const RUN = 'tsx/dist/cli.mjs';

/** Label, then a script of node_modules with its arguments. */
const CHECKS = [
  ['format and lint', '@biomejs/biome/bin/biome', 'check', '--error-on-warnings'],
  ['types: host', TYPES, '--noEmit', '-p', 'tsconfig.json'],
  ['types: playground', TYPES, '--noEmit', '-p', 'src/web/tsconfig.json'],
  ['types: browser', TYPES, '-p', 'src/browser/tsconfig.json'],
  ['types: tests', TYPES, '--noEmit', '-p', 'test/tsconfig.json'],
  ['types: benchmarks', TYPES, '--noEmit', '-p', 'bench/tsconfig.json'],
  ['generated: command table', RUN, 'src/build/commands.ts', '--strict'],
  ['generated: command types', RUN, 'src/build/command_types.ts', '--strict'],
  ['generated: README', RUN, 'src/build/readme_table.ts', '--strict'],
  [
    'core compiles without warnings',
    'assemblyscript/bin/asc.js',
    'assembly/index.ts',
    '--config',
    'assembly/asconfig.json',
    '--target',
    'debug',
    '--noEmit',
  ],
];

let failed = 0;
for (const [label, script, ...args] of CHECKS) {
  const command = [path.join(root, 'node_modules', script), ...args];
  const { status, stdout, stderr } = spawnSync(process.execPath, command, {
    cwd: root,
    encoding: 'utf8',
  });
  // The compiler reports warnings on an exit code of 0.
  const good = status === 0 && !/^WARNING\b/m.test(stderr);
  process.stdout.write(`${good ? 'ok  ' : 'FAIL'} ${label}\n`);
  if (good) continue;
  failed++;
  process.stdout.write(`${stdout}${stderr}\n`);
}
process.exit(failed > 0 ? 1 : 0);
