// What a test has go wrong: rules over the commands that clients send.
//
//   command ─> every fault that it fits, in the order they were added ─> a plan for this command
//
// Delays add up; of several errors the first one counts, and a dropped connection counts more than any.
// A fault whose `times` are used up is gone. What a plan does is carried out in tapped_connection.ts.

import * as abi from '../../assembly/abi.ts';
import { RespiteError } from '../embedded/errors.ts';
import type { Clock, Timer } from '../util/clock.ts';
import { reasonOf } from '../util/reason_of.ts';
import {
  type CommandTarget,
  commandMatcher,
  describeTarget,
  recordOf,
  type SentCommand,
} from './sent_command.ts';

export interface FaultOptions {
  /** How often; always, without. */
  readonly times?: number;
  /** Commands that it spares before the first one. */
  readonly skip?: number;
  /** Share of the commands that it hits, from 0 to 1, by the store's `randomSeed`. */
  readonly probability?: number;
}

/** 'before': the command has not run; 'after': it has, and its reply is lost or late. */
export type FaultMoment = 'before' | 'after';

export interface DropOptions extends FaultOptions {
  /** 'during': it has run, and a part of its reply arrives. 'before' by default. */
  readonly when?: FaultMoment | 'during';
  /** With 'during': bytes of the reply that arrive, 1 by default. */
  readonly bytes?: number;
}

export interface DelayOptions extends FaultOptions {
  readonly when?: FaultMoment;
}

export interface SliceOptions extends FaultOptions {
  /** Bytes of each piece, 1 by default. */
  readonly bytes?: number;
  /** Between two pieces, 0 by default: the next turn of the event loop. */
  readonly delayMs?: number;
}

export interface StateOptions extends FaultOptions {
  /** Commands that find the server in this state; by default all that such a server would refuse. */
  readonly target?: CommandTarget;
}

/** What is to happen to one command. */
export interface FaultPlan {
  /** Waits in front of the command and of its reply; they end early when the fault is removed. */
  readonly before: Wait[];
  readonly after: Wait[];
  error?: string;
  drop?: FaultMoment | 'during';
  /** Bytes of the reply that arrive before the connection is dropped. */
  cutBytes: number;
  /** Bytes of each piece of the reply, 0 for all at once, and the time between them. */
  sliceBytes: number;
  sliceWait: Wait;
}

export interface Wait {
  /** Infinity: until the fault is removed. */
  readonly ms: number;
  readonly fault?: Fault;
}

/** What one fault adds to the plan of a command. */
type Effect = (plan: FaultPlan, fault: Fault) => void;

const WHOLE_REPLY = 0;

interface FaultHooks {
  onRetire(fault: Fault): void;
  onRemove(fault: Fault): void;
}

/** Kept by who set it, to look at or to take it back; `using` does that at the end of the block. */
export class Fault implements Disposable {
  /** Commands it was applied to. */
  hits = 0;
  /** Says what it does, for messages. */
  readonly description: string;
  /** Ends the waits of commands that it keeps. */
  readonly waiting = new Set<() => void>();
  readonly #hooks: FaultHooks;
  #isRetired = false;
  #isRemoved = false;

  constructor(description: string, hooks: FaultHooks) {
    this.description = description;
    this.#hooks = hooks;
  }

  /** Whether it hits no further command: it was taken back, or is used up. */
  get isRetired(): boolean {
    return this.#isRetired;
  }

  /** Whether it was taken back. */
  get isRemoved(): boolean {
    return this.#isRemoved;
  }

  /** Takes it back; commands that it keeps waiting go on. */
  remove(): void {
    this.retire();
    this.#isRemoved = true;
    for (const release of [...this.waiting]) release();
    this.#hooks.onRemove(this);
  }

  /** It hits no further command; those that it keeps waiting go on waiting. */
  retire(): void {
    if (this.#isRetired) return;
    this.#isRetired = true;
    this.#hooks.onRetire(this);
  }

  [Symbol.dispose](): void {
    this.remove();
  }
}

interface Rule {
  readonly fault: Fault;
  readonly matches: (command: SentCommand) => boolean;
  readonly apply: Effect;
  readonly probability: number;
  left: number;
  toSkip: number;
}

export class Faults {
  readonly #random: () => number;
  readonly #clock: Clock;
  #rules: Rule[] = [];
  #refusals: Rule[] = [];
  /** Those that may hit a command, or are used up and may still keep commands waiting. */
  readonly #all = new Set<Fault>();

  constructor(random: () => number, clock: Clock) {
    this.#random = random;
    this.#clock = clock;
  }

  /** Whether any command may be hit. */
  get isActive(): boolean {
    return this.#rules.length > 0;
  }

  /** Faults that may hit a command. */
  get active(): readonly Fault[] {
    return [...this.#rules, ...this.#refusals].map(({ fault }) => fault);
  }

  /** An error reply in place of the command. "READONLY ..." as it stands; a sentence gets "ERR" in front. */
  error(target: CommandTarget, message: string, options: FaultOptions = {}): Fault {
    const line = errorLine(message);
    return this.#add(`error '${line}'`, target, options, (plan) => {
      plan.error ??= line;
    });
  }

  /** Lets commands (or with `when: 'after'` their replies) wait, by the store's clock. */
  latency(
    target: CommandTarget,
    delay: number | { readonly minMs: number; readonly maxMs: number },
    options: DelayOptions = {},
  ): Fault {
    const { minMs, maxMs } = typeof delay === 'number' ? { minMs: delay, maxMs: delay } : delay;
    check(minMs >= 0 && maxMs >= minMs && Number.isFinite(maxMs), 'latency needs milliseconds');
    checkMoment(options);
    return this.#add(`latency of ${minMs} to ${maxMs} ms`, target, options, (plan, fault) => {
      const ms = minMs + this.#random() * (maxMs - minMs);
      (options.when === 'after' ? plan.after : plan.before).push({ ms, fault });
    });
  }

  /** Lets commands (or with `when: 'after'` their replies) wait until the fault is removed. */
  stall(target: CommandTarget, options: DelayOptions = {}): Fault {
    checkMoment(options);
    return this.#add('stall', target, options, (plan, fault) => {
      const wait = { ms: Number.POSITIVE_INFINITY, fault };
      (options.when === 'after' ? plan.after : plan.before).push(wait);
    });
  }

  /** Drops the connection that the command came by. */
  drop(target: CommandTarget, options: DropOptions = {}): Fault {
    const { when = 'before', bytes = 1 } = options;
    check(['before', 'during', 'after'].includes(when), "when is 'before', 'during' or 'after'");
    check(Number.isInteger(bytes) && bytes >= 0, 'bytes is a whole number');
    return this.#add(`drop ${when}`, target, options, (plan) => {
      plan.drop ??= when;
      plan.cutBytes = bytes;
    });
  }

  /** Sends replies in pieces, each in a write of its own. */
  slice(target: CommandTarget, options: SliceOptions = {}): Fault {
    const { bytes = 1, delayMs = 0 } = options;
    check(Number.isInteger(bytes) && bytes > 0, 'bytes is a whole number above 0');
    check(delayMs >= 0 && Number.isFinite(delayMs), 'delayMs is a number of milliseconds');
    return this.#add(`slices of ${bytes} bytes`, target, options, (plan, fault) => {
      plan.sliceBytes = bytes;
      plan.sliceWait = { ms: delayMs, fault };
    });
  }

  /** The server loads its data: it refuses what needs them. */
  loading(options?: StateOptions): Fault {
    const text = 'LOADING Redis is loading the dataset in memory';
    return this.#state(text, (flags) => (flags & abi.CMD_LOADING) === 0, options);
  }

  /** The server is a replica: it refuses writes. */
  readonly(options?: StateOptions): Fault {
    const text = "READONLY You can't write against a read only replica.";
    return this.#state(text, isWrite, options);
  }

  /** `maxmemory` is reached: commands that may add data are refused. */
  oom(options?: StateOptions): Fault {
    const text = "OOM command not allowed when used memory > 'maxmemory'.";
    return this.#state(text, (flags) => (flags & abi.CMD_DENYOOM) !== 0, options);
  }

  /** The server cannot save snapshots, and refuses writes. */
  misconf(options?: StateOptions): Fault {
    const text =
      "MISCONF Redis is configured to save RDB snapshots, but it's currently unable to persist to disk. " +
      'Commands that may modify the data set are disabled, because this instance is configured to report ' +
      'errors during writes if RDB snapshotting fails (stop-writes-on-bgsave-error option). Please check the ' +
      'Redis logs for details about the RDB error.';
    return this.#state(text, isWrite, options);
  }

  /** Too few replicas are there: writes are refused. */
  noReplicas(options?: StateOptions): Fault {
    return this.#state('NOREPLICAS Not enough good replicas to write.', isWrite, options);
  }

  /** The server is a replica that has lost its primary, and does not serve stale data. */
  masterDown(options?: StateOptions): Fault {
    const text = "MASTERDOWN Link with MASTER is down and replica-serve-stale-data is set to 'no'.";
    return this.#state(text, (flags) => (flags & abi.CMD_STALE) === 0, options);
  }

  /** A script runs and does not end. */
  busy(options?: StateOptions): Fault {
    const text =
      'BUSY Redis is busy running a script. You can only call SCRIPT KILL or SHUTDOWN NOSAVE.';
    return this.#state(text, (flags) => (flags & abi.CMD_ALLOW_BUSY) === 0, options);
  }

  /** The cluster has lost a part of its slots: commands with keys are refused. */
  clusterDown(options: StateOptions = {}): Fault {
    const target = options.target ?? { where: ({ keys }: SentCommand) => keys.length > 0 };
    return this.error(target, 'CLUSTERDOWN The cluster is down', options);
  }

  /** The password has changed: only what comes before a login is served. */
  noAuth(options?: StateOptions): Fault {
    const text = 'NOAUTH Authentication required.';
    return this.#state(text, (flags) => (flags & abi.CMD_NO_AUTH) === 0, options);
  }

  /** Closes new connections at once. Those that are there stay. */
  refuseConnections(options: FaultOptions = {}): Fault {
    const rule = this.#rule('refused connections', '*', options, () => {});
    this.#refusals.push(rule);
    return rule.fault;
  }

  /** Removes all of them; commands that they keep waiting go on. */
  clear(): void {
    for (const fault of [...this.#all]) fault.remove();
  }

  /** What is to happen to a command; undefined when nothing is. A condition that throws is an error for it. */
  planFor(command: SentCommand): FaultPlan | undefined {
    let plan: FaultPlan | undefined;
    for (const rule of [...this.#rules]) {
      let failure: string | undefined;
      try {
        if (!rule.matches(command)) continue;
      } catch (error) {
        failure = conditionError(rule.fault, error);
      }
      if (failure === undefined && !this.#isHit(rule)) continue;
      plan ??= {
        before: [],
        after: [],
        cutBytes: 0,
        sliceBytes: WHOLE_REPLY,
        sliceWait: { ms: 0 },
      };
      if (failure === undefined) rule.apply(plan, rule.fault);
      else plan.error ??= failure;
    }
    return plan;
  }

  /** Whether a new connection is to be closed. */
  refusesConnection(): boolean {
    return [...this.#refusals].some((rule) => this.#isHit(rule));
  }

  /** Waits as a plan says. */
  wait({ ms, fault }: Wait): Promise<void> {
    if (fault?.isRemoved) return Promise.resolve();
    return new Promise((resolve) => {
      let timer: Timer | undefined;
      const release = () => {
        fault?.waiting.delete(release);
        timer?.cancel();
        resolve();
      };
      fault?.waiting.add(release);
      if (Number.isFinite(ms)) timer = this.#clock.after(ms, release);
    });
  }

  #state(text: string, refuses: (flags: number) => boolean, options: StateOptions = {}): Fault {
    const isRefused = (command: SentCommand) => refuses(recordOf(command)?.flagBits ?? 0);
    return this.error(options.target ?? { where: isRefused }, text, options);
  }

  #add(what: string, target: CommandTarget, options: FaultOptions, apply: Effect): Fault {
    const rule = this.#rule(what, target, options, apply);
    this.#rules.push(rule);
    return rule.fault;
  }

  #rule(what: string, target: CommandTarget, options: FaultOptions, apply: Effect): Rule {
    const { times = Number.POSITIVE_INFINITY, skip = 0, probability = 1 } = options;
    check(times > 0 && (Number.isInteger(times) || times === Infinity), 'times is a whole number');
    check(Number.isInteger(skip) && skip >= 0, 'skip is a whole number');
    check(probability >= 0 && probability <= 1, 'probability lies between 0 and 1');
    const matches = commandMatcher(target);
    const fault = new Fault(`${what} for ${describeTarget(target)}`, {
      onRetire: (retired) => {
        this.#rules = this.#rules.filter((rule) => rule.fault !== retired);
        this.#refusals = this.#refusals.filter((rule) => rule.fault !== retired);
      },
      onRemove: (removed) => this.#all.delete(removed),
    });
    this.#all.add(fault);
    return { fault, matches, apply, probability, left: times, toSkip: skip };
  }

  #isHit(rule: Rule): boolean {
    if (rule.toSkip > 0) {
      rule.toSkip -= 1;
      return false;
    }
    if (rule.probability < 1 && this.#random() >= rule.probability) return false;
    rule.fault.hits += 1;
    rule.left -= 1;
    if (rule.left === 0) rule.fault.retire();
    return true;
  }
}

function isWrite(flags: number): boolean {
  return (flags & abi.CMD_WRITE) !== 0;
}

function conditionError({ description }: Fault, error: unknown): string {
  const text = reasonOf(error);
  return `ERR The condition of '${description}' failed: ${text.replace(/[\r\n]+/g, ' ')}`;
}

function check(isGood: boolean, rule: string): void {
  if (!isGood) throw new RespiteError('BAD_OPTION', `A fault cannot be like this: ${rule}`);
}

function checkMoment({ when = 'before' }: DelayOptions): void {
  check(when === 'before' || when === 'after', "when is 'before' or 'after'");
}

function errorLine(message: string): string {
  const line = message.replace(/^-/, '');
  check(line !== '' && !/[\r\n]/.test(line), 'an error is one line');
  return /^[A-Z][A-Z0-9_]*(?: |$)/.test(line) ? line : `ERR ${line}`;
}
