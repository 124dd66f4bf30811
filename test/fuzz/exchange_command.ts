// Command line of the exchange of values between two servers.

import { argumentBytes, joinArguments } from '../support/arguments.ts';
import { RespClient } from '../support/resp_client.ts';
import { type ExchangeResult, runExchange } from './exchange.ts';
import { withSubjects } from './servers.ts';

const PROGRESS_EVERY_KEYS = 10_000;

function report({ finding, encodings }: ExchangeResult, seed: number): boolean {
  const counts = [...encodings].map(([name, count]) => `${name} ${count}`).join(', ');
  if (!finding) {
    process.stdout.write(`nothing found, seed ${seed}: ${counts}\n`);
    return true;
  }
  const lines = [
    '',
    `FOUND: ${finding.what}, ${finding.key}`,
    `  expected: ${finding.expected}`,
    `  found:    ${finding.found}`,
    `  seed:     ${seed}`,
    ...finding.commands.map((command) => `  ${joinArguments(command.map(argumentBytes))}`),
    '',
  ];
  process.stdout.write(lines.join('\n'));
  return false;
}

/** True when nothing was found. */
export async function exchangeCommand(given: ReadonlyMap<string, string>): Promise<boolean> {
  const keys = Number(given.get('keys') ?? 100_000);
  const seed = Number(given.get('seed') ?? Date.now() % 1_000_000_000);
  const names = [given.get('a') ?? 'redis', given.get('b') ?? 'direct'] as const;
  process.stderr.write(`exchange between ${names.join(' and ')}: ${keys} keys, seed ${seed}\n`);
  return withSubjects(names, async (a, b) => {
    const clients = await Promise.all([
      RespClient.connect(a.address),
      RespClient.connect(b.address),
    ]);
    try {
      const onProgress = (done: number) => {
        if (done % PROGRESS_EVERY_KEYS === 0) process.stderr.write(`${done} of ${keys} keys\n`);
      };
      return report(await runExchange(...clients, { keys, seed, onProgress }), seed);
    } finally {
      await Promise.all(clients.map((client) => client.close()));
    }
  });
}
