// The engine without sockets: the core, a clock, and the commands that the host runs.
//
// A client feeds bytes and gets bytes; where they come from and go to is the owner's business
// (sockets, an in-process API, a worker's messages). One client's batch runs at a time, and it runs
// to its end before `run` returns, except for a host command that answers with a promise: then the
// core keeps the client's later commands until the promise settles.
//
// In a transaction such a command holds everybody back, because nothing may run in the middle of one.
//
// What commands changed may have to be kept elsewhere (`Journal`), and then once per turn of the event loop
// for all commands of that turn:
//
//   reads of the turn ─> batches ─> replies, held back while there are changes (reply_gate.ts)
//   end of the turn   ─> journal ─> held replies ─> messages to other clients
//
// While a host command runs, nothing else may: it can close clients and ask for others to be resumed,
// which happens behind the batch, but `run` throws. An output may close its client while it is
// written to; what it throws goes up to the caller of `run`.
//
// When the core traps, its state cannot be trusted any more. The engine reports it once and throws
// the same CoreCrash from every later call; only `close` still works, since it has nothing to lose.

import * as abi from '../assembly/abi.ts';
import { commandNames } from './core/command_names.ts';
import type { Core } from './core/core.ts';
import { ReplyWriter } from './core/reply_writer.ts';
import { CommandError, type HostClient, HostCommands } from './host_command.ts';
import { type ClientOutput, type GateClient, type Journal, ReplyGate } from './reply_gate.ts';
import { Alarm } from './util/alarm.ts';
import { type Clock, systemClock } from './util/clock.ts';
import { reasonOf } from './util/reason_of.ts';
import { wallClock } from './util/wall_clock.ts';

export type { ClientOutput, Journal };

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

export class EngineClient implements HostClient, GateClient {
  readonly id: number;
  readonly ptr: number;
  readonly output: ClientOutput;
  /** Set once the block is freed; nothing may be done with the client afterwards. */
  closed = false;
  /** Replies that wait for the journal, and whether the connection ends behind them (reply_gate.ts). */
  gathered: Buffer[] = [];
  leaving: Buffer[] = [];
  endsBehindHeld = false;
  /** The journal's position behind the client's last command that changed something; 0 before. */
  changedUpTo = 0;
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

  /** Runs bytes from anywhere, in pieces that fit the input region. A closed client runs nothing. */
  execute(bytes: Uint8Array): void {
    if (bytes.length <= abi.INPUT_BYTES) {
      this.runCopy(bytes);
      return;
    }
    for (let at = 0; at < bytes.length; at += abi.INPUT_BYTES) {
      this.runCopy(bytes.subarray(at, at + abi.INPUT_BYTES));
    }
  }

  private runCopy(bytes: Uint8Array): void {
    if (this.closed) return;
    this.engine.input().set(bytes);
    this.run(bytes.length);
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
  /** A host command threw something that is not a CommandError, or its late reply could not be written. */
  onHandlerError?(name: string, error: unknown): void;
  /**
   * The core ends the client for one of the reasons CLOSE_*, without a command having asked for it.
   * `error` is the error reply that goes before it, empty when there is none.
   */
  onDisconnect?(client: EngineClient, reason: number, error: string): void;
  /** RESTORE refused a payload for the reason RDB_FAULT_*; `type` is the value's. */
  onBadPayload?(fault: number, type: number): void;
  /**
   * Calls `run` once the input that is there now has been read: what commands wrote to other clients
   * is delivered then, many messages in one write. Without it each batch delivers its own.
   */
  postpone?(run: () => void): void;
  /** A client was connected, or released: whoever closed it, and after its last command. */
  onConnect?(client: EngineClient): void;
  onRelease?(client: EngineClient): void;
  /** FLUSHALL ran (CFG_TELL_FLUSHALL); its reply is not written yet, and no command runs. */
  onFlushAll?(): void;
}

/** Input that may be run before its messages to others are delivered: it may bring many of each byte. */
const POSTPONED_INPUT_BYTES_MAX = 65536;

/** The error that ends a connection is shorter than this. */
const LAST_ERROR_BYTES = 128;

/** Bytes and calls through all clients; a CONFIG RESETSTAT sets them back. */
export interface Traffic {
  inputBytes: number;
  outputBytes: number;
  reads: number;
  writes: number;
}

export class Engine {
  readonly traffic: Traffic = { inputBytes: 0, outputBytes: 0, reads: 0, writes: 0 };
  readonly core: Core;
  readonly commands = new HostCommands();
  readonly clients = new Map<number, EngineClient>();
  private readonly byPtr = new Map<number, EngineClient>();
  private readonly names: readonly string[];
  private readonly hooks: EngineHooks;
  private readonly paused = new Set<EngineClient>();
  /** Clients to be resumed when the batch at hand is over. */
  private readonly waiting = new Set<EngineClient>();
  /** Rings when the first blocked client's time is up. */
  private readonly alarm: Alarm;
  /** Client whose transaction waits for a host command: nobody else's commands run. */
  private frozenBy: EngineClient | undefined;
  private nextId = 1;
  /** Messages wait for the end of the turn; the bytes of input run since they began to. */
  private deliveryDue = false;
  private inputSinceDue = 0;
  /** `postpone` is going to call. */
  private turnEndDue = false;
  /** Keeps what commands change; undefined while nobody does. */
  private journal: Journal | undefined;
  private lastPosition = 0;
  private readonly gate: ReplyGate;
  private handlerRuns = false;
  private handlerClient: EngineClient | undefined;
  private crashed: CoreCrash | undefined;
  /** What rings, and when. */
  readonly time: Clock;
  /** Unix milliseconds; replaceable for tests. */
  now: () => number;
  /** The same with a fraction, as the core is told the time. */
  private readonly clock: () => number;

  constructor(core: Core, hooks: EngineHooks = {}, time: Clock = systemClock) {
    this.core = core;
    this.hooks = hooks;
    this.gate = new ReplyGate({
      hasTurns: hooks.postpone !== undefined,
      endTurnSoon: () => this.endTurnSoon(),
    });
    this.names = commandNames(core);
    this.time = time;
    this.now = time.now;
    const now = () => this.now();
    this.clock = time.isManual ? now : wallClock(now, () => performance.now());
    this.alarm = new Alarm(now, () => this.ring(), time);
  }

  /** A client, or undefined when memory is exhausted. `address` is what MONITOR and SLOWLOG print. */
  connect(output: ClientOutput, address: string, authenticated: boolean): EngineClient | undefined {
    const { core } = this;
    const ptr = this.call(() => {
      const block = core.exports.connNew(this.nextId, this.now(), authenticated ? 1 : 0) >>> 0;
      if (block === 0) return 0;
      const length = core.toScratch(address);
      if (core.exports.connSetAddr(block, core.word(abi.ABI_SCRATCH), length) !== 0) return block;
      core.exports.connDelete(block);
      return 0;
    });
    if (ptr === 0) return undefined;
    const client = new EngineClient(this, this.nextId, ptr, output);
    this.nextId += 1;
    this.clients.set(client.id, client);
    this.byPtr.set(ptr, client);
    this.hooks.onConnect?.(client);
    return client;
  }

  /** Full name of the command with an id. */
  commandName(id: number): string {
    return this.names[id] ?? '<unknown>';
  }

  /** The shared input region. */
  input(): Uint8Array {
    return this.core.input;
  }

  feed(client: EngineClient, length: number): void {
    if (this.crashed) throw this.crashed;
    if (this.handlerRuns) throw new Error('a host command cannot run other commands');
    if (client.closed) return;
    this.traffic.inputBytes += length;
    this.traffic.reads += 1;
    if (this.deliveryDue) this.deliverBefore(client, length);
    let status: number;
    try {
      status = this.core.exports.feed(client.ptr, length, this.clock());
    } catch (error) {
      throw this.crash(error);
    }
    this.proceed(client, status);
  }

  /** From now on `journal` keeps what commands change, or nobody does. */
  setJournal(journal: Journal | undefined): void {
    this.gate.setJournal(journal);
    this.journal = journal;
    this.lastPosition = journal?.position ?? 0;
  }

  /** Notes whose changes the latest ones are: the client's whose commands ran, or nobody's. */
  private attributeChanges(journal: Journal, client: EngineClient | undefined): void {
    const { position } = journal;
    if (position === this.lastPosition) return;
    this.lastPosition = position;
    if (client !== undefined) client.changedUpTo = position;
  }

  /** Whether the host command that runs now is one of a transaction. */
  get isInTransaction(): boolean {
    return ((this.handlerClient?.flags ?? 0) & abi.CLIENT_MULTI) !== 0;
  }

  /** Clients with commands that CLIENT PAUSE holds back. */
  get pausedClients(): number {
    return this.paused.size;
  }

  /** Lets clients go on that CLIENT PAUSE held back. */
  resumePaused(): void {
    this.call(() => this.core.exports.serveHeld(this.clock()));
    this.settle();
    const held = [...this.paused];
    this.paused.clear();
    for (const client of held) client.flags &= ~abi.CLIENT_PAUSED;
    for (const client of held) this.resume(client);
  }

  /** Runs what a client's query buffer holds: at once, or behind the batch that is under way. */
  resume(client: EngineClient): void {
    if (this.crashed) throw this.crashed;
    if (client.closed) return;
    if (this.handlerRuns) this.waiting.add(client);
    else this.proceed(client, this.resumeCore(client));
  }

  /** One step of background work. True when the next one should not wait for the next tick. */
  cron(budgetUs: number): boolean {
    if (this.frozenBy) return false;
    // Timers are late in pages that nobody looks at.
    this.alarm.ringIfLate();
    const nowMs = this.clock() + this.time.slackMs;
    const more = this.call(() => this.core.exports.cron(nowMs, budgetUs) !== 0, 'cron');
    this.settle();
    return more;
  }

  release(client: EngineClient): void {
    this.paused.delete(client);
    this.waiting.delete(client);
    this.clients.delete(client.id);
    this.byPtr.delete(client.ptr);
    if (this.frozenBy === client) queueMicrotask(() => this.thaw());
    this.hooks.onRelease?.(client);
    if (this.crashed) return;
    this.call(() => this.core.exports.connDelete(client.ptr));
    if ((this.core.word(abi.ABI_SEQUEL) & abi.SEQUEL_DEADLINE) !== 0) this.setAlarm();
  }

  /** The core has trapped: nothing that it holds can be trusted. */
  get hasCrashed(): boolean {
    return this.crashed !== undefined;
  }

  /**
   * Calls into the core: what is thrown in `run` is reported as its crash. `task` names what runs there,
   * when it is not the command of the ABI block.
   */
  call<T>(run: () => T, task?: string): T {
    if (this.crashed) throw this.crashed;
    try {
      return run();
    } catch (error) {
      throw this.crash(error, task);
    }
  }

  private resumeCore(client: EngineClient): number {
    if (this.deliveryDue) this.deliverBefore(client, 0);
    try {
      return this.core.exports.resume(client.ptr, this.clock());
    } catch (error) {
      throw this.crash(error);
    }
  }

  /** Acts on a batch's status until the batch is over, then on what it left to do. */
  private proceed(client: EngineClient, first: number): void {
    this.finishBatch(client, first);
    this.settle();
    for (const next of this.waiting) {
      this.waiting.delete(next);
      this.resume(next);
    }
  }

  /** What a batch, or background work, left to do for other clients. */
  private settle(): void {
    if (this.journal !== undefined) {
      this.attributeChanges(this.journal, undefined);
      if (this.journal.hasChanges) this.gate.keepSoon();
    }
    const sequel = this.core.word(abi.ABI_SEQUEL);
    if (sequel === 0) return;
    if ((sequel & abi.SEQUEL_PUSHED) !== 0) this.deliverSoon();
    if ((sequel & (abi.SEQUEL_UNBLOCKED | abi.SEQUEL_DEADLINE)) !== 0) this.settleBlocked();
  }

  private tellBadPayload(): void {
    const { core, hooks } = this;
    const word = core.word(abi.ABI_PAYLOAD_FAULT);
    this.call(() => core.exports.payloadFaultTaken());
    hooks.onBadPayload?.(word & 0xffff, word >>> 16);
  }

  /** Lets clients go on that waited in a blocking command, and sets the clock for those that wait. */
  private settleBlocked(): void {
    const { core } = this;
    while ((core.word(abi.ABI_SEQUEL) & abi.SEQUEL_UNBLOCKED) !== 0) {
      const client = this.byPtr.get(this.call(() => core.exports.nextUnblocked()) >>> 0);
      if (client) this.finishBatch(client, this.resumeCore(client));
      if ((core.word(abi.ABI_SEQUEL) & abi.SEQUEL_PUSHED) !== 0) this.deliverSoon();
    }
    if ((core.word(abi.ABI_SEQUEL) & abi.SEQUEL_DEADLINE) !== 0) this.setAlarm();
  }

  /** Sets the clock for the first deadline of a blocked client. */
  private setAlarm(): void {
    this.alarm.set(this.call(() => this.core.exports.nextDeadline()));
  }

  /** The first deadline of a blocked client has passed, or is about to. */
  private ring(): void {
    if (this.frozenBy) return;
    const { exports } = this.core;
    try {
      this.call(() => exports.serveDeadlines(this.clock() + this.time.slackMs));
      this.setAlarm();
      this.settle();
    } catch (error) {
      // A crash has been reported, and nobody called.
      if (!(error instanceof CoreCrash)) throw error;
    }
  }

  private finishBatch(client: EngineClient, first: number): void {
    let status = first;
    for (;;) {
      if (this.journal !== undefined) this.attributeChanges(this.journal, client);
      switch (status) {
        case abi.STATUS_HOST_COMMAND:
          if (!this.runHostCommand(client)) return;
          status = this.resumeCore(client);
          continue;
        case abi.STATUS_FLUSHED_ALL:
          this.flushBehindHook(client);
          if (client.closed) return;
          status = this.resumeCore(client);
          continue;
        case abi.STATUS_FLUSH:
          this.flush(client);
          if (client.closed) return;
          status = this.resumeCore(client);
          continue;
        case abi.STATUS_CLOSE:
          this.tellDisconnect(client);
          this.flush(client);
          this.gate.end(client);
          return;
        case abi.STATUS_ABORT:
          this.tellDisconnect(client);
          if (!client.closed) client.output.destroy();
          return;
        case abi.STATUS_PAUSED:
          this.paused.add(client);
          client.flags |= abi.CLIENT_PAUSED;
          this.flush(client);
          return;
        default:
          this.flush(client);
          return;
      }
    }
  }

  private tellDisconnect(client: EngineClient): void {
    const { core, hooks } = this;
    const reason = core.word(abi.ABI_CLOSE_REASON);
    if (reason === abi.CLOSE_ASKED || !hooks.onDisconnect) return;
    const lines = Buffer.from(core.output().subarray(-LAST_ERROR_BYTES)).toString('latin1');
    hooks.onDisconnect(client, reason, /-(.*)\r\n$/.exec(lines)?.[1] ?? '');
  }

  /** Hands the batch's replies to the client's output. */
  private flush(client: EngineClient): void {
    const { core } = this;
    // Who reads the reply may look for it in the log.
    if ((core.word(abi.ABI_SEQUEL) & abi.SEQUEL_PAYLOAD) !== 0) this.tellBadPayload();
    if (core.word(abi.ABI_OUT_LEN) === 0) return;
    this.send(client, core.output());
    try {
      core.exports.outputTaken();
    } catch (error) {
      throw this.crash(error);
    }
  }

  /** As `flush`, when the hook has run: it may take its time and run others' commands. */
  private flushBehindHook(client: EngineClient): void {
    const replies = Buffer.from(this.core.output());
    this.call(() => this.core.exports.outputTaken());
    this.hooks.onFlushAll?.();
    if (client.closed || replies.length === 0) return;
    this.send(client, replies);
  }

  /** Writes to a client's output, unless that has to wait for the journal. */
  private send(client: EngineClient, bytes: Uint8Array): void {
    this.traffic.outputBytes += bytes.length;
    this.traffic.writes += 1;
    this.gate.send(client, bytes);
  }

  /** Ends the turn once the input that is there now has been read. */
  private endTurnSoon(): void {
    const { postpone } = this.hooks;
    if (postpone === undefined) this.endTurn();
    else if (!this.turnEndDue) {
      this.turnEndDue = true;
      postpone(() => {
        if (this.crashed) return;
        try {
          this.endTurn();
        } catch (error) {
          // A crash has been reported, and nobody called.
          if (!(error instanceof CoreCrash)) throw error;
        }
      });
    }
  }

  private endTurn(): void {
    this.turnEndDue = false;
    if (!this.gate.endTurn()) return;
    if (this.deliveryDue) this.deliverPushed();
  }

  /** Delivers what was written to other clients: now, or when the input that is there has been read. */
  private deliverSoon(): void {
    if (this.hooks.postpone === undefined) this.deliverPushed();
    else if (!this.deliveryDue) {
      this.deliveryDue = true;
      this.inputSinceDue = 0;
      this.endTurnSoon();
    }
  }

  /** What a client is owed goes before the replies of the batch it is going to run. */
  private deliverBefore(client: EngineClient, length: number): void {
    this.inputSinceDue += length;
    const owed = this.core.data.getUint32(client.ptr + abi.CONN_PUSH_LEN, true);
    if (owed !== 0 || this.inputSinceDue > POSTPONED_INPUT_BYTES_MAX) this.deliverPushed();
  }

  /** Hands output that other clients' commands wrote to its clients. */
  private deliverPushed(): void {
    const { core } = this;
    this.deliveryDue = false;
    for (let ptr = this.nextDirty(); ptr !== 0; ptr = this.nextDirty()) {
      const client = this.byPtr.get(ptr);
      if (!client) continue;
      const data = core.data;
      const length = data.getUint32(ptr + abi.CONN_PUSH_LEN, true);
      // The connection's own batch has taken it along.
      if (length === 0) continue;
      this.send(client, core.view(data.getUint32(ptr + abi.CONN_PUSH_PTR, true), length));
      if (!client.closed) this.call(() => core.exports.connPushTaken(ptr));
    }
  }

  private nextDirty(): number {
    try {
      return this.core.exports.nextDirty() >>> 0;
    } catch (error) {
      throw this.crash(error);
    }
  }

  /** Runs the host command that stopped the batch. False when the batch is not to go on now. */
  private runHostCommand(client: EngineClient): boolean {
    const { core } = this;
    const name = this.names[core.word(abi.ABI_CMD_ID)] as string;
    const reply = new ReplyWriter(client.resp);
    const pending = this.runHandler(client, name, reply);
    if (!pending) {
      if (client.closed) return false;
      this.call(() => core.appendReply(reply.bytes()));
      return true;
    }
    if (!client.closed) {
      if ((client.flags & abi.CLIENT_MULTI) !== 0) this.frozenBy = client;
      this.call(() => core.exports.suspend(client.ptr));
      this.flush(client);
    }
    pending
      .catch((error: unknown) => this.replyFailure(name, reply, error))
      .then(() => this.answer(client, reply))
      .catch((error: unknown) => {
        // A crash has been reported; of other errors nobody else would hear.
        if (!(error instanceof CoreCrash)) this.hooks.onHandlerError?.(name, error);
      });
    return false;
  }

  /** Calls the handler; what it throws becomes the reply. */
  private runHandler(
    client: EngineClient,
    name: string,
    reply: ReplyWriter,
  ): Promise<void> | undefined {
    const handler = this.commands.get(name);
    if (!handler) {
      reply.error(`ERR the command '${name}' is not available here`);
      return undefined;
    }
    const args = this.core.args();
    this.handlerRuns = true;
    this.handlerClient = client;
    try {
      return handler({ name, args, client, nowMs: this.now(), reply }) ?? undefined;
    } catch (error) {
      this.replyFailure(name, reply, error);
      return undefined;
    } finally {
      this.handlerRuns = false;
      this.handlerClient = undefined;
    }
  }

  /** Sends the reply of a command that took its time, and goes on with what came behind it. */
  private answer(client: EngineClient, reply: ReplyWriter): void {
    if (client.closed || this.crashed) return;
    const { core } = this;
    this.call(() => {
      core.exports.answer(client.ptr, this.now());
      core.appendReply(reply.bytes());
    });
    if (this.frozenBy !== client) {
      this.proceed(client, this.resumeCore(client));
      return;
    }
    this.frozenBy = undefined;
    this.proceed(client, this.resumeCore(client));
    if (!this.frozenBy) this.thaw();
  }

  /** The transaction that held everybody back is over. */
  private thaw(): void {
    this.frozenBy = undefined;
    if (this.crashed) return;
    this.setAlarm();
    this.resumePaused();
  }

  private replyFailure(name: string, reply: ReplyWriter, error: unknown): void {
    // Handlers call into the core, too.
    if (error instanceof CoreCrash || error instanceof WebAssembly.RuntimeError) {
      throw this.crash(error);
    }
    if (!(error instanceof CommandError)) this.hooks.onHandlerError?.(name, error);
    reply.reset();
    reply.error(error instanceof CommandError ? error.message : `ERR internal error in '${name}'`);
  }

  /** Whatever a call into the core threw, the core is not to be trusted any more. */
  private crash(error: unknown, task?: string): CoreCrash {
    if (this.crashed) return this.crashed;
    const command = task ?? this.names[this.core.word(abi.ABI_CMD_ID)] ?? 'no command';
    const place = this.core.assertPlace();
    const message = reasonOf(error);
    this.crashed = new CoreCrash(command, place === 'no assertion' ? message : place, error);
    this.hooks.onCrash?.(this.crashed);
    return this.crashed;
  }
}
