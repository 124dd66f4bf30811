// The replay fuzzer: what the stream of changes of one engine says, given to another one, makes the same
// data. Nothing is outside of this process, and time passes only as steps say, so that a run is its seed.
//
//   engine A: random commands over several connections, transactions, waiting, expiry, eviction
//      |  stream of changes
//      v
//   engine B: has nothing but the stream, at a time when nothing has expired that was set in the run
//
// Compared are the digests of all data, when keys and fields expire, and what XINFO tells of streams, groups
// and pending entries, but for what is only known in memory (times of consumers, how often entries were
// delivered again). No command of the stream may fail.

import {
  CFG_LAZYFREE_EXPIRE,
  CFG_MAXMEMORY,
  CFG_MAXMEMORY_POLICY,
  CFG_STREAM_NODE_MAX_ENTRIES,
  POLICY_ALLKEYS_RANDOM,
} from '../../assembly/abi.ts';
import { joinArguments } from '../support/arguments.ts';
import {
  ChangeRig,
  parseCommands,
  type RigConnection,
  START_MS,
  showCommand,
} from '../support/change_stream.ts';
import { Random } from '../support/random.ts';
import { asGenerated } from './grammar/base.ts';
import { CommandSource, FAMILIES } from './grammar/index.ts';
import { newerFamily } from './grammar/newer.ts';

export interface ReplayStep {
  /** Milliseconds that pass before it. */
  passMs: number;
  connection: number;
  /** A command, or what else happens. */
  what: Buffer[] | 'cron' | 'wake' | 'evict' | 'reconnect' | 'new file';
}

export interface ReplayFailure {
  epochSeed: number;
  shrunk: ReplayStep[];
  problem: string;
}

export interface ReplayResult {
  steps: number;
  /** Commands in the streams, by name. */
  written: Map<string, number>;
  failure: ReplayFailure | null;
}

export interface ReplayOptions {
  steps: number;
  seed: number;
  /** Commands that B is not given: proof that what is missing is found. */
  leavesOut?: (command: readonly Buffer[]) => boolean;
  onProgress?: (steps: number) => void;
}

const CONNECTIONS = 4;
const EPOCH_STEPS = 1500;
const COMPARE_EVERY = 100;
const SHRINK_REPLAYS = 600;
const NEWEST = '99.0';
const LEFT_OUT = ['connection', 'server'];

// --- Steps ---

export function makeSteps(seed: number, count: number): ReplayStep[] {
  const random = new Random(seed);
  const times = { nowMs: START_MS };
  const families = FAMILIES.map(({ name }) => name).filter((name) => !LEFT_OUT.includes(name));
  const common = new CommandSource(random, families, NEWEST);
  const newer = newerFamily(times);
  const inTransaction = new Array<boolean>(CONNECTIONS).fill(false);
  const steps: ReplayStep[] = [];
  while (steps.length < count) {
    const passMs = random.oneIn(4) ? random.below(random.oneIn(30) ? 3000 : 30) : 0;
    times.nowMs += passMs;
    const connection = random.below(CONNECTIONS);
    const add = (what: ReplayStep['what']) => steps.push({ passMs, connection, what });
    const words = (...args: string[]) => add(args.map((word) => Buffer.from(word)));
    if (random.oneIn(40)) add('cron');
    else if (random.oneIn(12)) add('wake');
    else if (random.oneIn(300)) add('evict');
    else if (random.oneIn(80)) add('reconnect');
    else if (random.oneIn(200)) add('new file');
    else if (random.oneIn(inTransaction[connection] ? 5 : 25)) {
      if (!inTransaction[connection] && random.oneIn(3)) words('WATCH', 'a', 'l');
      words(inTransaction[connection] ? random.pick(['EXEC', 'EXEC', 'DISCARD']) : 'MULTI');
      inTransaction[connection] = !inTransaction[connection];
    } else if (random.oneIn(2)) add(common.next().args.map(withoutSign));
    else {
      const made = random.weighted(newer.rules).make(common.gen);
      add(asGenerated(made).args);
    }
  }
  return steps;
}

/**
 * Zero has no sign in a sorted set that is stored as a listpack, and SORT, which is not replayed, makes it
 * something else.
 */
function withoutSign(word: Buffer): Buffer {
  return word.toString('latin1') === '-0' ? Buffer.from('0') : word;
}

export function showReplayStep({ passMs, connection, what }: ReplayStep): string {
  const text = typeof what === 'string' ? what : joinArguments(what);
  return `${passMs > 0 ? `+${passMs} ms ` : ''}@c${connection} ${text}`;
}

// --- Both engines ---

class Replay {
  private readonly a = new ChangeRig();
  private readonly b = new ChangeRig();
  private readonly clients: RigConnection[];
  private readonly reader: RigConnection;
  private readonly readers: readonly [RigConnection, RigConnection];
  private readonly leavesOut: ReplayOptions['leavesOut'];
  readonly written = new Map<string, number>();

  constructor(seed: number, leavesOut: ReplayOptions['leavesOut']) {
    this.leavesOut = leavesOut;
    this.a.stream.turn(true);
    for (const rig of [this.a, this.b]) {
      rig.core.exports.setConfig(CFG_STREAM_NODE_MAX_ENTRIES, 4);
      rig.core.exports.setConfig(CFG_LAZYFREE_EXPIRE, seed & 1);
      rig.core.exports.setConfig(CFG_MAXMEMORY_POLICY, POLICY_ALLKEYS_RANDOM);
    }
    this.clients = Array.from({ length: CONNECTIONS }, () => this.a.connect());
    this.readers = [this.a.connect(), this.b.connect()];
    this.reader = this.b.connect();
  }

  /** Runs steps. Returns what is wrong behind one of them, and its index. */
  run(steps: readonly ReplayStep[]): { index: number; problem: string } | null {
    for (const [index, step] of steps.entries()) {
      const failure = step.what === 'evict' ? this.feed() : null;
      if (failure !== null) return { index, problem: failure };
      this.step(step);
      const isLast = index === steps.length - 1;
      if (!isLast && index % COMPARE_EVERY !== COMPARE_EVERY - 1) continue;
      const problem = this.feed() ?? this.compare();
      if (problem !== null) return { index, problem };
    }
    return null;
  }

  private step({ passMs, connection, what }: ReplayStep): void {
    const { a } = this;
    a.nowMs += passMs;
    const client = this.clients[connection] as RigConnection;
    if (what === 'cron') a.cron();
    else if (what === 'wake') a.wake();
    else if (what === 'reconnect') client.reconnect();
    else if (what === 'new file') a.stream.reset();
    else if (what === 'evict') this.evict(client);
    else client.call(...what);
  }

  /** Has memory so scarce that some keys have to go. The stream's buffer, which does not count, is empty. */
  private evict(client: RigConnection): void {
    const { exports } = this.a.core;
    this.a.stream.turn(true);
    exports.refreshStats();
    exports.setConfig(CFG_MAXMEMORY, this.a.core.stat(0) - 2000);
    client.run('INCR n');
    exports.setConfig(CFG_MAXMEMORY, 0);
  }

  /** Gives the stream to B. A command that fails there is a problem. */
  private feed(): string | null {
    const bytes = this.a.take();
    for (const command of parseCommands(bytes)) {
      if (this.leavesOut?.(command)) continue;
      const name = (command[0] as Buffer).toString('latin1').toUpperCase();
      this.written.set(name, (this.written.get(name) ?? 0) + 1);
      const reply = this.reader.call(...command);
      if (/-(?:")?[A-Z]/.test(reply.replace(/"(?:[^"\\]|\\.)*"/g, '""'))) {
        return `${showCommand(command)} fails: ${reply}`;
      }
    }
    if (this.a.stream.isLost) return 'the stream is lost';
    return null;
  }

  private compare(): string | null {
    const { a, b } = this;
    const nowMs = a.nowMs;
    // Nothing has expired at that time, so that asking changes nothing.
    a.nowMs = START_MS;
    const one = describeData(a, this.readers[0]);
    const other = describeData(b, this.readers[1]);
    a.nowMs = nowMs;
    const asked = a.take();
    if (asked.length !== 0) return `asking wrote ${asked}`;
    if (one === other) return null;
    const lines = one.split('\n');
    const others = other.split('\n');
    const only = (of: string[], not: string[]) =>
      of
        .filter((line) => !not.includes(line))
        .slice(0, 4)
        .join('\n');
    return `A:\n${only(lines, others)}\nB:\n${only(others, lines)}`;
  }
}

/** All that has to be the same, as lines; to be asked for at a time when nothing has expired. */
export function describeData(rig: ChangeRig, client: RigConnection): string {
  const lines = [`digest ${rig.digest()}`];
  for (let database = 0; database < 16; database++) {
    if (rig.core.exports.databaseKeys(database) === 0) continue;
    client.run(`SELECT ${database}`);
    const keys = stringsOf(client.run('KEYS *')).sort();
    for (const key of keys) {
      const type = client.call('TYPE', key);
      const parts = [`${database} ${JSON.stringify(key.toString('latin1'))} ${type}`];
      parts.push(client.call('PEXPIRETIME', key));
      if (type.includes('hash')) {
        const fields = stringsOf(client.call('HKEYS', key)).sort(Buffer.compare);
        parts.push(client.call('HPEXPIRETIME', key, 'FIELDS', String(fields.length), ...fields));
      }
      if (type.includes('stream')) {
        parts.push(withoutTimes(client.call('XINFO', 'STREAM', key, 'FULL')));
      }
      lines.push(parts.join(' '));
    }
  }
  return lines.join('\n');
}

/** The bulk strings of a reply in notation. */
export function stringsOf(reply: string): Buffer[] {
  return [...reply.matchAll(/"((?:[^"\\]|\\.)*)"/g)].map(([text]) => unquoted(text));
}

function unquoted(text: string): Buffer {
  const escapes: Record<string, string> = { n: '\n', r: '\r', t: '\t', a: '\x07', b: '\b' };
  const plain = text
    .slice(1, -1)
    .replace(/\\(x[0-9a-f]{2}|.)/gi, (_, code: string) =>
      code.length === 3
        ? String.fromCharCode(Number.parseInt(code.slice(1), 16))
        : (escapes[code] ?? code),
    );
  return Buffer.from(plain, 'latin1');
}

/** XINFO STREAM FULL without what only the process knows that served. */
function withoutTimes(text: string): string {
  return text
    .replace(/"(seen-time|active-time|iids-duplicates)", -?\d+/g, '"$1"')
    .replace(/(\["\d+-\d+", "(?:[^"\\]|\\.)*"), \d+, -?\d+\]/g, '$1]')
    .replace(/(\["\d+-\d+"), \d+, -?\d+\]/g, '$1]');
}

// --- Runs ---

function shrink(
  seed: number,
  steps: readonly ReplayStep[],
  problem: string,
  leavesOut: ReplayOptions['leavesOut'],
) {
  let shrunk = [...steps];
  let found = problem;
  let replays = 0;
  for (let size = Math.ceil(shrunk.length / 2); size >= 1; size = Math.floor(size / 2)) {
    for (let at = shrunk.length - size; at >= 0 && replays < SHRINK_REPLAYS; at -= size) {
      if (at + size > shrunk.length) continue;
      replays += 1;
      const without = [...shrunk.slice(0, at), ...shrunk.slice(at + size)];
      const seen = new Replay(seed, leavesOut).run(without);
      if (seen === null) continue;
      shrunk = without.slice(0, seen.index + 1);
      found = seen.problem;
    }
  }
  return { shrunk, problem: found };
}

/** Runs until the number of steps is reached, or a difference is found and shrunk. */
export function runReplay(options: ReplayOptions): ReplayResult {
  const { seed, leavesOut } = options;
  const result: ReplayResult = { steps: 0, written: new Map(), failure: null };
  for (let epoch = 0; result.steps < options.steps; epoch++) {
    const epochSeed = (seed + epoch * 7919) >>> 0;
    const steps = makeSteps(epochSeed, EPOCH_STEPS);
    const replay = new Replay(epochSeed, leavesOut);
    const found = replay.run(steps);
    result.steps += steps.length;
    for (const [name, count] of replay.written) {
      result.written.set(name, (result.written.get(name) ?? 0) + count);
    }
    if (found !== null) {
      const upTo = steps.slice(0, found.index + 1);
      const least = shrink(epochSeed, upTo, found.problem, leavesOut);
      result.failure = { epochSeed, ...least };
      return result;
    }
    options.onProgress?.(result.steps);
  }
  return result;
}
