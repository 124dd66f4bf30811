// What `npm start`, `npm test`, `npm run bench` and `npm run fuzz` run: installs and builds what is
// missing, then hands over. Plain JavaScript, because nothing is installed yet on a fresh clone.
import { spawnSync } from 'node:child_process';
import { existsSync, lstatSync, statSync, utimesSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '../..');

function install() {
  const lock = path.join(root, 'package-lock.json');
  const marker = path.join(root, 'node_modules/.package-lock.json');
  if (existsSync(marker) && statSync(marker).mtimeMs >= statSync(lock).mtimeMs) return;
  // Through a link npm would empty the folder that it leads to, which others use.
  const folder = path.join(root, 'node_modules');
  if (lstatSync(folder, { throwIfNoEntry: false })?.isSymbolicLink()) {
    process.stderr.write('node_modules is a link: what it leads to is left as it is\n');
    return;
  }
  process.stderr.write('installing dependencies ...\n');
  const npm = process.env.npm_execpath;
  const args = ['ci', '--no-audit', '--no-fund', '--loglevel=error'];
  const result = npm
    ? spawnSync(process.execPath, [npm, ...args], { cwd: root, stdio: 'inherit' })
    : spawnSync('npm', args, { cwd: root, stdio: 'inherit', shell: process.platform === 'win32' });
  if (result.status !== 0) process.exit(result.status ?? 1);
  utimesSync(marker, new Date(), new Date());
}

/** @param {string} script @param {string[]} args */
function hand(script, args) {
  const result = spawnSync(process.execPath, [path.join(root, script), ...args], {
    cwd: root,
    stdio: 'inherit',
  });
  process.exit(result.status ?? 1);
}

install();
const { build, buildServer } = await import('./build.mjs');
const [task, ...args] = process.argv.slice(2);
await (task === 'serve' ? buildServer() : build());
if (task === 'serve') {
  const entry = path.join(root, 'dist/src/bin/respite-server.js');
  process.argv.splice(1, process.argv.length - 1, entry, ...args);
  await import(pathToFileURL(entry).href);
} else if (task === 'test') {
  hand('node_modules/vitest/vitest.mjs', ['run', '--config', 'test/vitest.config.ts', ...args]);
} else if (task === 'run') {
  hand('node_modules/tsx/dist/cli.mjs', args);
} else {
  process.stderr.write(`unknown task: ${task}\n`);
  process.exit(2);
}
