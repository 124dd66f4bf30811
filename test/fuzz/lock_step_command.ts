// Command line of the lock-step fuzzer.

import { runLockStep, showStep } from './lock_step.ts';
import { withSubjects } from './servers.ts';

/** True when no mismatch was found. */
export async function lockStepCommand(options: ReadonlyMap<string, string>): Promise<boolean> {
  const steps = Number(options.get('steps') ?? 10_000);
  const seed = Number(options.get('seed') ?? Date.now() % 1_000_000_000);
  const resp = options.get('resp') === '3' ? 3 : 2;
  const names = [options.get('a') ?? 'redis', options.get('b') ?? 'direct'] as const;
  process.stderr.write(`lockstep ${names.join(' ')}: ${steps} steps, seed ${seed}\n`);
  return withSubjects(names, async (a, b) => {
    const onProgress = (done: number) => {
      if (done % 3000 < 150) process.stderr.write(`${done} of ${steps} steps\n`);
    };
    const { address } = a;
    const result = await runLockStep({ a: address, b: b.address, steps, seed, resp, onProgress });
    if (!result.failure) {
      process.stdout.write(`no mismatch in ${result.steps} steps, seed ${seed}\n`);
      return true;
    }
    const { shrunk, mismatch, epochSeed } = result.failure;
    const lines = [
      '',
      `MISMATCH after: ${mismatch.step}`,
      `shrunk to ${shrunk.length} steps:`,
      ...shrunk.map((step) => `  ${showStep(step)}`),
      `  ${a.name}: ${mismatch.a}`,
      `  ${b.name}: ${mismatch.b}`,
      '',
      `again: npm run fuzz -- lockstep --steps 150 --seed ${epochSeed} --resp ${resp}` +
        ` --a ${names[0]} --b ${names[1]}`,
      '',
    ];
    process.stdout.write(lines.join('\n'));
    return false;
  });
}
