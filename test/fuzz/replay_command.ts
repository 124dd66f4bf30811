// Command line of the replay fuzzer.

import { runReplay, showReplayStep } from './replay.ts';

/** True when no difference was found. */
export async function replayCommand(options: ReadonlyMap<string, string>): Promise<boolean> {
  const steps = Number(options.get('steps') ?? 100_000);
  const seed = Number(options.get('seed') ?? Date.now() % 1_000_000_000);
  process.stderr.write(`replay: ${steps} steps, seed ${seed}\n`);
  const onProgress = (done: number) => {
    if (done % 30_000 < 1500) process.stderr.write(`${done} of ${steps} steps\n`);
  };
  const { failure, written } = runReplay({ steps, seed, onProgress });
  if (!failure) {
    const counts = [...written].sort((a, b) => b[1] - a[1]).map((pair) => pair.join(' '));
    process.stdout.write(`${counts.join(', ')}\nno difference in ${steps} steps, seed ${seed}\n`);
    return true;
  }
  const lines = [
    '',
    failure.problem,
    `shrunk to ${failure.shrunk.length} steps:`,
    ...failure.shrunk.map((step) => `  ${showReplayStep(step)}`),
    '',
    `again: npm run fuzz -- replay --steps 1500 --seed ${failure.epochSeed}`,
    '',
  ];
  process.stdout.write(lines.join('\n'));
  return false;
}
