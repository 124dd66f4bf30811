// The lock-step fuzzer: several connections whose commands interleave, transactions and commands that
// wait among them, on two servers. After every command both servers come to rest, and what every
// connection got, byte by byte, and which connections wait must be the same.
//
//   rest: every connection has got all replies it is owed, or the server says that it waits
//
// Waiting is for ever or for a moment that is waited for, so nothing depends on timing. A row of steps
// replays from an empty start, which is how a mismatch is shrunk.
//
// Before 7.2 a client that waits for several keys is served from the one that is ready, later it looks
// at its keys from the first on; and SWAPDB makes keys ready in no particular order. An epoch therefore
// has several keys per command, each key then being for one type, or elements moved between keys, or
// SWAPDB, but only one of these.

import { setTimeout as sleep } from 'node:timers/promises';
import { joinArguments } from '../support/arguments.ts';
import { Random } from '../support/random.ts';
import { showReply } from '../support/reply_notation.ts';
import { type Address, RespClient } from '../support/resp_client.ts';

export interface LockStepOptions {
  a: Address;
  b: Address;
  steps: number;
  seed: number;
  resp?: 2 | 3;
  onProgress?: (steps: number) => void;
}

/**
 * The only key that sorted sets are stored under, which nothing else writes to. An intended difference: who
 * waits for a sorted set is served when one takes the place of a list; Redis leaves them waiting.
 */
const STORED = 'union';

/** A word in which this is replaced by the id of connection n: "{id 3}". */
const ID_WORD = /^\{id (\d+)\}$/;

export interface LockStep {
  connection: number;
  /** Null: the connection ends, and another one takes its place. */
  words: string[] | null;
  /** Its reply is waited for, because it comes after a moment; left out while it could not run. */
  isShort: boolean;
}

export interface LockStepMismatch {
  /** Index of the step after which the servers differ. */
  index: number;
  step: string;
  a: string;
  b: string;
}

export interface LockStepResult {
  steps: number;
  replies: number;
  failure: null | { epochSeed: number; shrunk: LockStep[]; mismatch: LockStepMismatch };
}

const CONNECTIONS = 6;
const EPOCH_STEPS = 150;
const REST_TIMEOUT_MS = 5000;
const SHRINK_REPLAYS = 300;
const SHORT_TIMEOUT = '0.012';

// --- One server ---

class LockStepSide {
  private readonly address: Address;
  private readonly resp: 2 | 3;
  private admin!: RespClient;
  private clients: RespClient[] = [];
  private ids: string[] = [];
  private owed: number[] = [];
  /** Connections that wait, after the last step. */
  waiting: boolean[] = [];

  constructor(address: Address, resp: 2 | 3) {
    this.address = address;
    this.resp = resp;
  }

  async open(): Promise<void> {
    this.admin = await RespClient.connect(this.address);
  }

  /** Empty databases and new connections. */
  async restart(): Promise<void> {
    await Promise.all(this.clients.map((client) => client.close()));
    this.clients = [];
    for (let i = 0; i < CONNECTIONS; i++) await this.connect(i);
    await this.admin.call('FLUSHALL');
  }

  private async connect(index: number): Promise<void> {
    const client = await RespClient.connect(this.address);
    if (this.resp === 3) await client.call('HELLO', '3');
    this.clients[index] = client;
    this.ids[index] = showReply(await client.call('CLIENT', 'ID'));
    this.owed[index] = 0;
    this.waiting[index] = false;
  }

  /** Runs a step and returns what each connection got, as notation and bytes. */
  async run({ connection, words, isShort }: LockStep): Promise<string[]> {
    const client = this.clients[connection] as RespClient;
    if (words === null) {
      const id = this.ids[connection] as string;
      await client.close();
      while ((await this.flagsById()).has(id)) await sleep(1);
      await this.connect(connection);
    } else if (!(isShort && this.waiting[connection])) {
      this.owed[connection]! += 1;
      const args = words.map((word) => this.ids[Number(ID_WORD.exec(word)?.[1])] ?? word);
      client.send(encode(args));
    }
    return this.rest(isShort ? connection : -1);
  }

  /** Waits for the server to come to rest. `answered` has to get its reply. */
  private async rest(answered: number): Promise<string[]> {
    const got = this.clients.map(() => '');
    const deadline = performance.now() + REST_TIMEOUT_MS;
    // Seen twice: who was served and waits again may be seen waiting before its reply is there.
    let seen = 0;
    for (;;) {
      const flags = await this.flagsById();
      let isAtRest = true;
      for (const [i, client] of this.clients.entries()) {
        for (const { reply, bytes } of client.takeUnread()) {
          got[i] += `${showReply(reply)} ${JSON.stringify(bytes.toString('latin1'))}\n`;
          this.owed[i]! -= 1;
          isAtRest = false;
        }
        this.waiting[i] = this.owed[i] !== 0 && (flags.get(this.ids[i]!)?.includes('b') ?? false);
        if (this.owed[i] !== 0 && (!this.waiting[i] || i === answered)) isAtRest = false;
        if (!client.isOpen) throw new Error(`connection ${i} was closed`);
      }
      seen = isAtRest ? seen + 1 : 0;
      if (seen === 2) return got;
      if (performance.now() > deadline) throw new Error(`no rest: ${this.owed.join(' ')} owed`);
      await sleep(answered < 0 ? 0 : 2);
    }
  }

  private async flagsById(): Promise<Map<string, string>> {
    const list = await this.admin.call('CLIENT', 'LIST');
    if (!('bytes' in list)) throw new Error(showReply(list));
    const found = list.bytes.toString('latin1').matchAll(/^id=(\d+) .* flags=(\w+) /gm);
    return new Map([...found].map(([, id, flags]) => [id as string, flags as string]));
  }

  /** The contents of all databases, as text. */
  async state(): Promise<string> {
    return showReply(await this.admin.call('DEBUG', 'DIGEST'));
  }

  async close(): Promise<void> {
    await Promise.all([...this.clients, this.admin].map((client) => client?.close()));
  }
}

function encode(words: readonly string[]): Buffer {
  const parts = words.map((word) => `$${Buffer.byteLength(word)}\r\n${word}\r\n`);
  return Buffer.from(`*${words.length}\r\n${parts.join('')}`);
}

function showStep({ connection, words }: LockStep): string {
  return `@c${connection} ${words === null ? 'closes' : joinArguments(words.map((word) => Buffer.from(word)))}`;
}

// --- Both servers ---

class Pair {
  readonly a: LockStepSide;
  readonly b: LockStepSide;
  replies = 0;

  constructor(a: LockStepSide, b: LockStepSide) {
    this.a = a;
    this.b = b;
  }

  async restart(): Promise<void> {
    await Promise.all([this.a.restart(), this.b.restart()]);
  }

  async run(step: LockStep, index: number): Promise<LockStepMismatch | null> {
    const [a, b] = await Promise.all(
      [this.a, this.b].map(async (side) => {
        try {
          const got = await side.run(step);
          return got.map((text, i) => `@c${i} ${side.waiting[i] ? 'waits' : 'is free'} ${text}`);
        } catch (error) {
          return [error instanceof Error ? error.message : String(error)];
        }
      }),
    );
    this.replies += 1;
    return this.compare(a!.join('\n'), b!.join('\n'), step, index);
  }

  private compare(a: string, b: string, step: LockStep, index: number): LockStepMismatch | null {
    if (a === b) return null;
    const lines = (text: string, other: string) =>
      text
        .split('\n')
        .filter((line) => line !== '' && !other.split('\n').includes(line))
        .join(' | ');
    return { index, step: showStep(step), a: lines(a, b), b: lines(b, a) };
  }

  async compareStates(index: number): Promise<LockStepMismatch | null> {
    const [a, b] = await Promise.all([this.a.state(), this.b.state()]);
    return a === b ? null : { index, step: '(all keys)', a: a!, b: b! };
  }

  async replay(steps: readonly LockStep[]): Promise<LockStepMismatch | null> {
    await this.restart();
    for (const [i, step] of steps.entries()) {
      const mismatch = await this.run(step, i);
      if (mismatch) return mismatch;
    }
    return this.compareStates(steps.length);
  }
}

async function shrink(pair: Pair, steps: readonly LockStep[], found: LockStepMismatch) {
  let shrunk = [...steps];
  let mismatch = found;
  let replays = 0;
  for (let size = Math.ceil(shrunk.length / 2); size >= 1; size = Math.floor(size / 2)) {
    for (let at = shrunk.length - size; at >= 0 && replays < SHRINK_REPLAYS; at -= size) {
      if (at + size > shrunk.length) continue;
      replays += 1;
      const seen = await pair.replay([...shrunk.slice(0, at), ...shrunk.slice(at + size)]);
      if (seen === null) continue;
      shrunk = [...shrunk.slice(0, at), ...shrunk.slice(at + size)].slice(0, seen.index + 1);
      mismatch = seen;
    }
  }
  return { shrunk, mismatch };
}

// --- What is sent ---

type Theme = 'many keys' | 'moves' | 'swaps';

type Use = 'list' | 'zset' | 'any';

const KEYS = ['a', 'b', 'c', 'd'];
/** In epochs with many keys per command. */
const KEYS_OF: Record<Use, readonly string[]> = { list: ['a', 'b'], zset: ['c', 'd'], any: KEYS };

class StepSource {
  private readonly random: Random;
  private readonly theme: Theme;
  /** Commands that a connection's transaction still gets, -1 outside of one. */
  private readonly left = new Array<number>(CONNECTIONS).fill(-1);
  /** In epochs with many keys per command a transaction has one key of either type. */
  private readonly transactionKey = new Array<number>(CONNECTIONS).fill(0);
  private connection = 0;

  constructor(random: Random) {
    this.random = random;
    this.theme = random.pick<Theme>(['many keys', 'moves', 'swaps']);
  }

  next(waiting: readonly boolean[]): LockStep {
    const { random } = this;
    this.connection = random.below(CONNECTIONS);
    // Mostly those that can do something.
    for (let i = 0; i < 3 && waiting[this.connection]; i++) {
      this.connection = random.below(CONNECTIONS);
    }
    const { connection } = this;
    if (random.oneIn(60)) {
      this.left[connection] = -1;
      return { connection, words: null, isShort: false };
    }
    const words = this.words();
    const isShort = words.at(-1) === SHORT_TIMEOUT || words[1] === SHORT_TIMEOUT;
    return { connection, words, isShort: isShort && this.left[connection] === -1 };
  }

  private words(): string[] {
    const { random, connection } = this;
    const left = this.left[connection] as number;
    if (left === 0) {
      this.left[connection] = -1;
      return random.oneIn(6) ? ['DISCARD'] : ['EXEC'];
    }
    if (left > 0) {
      this.left[connection] = left - 1;
      return this.command();
    }
    if (random.oneIn(10)) {
      this.left[connection] = random.between(0, 6);
      this.transactionKey[connection] = random.below(2);
      return ['MULTI'];
    }
    if (random.oneIn(25)) return random.oneIn(3) ? ['UNWATCH'] : ['WATCH', ...this.keys('any')];
    if (random.oneIn(12)) {
      const reason = random.pick([[], ['TIMEOUT'], ['error']]);
      return ['CLIENT', 'UNBLOCK', `{id ${random.below(CONNECTIONS)}}`, ...reason];
    }
    return this.command();
  }

  private command(): string[] {
    const kind = this.random.weighted([
      { weight: 30, make: () => this.waits() },
      { weight: 34, make: () => this.gives() },
      { weight: 16, make: () => this.takes() },
      { weight: 10, make: () => this.changes() },
    ]);
    return kind.make();
  }

  private key(use: Use): string {
    const { random, theme, connection } = this;
    if (theme !== 'many keys') return random.pick(KEYS);
    const isFree = (this.left[connection] as number) < 0;
    const fitting = KEYS_OF[use === 'any' ? random.pick<Use>(['list', 'zset']) : use];
    return isFree
      ? random.pick(fitting)
      : (fitting[this.transactionKey[connection] ?? 0] as string);
  }

  private keys(use: Use): string[] {
    if (this.theme !== 'many keys') return [this.key(use)];
    const count = this.random.between(1, 3);
    return Array.from({ length: count }, () => this.random.pick(KEYS_OF[use]));
  }

  private timeout(): string {
    const isFree = (this.left[this.connection] as number) < 0;
    return isFree && this.random.oneIn(10) ? SHORT_TIMEOUT : '0';
  }

  private count(): string[] {
    return this.random.oneIn(2) ? [] : ['COUNT', String(this.random.between(1, 3))];
  }

  private end(): string {
    return this.random.pick(['LEFT', 'RIGHT']);
  }

  private waits(): string[] {
    const { random } = this;
    const choice = random.below(this.theme === 'moves' ? 8 : 6);
    const isList = [0, 1, 4].includes(choice);
    const keys = this.waitsForStored(isList) ? [STORED] : this.keys(isList ? 'list' : 'zset');
    const numbered = [String(keys.length), ...keys];
    switch (choice) {
      case 0:
      case 1:
        return [random.pick(['BLPOP', 'BRPOP']), ...keys, this.timeout()];
      case 2:
      case 3:
        return [random.pick(['BZPOPMIN', 'BZPOPMAX']), ...keys, this.timeout()];
      case 4:
        return ['BLMPOP', this.timeout(), ...numbered, this.end(), ...this.count()];
      case 5:
        return [
          'BZMPOP',
          this.timeout(),
          ...numbered,
          random.pick(['MIN', 'MAX']),
          ...this.count(),
        ];
      case 6:
        return [
          'BLMOVE',
          this.key('list'),
          this.key('list'),
          this.end(),
          this.end(),
          this.timeout(),
        ];
      default:
        return ['BRPOPLPUSH', this.key('list'), this.key('list'), this.timeout()];
    }
  }

  private waitsForStored(isList: boolean): boolean {
    return !isList && this.theme !== 'many keys' && this.random.oneIn(4);
  }

  private gives(): string[] {
    const { random } = this;
    const values = Array.from({ length: random.between(1, 3) }, () => `${random.below(1000)}`);
    if (random.oneIn(2)) return [random.pick(['LPUSH', 'RPUSH']), this.key('list'), ...values];
    const pairs = values.flatMap((value) => [`${random.below(9)}`, `m${value}`]);
    return ['ZADD', this.key('zset'), ...pairs];
  }

  private takes(): string[] {
    const { random } = this;
    switch (random.below(6)) {
      case 0:
        return [random.pick(['LPOP', 'RPOP', 'ZPOPMIN', 'ZPOPMAX']), this.key('any')];
      case 1:
        return ['LRANGE', this.key('list'), '0', '-1'];
      case 2:
        return ['ZRANGE', this.key('zset'), '0', '-1', 'WITHSCORES'];
      case 3:
        return ['TYPE', this.key('any')];
      case 4:
        return ['LLEN', this.key('list')];
      default:
        return ['DBSIZE'];
    }
  }

  private changes(): string[] {
    const { random, theme } = this;
    switch (random.below(theme === 'many keys' ? 4 : theme === 'moves' ? 10 : 12)) {
      case 0:
      case 1:
        return ['DEL', this.key('any')];
      case 2:
        return theme === 'many keys' ? ['DBSIZE'] : ['SET', this.key('any'), 'string'];
      case 3:
        return random.oneIn(3) ? ['FLUSHALL'] : ['DEL', this.key('any')];
      case 4:
      case 5:
        return [random.pick(['RENAME', 'RENAMENX']), this.key('any'), this.key('any')];
      case 6:
        return ['COPY', this.key('any'), this.key('any'), ...(random.oneIn(2) ? ['REPLACE'] : [])];
      case 7:
        return ['ZUNIONSTORE', STORED, '2', this.key('any'), this.key('any')];
      case 8:
      case 9:
        return theme === 'moves'
          ? ['LMOVE', this.key('any'), this.key('any'), this.end(), this.end()]
          : ['MOVE', this.key('any'), random.pick(['0', '1'])];
      case 10:
        return ['SELECT', random.pick(['0', '1'])];
      default:
        return ['SWAPDB', '0', '1'];
    }
  }
}

/** Runs until the number of steps is reached or a mismatch is found and shrunk. */
export async function runLockStep(options: LockStepOptions): Promise<LockStepResult> {
  const resp = options.resp ?? 2;
  const pair = new Pair(new LockStepSide(options.a, resp), new LockStepSide(options.b, resp));
  try {
    await Promise.all([pair.a.open(), pair.b.open()]);
    let done = 0;
    for (let epoch = 0; done < options.steps; epoch++) {
      const epochSeed = (options.seed + epoch * 7919) | 0;
      const source = new StepSource(new Random(epochSeed));
      const steps: LockStep[] = [];
      await pair.restart();
      let mismatch: LockStepMismatch | null = null;
      while (!mismatch && steps.length < EPOCH_STEPS) {
        steps.push(source.next(pair.a.waiting));
        mismatch = await pair.run(steps.at(-1) as LockStep, steps.length - 1);
      }
      done += steps.length;
      mismatch ??= await pair.compareStates(steps.length);
      if (mismatch) {
        const failure = { epochSeed, ...(await shrink(pair, steps, mismatch)) };
        return { steps: done, replies: pair.replies, failure };
      }
      options.onProgress?.(done);
    }
    return { steps: done, replies: pair.replies, failure: null };
  } finally {
    await Promise.all([pair.a.close(), pair.b.close()]);
  }
}

export { showStep };
