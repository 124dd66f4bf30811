// Builds what is out of date: the generated command table and types, the core (dist/respite.wasm) and the
// host (dist/src). Each step is skipped while its output is newer than everything it reads.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { buildBrowser } from './browser.mjs';
import { buildBrowserCore, buildCore } from './core.mjs';
import { buildWeb } from './web.mjs';

const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '../..');

/** @param {string} name path relative to the repository */
function newestMs(name) {
  const full = path.join(root, name);
  if (!existsSync(full)) return 0;
  const stat = statSync(full);
  if (!stat.isDirectory()) return stat.mtimeMs;
  let newest = 0;
  for (const entry of readdirSync(full))
    newest = Math.max(newest, newestMs(path.join(name, entry)));
  return newest;
}

/** @param {string} label @param {string[]} inputs @param {string} output @param {() => unknown} make */
async function step(label, inputs, output, make) {
  const wanted = Math.max(...inputs.map(newestMs));
  const made = newestMs(output);
  if (made >= wanted && made > 0) return;
  const start = Date.now();
  process.stderr.write(`build: ${label} ... `);
  await make();
  const full = path.join(root, output);
  if (!existsSync(full)) throw new Error(`${label} did not write ${output}`);
  utimesSync(full, new Date(), new Date());
  process.stderr.write(`${((Date.now() - start) / 1000).toFixed(1)} s\n`);
}

/** @param {string} script relative to node_modules @param {string[]} args */
function run(script, args) {
  const result = spawnSync(process.execPath, [path.join(root, 'node_modules', script), ...args], {
    cwd: root,
    encoding: 'utf8',
  });
  if (result.status !== 0) {
    process.stderr.write(`\n${result.stdout}${result.stderr}\n`);
    process.exit(1);
  }
}

/** What the two forms of the core are made from. */
const CORE = [
  'assembly',
  'src/build/core.mjs',
  'src/build/carry_globals.mjs',
  'src/build/pack_texts.mjs',
  'src/build/wasm_binary.mjs',
  'package.json',
];

/** What a server needs. */
export async function buildServer() {
  mkdirSync(path.join(root, 'dist'), { recursive: true });
  await step(
    'command table',
    ['src/commands', 'src/build/commands.ts', 'assembly/abi.ts', 'assembly/command'],
    'assembly/generated/command_table.ts',
    () => run('tsx/dist/cli.mjs', ['src/build/commands.ts']),
  );
  await step(
    'command types',
    ['src/commands', 'src/build/command_types.ts', 'src/build/reply_types.ts'],
    'src/embedded/generated/command_types.ts',
    () => run('tsx/dist/cli.mjs', ['src/build/command_types.ts']),
  );
  await step('core', CORE, 'dist/respite.wasm', () => buildCore(run, root));
  await step(
    'host',
    ['src', 'assembly/abi.ts', 'tsconfig.json', 'package.json'],
    'dist/.host',
    () => {
      run('typescript/bin/tsc', ['-p', 'tsconfig.json']);
      writeFileSync(path.join(root, 'dist/.host'), '');
    },
  );
}

/** What browsers load: the small core, the store, the playground. */
async function buildForBrowsers() {
  const core = 'dist/respite.browser.wasm';
  await step('core for browsers', CORE, core, () => buildBrowserCore(run, root));
  const bundles = ['src', 'assembly/abi.ts', core, 'package.json'];
  await step('browser', bundles, 'dist/browser/respite.js', () => buildBrowser(root, core));
  await step('playground', bundles, 'dist/web/index.html', () => buildWeb(root, core));
}

export async function build() {
  await buildServer();
  await buildForBrowsers();
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await build();
