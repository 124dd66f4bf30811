// npm run fuzz -- differential --commands 100000 --seed 1 --resp 3 --families string,generic
// npm run fuzz -- lockstep --steps 10000 --seed 1
// npm run fuzz -- parser --inputs 10000 --seed 1
// npm run fuzz -- exchange --keys 100000 --seed 1
// npm run fuzz -- files --keys 1000000 --seed 1
// npm run fuzz -- replay --steps 100000 --seed 1
// npm run fuzz -- stream --commands 100000 --seed 1
//
// Ends with 0 when nothing was found, 1 when something was, 2 when it was called wrongly.

import { differentialCommand } from './differential_command.ts';
import { exchangeCommand } from './exchange_command.ts';
import { filesCommand } from './files_command.ts';
import { lockStepCommand } from './lock_step_command.ts';
import { parserCommand } from './parser_command.ts';
import { replayCommand } from './replay_command.ts';
import { streamCommand } from './stream_command.ts';

const USAGE = `usage: npm run fuzz -- <what> [options]

differential   the same random commands to two servers, every reply compared
  --commands N     how many (default 100000)
  --seed N         default: from the clock; printed
  --resp 2|3       protocol the connections start with (default 2)
  --families a,b   default: all
  --a redis|direct|stream|HOST:PORT   first server (default redis)
  --b redis|direct|stream|HOST:PORT   second server (default direct)

lockstep       several connections, one command at a time, transactions and waiting among them
  --steps N        how many (default 10000)
  --seed, --resp, --a, --b   as above

parser         random bytes to the parser
  --inputs N       how many (default 10000)
  --seed N         default: from the clock; printed
  --mode core|tcp  in this process, or two servers compared (default core)
  --a, --b         as above, with --mode tcp

exchange       random values carried by DUMP and RESTORE, there and back, digests compared
  --keys N         how many (default 100000)
  --seed N         default: from the clock; printed
  --a, --b         as above

files          dump.rdb and append-only files of redis-server loaded by respite, and the other way
  --keys N         how many (default 100000)
  --seed N         default: from the clock; printed
  --direction both|ours|theirs   whose files (default both)
  --form both|rdb|aof            which files (default both)

replay         what an engine writes for its append-only file makes the same data in another one
  --steps N        how many (default 100000)
  --seed N         default: from the clock; printed

stream         what real Redis writes to its append-only file, and what the core writes
  --commands N     how many (default 100000)
  --seed, --families   as above
`;

const COMMANDS: Record<string, (options: ReadonlyMap<string, string>) => Promise<boolean>> = {
  differential: differentialCommand,
  lockstep: lockStepCommand,
  parser: parserCommand,
  exchange: exchangeCommand,
  files: filesCommand,
  replay: replayCommand,
  stream: streamCommand,
};

function parseOptions(words: readonly string[]): Map<string, string> {
  const options = new Map<string, string>();
  for (let i = 0; i < words.length; i += 2) {
    const name = words[i];
    const value = words[i + 1];
    if (!name?.startsWith('--') || value === undefined) throw new Error(`${name} needs a value`);
    options.set(name.slice(2), value);
  }
  return options;
}

async function main(words: readonly string[]): Promise<number> {
  const run = COMMANDS[words[0] ?? ''];
  if (!run) {
    process.stderr.write(USAGE);
    return 2;
  }
  let options: Map<string, string>;
  try {
    options = parseOptions(words.slice(1));
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.message : error}\n\n${USAGE}`);
    return 2;
  }
  return (await run(options)) ? 0 : 1;
}

process.exitCode = await main(process.argv.slice(2));
