// Command line of the exchange of files between redis-server and Respite.

import { type Direction, type FilesResult, type Form, runFiles } from './files.ts';

const DIRECTIONS: readonly Direction[] = ['theirs', 'ours'];
const FORMS: readonly Form[] = ['rdb', 'aof'];

function chosen<T extends string>(name: string, given: string | undefined, all: readonly T[]): T[] {
  if (given === undefined || given === 'both') return [...all];
  const found = all.filter((value) => value === given);
  if (found.length === 0) throw new Error(`--${name} is both or one of ${all.join(', ')}`);
  return found;
}

function report({ finding, loaded, encodings }: FilesResult, keys: number, seed: number): boolean {
  const lines = loaded.map((text) => `equal: ${text}`);
  if (finding === null) {
    const counts = [...encodings].sort().map(([name, count]) => `${name} ${count}`);
    lines.push(`looked at closely: ${counts.join(', ')}`);
    lines.push(`nothing found in ${loaded.length} files of ${keys} keys, seed ${seed}`);
  } else {
    lines.push('', `FOUND: ${finding}`, `  seed: ${seed}`);
  }
  process.stdout.write(`${lines.join('\n')}\n`);
  return finding === null;
}

/** True when nothing was found. */
export async function filesCommand(given: ReadonlyMap<string, string>): Promise<boolean> {
  const keys = Number(given.get('keys') ?? 100_000);
  const seed = Number(given.get('seed') ?? Date.now() % 1_000_000_000);
  const directions = chosen('direction', given.get('direction'), DIRECTIONS);
  const forms = chosen('form', given.get('form'), FORMS);
  process.stderr.write(`exchange of files: ${keys} keys, seed ${seed}\n`);
  const began = Date.now();
  const onProgress = (text: string) => {
    const seconds = ((Date.now() - began) / 1000).toFixed(0).padStart(4);
    process.stderr.write(`${seconds} s  ${text}\n`);
  };
  return report(await runFiles({ keys, seed, directions, forms, onProgress }), keys, seed);
}
