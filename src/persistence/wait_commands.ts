// WAIT and WAITAOF: clients that wait until what they changed is safe.
//
//   WAIT numreplicas timeout                 on so many replicas: there are none
//   WAITAOF numlocal numreplicas timeout     on the disk here (0 or 1), and on the disks of so many replicas
//
// What a client changed is known to the engine as a position in the journal; the log tells when it has made
// more durable. In a transaction, and during a replay, nobody waits.

import * as abi from '../../assembly/abi.ts';
import type { Engine, EngineClient } from '../engine.ts';
import { CommandError, type HostCall, type HostCommands } from '../host_command.ts';
import { Alarm } from '../util/alarm.ts';
import { parseI64 } from '../util/integers.ts';

/** The log, as far as it matters here. */
export interface DurableLog {
  isSynced(position: number): boolean;
  /** Calls back whenever more is durable, or the log was turned on or off. */
  onSynced(listener: () => void): () => void;
}

export interface WaitOptions {
  readonly engine: Engine;
  readonly log: DurableLog;
  /** `appendonly` */
  isLogEnabled(): boolean;
}

const NO_LOG = 'ERR WAITAOF cannot be used when numlocal is set but appendonly is disabled.';
const NOT_INTEGER = 'ERR value is not an integer or out of range';
const UNBLOCKED = 'UNBLOCKED client unblocked via CLIENT UNBLOCK';
const I64_MAX = 9223372036854775807n;

interface Waiter {
  readonly client: EngineClient;
  /** Unix milliseconds, 0 for never. */
  readonly deadlineMs: number;
  /** Whether it need not wait any longer. Throws when it waits in vain. */
  isServed(): boolean;
  /** Writes the reply, or an error, and lets the client go on. */
  end(error?: string): void;
}

export class WaitingClients {
  private readonly options: WaitOptions;
  private readonly waiters = new Map<EngineClient, Waiter>();
  private readonly alarm: Alarm;

  constructor(options: WaitOptions) {
    this.options = options;
    const now = () => options.engine.now();
    this.alarm = new Alarm(now, () => this.endLate(), options.engine.time);
    options.log.onSynced(() => this.serve());
  }

  /** Clients that wait. */
  get size(): number {
    return this.present().length;
  }

  /** Those of them with a timeout. */
  get withTimeout(): number {
    return this.present().filter(({ deadlineMs }) => deadlineMs !== 0).length;
  }

  /** Those who have not left. */
  private present(): Waiter[] {
    return [...this.waiters.values()].filter(({ client }) => !client.closed);
  }

  register(commands: HostCommands): void {
    commands.register('wait', (call) => this.wait(call));
    commands.register('waitaof', (call) => this.waitForLog(call));
  }

  /** CLIENT UNBLOCK. False when the client does not wait here. */
  unblock(id: number, withError: boolean): boolean {
    const waiter = [...this.waiters.values()].find(({ client }) => client.id === id);
    waiter?.end(withError ? UNBLOCKED : undefined);
    return waiter !== undefined;
  }

  /** Called now and then: forgets clients that are gone, and serves after changes of the configuration. */
  tick(): void {
    this.serve();
  }

  /** Nobody waits any more. */
  stop(): void {
    this.waiters.clear();
    this.alarm.set(0);
  }

  private wait(call: HostCall): Promise<void> | undefined {
    const wanted = integerAt(call, 1);
    const deadlineMs = deadlineAt(call, 2);
    const reply = () => {
      call.reply.integer(0);
    };
    return this.reply(call, deadlineMs, () => wanted <= 0n, reply);
  }

  private waitForLog(call: HostCall): Promise<void> | undefined {
    const numLocal = integerAt(call, 1);
    if (numLocal < 0n || numLocal > 1n) {
      throw new CommandError('ERR value is out of range, value must between 0 and 1');
    }
    const numReplicas = integerAt(call, 2);
    if (numReplicas < 0n) throw new CommandError('ERR value is out of range, must be positive');
    const deadlineMs = deadlineAt(call, 3);
    const { log } = this.options;
    const position = this.clientOf(call).changedUpTo;
    const isServed = () => {
      if (numLocal === 1n && !this.options.isLogEnabled()) throw new CommandError(NO_LOG);
      return numReplicas === 0n && (numLocal === 0n || log.isSynced(position));
    };
    const reply = () => {
      call.reply
        .array(2)
        .integer(log.isSynced(position) ? 1 : 0)
        .integer(0);
    };
    return this.reply(call, deadlineMs, isServed, reply);
  }

  private clientOf({ client }: HostCall): EngineClient {
    const found = this.options.engine.clients.get(client.id);
    if (found === undefined) throw new Error(`no client ${client.id}`);
    return found;
  }

  /** Replies now, or when it is time to. */
  private reply(
    call: HostCall,
    deadlineMs: number,
    isServed: () => boolean,
    reply: () => void,
  ): Promise<void> | undefined {
    const client = this.clientOf(call);
    const mayWait =
      !this.options.engine.isInTransaction && (client.flags & abi.CLIENT_INTERNAL) === 0;
    if (isServed() || !mayWait) {
      reply();
      return undefined;
    }
    return new Promise((resolve, reject) => {
      const end = (error?: string) => {
        this.waiters.delete(client);
        if (error !== undefined) {
          reject(new CommandError(error));
          return;
        }
        reply();
        resolve();
      };
      this.waiters.set(client, { client, deadlineMs, isServed, end });
      this.setAlarm();
    });
  }

  /** Lets those go on whose changes are safe, and forgets those who left. */
  private serve(): void {
    for (const waiter of [...this.waiters.values()]) {
      if (waiter.client.closed) {
        this.waiters.delete(waiter.client);
        continue;
      }
      try {
        if (waiter.isServed()) waiter.end();
      } catch (error) {
        if (!(error instanceof CommandError)) throw error;
        waiter.end(error.message);
      }
    }
  }

  private setAlarm(): void {
    let first = 0;
    for (const { deadlineMs } of this.waiters.values()) {
      if (deadlineMs !== 0 && (first === 0 || deadlineMs < first)) first = deadlineMs;
    }
    this.alarm.set(first);
  }

  /** Replies to those whose time is up. */
  private endLate(): void {
    const { engine } = this.options;
    const nowMs = engine.now() + engine.time.slackMs;
    for (const waiter of [...this.waiters.values()]) {
      if (waiter.deadlineMs !== 0 && waiter.deadlineMs < nowMs) waiter.end();
    }
    this.setAlarm();
  }
}

function integerAt({ args }: HostCall, index: number): bigint {
  const value = parseI64(args[index]!);
  if (value === undefined) throw new CommandError(NOT_INTEGER);
  return value;
}

/** When the timeout in argument `index` is over, in Unix milliseconds; 0 for never. */
function deadlineAt({ args, nowMs }: HostCall, index: number): number {
  const timeoutMs = parseI64(args[index]!);
  if (timeoutMs === undefined) {
    throw new CommandError('ERR timeout is not an integer or out of range');
  }
  if (timeoutMs < 0n) throw new CommandError('ERR timeout is negative');
  if (timeoutMs > I64_MAX - BigInt(Math.floor(nowMs))) {
    throw new CommandError('ERR timeout is out of range');
  }
  return timeoutMs === 0n ? 0 : nowMs + Number(timeoutMs);
}
