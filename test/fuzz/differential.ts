// The differential fuzzer: the same random pipelines to two servers, every reply compared.
//
// A run is a row of epochs. An epoch starts with empty databases, the same settings and new
// connections on both servers, so that it alone decides what its replies are; what it sent can be
// replayed from its start, and that is how a mismatch is shrunk to the few commands that cause it.
//
//   epoch:  start ─ batch ─ batch ─ ... ─ compare all keys ─ batch ─ ... ─ compare all keys
//   batch:  one pipeline over one of the connections, ended by an ECHO that marks its end
//
// Only one connection is in use at a time, and a key that is to expire is waited for, so the
// outcome does not depend on timing.

import { setTimeout as sleep } from 'node:timers/promises';
import { encodeCommand, joinArguments } from '../support/arguments.ts';
import { Random } from '../support/random.ts';
import { showReply } from '../support/reply_notation.ts';
import { type Address, ConnectionEnded, RespClient } from '../support/resp_client.ts';
import type { RawReply, Reply } from '../support/resp_decoder.ts';
import { DATABASES } from './grammar/base.ts';
import { CommandSource } from './grammar/index.ts';
import { START_SETTINGS } from './grammar/server.ts';
import { intendedDifference } from './intended_differences.ts';

export interface DifferentialOptions {
  a: Address;
  b: Address;
  commands: number;
  seed: number;
  resp?: 2 | 3;
  families?: readonly string[];
  /** Releases the two servers behave as, in place of what INFO says. */
  versions?: readonly [a: string, b: string];
  /** Release whose commands both have; the older of the two versions when not given. */
  commandsOf?: string;
  onProgress?: (progress: Progress) => void;
  /** Starts the server anew when it is gone, so that a crash can be shrunk too. */
  revive?: { a?: Revive; b?: Revive };
}

export type Revive = () => Promise<Address>;

export interface Progress {
  commands: number;
  replies: number;
  perSecond: number;
  /** How often each rule of the list of intended differences was used. */
  allowed: ReadonlyMap<string, number>;
}

/** One command of an epoch, as replayed. */
export interface Step {
  args: Buffer[];
  connection: number;
  /** Steps of the same batch go out in one write. */
  batch: number;
  settleMs: number;
  ends: boolean;
}

export interface Mismatch {
  what: 'reply' | 'state' | 'count' | 'connection';
  /** Index of the step within the epoch. */
  index: number;
  command: string;
  a: string;
  b: string;
}

export interface DifferentialResult {
  commands: number;
  replies: number;
  allowed: Map<string, number>;
  failure: null | {
    mismatch: Mismatch;
    /** Number of the command in the whole run. */
    commandIndex: number;
    epochSeed: number;
    last: string[];
    /** The fewest steps that still show a mismatch, with the replies of both servers. */
    shrunk: Step[];
    shrunkMismatch: Mismatch;
  };
}

const EPOCH_COMMANDS = 2000;
const STATE_EVERY = 500;
const CONNECTIONS = 3;
const MAX_BATCH = 40;
const TTL_TOLERANCE_MS = 2000;
const REPLY_TIMEOUT_MS = 10_000;
const LAST_SHOWN = 20;
const MAX_SHOWN = 1000;
const SHRINK_REPLAYS = 400;

// --- One server ---

/** Which replies a batch gets, as far as CLIENT REPLY, RESET and QUIT decide it. */
class ReplyPlan {
  private off = false;
  private skip = false;

  /** Whether this command is answered. */
  answered(args: readonly Buffer[]): boolean {
    const words = args.map((arg) => arg.toString('latin1').toLowerCase());
    const skipped = this.skip;
    this.skip = false;
    if (words[0] === 'quit') return true;
    if (words[0] === 'reset' && words.length === 1) {
      this.off = false;
      return !skipped;
    }
    if (words[0] === 'client' && words[1] === 'reply' && words.length === 3) {
      if (words[2] === 'on') {
        this.off = false;
        return true;
      }
      if (words[2] === 'off') {
        this.off = true;
        return false;
      }
      if (words[2] === 'skip') {
        this.skip = !this.off;
        return false;
      }
    }
    return !this.off && !skipped;
  }
}

class Side {
  private address: Address;
  private readonly resp: 2 | 3;
  private readonly revive: Revive | undefined;
  private admin: RespClient | null = null;
  private clients: (RespClient | null)[] = [];
  private batches = 0;

  constructor(address: Address, resp: 2 | 3, revive: Revive | undefined) {
    this.address = address;
    this.resp = resp;
    this.revive = revive;
  }

  async version(): Promise<string> {
    const client = await this.adminClient();
    const info = await client.call('INFO', 'server');
    if (!('bytes' in info)) throw new Error(`INFO: ${showReply(info)}`);
    const found = /redis_version:(\S+)/.exec(info.bytes.toString())?.[1];
    if (!found) throw new Error('INFO has no redis_version');
    return found;
  }

  private async adminClient(): Promise<RespClient> {
    if (!this.admin?.isOpen) this.admin = await RespClient.connect(this.address);
    return this.admin;
  }

  /** As `emptied`, with the server started anew when it is gone. */
  async restart(): Promise<void> {
    try {
      await this.emptied();
    } catch (error) {
      if (!this.revive) throw error;
      this.address = await this.revive();
      await this.emptied();
    }
  }

  /** Empty databases, the settings every epoch starts with, no connections but the one for this. */
  private async emptied(): Promise<void> {
    const admin = await this.adminClient();
    await this.closeClients();
    // Before anything else: the databases may have been exchanged.
    for (const command of [['FLUSHALL'], ['CONFIG', 'SET', ...START_SETTINGS.flat()]]) {
      const reply = await admin.call(...command);
      if (reply.kind !== 'simple') throw new Error(`${command.join(' ')}: ${showReply(reply)}`);
    }
  }

  private async client(index: number): Promise<RespClient> {
    const known = this.clients[index];
    if (known?.isOpen) return known;
    const client = await RespClient.connect(this.address);
    if (this.resp === 3) await client.call('HELLO', '3');
    this.clients[index] = client;
    return client;
  }

  /** Sends the commands in one write and reads up to the marker, or to the end after QUIT. */
  async batch(index: number, commands: readonly Buffer[][], ends: boolean): Promise<RawReply[]> {
    const client = await this.client(index).catch((error: unknown) => {
      throw new BatchFailure([], messageOf(error));
    });
    const marker = Buffer.from(`end of batch ${++this.batches}`);
    const wire = commands.map(encodeCommand);
    // Redis does not close after QUIT while replies are off; so they are turned on before it too.
    const turnOn = encodeCommand(['CLIENT', 'REPLY', 'ON']);
    if (ends) wire.splice(-1, 0, turnOn);
    else wire.push(turnOn, encodeCommand(['ECHO', marker]));
    client.send(Buffer.concat(wire));
    const replies: RawReply[] = [];
    for (;;) {
      try {
        const raw = await client.read(REPLY_TIMEOUT_MS);
        if (raw.reply.kind === 'bulk' && raw.reply.bytes.equals(marker)) {
          replies.pop(); // the answer to CLIENT REPLY ON
          return replies;
        }
        replies.push(raw);
      } catch (error) {
        if (ends && error instanceof ConnectionEnded) {
          replies.splice(-2, 1);
          return replies;
        }
        throw new BatchFailure(replies, messageOf(error));
      }
    }
  }

  /** Every key of the databases in use with type, value, encoding and expiry, as text. */
  async state(): Promise<StateEntry[]> {
    const admin = await this.adminClient();
    const found: StateEntry[] = [];
    for (const database of DATABASES) {
      const [, keys] = await admin.pipeline([
        ['SELECT', database],
        ['KEYS', '*'],
      ]);
      const names = keys?.kind === 'array' ? keys.items : [];
      const sorted = names
        .map((name) => ('bytes' in name ? name.bytes : Buffer.alloc(0)))
        .sort(Buffer.compare);
      for (const key of sorted) {
        const [type, encoding, expires, value, digest] = await admin.pipelineRaw([
          ['TYPE', key],
          ['OBJECT', 'ENCODING', key],
          ['PEXPIRETIME', key],
          ['GET', key],
          ['DEBUG', 'DIGEST-VALUE', key],
        ]);
        const shown = hasNewEncodings(type)
          ? [type, value, digest]
          : [type, encoding, value, digest];
        found.push({
          name: `${database}:${joinArguments([key])}`,
          content: shown.map((raw) => raw && showReply(raw.reply)).join(' '),
          expiresMs: expires?.reply.kind === 'integer' ? Number(expires.reply.value) : Number.NaN,
        });
      }
    }
    await admin.call('SELECT', '0');
    return found;
  }

  private async closeClients(): Promise<void> {
    await Promise.all(this.clients.map((client) => client?.close()));
    this.clients = [];
  }

  async close(): Promise<void> {
    await this.closeClients();
    await this.admin?.close();
    this.admin = null;
  }
}

/** Lists and sets got encodings in 7.2 that older servers do not have. */
function hasNewEncodings(type: RawReply | undefined): boolean {
  return type?.reply.kind === 'simple' && ['list', 'set'].includes(type.reply.text);
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

class BatchFailure extends Error {
  readonly replies: RawReply[];

  constructor(replies: RawReply[], message: string) {
    super(message);
    this.replies = replies;
  }
}

interface StateEntry {
  name: string;
  content: string;
  expiresMs: number;
}

/** Null when equal; otherwise what each side has. */
export function compareStates(
  a: readonly StateEntry[],
  b: readonly StateEntry[],
  toleranceMs: number,
): { a: string; b: string } | null {
  const show = (entry: StateEntry | undefined) =>
    entry ? `${entry.name} ${entry.content} expires ${entry.expiresMs}` : '(no more keys)';
  for (let i = 0; i < Math.max(a.length, b.length); i++) {
    const [left, right] = [a[i], b[i]];
    const same =
      left?.name === right?.name &&
      left?.content === right?.content &&
      left !== undefined &&
      right !== undefined &&
      (left.expiresMs === right.expiresMs ||
        (left.expiresMs > 0 &&
          right.expiresMs > 0 &&
          Math.abs(left.expiresMs - right.expiresMs) <= toleranceMs));
    if (!same) return { a: show(left), b: show(right) };
  }
  return null;
}

// --- Both servers ---

export class Comparison {
  private readonly a: Side;
  private readonly b: Side;
  private readonly versions: readonly [string, string];
  readonly allowed = new Map<string, number>();
  /** Whether an intended difference has left the servers with different data. */
  haveParted = false;
  replies = 0;
  ttlToleranceMs = TTL_TOLERANCE_MS;

  constructor(a: Side, b: Side, versions: readonly [string, string]) {
    this.a = a;
    this.b = b;
    this.versions = versions;
  }

  async restart(): Promise<void> {
    this.haveParted = false;
    await Promise.all([this.a.restart(), this.b.restart()]);
  }

  /** Runs the steps, which are of one batch; `first` is the index of the first within the epoch. */
  async runBatch(steps: readonly Step[], first: number): Promise<Mismatch | null> {
    const { connection, ends, settleMs } = steps.at(-1) as Step;
    const commands = steps.map((step) => step.args);
    const [a, b] = await Promise.all(
      [this.a, this.b].map((side) =>
        side.batch(connection, commands, ends).catch((error: unknown) => {
          if (error instanceof BatchFailure) return error;
          throw error;
        }),
      ),
    );
    if (settleMs) await sleep(settleMs);
    const mismatch = this.compareReplies(steps, first, repliesOf(a), repliesOf(b));
    const ended = [a, b].map((side) => (side instanceof BatchFailure ? side.message : null));
    const bothGoOn = ended[0] === null && ended[1] === null;
    // Replies that are missing because the connection broke say less than how it did.
    if (mismatch && (bothGoOn || mismatch.what === 'reply')) return mismatch;
    if (bothGoOn) return null;
    return {
      what: 'connection',
      index: first + steps.length - 1,
      command: joinArguments(commands.at(-1) ?? []),
      a: ended[0] ?? 'goes on',
      b: ended[1] ?? 'goes on',
    };
  }

  private compareReplies(
    steps: readonly Step[],
    first: number,
    a: readonly RawReply[],
    b: readonly RawReply[],
  ): Mismatch | null {
    const plan = new ReplyPlan();
    const answered = steps
      .map((step, i) => ({ step, index: first + i }))
      .filter(({ step }) => plan.answered(step.args));
    for (let i = 0; i < Math.max(a.length, b.length); i++) {
      const [left, right] = [a[i], b[i]];
      // More replies than commands: they belong to the last one.
      const { step, index } = answered[i] ?? answered.at(-1) ?? { step: steps[0], index: first };
      const args = step?.args ?? [];
      const show = (raw: RawReply | undefined) =>
        raw ? shorten(showReply(raw.reply)) : '(no reply)';
      if (!left || !right) {
        const command = joinArguments(args);
        return { what: 'count', index, command, a: show(left), b: show(right) };
      }
      this.replies++;
      if (left.bytes.equals(right.bytes)) continue;
      if (this.isAllowed(args, left.reply, right.reply)) {
        if (this.haveParted) return null;
        continue;
      }
      return {
        what: 'reply',
        index,
        command: joinArguments(args),
        a: describe(left, right),
        b: describe(right, left),
      };
    }
    return null;
  }

  private isAllowed(args: readonly Buffer[], a: Reply, b: Reply): boolean {
    const words = args.map((arg) => arg.toString('latin1').toLowerCase());
    const { versions, ttlToleranceMs } = this;
    const difference = { words, a, b, versions, ttlToleranceMs };
    const rule = intendedDifference(difference);
    if (rule) this.allowed.set(rule.name, (this.allowed.get(rule.name) ?? 0) + 1);
    this.haveParted ||= rule?.parts?.(difference) ?? false;
    return rule !== null;
  }

  async compareState(index: number): Promise<Mismatch | null> {
    const [a, b] = await Promise.all(
      [this.a, this.b].map((side) => side.state().catch((error: unknown) => messageOf(error))),
    );
    if (!Array.isArray(a) || !Array.isArray(b)) {
      const shown = [a, b].map((side) => (typeof side === 'string' ? side : 'goes on'));
      const command = '(all keys)';
      return { what: 'connection', index, command, a: shown[0] ?? '', b: shown[1] ?? '' };
    }
    const different = compareStates(a, b, this.ttlToleranceMs);
    return different && { what: 'state', index, command: '(all keys)', ...different };
  }

  /** Replays the steps from an empty start and compares the state at the end. */
  async replay(steps: readonly Step[]): Promise<Mismatch | null> {
    await this.restart();
    for (let from = 0; from < steps.length; ) {
      let to = from + 1;
      while (to < steps.length && steps[to]?.batch === steps[from]?.batch) to++;
      const mismatch = await this.runBatch(steps.slice(from, to), from);
      if (mismatch || this.haveParted) return mismatch;
      from = to;
    }
    return this.compareState(steps.length);
  }

  async close(): Promise<void> {
    await Promise.all([this.a.close(), this.b.close()]);
  }
}

function repliesOf(result: RawReply[] | BatchFailure | undefined): readonly RawReply[] {
  return result instanceof BatchFailure ? result.replies : (result ?? []);
}

/** The reply as notation, or as bytes when the notation does not show how the two differ. */
function describe(raw: RawReply, other: RawReply): string {
  const shown = showReply(raw.reply);
  const same = shown === showReply(other.reply);
  return shorten(same ? JSON.stringify(raw.bytes.toString('latin1')) : shown);
}

function shorten(text: string): string {
  return text.length <= MAX_SHOWN ? text : `${text.slice(0, MAX_SHOWN)} ... (${text.length})`;
}

// --- Shrinking ---

/**
 * Removes ever smaller pieces while the replay still shows a mismatch of the same kind in the same
 * command; gives up looking after a fixed number of replays.
 */
export async function shrink(
  comparison: Comparison,
  steps: readonly Step[],
  found: Mismatch,
): Promise<{ steps: Step[]; mismatch: Mismatch }> {
  let best = [...steps];
  let mismatch = found;
  let replays = 0;
  const nameOf = (m: Mismatch) => (m.what === 'reply' ? m.command.split(' ')[0] : m.what);
  const attempt = async (candidate: Step[]) => {
    replays++;
    const seen = await comparison.replay(candidate).catch(() => null);
    if (seen === null || nameOf(seen) !== nameOf(found)) return false;
    best = candidate.slice(0, seen.index + 1);
    mismatch = seen;
    return true;
  };
  if (!(await attempt(best))) return { steps: best, mismatch };
  for (let size = Math.ceil(best.length / 2); size >= 1; size = Math.floor(size / 2)) {
    for (let at = best.length - size; at >= 0 && replays < SHRINK_REPLAYS; at -= size) {
      if (at + size > best.length) continue;
      await attempt([...best.slice(0, at), ...best.slice(at + size)]);
    }
  }
  return { steps: best, mismatch };
}

// --- A run ---

/** Makes the steps of one epoch, a batch at a time. */
class EpochSource {
  private readonly source: CommandSource;
  private readonly random: Random;
  private batch = 0;
  private connection = 0;
  private expired: Buffer | null = null;

  constructor(source: CommandSource, random: Random) {
    this.source = source;
    this.random = random;
  }

  nextBatch(most: number): Step[] {
    const { random } = this;
    this.batch++;
    if (this.expired) return this.afterExpiry(this.expired);
    if (random.oneIn(6)) this.connection = random.below(CONNECTIONS);
    const wanted = Math.min(most, random.oneIn(3) ? 1 : random.between(1, MAX_BATCH));
    const steps: Step[] = [];
    while (steps.length < wanted) {
      const made = this.source.next();
      steps.push(this.step(made.args, made.settleMs ?? 0, made.ends ?? false));
      if (made.settleMs) this.expired = made.args[1] ?? null;
      if (made.settleMs || made.ends) break;
    }
    return steps;
  }

  /** What one command makes of a key that has just expired; then every key that has goes. */
  private afterExpiry(key: Buffer): Step[] {
    this.expired = null;
    const steps: Step[] = [];
    const command = this.source.onKey(key);
    if (command && this.random.oneIn(2)) steps.push(this.step(command.args, 0, false));
    steps.push(this.step([Buffer.from('EXISTS'), key, ...this.source.gen.allKeys()], 0, false));
    return steps;
  }

  private step(args: Buffer[], settleMs: number, ends: boolean): Step {
    return { args, connection: this.connection, batch: this.batch, settleMs, ends };
  }
}

class Run {
  private readonly options: DifferentialOptions;
  private readonly comparison: Comparison;
  private readonly oldest: string;
  private readonly startMs = performance.now();
  private commands = 0;

  constructor(options: DifferentialOptions, comparison: Comparison, oldest: string) {
    this.options = options;
    this.comparison = comparison;
    this.oldest = oldest;
  }

  async all(): Promise<DifferentialResult> {
    const { comparison, options } = this;
    for (let epoch = 0; this.commands < options.commands; epoch++) {
      const failure = await this.epoch((options.seed + epoch * 7919) | 0);
      const { allowed, replies } = comparison;
      if (failure) return { commands: this.commands, replies, allowed, failure };
    }
    const { allowed, replies } = comparison;
    return { commands: this.commands, replies, allowed, failure: null };
  }

  private async epoch(epochSeed: number): Promise<DifferentialResult['failure']> {
    const { comparison, options } = this;
    const random = new Random(epochSeed);
    const source = new CommandSource(random, options.families ?? [], this.oldest);
    source.gen.expiry = random.oneIn(2) ? 'absolute' : 'relative';
    comparison.ttlToleranceMs = source.gen.expiry === 'absolute' ? 0 : TTL_TOLERANCE_MS;
    const batches = new EpochSource(source, random);
    const steps: Step[] = [];
    const size = Math.min(EPOCH_COMMANDS, options.commands - this.commands);
    await comparison.restart();
    let compared = 0;
    while (steps.length < size) {
      const batch = batches.nextBatch(size - steps.length);
      const first = steps.length;
      steps.push(...batch);
      this.commands += batch.length;
      let mismatch = await comparison.runBatch(batch, first);
      if (!mismatch && comparison.haveParted) break;
      if (!mismatch && (steps.length - compared >= STATE_EVERY || steps.length >= size)) {
        compared = steps.length;
        mismatch = await comparison.compareState(steps.length);
      }
      if (mismatch) return this.failed(mismatch, steps, first, epochSeed);
    }
    this.report();
    return null;
  }

  private async failed(
    mismatch: Mismatch,
    steps: Step[],
    first: number,
    epochSeed: number,
  ): Promise<DifferentialResult['failure']> {
    const upTo = steps.slice(0, mismatch.index + 1);
    const { steps: shrunk, mismatch: shrunkMismatch } = await shrink(
      this.comparison,
      upTo,
      mismatch,
    );
    const before = this.commands - (steps.length - first);
    return {
      mismatch,
      commandIndex: before + (mismatch.index - first),
      epochSeed,
      last: upTo.slice(-LAST_SHOWN).map((step) => joinArguments(step.args)),
      shrunk,
      shrunkMismatch,
    };
  }

  private report(): void {
    const seconds = (performance.now() - this.startMs) / 1000;
    this.options.onProgress?.({
      commands: this.commands,
      replies: this.comparison.replies,
      perSecond: Math.round(this.commands / seconds),
      allowed: this.comparison.allowed,
    });
  }
}

/** Runs until the number of commands is reached or a mismatch is found and shrunk. */
export async function runDifferential(options: DifferentialOptions): Promise<DifferentialResult> {
  const resp = options.resp ?? 2;
  const a = new Side(options.a, resp, options.revive?.a);
  const b = new Side(options.b, resp, options.revive?.b);
  try {
    const versions = options.versions ?? [await a.version(), await b.version()];
    const comparison = new Comparison(a, b, versions);
    return await new Run(options, comparison, options.commandsOf ?? older(versions)).all();
  } finally {
    await Promise.all([a.close(), b.close()]);
  }
}

function older([a, b]: readonly [string, string]): string {
  const number = (version: string) =>
    version.split('.').reduce((sum, part) => sum * 1000 + Number(part), 0);
  return number(a) < number(b) ? a : b;
}
