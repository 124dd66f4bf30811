// Command line of the stream fuzzer.

import { joinArguments } from '../support/arguments.ts';
import { runStream } from './stream.ts';

/** True when no difference was found. */
export async function streamCommand(options: ReadonlyMap<string, string>): Promise<boolean> {
  const commands = Number(options.get('commands') ?? 100_000);
  const seed = Number(options.get('seed') ?? Date.now() % 1_000_000_000);
  const families = options.get('families')?.split(',');
  process.stderr.write(`stream: ${commands} commands, seed ${seed}\n`);
  const onProgress = (done: number) => {
    if (done % 12_000 < 600) process.stderr.write(`${done} of ${commands} commands\n`);
  };
  const result = await runStream({ commands, seed, onProgress, ...(families && { families }) });
  if (!result.failure) {
    process.stdout.write(
      `no difference in ${result.commands} commands, of which Redis wrote ${result.written}, seed ${seed}\n`,
    );
    return true;
  }
  const { shrunk, redis, respite, epochSeed } = result.failure;
  const brief = (text: string) => (text.length > 500 ? `${text.slice(0, 500)} ...` : text);
  const lines = [
    '',
    `shrunk to ${shrunk.length} commands:`,
    ...shrunk.map((args) => `  ${brief(joinArguments(args))}`),
    `  redis writes:   ${brief(redis)}`,
    `  respite writes: ${brief(respite)}`,
    '',
    `again: npm run fuzz -- stream --commands 600 --seed ${epochSeed}`,
    '',
  ];
  process.stdout.write(lines.join('\n'));
  return false;
}
