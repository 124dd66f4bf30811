// The stream fuzzer: what real Redis writes to its append-only file for random commands, and what the core
// writes for the same ones into its stream of changes. Both are read command by command and have to be equal.
//
// Allowed are, and leveled before the comparison:
//
//   times           both clocks are of this machine; points of time may differ by TOLERANCE_MS
//   letter case     of names and options that one of the two has rewritten
//   LIMIT           of a trim that has been made exact, which Redis leaves there and ignores
//   SET ... PXAT    Redis 7.0 leaves NX, XX and GET out
//   groups          XGROUP SETID and CREATECONSUMER: see assembly/command/stream_propagate.ts
//   SELECT          is taken for what it says about the commands behind it
//
// Units count: a command on one side that is in a MULTI on the other is a difference.

import { readFileSync } from 'node:fs';
import path from 'node:path';
import { joinArguments } from '../support/arguments.ts';
import { ChangeRig, parseCommands } from '../support/change_stream.ts';
import { Random } from '../support/random.ts';
import { RespClient } from '../support/resp_client.ts';
import { startServer, type TestServer } from '../support/server.ts';
import { CommandSource, FAMILIES } from './grammar/index.ts';

export interface StreamOptions {
  commands: number;
  seed: number;
  families?: readonly string[];
  onProgress?: (commands: number) => void;
}

export interface StreamResult {
  commands: number;
  /** Commands written by Redis. */
  written: number;
  failure: null | { epochSeed: number; shrunk: Buffer[][]; redis: string; respite: string };
}

const EPOCH_COMMANDS = 600;
const TOLERANCE_MS = 3000;
const LAST_ID = '18446744073709551615-18446744073709551615';
const SHRINK_REPLAYS = 300;
const WAITED_MS = 20;
const LEFT_OUT = ['connection', 'server'];
const AOF = 'appendonlydir/appendonly.aof.1.incr.aof';

// --- The two sides ---

class RedisSide {
  private readonly server: TestServer;
  private readonly client: RespClient;
  private offset = 0;
  /** Of the last command in the file. */
  private database = '';

  private constructor(server: TestServer, client: RespClient) {
    this.server = server;
    this.client = client;
  }

  static async start(): Promise<RedisSide> {
    const args = ['--appendonly', 'yes', '--appendfsync', 'no', '--enable-debug-command', 'yes'];
    const server = await startServer({ kind: 'redis', args });
    const client = await RespClient.connect({ port: server.port });
    // Keys whose time has come are deleted by whoever meets them, as on the other side.
    await client.call('DEBUG', 'SET-ACTIVE-EXPIRE', '0');
    return new RedisSide(server, client);
  }

  /** What it writes for commands that begin with empty databases. */
  async run(commands: readonly Buffer[][]): Promise<Unit[]> {
    await this.client.pipeline(commands);
    const bytes = readFileSync(path.join(this.server.dir, AOF)).subarray(this.offset);
    this.offset += bytes.length;
    const written = parseCommands(bytes);
    const units = unitsOf(written, this.database);
    const last = written.findLast((command) => command[0]?.toString() === 'SELECT');
    this.database = last?.[1]?.toString() ?? this.database;
    return units;
  }

  async stop(): Promise<void> {
    await this.client.close();
    await this.server.stop();
  }
}

function runCore(commands: readonly Buffer[][]): Unit[] {
  const rig = new ChangeRig();
  rig.nowMs = Date.now();
  rig.stream.turn(true);
  const client = rig.connect();
  for (const command of commands) {
    if (client.call(...command) !== '') continue;
    rig.nowMs += WAITED_MS;
    rig.wake();
  }
  return unitsOf(parseCommands(rig.take()), '');
}

// --- Comparing ---

/** The commands of one unit, each with its database in front. */
type Unit = string[][];

function unitsOf(commands: readonly Buffer[][], selected: string): Unit[] {
  const units: Unit[] = [];
  let database = selected;
  let open: Unit | null = null;
  for (const command of commands) {
    const words = leveled(command.map((word) => word.toString('latin1')));
    const name = words[0];
    if (name === 'SELECT') database = words[1] as string;
    else if (name === 'MULTI') open = [];
    else if (name === 'EXEC') {
      if (open?.length) units.push(open);
      open = null;
    } else if (!isAboutGroup(words)) {
      if (open !== null) open.push([database, ...words]);
      else units.push([[database, ...words]]);
    }
  }
  return units;
}

function leveled(words: string[]): string[] {
  const name = (words[0] as string).toUpperCase();
  const rest = words.slice(1);
  if (name === 'XADD' || name === 'XTRIM') {
    const limit = rest.findIndex((word, i) => i > 0 && /^limit$/i.test(word));
    const isExact = rest.slice(0, limit).includes('=');
    if (limit > 0 && isExact) rest.splice(limit, 2);
    // Of a stream that is left empty Redis says that the first entry is beyond all ids.
    const all = rest.indexOf(LAST_ID);
    if (all > 1 && rest[all - 1] === '=') rest.splice(all - 2, 3, 'MAXLEN', '=', '0');
  }
  const time = rest.findIndex((word) => /^pxat$/i.test(word));
  // What else is said when the time is absolute, Redis 7.0 leaves out and 7.2 does not.
  if (name === 'SET' && time > 1) return [name, rest[0]!, rest[1]!, 'PXAT', rest[time + 1]!];
  return [name, ...rest];
}

function isAboutGroup(words: readonly string[]): boolean {
  if (words[0] !== 'XGROUP') return false;
  return /^(setid|createconsumer)$/i.test(words[1] as string);
}

function isSameWord(one: string, other: string): boolean {
  if (one === other) return true;
  if (/^\d{13,19}$/.test(one) && /^\d{13,19}$/.test(other)) {
    const distance = BigInt(one) - BigInt(other);
    return distance <= TOLERANCE_MS && distance >= -TOLERANCE_MS;
  }
  return (
    one.length === other.length &&
    /^[a-z]+$/i.test(one) &&
    one.toUpperCase() === other.toUpperCase()
  );
}

function isSameUnit(one: Unit | undefined, other: Unit | undefined): boolean {
  if (one?.length !== other?.length) return false;
  return !one?.some((command, i) => {
    const match = other?.[i] as string[];
    if (command.length !== match.length) return true;
    return command.some((word, k) => !isSameWord(word, match[k] as string));
  });
}

interface Difference {
  redis: string;
  respite: string;
}

function firstDifference(redis: readonly Unit[], respite: readonly Unit[]): Difference | null {
  for (let i = 0; i < Math.max(redis.length, respite.length); i++) {
    if (!isSameUnit(redis[i], respite[i])) {
      return { redis: showUnit(redis[i]), respite: showUnit(respite[i]) };
    }
  }
  return null;
}

function showUnit(unit: Unit | undefined): string {
  if (unit === undefined) return '(nothing)';
  const show = (words: string[]) => joinArguments(words.map((word) => Buffer.from(word, 'latin1')));
  return unit.map(show).join(' ; ');
}

// --- Runs ---

/** Commands whose stream is not a matter of chance or of the release. */
function isComparable(args: readonly Buffer[]): boolean {
  const words = args.map((arg) => arg.toString('latin1').toLowerCase());
  // A BITFIELD that changes nothing but the length is not written by Redis.
  if (words[0] === 'bitfield') return !words.includes('fail');
  // An argument more is an error before 7.2, which would end a transaction.
  if (words[0] === 'zrank' || words[0] === 'zrevrank') return words.length < 4;
  // Which expired keys they come upon, and in what order, depends on hashes; KEYS deletes none since 7.2.
  return !/^(scan|keys|randomkey|multi|exec)$/.test(words[0] ?? '');
}

function makeCommands(seed: number, families: readonly string[]): Buffer[][] {
  const random = new Random(seed);
  const source = new CommandSource(random, families, '7.0');
  const commands: Buffer[][] = [['SELECT', '0'], ['FLUSHALL']].map((words) =>
    words.map((word) => Buffer.from(word)),
  );
  let left = -1;
  while (commands.length < EPOCH_COMMANDS || left >= 0) {
    if (left < 0 && random.oneIn(15)) {
      left = random.between(0, 6);
      commands.push([Buffer.from('MULTI')]);
    }
    if (left === 0) commands.push([Buffer.from(random.oneIn(8) ? 'DISCARD' : 'EXEC')]);
    if (left >= 0) left -= 1;
    const { args, settleMs } = source.next();
    // Nothing expires while a run goes on: that happens to nobody's order.
    if (settleMs === undefined && isComparable(args)) commands.push(args);
  }
  return commands;
}

async function compare(redis: RedisSide, commands: readonly Buffer[][]) {
  const theirs = await redis.run(commands);
  const written = theirs.reduce((sum, unit) => sum + unit.length, 0);
  return { written, difference: firstDifference(theirs, runCore(commands)) };
}

async function shrink(redis: RedisSide, commands: readonly Buffer[][], found: Difference) {
  let shrunk = [...commands];
  let difference = found;
  let replays = 0;
  for (let size = Math.ceil(shrunk.length / 2); size >= 1; size = Math.floor(size / 2)) {
    for (let at = shrunk.length - size; at >= 2 && replays < SHRINK_REPLAYS; at -= size) {
      if (at + size > shrunk.length) continue;
      replays += 1;
      const without = [...shrunk.slice(0, at), ...shrunk.slice(at + size)];
      // A transaction that is open at the end would go on in the next run.
      const closed = [
        ...without,
        [Buffer.from('DISCARD')],
        [Buffer.from('SELECT'), Buffer.from('0')],
      ];
      const seen = await compare(redis, closed);
      if (seen.difference === null) continue;
      shrunk = without;
      difference = seen.difference;
    }
  }
  return { shrunk, ...difference };
}

/** Runs until the number of commands is reached, or a difference is found and shrunk. */
export async function runStream(options: StreamOptions): Promise<StreamResult> {
  const all = FAMILIES.map(({ name }) => name).filter((name) => !LEFT_OUT.includes(name));
  const result: StreamResult = { commands: 0, written: 0, failure: null };
  const redis = await RedisSide.start();
  try {
    for (let epoch = 0; result.commands < options.commands; epoch++) {
      const epochSeed = (options.seed + epoch * 7919) >>> 0;
      const commands = makeCommands(epochSeed, options.families ?? all);
      const { written, difference } = await compare(redis, commands);
      result.commands += commands.length;
      result.written += written;
      if (difference !== null) {
        result.failure = { epochSeed, ...(await shrink(redis, commands, difference)) };
        return result;
      }
      options.onProgress?.(result.commands);
    }
    return result;
  } finally {
    await redis.stop();
  }
}
