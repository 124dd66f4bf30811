// Command line of the differential fuzzer: starts the servers, prints progress and what was found.

import { joinArguments } from '../support/arguments.ts';
import { type DifferentialResult, type Progress, runDifferential } from './differential.ts';
import { INTENDED_DIFFERENCES } from './intended_differences.ts';
import { withSubjects } from './servers.ts';

const PROGRESS_EVERY_MS = 2000;

function printer(total: number): (progress: Progress) => void {
  let last = 0;
  return ({ commands, perSecond }) => {
    const now = performance.now();
    if (now - last < PROGRESS_EVERY_MS && commands < total) return;
    last = now;
    process.stderr.write(`${commands} of ${total} commands, ${perSecond}/s\n`);
  };
}

function printFailure(
  failure: NonNullable<DifferentialResult['failure']>,
  names: readonly [string, string],
  again: string,
): void {
  const { mismatch, shrunk, shrunkMismatch } = failure;
  const lines = [
    '',
    `MISMATCH (${mismatch.what}) at command ${failure.commandIndex}: ${mismatch.command}`,
    `  ${names[0]}: ${mismatch.a}`,
    `  ${names[1]}: ${mismatch.b}`,
    '',
    `the last ${failure.last.length} commands:`,
    ...failure.last.map((line) => `  ${line}`),
    '',
    `shrunk to ${shrunk.length} commands:`,
    ...shrunk.map(
      (step) =>
        `  ${step.connection ? `@c${step.connection} ` : ''}${joinArguments(step.args)}` +
        `${step.settleMs ? `\n  sleep ${step.settleMs}` : ''}`,
    ),
    `  ${names[0]}: ${shrunkMismatch.a}`,
    `  ${names[1]}: ${shrunkMismatch.b}`,
    '',
    `again: ${again}`,
    '',
  ];
  process.stdout.write(lines.join('\n'));
}

function printAllowed(allowed: ReadonlyMap<string, number>): void {
  if (!allowed.size) return;
  process.stdout.write('intended differences met:\n');
  for (const { name, reason } of INTENDED_DIFFERENCES) {
    const count = allowed.get(name);
    if (count) process.stdout.write(`  ${String(count).padStart(6)}  ${name}: ${reason}\n`);
  }
}

/** True when no mismatch was found. */
export async function differentialCommand(options: ReadonlyMap<string, string>): Promise<boolean> {
  const commands = Number(options.get('commands') ?? 100_000);
  const seed = Number(options.get('seed') ?? Date.now() % 1_000_000_000);
  const resp = options.get('resp') === '3' ? 3 : 2;
  const families = options.get('families')?.split(',').filter(Boolean) ?? [];
  const names = [options.get('a') ?? 'redis', options.get('b') ?? 'direct'] as const;
  process.stderr.write(`differential ${names.join(' ')}: ${commands} commands, seed ${seed}\n`);
  return withSubjects(names, async (a, b) => {
    const result = await runDifferential({
      a: a.address,
      b: b.address,
      commands,
      seed,
      resp,
      families,
      onProgress: printer(commands),
      revive: { ...(a.revive && { a: a.revive }), ...(b.revive && { b: b.revive }) },
    });
    printAllowed(result.allowed);
    const { failure } = result;
    if (!failure) {
      process.stdout.write(
        `no mismatch in ${result.commands} commands, ${result.replies} replies, seed ${seed}\n`,
      );
      return true;
    }
    // An epoch decides its own outcome, so its seed alone repeats the mismatch.
    const more = families.length ? ` --families ${families.join(',')}` : '';
    printFailure(
      failure,
      [a.name, b.name],
      `npm run fuzz -- differential --commands 2000 --seed ${failure.epochSeed} --resp ${resp}` +
        `${more} --a ${names[0]} --b ${names[1]}`,
    );
    return false;
  });
}
