// A core in this process whose stream of changes is read: several connections, time that passes only when
// a test says so, and commands that wait. Host commands are answered with an error.

import {
  ABI_INPUT,
  ABI_SEQUEL,
  CONN_PUSH_LEN,
  CONN_PUSH_PTR,
  INPUT_BYTES,
  SEQUEL_PUSHED,
  SEQUEL_UNBLOCKED,
  STATUS_ABORT,
  STATUS_CLOSE,
  STATUS_FLUSH,
  STATUS_HOST_COMMAND,
} from '../../assembly/abi.ts';
import { Core, type CoreOptions } from '../../src/core/core.ts';
import { loadCoreModule } from '../../src/core/load.node.ts';
import { Propagation } from '../../src/core/propagation.ts';
import { type Argument, encodeCommand } from './arguments.ts';
import { showReply } from './reply_notation.ts';
import { decodeAll } from './resp_decoder.ts';

export const START_MS = 1_700_000_000_000;
const DIGEST_BYTES = 20;
const SEED = new Uint8Array(16).fill(7);

export class ChangeRig {
  readonly core: Core;
  readonly stream: Propagation;
  nowMs = START_MS;
  private readonly output = new Map<number, Buffer[]>();
  private lastId = 0;

  /** `module`: another one than the product's, with exports for tests. A core may be given in place of it. */
  constructor(options: CoreOptions | Core = {}, module: WebAssembly.Module = loadCoreModule()) {
    this.core = options instanceof Core ? options : new Core(module, { seed: SEED, ...options });
    this.stream = new Propagation(this.core);
  }

  connect(): RigConnection {
    this.lastId += 1;
    return new RigConnection(this, this.core.exports.connNew(this.lastId, this.nowMs, 1));
  }

  /** What the stream has gained since it was taken last. */
  take(): Buffer {
    const bytes = Buffer.from(this.stream.view());
    this.stream.taken(bytes.length);
    return bytes;
  }

  /** The same as lines: "SET a 1". */
  takeLines(): string[] {
    return parseCommands(this.take()).map(showCommand);
  }

  /** Background work until nothing is left to be done. */
  cron(): void {
    while (this.core.exports.cron(this.nowMs, 1e6));
    this.deliver();
  }

  /** Answers the clients whose time is up, and lets those go on that wait no longer. */
  wake(): void {
    this.core.exports.serveDeadlines(this.nowMs);
    this.deliver();
  }

  digest(): string {
    const out = this.core.exports.hostAlloc(DIGEST_BYTES) >>> 0;
    this.core.exports.datasetDigest(out);
    const digest = this.core.copy(out, DIGEST_BYTES).toString('hex');
    this.core.exports.hostFree(out);
    return digest;
  }

  /** Output of a connection since it was asked last. */
  takeOutput(ptr: number): Buffer {
    const bytes = Buffer.concat(this.output.get(ptr) ?? []);
    this.output.delete(ptr);
    return bytes;
  }

  /** Runs bytes and all that follows from them. False when the core wants the connection closed. */
  feed(ptr: number, bytes: Uint8Array): boolean {
    let open = true;
    for (let at = 0; at < bytes.length && open; at += INPUT_BYTES) {
      const piece = bytes.subarray(at, at + INPUT_BYTES);
      this.core.bytes.set(piece, this.core.word(ABI_INPUT));
      open = this.settle(ptr, this.core.exports.feed(ptr, piece.length, this.nowMs));
    }
    this.deliver();
    return open;
  }

  private settle(ptr: number, first: number): boolean {
    let status = first;
    for (;;) {
      if (status === STATUS_HOST_COMMAND)
        this.core.appendReply(Buffer.from('-ERR host command\r\n'));
      else this.keep(ptr, this.core.output());
      if (status === STATUS_HOST_COMMAND || status === STATUS_FLUSH) {
        if (status === STATUS_FLUSH) this.core.exports.outputTaken();
        status = this.core.exports.resume(ptr, this.nowMs);
        continue;
      }
      this.core.exports.outputTaken();
      return status !== STATUS_CLOSE && status !== STATUS_ABORT;
    }
  }

  private keep(ptr: number, bytes: Uint8Array): void {
    if (bytes.length === 0) return;
    const kept = this.output.get(ptr) ?? [];
    kept.push(Buffer.from(bytes));
    this.output.set(ptr, kept);
  }

  /** What connections were sent by others' commands, and the rest of what they had sent themselves. */
  private deliver(): void {
    while (this.core.word(ABI_SEQUEL) & (SEQUEL_PUSHED | SEQUEL_UNBLOCKED)) {
      for (
        let ptr = this.core.exports.nextDirty();
        ptr !== 0;
        ptr = this.core.exports.nextDirty()
      ) {
        const at = ptr >>> 0;
        const { data } = this.core;
        const bytes = data.getUint32(at + CONN_PUSH_LEN, true);
        this.keep(at, this.core.view(data.getUint32(at + CONN_PUSH_PTR, true), bytes));
        this.core.exports.connPushTaken(ptr);
      }
      const ptr = this.core.exports.nextUnblocked() >>> 0;
      if (ptr === 0) return;
      this.settle(ptr, this.core.exports.resume(ptr, this.nowMs));
    }
  }
}

export class RigConnection {
  private readonly rig: ChangeRig;
  private ptr: number;

  constructor(rig: ChangeRig, ptr: number) {
    this.rig = rig;
    this.ptr = ptr >>> 0;
  }

  /** Runs one command. Replies as text: one, none while it waits. */
  call(...args: Argument[]): string {
    return this.send(encodeCommand(args));
  }

  /** A command in one text, its words parted by blanks. */
  run(command: string): string {
    return this.call(...command.split(' '));
  }

  send(bytes: Uint8Array): string {
    if (!this.rig.feed(this.ptr, bytes)) this.reconnect();
    return this.unread();
  }

  /** What came since. */
  unread(): string {
    return decodeAll(this.rig.takeOutput(this.ptr))
      .map((reply) => showReply(reply))
      .join(' ');
  }

  reconnect(): void {
    this.rig.takeOutput(this.ptr);
    this.rig.core.exports.connDelete(this.ptr);
    this.ptr = this.rig.connect().ptr;
  }
}

/** The commands in a stream, which has to be RESP as Redis writes it to the last byte. */
export function parseCommands(bytes: Buffer): Buffer[][] {
  const commands: Buffer[][] = [];
  let at = 0;
  const head = (kind: string): number => {
    const end = bytes.indexOf('\r\n', at);
    const text = bytes.toString('latin1', at, end);
    if (end < 0 || !/^[*$](0|[1-9]\d*)$/.test(text) || text[0] !== kind) {
      throw new Error(
        `no ${kind} at ${at}: ${JSON.stringify(bytes.toString('latin1', at, at + 40))}`,
      );
    }
    at = end + 2;
    return Number(text.slice(1));
  };
  while (at < bytes.length) {
    const command: Buffer[] = [];
    for (let left = head('*'); left > 0; left--) {
      const length = head('$');
      command.push(bytes.subarray(at, at + length));
      at += length + 2;
      if (bytes.toString('latin1', at - 2, at) !== '\r\n') throw new Error(`no line end at ${at}`);
    }
    commands.push(command);
  }
  return commands;
}

export function showCommand(command: readonly Buffer[]): string {
  return command.map((word) => word.toString('latin1')).join(' ');
}
