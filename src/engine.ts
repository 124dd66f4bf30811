// The engine without sockets: the core, a clock, and the commands that the host runs.
//
// A client feeds bytes and gets bytes; where they come from and go to is the owner's business
// (sockets, an in-process API, a worker's messages). One client's batch runs at a time, and it runs
// to its end before `run` returns, except for a host command that answers with a promise: then the
// core keeps the client's later commands until the promise settles.

import * as abi from '../assembly/abi.ts';
import { allCommands } from './commands/index.ts';
import type { Core } from './core/core.ts';
import { ReplyWriter } from './core/reply_writer.ts';
import { CommandError, type HostClient, HostCommands } from './host_command.ts';
import { wallClock } from './util/wall_clock.ts';

/** Where a client's replies go. */
export interface ClientOutput {
  /** `bytes` are valid only during the call. */
  write(bytes: Uint8Array): void;
  /** Close once everything written is sent. */
  end(): void;
  /** Close at once. */
  destroy(): void;
}

/** A trap in the core: its state can no longer be trusted. */
export class CoreCrash extends Error {
  readonly code = 'CORE_CRASH';
  /** Full name of the command that was running. */
  readonly command: string;
  /** Assertion that failed, or the trap's message. */
  readonly place: string;

  constructor(command: string, place: string, cause: unknown) {
    super(`the core failed in '${command}' at ${place}`, { cause });
    this.command = command;
    this.place = place;
  }
}

export class EngineClient implements HostClient {
  readonly id: number;
  readonly ptr: number;
  readonly output: ClientOutput;
  /** Set once the block is freed; nothing may be done with the client afterwards. */
  closed = false;
  private readonly engine: Engine;

  constructor(engine: Engine, id: number, ptr: number, output: ClientOutput) {
    this.engine = engine;
    this.id = id;
    this.ptr = ptr;
    this.output = output;
  }

  get resp(): 2 | 3 {
    return this.engine.core.data.getUint32(this.ptr + abi.CONN_RESP, true) === 3 ? 3 : 2;
  }

  get flags(): number {
    return this.engine.core.data.getUint32(this.ptr + abi.CONN_FLAGS, true);
  }

  set flags(flags: number) {
    this.engine.core.data.setUint32(this.ptr + abi.CONN_FLAGS, flags, true);
  }

  /** Runs `length` bytes that lie in the input region. */
  run(length: number): void {
    this.engine.feed(this, length);
  }

  /** Runs bytes from anywhere, in pieces that fit the input region. */
  execute(bytes: Uint8Array): void {
    for (let at = 0; at < bytes.length && !this.closed; at += abi.INPUT_BYTES) {
      const piece = bytes.subarray(at, at + abi.INPUT_BYTES);
      this.engine.input().set(piece);
      this.run(piece.length);
    }
  }

  close(): void {
    if (this.closed) return;
    this.closed = true;
    this.engine.release(this);
  }
}

export interface EngineHooks {
  /** The core trapped; called once, before the exception goes up. */
  onCrash?(crash: CoreCrash): void;
  /** A host command threw something that is not a CommandError. */
  onHandlerError?(name: string, error: unknown): void;
}

export class Engine {
  readonly core: Core;
  readonly commands = new HostCommands();
  readonly clients = new Map<number, EngineClient>();
  private readonly byPtr = new Map<number, EngineClient>();
  private readonly names: readonly string[];
  private readonly hooks: EngineHooks;
  private readonly paused = new Set<EngineClient>();
  private nextId = 1;
  private crashed: CoreCrash | undefined;
  /** Unix milliseconds; replaceable for tests. */
  now: () => number = Date.now;
  /** The same with a fraction, as the core is told the time. */
  private readonly clock = wallClock(
    () => this.now(),
    () => performance.now(),
  );

  constructor(core: Core, hooks: EngineHooks = {}) {
    this.core = core;
    this.hooks = hooks;
    this.names = allCommands().map((command) => command.fullName);
  }

  /** A client, or undefined when memory is exhausted. `address` is what MONITOR and SLOWLOG print. */
  connect(output: ClientOutput, address: string, authenticated: boolean): EngineClient | undefined {
    const { core } = this;
    const ptr = core.exports.connNew(this.nextId, this.now(), authenticated ? 1 : 0) >>> 0;
    if (ptr === 0) return undefined;
    core.exports.connSetAddr(ptr, core.word(abi.ABI_SCRATCH), core.toScratch(address));
    const client = new EngineClient(this, this.nextId, ptr, output);
    this.nextId += 1;
    this.clients.set(client.id, client);
    this.byPtr.set(ptr, client);
    return client;
  }

  /** The shared input region. */
  input(): Uint8Array {
    return this.core.input;
  }

  feed(client: EngineClient, length: number): void {
    if (this.crashed) throw this.crashed;
    let status: number;
    try {
      status = this.core.exports.feed(client.ptr, length, this.clock());
    } catch (error) {
      throw this.crash(error);
    }
    this.proceed(client, status);
  }

  /** Lets clients go on that CLIENT PAUSE held back. */
  resumePaused(): void {
    const waiting = [...this.paused];
    this.paused.clear();
    for (const client of waiting) if (!client.closed) this.resume(client);
  }

  /** Runs what a client's query buffer holds, or goes on behind its host command. */
  resume(client: EngineClient): void {
    this.proceed(client, this.resumeCore(client));
  }

  /** One step of background work. True when the next one should not wait for the next tick. */
  cron(budgetUs: number): boolean {
    if (this.crashed) throw this.crashed;
    try {
      const more = this.core.exports.cron(this.clock(), budgetUs) !== 0;
      this.deliverPushed();
      return more;
    } catch (error) {
      throw this.crash(error);
    }
  }

  release(client: EngineClient): void {
    this.paused.delete(client);
    this.clients.delete(client.id);
    this.byPtr.delete(client.ptr);
    this.core.exports.connDelete(client.ptr);
  }

  private resumeCore(client: EngineClient): number {
    try {
      return this.core.exports.resume(client.ptr, this.clock());
    } catch (error) {
      throw this.crash(error);
    }
  }

  /** Acts on a batch's status until the batch is over. */
  private proceed(client: EngineClient, first: number): void {
    let status = first;
    for (;;) {
      switch (status) {
        case abi.STATUS_HOST_COMMAND:
          if (!this.runHostCommand(client)) return;
          status = this.resumeCore(client);
          continue;
        case abi.STATUS_FLUSH:
          this.flush(client);
          if (client.closed) return;
          status = this.resumeCore(client);
          continue;
        case abi.STATUS_CLOSE:
          this.flush(client);
          if (!client.closed) client.output.end();
          break;
        case abi.STATUS_ABORT:
          client.output.destroy();
          break;
        case abi.STATUS_PAUSED:
          this.paused.add(client);
          this.flush(client);
          break;
        default:
          this.flush(client);
      }
      break;
    }
    this.deliverPushed();
  }

  /** Hands the batch's replies to the client's output. */
  private flush(client: EngineClient): void {
    const { core } = this;
    if (core.word(abi.ABI_OUT_LEN) === 0) return;
    client.output.write(core.output());
    core.exports.outputTaken();
  }

  /** Hands output that other clients' commands wrote to its clients. */
  private deliverPushed(): void {
    const { core } = this;
    for (
      let ptr = core.exports.nextDirty() >>> 0;
      ptr !== 0;
      ptr = core.exports.nextDirty() >>> 0
    ) {
      const client = this.byPtr.get(ptr);
      const data = core.data;
      const length = data.getUint32(ptr + abi.CONN_PUSH_LEN, true);
      client?.output.write(core.view(data.getUint32(ptr + abi.CONN_PUSH_PTR, true), length));
      if (client && !client.closed) core.exports.connPushTaken(ptr);
    }
  }

  /** Runs the host command that stopped the batch. False when its reply will come later. */
  private runHostCommand(client: EngineClient): boolean {
    const { core } = this;
    const name = this.names[core.word(abi.ABI_CMD_ID)] as string;
    const reply = new ReplyWriter(client.resp);
    const handler = this.commands.get(name);
    if (!handler) {
      reply.error(`ERR the command '${name}' is not available here`);
      core.appendReply(reply.bytes());
      return true;
    }
    let pending: Promise<void> | undefined;
    try {
      pending = handler({ name, args: core.args(), client, nowMs: this.now(), reply }) ?? undefined;
    } catch (error) {
      this.replyFailure(name, reply, error);
    }
    if (client.closed) return false;
    if (!pending) {
      core.appendReply(reply.bytes());
      return true;
    }
    core.exports.suspend(client.ptr);
    this.flush(client);
    pending
      .catch((error: unknown) => this.replyFailure(name, reply, error))
      .then(() => {
        if (client.closed) return;
        if (reply.size > 0) client.output.write(reply.bytes());
        this.resume(client);
      });
    return false;
  }

  private replyFailure(name: string, reply: ReplyWriter, error: unknown): void {
    if (!(error instanceof CommandError)) this.hooks.onHandlerError?.(name, error);
    reply.reset();
    reply.error(error instanceof CommandError ? error.message : `ERR internal error in '${name}'`);
  }

  /** The core is not to be trusted any more: every later call fails with the same error. */
  private crash(error: unknown): CoreCrash {
    if (error instanceof CoreCrash) return error;
    if (!(error instanceof WebAssembly.RuntimeError)) throw error;
    const name = this.names[this.core.word(abi.ABI_CMD_ID)] ?? 'unknown';
    const place = this.core.assertPlace();
    this.crashed = new CoreCrash(name, place === 'no assertion' ? error.message : place, error);
    this.hooks.onCrash?.(this.crashed);
    return this.crashed;
  }
}
