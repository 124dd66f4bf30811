// The package as it is published: packed, put into an empty folder, imported, bundled, compiled against.
//
// Nothing comes from the network: the package's own dependencies are those of this checkout.

import { spawnSync } from 'node:child_process';
import {
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { checkPackage, createPackageFromTarballData } from '@arethetypeswrong/core';
import { build as esbuild } from 'esbuild';
import { publint } from 'publint';
import { formatMessage } from 'publint/utils';
import { build as vite } from 'vite';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '../..');
const modules = path.join(root, 'node_modules');

const PROGRAM = `import { Respite } from 'respite';
const db = await Respite.open();
await db.command('SET', 'k', 'v');
console.log(await db.command('GET', 'k'));
await db.close();
`;
/** Without \`await\` at the top, which CommonJS has not. */
const PROGRAM_IN_FUNCTION = `import { Respite } from 'respite';
async function main() {
  const db = await Respite.open();
  console.log(await db.command('ECHO', 'v'));
  await db.close();
}
main().catch((error) => console.log(error.code, error.message));
`;

let folder = '';
let app = '';
let tarball = '';
let installed = '';

function run(command: string, args: readonly string[], cwd: string) {
  const { status, stdout, stderr } = spawnSync(command, args, { cwd, encoding: 'utf8' });
  return { status, stdout, stderr };
}

function write(name: string, text: string): string {
  const file = path.join(app, name);
  mkdirSync(path.dirname(file), { recursive: true });
  writeFileSync(file, text);
  return file;
}

/** A program in a folder where no package can be found. */
function runAlone(file: string, withModule: boolean): string {
  const alone = mkdtempSync(path.join(folder, 'alone-'));
  const copy = path.join(alone, path.basename(file));
  copyFileSync(file, copy);
  if (withModule) {
    copyFileSync(path.join(installed, 'dist/respite.wasm'), path.join(alone, 'respite.wasm'));
  }
  const { stdout, stderr } = run(process.execPath, [copy], alone);
  expect(stderr).toBe('');
  return stdout.trim();
}

/** Links a package of this checkout, and those it needs. */
function link(name: string): void {
  const target = path.join(app, 'node_modules', name);
  mkdirSync(path.dirname(target), { recursive: true });
  symlinkSync(path.join(modules, name), target, 'junction');
}

beforeAll(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'respite-package-'));
  app = path.join(folder, 'app');
  installed = path.join(app, 'node_modules/respite');
  mkdirSync(installed, { recursive: true });
  const npm = process.env.npm_execpath;
  const pack = ['pack', '--silent', '--ignore-scripts', '--offline', '--pack-destination', folder];
  const packed = npm?.endsWith('.js')
    ? run(process.execPath, [npm, ...pack], root)
    : run('npm', pack, root);
  expect(packed.status, packed.stderr).toBe(0);
  tarball = path.join(folder, readdirSync(folder).find((name) => name.endsWith('.tgz')) as string);
  const args = ['-xzf', tarball, '-C', installed, '--strip-components', '1'];
  expect(run('tar', args, folder).status).toBe(0);
  const { dependencies } = JSON.parse(readFileSync(path.join(installed, 'package.json'), 'utf8'));
  for (const name of Object.keys(dependencies)) link(name);
  link('@types/node');
  link('undici-types');
  write('package.json', '{ "type": "module", "private": true }');
});

afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe('the package', () => {
  it('is imported by Node', () => {
    const { stdout, stderr } = run(process.execPath, [write('program.js', PROGRAM)], app);
    expect(stderr).toBe('');
    expect(stdout).toBe('v\n');
  });

  it('brings its programs', () => {
    for (const name of ['respite', 'respite-server']) {
      const file = path.join(installed, `dist/src/bin/${name}.js`);
      expect(run(process.execPath, [file, '--version'], app).status, name).toBe(0);
    }
  });

  it('has what it needs, and nothing else', () => {
    const files = readdirSync(installed, { recursive: true, encoding: 'utf8' });
    expect(files).toContain(path.join('dist', 'respite.wasm'));
    expect(
      files.filter((name) => /\.map$|^test|\.test\.|dist.testing|dist.src.build/.test(name)),
    ).toEqual([]);
  });

  it.each(['esm', 'cjs'] as const)(
    'is bundled by esbuild (%s), with the module beside it',
    async (format) => {
      const outfile = path.join(app, `out/program.${format === 'esm' ? 'mjs' : 'cjs'}`);
      const { warnings } = await esbuild({
        entryPoints: [write('bundled.js', PROGRAM_IN_FUNCTION)],
        bundle: true,
        platform: 'node',
        format,
        outfile,
        logLevel: 'silent',
        banner:
          format === 'esm'
            ? // What a bundle needs whose packages are CommonJS in part.
              {
                js: "import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);",
              }
            : {},
        logOverride: { 'empty-import-meta': 'silent' },
      });
      expect(warnings).toEqual([]);
      expect(runAlone(outfile, true)).toBe('v');
      expect(runAlone(outfile, false)).toMatch(
        /^UNSUPPORTED respite\.wasm is missing: a bundle needs/,
      );
    },
  );

  it('is bundled by Vite, with the module beside it', async () => {
    write('vite/program.js', PROGRAM);
    await vite({
      root: path.join(app, 'vite'),
      configFile: false,
      logLevel: 'silent',
      ssr: { noExternal: true },
      build: { ssr: 'program.js', outDir: '../out/vite', emptyOutDir: true },
    });
    const out = path.join(app, 'out/vite');
    const name = readdirSync(out).find((file) => /^program\.m?js$/.test(file)) as string;
    copyFileSync(path.join(installed, 'dist/respite.wasm'), path.join(out, 'respite.wasm'));
    const { stdout, stderr } = run(process.execPath, [path.join(out, name)], out);
    expect(stderr).toBe('');
    expect(stdout).toBe('v\n');
  });

  it.each([
    ['nodenext', 'nodenext'],
    ['preserve', 'bundler'],
  ])('has types that resolve (module %s)', (module, moduleResolution) => {
    const text = `import { type OpenOptions, ReplyError, Respite } from 'respite';
const options: OpenOptions = { clock: 'manual' };
const db = await Respite.open(options);
const value: string | null = await db.command('GET', 'k');
const scores: [string, number][] = await db.command('ZRANGE', 'z', 0, -1, 'WITHSCORES');
// @ts-expect-error: no key
await db.command('GET').catch((error: unknown) => error instanceof ReplyError);
// @ts-expect-error: there is no such option
await Respite.open({ clocks: 'manual' });
export { scores, value };
`;
    write(`types_${module}.ts`, text);
    write(
      `tsconfig.${module}.json`,
      JSON.stringify({
        compilerOptions: {
          module,
          moduleResolution,
          target: 'es2022',
          lib: ['es2023', 'dom', 'esnext.disposable'],
          types: ['node'],
          strict: true,
          noEmit: true,
        },
        files: [`types_${module}.ts`],
      }),
    );
    const tsc = path.join(modules, 'typescript/bin/tsc');
    const { stdout } = run(process.execPath, [tsc, '-p', `tsconfig.${module}.json`], app);
    expect(stdout).toBe('');
  });

  it('pleases publint', async () => {
    const { messages, pkg } = await publint({ pkgDir: installed, level: 'warning', strict: true });
    expect(messages.map((message) => formatMessage(message, pkg as never))).toEqual([]);
  });

  it('has types that are not wrong', async () => {
    const result = await checkPackage(createPackageFromTarballData(readFileSync(tarball)));
    expect(result.types).not.toBe(false);
    const problems = 'problems' in result ? result.problems : [];
    // A package of modules: \`require\` cannot load it, and resolution from before \`exports\` cannot find all of it.
    const meant = problems.filter((problem) => {
      if (problem.kind === 'CJSResolvesToESM') return false;
      const isOld = 'resolutionKind' in problem && problem.resolutionKind === 'node10';
      const isWasm = 'entrypoint' in problem && /\.(wasm|json)$/.test(problem.entrypoint);
      return !isOld && !isWasm;
    });
    expect(meant).toEqual([]);
  });
});
