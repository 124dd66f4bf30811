// Stands between a connection and its client in the server: hands on what passes, command by command, and
// has go wrong what faults say.
//
//   transport | link ──onData──> reader ─> commands ─> [plan] ──onData──> Client ─> engine
//              <──write── lane <── replies <── [plan] <──────────write──┘
//
// - While nothing is watched and no fault is set, bytes pass as they come. Whoever joins in between waits
//   until the engine has no half of a command left.
// - Otherwise one command runs at a time: the next one when the engine is done with it, which it is not
//   while the client is blocked or paused. Replies are known by that, not by their form, so pushes, raw
//   streams and every version of RESP pass.
// - What is written while a reply is sent in pieces goes behind it.
// - The engine is never called while it calls here.

import * as abi from '../../assembly/abi.ts';
import { Client } from '../net/client.ts';
import type { Connection, Session } from '../net/connection.ts';
import { concatBytes, copyBytes } from '../util/bytes.ts';
import { nextTurn } from '../util/next_turn.ts';
import type { FaultPlan, Faults } from './faults.ts';
import { type Request, RequestReader } from './request_reader.ts';
import { CommandNote, type SendingClient, type SentCommand } from './sent_command.ts';

export interface TapOptions {
  readonly faults: Faults;
  /** Whether commands are to be told to `onCommand`. */
  isWatched(): boolean;
  onCommand(note: CommandNote): void;
  /** Unix milliseconds. */
  now(): number;
  /** The engine's input region. */
  input(): Uint8Array;
  /** Input has arrived: so many bytes in the input region, which stay there. */
  beforeInput(length: number): void;
  /** The connection is gone. */
  onClose(): void;
  /** Makes the client. */
  accept(connection: Connection): Session;
}

/** A reply that is kept back until it is whole. */
interface Capture {
  readonly pieces: Uint8Array[];
  readonly resolve: () => void;
}

export class TappedConnection implements Connection, Session {
  private readonly outer: Connection;
  private readonly options: TapOptions;
  private readonly session: Session;
  private readonly client: Client | undefined;
  private readonly reader = new RequestReader();
  private readonly requests: Request[] = [];
  private readonly lane: OutputLane;
  private capture: Capture | undefined;
  /** A command with a plan is under way. */
  private isPerforming = false;
  /** The engine has ended the connection while the reply of that command is kept back. */
  private endsBehindReply = false;
  private isPumping = false;
  private isClosed = false;
  /** Bytes passed unread, so the engine may have the first half of a command. */
  private isUnaligned = false;
  private pumpDue = false;
  private lastSender: SendingClient | undefined;

  constructor(outer: Connection, options: TapOptions) {
    this.outer = outer;
    this.options = options;
    this.lane = new OutputLane(outer);
    this.session = options.accept(this);
    this.client = this.session instanceof Client ? this.session : undefined;
  }

  /** Drops the connection as a failing network does. */
  drop(): void {
    this.isClosed = true;
    this.lane.stop();
    this.outer.destroy();
  }

  /** Whoever is connected; undefined for a connection that was refused, or is gone. */
  get sender(): SendingClient | undefined {
    const { client } = this;
    if (client === undefined || client.isClosed) return undefined;
    const name = Buffer.from(client.block.name).toString();
    if (this.lastSender?.name !== name) {
      this.lastSender = { id: client.id, name, address: client.address };
    }
    return this.lastSender;
  }

  // --- Session, as the transport sees it ---

  onData(length: number): void {
    if (this.isClosed) return;
    this.options.beforeInput(length);
    if (this.mayPass()) {
      this.session.onData(length);
      return;
    }
    this.requests.push(...this.reader.push(this.options.input().slice(0, length)));
    this.pump();
  }

  onDrain(): void {
    this.session.onDrain();
  }

  onClose(hadError: boolean): void {
    this.isClosed = true;
    this.lane.stop();
    this.requests.length = 0;
    this.capture?.resolve();
    this.options.onClose();
    this.session.onClose(hadError);
  }

  // --- Connection, as the client sees it ---

  get remoteAddress(): string {
    return this.outer.remoteAddress;
  }

  get remotePort(): number {
    return this.outer.remotePort;
  }

  get localAddress(): string {
    return this.outer.localAddress;
  }

  get localPort(): number {
    return this.outer.localPort;
  }

  get isUnixSocket(): boolean {
    return this.outer.isUnixSocket;
  }

  get isLoopback(): boolean {
    return this.outer.isLoopback;
  }

  get isInternal(): boolean {
    return this.outer.isInternal === true;
  }

  get resp(): 2 | 3 {
    return this.outer.resp ?? 2;
  }

  get fd(): number {
    return this.outer.fd;
  }

  get queuedBytes(): number {
    return this.outer.queuedBytes;
  }

  get queueMemoryBytes(): number {
    return this.outer.queueMemoryBytes;
  }

  get queuedBlocks(): number {
    return this.outer.queuedBlocks;
  }

  get isPaused(): boolean {
    return this.outer.isPaused;
  }

  get errorName(): string {
    return this.outer.errorName;
  }

  write(bytes: Uint8Array): void {
    // Of a client that waits only others' messages come.
    const isReply = !this.isEngineBusy();
    if (isReply && this.capture !== undefined) this.capture.pieces.push(copyBytes(bytes));
    else this.lane.write(bytes);
    if (isReply) this.pumpSoon();
  }

  end(): void {
    if (this.capture === undefined) this.lane.end();
    else this.endsBehindReply = true;
  }

  destroy(): void {
    this.isClosed = true;
    this.lane.stop();
    this.outer.destroy();
  }

  pause(): void {
    this.outer.pause();
  }

  resume(): void {
    this.outer.resume();
  }

  ref(): void {
    this.outer.ref();
  }

  unref(): void {
    this.outer.unref();
  }

  // --- Commands ---

  /** Whether input goes to the engine unread. */
  private mayPass(): boolean {
    const { client, options } = this;
    if (client === undefined) return true;
    const isIdle = this.requests.length === 0 && !this.isPerforming && !this.reader.hasPartial;
    if (isIdle && !options.isWatched() && !options.faults.isActive) {
      this.isUnaligned = true;
      return true;
    }
    if (this.isUnaligned && (client.isClosed || client.block.queryBytes > 0)) return true;
    this.isUnaligned = false;
    return false;
  }

  /** Whether the engine is in the middle of the client's command. */
  private isEngineBusy(): boolean {
    const { client } = this;
    if (client === undefined || client.isClosed) return false;
    if (client.block.has(abi.CLIENT_BLOCKED | abi.CLIENT_PAUSED)) return true;
    const { gathered, leaving } = client.engine;
    return gathered.length > 0 || leaving.length > 0;
  }

  private pumpSoon(): void {
    if (this.pumpDue || (this.requests.length === 0 && this.capture === undefined)) return;
    this.pumpDue = true;
    // The engine is in the middle of a call.
    queueMicrotask(() => {
      this.pumpDue = false;
      if (!this.isEngineBusy()) this.capture?.resolve();
      this.pump();
    });
  }

  /** Runs commands until one has to be waited for. */
  private pump(): void {
    if (this.isPumping) return;
    this.isPumping = true;
    try {
      while (!this.isPerforming && !this.isClosed && !this.isEngineBusy()) {
        const request = this.requests.shift();
        if (request === undefined) return;
        this.begin(request);
      }
    } finally {
      this.isPumping = false;
    }
  }

  private begin(request: Request): void {
    const { faults } = this.options;
    const sender = this.sender;
    if (request.args.length === 0 || sender === undefined) {
      this.run(request.bytes);
      return;
    }
    const { block } = this.client as Client;
    const note = new CommandNote(request, {
      database: block.db,
      client: sender,
      isQueued: block.has(abi.CLIENT_MULTI),
      atMs: this.options.now(),
    });
    if (this.options.isWatched()) this.options.onCommand(note);
    const plan = faults.isActive ? faults.planFor(note.command) : undefined;
    if (plan === undefined) {
      this.run(request.bytes);
      return;
    }
    this.isPerforming = true;
    this.perform(request, note.command, plan)
      // What the engine throws here has been reported, and nobody called.
      .catch(() => this.drop())
      .finally(() => {
        this.isPerforming = false;
        if (this.endsBehindReply && !this.isClosed) this.lane.end();
        this.pump();
      });
  }

  private async perform(request: Request, command: SentCommand, plan: FaultPlan): Promise<void> {
    const { faults } = this.options;
    for (const wait of plan.before) await faults.wait(wait);
    if (this.isClosed) return;
    if (plan.drop === 'before') {
      this.drop();
      return;
    }
    const reply =
      plan.error === undefined
        ? await this.runCaptured(request)
        : await this.refuse(command, plan.error);
    for (const wait of plan.after) await faults.wait(wait);
    if (this.isClosed) return;
    if (plan.drop !== undefined) {
      if (plan.drop === 'during') this.outer.write(reply.subarray(0, plan.cutBytes));
      this.isClosed = true;
      this.lane.stop();
      this.outer.end();
      return;
    }
    await this.lane.send(reply, plan.sliceBytes, () =>
      plan.sliceWait.ms === 0 ? nextTurn() : faults.wait(plan.sliceWait),
    );
  }

  /** What an error in place of a command leaves behind in a transaction. */
  private async refuse({ name, isQueued }: SentCommand, error: string): Promise<Uint8Array> {
    const { block } = this.client as Client;
    const isSilent = block.has(abi.CLIENT_REPLY_OFF | abi.CLIENT_REPLY_SKIP);
    if (isQueued && name === 'EXEC') await this.runCaptured({ bytes: DISCARD, args: [] });
    else if (isQueued) block.setFlag(abi.CLIENT_DIRTY_EXEC, true);
    // This was the reply that was to be skipped.
    block.setFlag(abi.CLIENT_REPLY_SKIP, false);
    return isSilent ? NOTHING : Buffer.from(`-${error}\r\n`);
  }

  /** Runs a command; what it replies, once it is all there. */
  private async runCaptured({ bytes }: Request): Promise<Uint8Array> {
    const pieces: Uint8Array[] = [];
    const whole = new Promise<void>((resolve) => {
      this.capture = { pieces, resolve };
    });
    this.run(bytes);
    if (this.isEngineBusy() && !this.isClosed) await whole;
    this.capture = undefined;
    return concatBytes(pieces);
  }

  private run(bytes: Uint8Array): void {
    for (let at = 0; at < bytes.length && !this.isClosed; at += abi.INPUT_BYTES) {
      const piece = bytes.subarray(at, at + abi.INPUT_BYTES);
      this.options.input().set(piece);
      this.session.onData(piece.length);
    }
  }
}

const DISCARD = Buffer.from('*1\r\n$7\r\nDISCARD\r\n');
const NOTHING = new Uint8Array(0);

/** Output in its order, also when some of it takes its time. */
class OutputLane {
  private readonly outer: Connection;
  /** What is behind the reply that is being sent in pieces; undefined when none is. */
  private behind: Uint8Array[] | undefined;
  private endsBehind = false;
  private isStopped = false;

  constructor(outer: Connection) {
    this.outer = outer;
  }

  /** Sends `bytes`, valid only during this call. */
  write(bytes: Uint8Array): void {
    if (this.isStopped) return;
    if (this.behind === undefined) this.outer.write(bytes);
    else this.behind.push(copyBytes(bytes));
  }

  /** Ends the connection behind all output. */
  end(): void {
    if (this.behind === undefined) this.outer.end();
    else this.endsBehind = true;
  }

  /** Nothing is sent any more. */
  stop(): void {
    this.isStopped = true;
    this.behind = undefined;
  }

  /** Sends a reply in pieces of this size; 0: in one. `pause` is between two of them. */
  async send(reply: Uint8Array, sliceBytes: number, pause: () => Promise<void>): Promise<void> {
    if (sliceBytes === 0 || reply.length <= sliceBytes) {
      this.write(reply);
      return;
    }
    this.behind = [];
    for (let at = 0; at < reply.length && !this.isStopped; at += sliceBytes) {
      if (at > 0) await pause();
      if (!this.isStopped) this.outer.write(reply.subarray(at, at + sliceBytes));
    }
    const { behind } = this;
    this.behind = undefined;
    if (behind === undefined) return;
    for (const bytes of behind) this.write(bytes);
    if (this.endsBehind) this.outer.end();
  }
}
