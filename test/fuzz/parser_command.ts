// Command line of the parser fuzzer.

import { quote } from '../support/arguments.ts';
import { TcpWire } from '../support/wire.ts';
import { fuzzInProcess, fuzzServers, type ParserFinding, type ParserOptions } from './parser.ts';
import { coreSubject } from './parser_subject.ts';
import { withSubjects } from './servers.ts';

const PROGRESS_EVERY_MS = 2000;

function printer(total: number): (done: number) => void {
  const start = performance.now();
  let last = start;
  return (done) => {
    const now = performance.now();
    if (now - last < PROGRESS_EVERY_MS) return;
    last = now;
    const perSecond = Math.round((done * 1000) / (now - start));
    process.stderr.write(`${done} of ${total} inputs, ${perSecond}/s\n`);
  };
}

function report(finding: ParserFinding | null, options: ParserOptions): boolean {
  if (!finding) {
    process.stdout.write(`nothing found in ${options.inputs} inputs, seed ${options.seed}\n`);
    return true;
  }
  const lines = [
    '',
    `FOUND: ${finding.what}`,
    `  input:    ${quote(finding.input)}`,
    `  pieces:   ${finding.pieces.map((part) => part.length).join(' ')}`,
    `  expected: ${finding.expected}`,
    `  found:    ${finding.found}`,
    `  seed:     ${options.seed}`,
    '',
  ];
  process.stdout.write(lines.join('\n'));
  return false;
}

async function overTcp(names: readonly [string, string], options: ParserOptions) {
  return withSubjects(names, async (a, b) => {
    const wires = await Promise.all([TcpWire.open(a.address), TcpWire.open(b.address)]);
    try {
      return await fuzzServers(...wires, options);
    } finally {
      await Promise.all(wires.map((wire) => wire.close()));
    }
  });
}

/** True when nothing was found. */
export async function parserCommand(given: ReadonlyMap<string, string>): Promise<boolean> {
  const inputs = Number(given.get('inputs') ?? 10_000);
  const seed = Number(given.get('seed') ?? Date.now() % 1_000_000_000);
  const options: ParserOptions = { inputs, seed, onProgress: printer(inputs) };
  const mode = given.get('mode') ?? 'core';
  process.stderr.write(`parser ${mode}: ${inputs} inputs, seed ${seed}\n`);
  if (mode === 'core') return report(fuzzInProcess(coreSubject(), options), options);
  if (mode !== 'tcp') throw new Error(`no mode is called ${mode}`);
  const names = [given.get('a') ?? 'redis', given.get('b') ?? 'direct'] as const;
  return report(await overTcp(names, options), options);
}
