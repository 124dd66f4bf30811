// What a page has to load: bounds for the program and for the module, and what is loaded only when it is
// needed.

import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { bundles } from '../support/chromium.ts';

const KIB = 1024;
/** Everything that is needed to open a store. */
const PROGRAM_BYTES_MAX = 25 * KIB;

const read = (name: string) => readFileSync(path.join(bundles, name));
const packed = (name: string) => gzipSync(read(name), { level: 9 }).length;
const shown = (bytes: number) => `${(bytes / KIB).toFixed(1)} KiB`;

/** The file and all that it imports at once. */
function withImports(name: string, found = new Set<string>()): Set<string> {
  if (found.has(name)) return found;
  found.add(name);
  const text = read(name).toString();
  for (const match of text.matchAll(/(?:\bfrom|\bimport)\s*"\.\/([^"]+)"/g)) {
    withImports(match[1]!, found);
  }
  return found;
}

const sum = (names: Iterable<string>) =>
  [...names].reduce((bytes, name) => bytes + packed(name), 0);

describe('the program for browsers', () => {
  it.each(['respite.js', 'worker.js'])('%s and what it imports stays within its bound', (name) => {
    const files = withImports(name);
    process.stdout.write(`${name}: ${shown(sum(files))} gzip in ${files.size} files\n`);
    expect(sum(files)).toBeLessThanOrEqual(PROGRAM_BYTES_MAX);
  });

  it('has the module and the rest beside it', () => {
    const rest = readdirSync(bundles).filter((name) => name.startsWith('respite.'));
    const needed = withImports('respite.js');
    const later = rest.filter((name) => name.endsWith('.js') && !needed.has(name));
    process.stdout.write(
      `module: ${shown(packed('respite.browser.wasm'))} gzip; ` +
        `later, by need: ${later.map((name) => `${name} ${shown(packed(name))}`).join(', ')}\n`,
    );
    expect(later.some((name) => name.includes('host_commands'))).toBe(true);
    expect(later.some((name) => name.includes('command_command'))).toBe(true);
  });

  it('has no words of the command records before they are asked for', () => {
    for (const name of [...withImports('respite.js'), ...withImports('worker.js')]) {
      expect(read(name).toString(), name).not.toContain('Returns the number of members in a set');
    }
    const records = readdirSync(bundles).filter((name) => name.includes('command_command'));
    expect(records.length).toBe(2);
  });
});
