// What the core module is made of: exactly these imports and exports, and nothing of the compiler's
// runtime that could allocate behind our back.

import { readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import asc from 'assemblyscript/asc';
import { describe, expect, it } from 'vitest';
import * as abi from '../../assembly/abi.ts';
import { Core } from '../../src/core/core.ts';
import { CommandSource } from '../fuzz/grammar/index.ts';
import { ChangeRig } from '../support/change_stream.ts';
import { Random } from '../support/random.ts';

const wasm = readFileSync(new URL('../../dist/respite.wasm', import.meta.url));
const browserWasm = readFileSync(new URL('../../dist/respite.browser.wasm', import.meta.url));

/** What only `Core.clone` needs is not in the module for browsers. */
const FOR_COPIES = [
  'isCopyable',
  'becomeCopy',
  'stretchEnd',
  'carryStart',
  'carryI32',
  'carryI64',
  'carryF64',
];

/** What index.ts exports. */
function declaredExports(): string[] {
  const source = readFileSync(new URL('../../assembly/index.ts', import.meta.url), 'utf8');
  const functions = [...source.matchAll(/^export function (\w+)/gm)].map((match) => match[1]!);
  const passedOn = [...source.matchAll(/^export \{([^}]*)\}/gm)].flatMap(
    (match) => match[1]?.match(/\w+/g) ?? [],
  );
  return [...functions, ...passedOn];
}

function exportedNames(bytes: Uint8Array<ArrayBuffer>): string[] {
  return WebAssembly.Module.exports(new WebAssembly.Module(bytes)).map(({ name }) => name);
}

describe('the core module', () => {
  it('imports the clock and nothing else', () => {
    for (const bytes of [wasm, browserWasm]) {
      const imports = WebAssembly.Module.imports(new WebAssembly.Module(bytes));
      expect(imports).toEqual([{ module: 'clock', name: 'clockUs', kind: 'function' }]);
    }
  });

  it('exports the functions of the ABI, the one that the build appends, and its memory', () => {
    const expected = [...declaredExports(), 'carryGlobals', 'memory'];
    expect(exportedNames(wasm).sort()).toEqual(expected.sort());
  });

  it('exports the same in browsers, but for what copying needs', () => {
    const expected = [...declaredExports(), 'memory'].filter((name) => !FOR_COPIES.includes(name));
    expect(exportedNames(browserWasm).sort()).toEqual(expected.sort());
    expect(() => new Core(new WebAssembly.Module(browserWasm)).clone()).toThrow('cannot be copied');
  });

  it('stays within its size budget', () => {
    expect(wasm.length).toBeLessThan(408 * 1024);
    // Built for speed: what browsers load is a third smaller, and slower.
    expect(gzipSync(wasm, { level: 9 }).length).toBeLessThan(160 * 1024);
    expect(gzipSync(browserWasm, { level: 9 }).length).toBeLessThanOrEqual(120 * 1024);
  });

  it('runs the same commands in browsers: same replies, same data', () => {
    const seed = Random.fresh().seed;
    console.log(`module for browsers: seed ${seed}`);
    const source = new CommandSource(new Random(seed), [], '8.10.0');
    const rigs = [wasm, browserWasm].map(
      (bytes) => new ChangeRig({}, new WebAssembly.Module(bytes)),
    );
    const connections = rigs.map((rig) => rig.connect());
    for (const rig of rigs) {
      rig.stream.turn(true);
      // What is slow on a busy machine depends on more than the module.
      rig.core.exports.setConfig(abi.CFG_SLOWLOG_SLOWER_US, -1);
    }
    for (let i = 0; i < 6000; i++) {
      const { args } = source.next();
      const [here, there] = connections.map((connection) => connection.call(...args));
      expect(there, args.join(' ')).toBe(here);
    }
    expect(rigs[1]!.take().equals(rigs[0]!.take())).toBe(true);
    expect(rigs[1]!.digest()).toBe(rigs[0]!.digest());
  });

  it('contains no function of the managed runtime, so nothing can allocate a managed object', async () => {
    const text = join(tmpdir(), `respite-contract-${process.pid}.wat`);
    const { error, stderr } = await asc.main([
      'assembly/index.ts',
      '--config',
      'assembly/asconfig.json',
      '--target',
      'release',
      '-O0',
      '--debug',
      '--textFile',
      text,
      '--outFile',
      `${text}.wasm`,
    ]);
    expect(error, stderr.toString()).toBeNull();
    const listing = readFileSync(text, 'utf8');
    rmSync(text);
    rmSync(`${text}.wasm`);
    // The name section proves that names were kept, so an empty list means something.
    expect(listing).toContain('assembly/memory/alloc/tryAlloc');
    // Reading a literal's length is all that strings are used for.
    const allowed = ['~lib/string/String#get:length', '~lib/rt/common/OBJECT#get:rtSize'];
    const managed = /\(func \$(~lib\/(?!math|util\/math|polyfills|builtins)[^ ]*)/g;
    const called = [...listing.matchAll(managed)].map((match) => match[1]);
    expect(called.filter((name) => !allowed.includes(name ?? ''))).toEqual([]);
  });
});
