// A RESP client with no opinions, for tests: it sends what it is told and hands out replies in the
// order they arrive, decoded and as raw bytes.
//
// Nothing is treated specially: errors are replies, not exceptions; a RESP3 push counts as one more
// reply; HELLO, QUIT, CLIENT REPLY and MONITOR do what the server makes of them. `call` assumes one
// reply per command; where that does not hold use `send` and `read`. A read that is waiting when
// the connection ends rejects with ConnectionEnded, which holds the bytes left over.

import net from 'node:net';
import { type Argument, encodeCommand } from './arguments.ts';
import { type RawReply, type Reply, RespDecoder } from './resp_decoder.ts';

export type Address = { port: number; host?: string } | { path: string };

export class ConnectionEnded extends Error {
  readonly rest: Buffer;

  constructor(rest: Buffer) {
    super(
      `the server closed the connection, left over: ${JSON.stringify(rest.toString('latin1'))}`,
    );
    this.rest = rest;
  }
}

const READ_TIMEOUT_MS = 20_000;

interface Waiter {
  resolve: (reply: RawReply) => void;
  reject: (error: Error) => void;
  timer: NodeJS.Timeout;
}

export class RespClient {
  private readonly socket: net.Socket;
  private readonly decoder = new RespDecoder();
  private readonly ready: RawReply[] = [];
  private readonly waiting: Waiter[] = [];
  private failure: Error | null = null;
  /** Resolves when the connection has ended, whoever ended it. */
  readonly ended: Promise<void>;

  private constructor(socket: net.Socket) {
    this.socket = socket;
    socket.setNoDelay(true);
    socket.on('data', (chunk: Buffer) => this.received(chunk));
    socket.on('error', () => {}); // 'close' follows
    this.ended = new Promise((resolve) => {
      socket.once('close', () => {
        this.fail(new ConnectionEnded(this.decoder.rest()));
        resolve();
      });
    });
  }

  static connect(address: Address): Promise<RespClient> {
    const target = 'path' in address ? address : { host: '127.0.0.1', ...address };
    return new Promise((resolve, reject) => {
      const socket = net.connect(target);
      socket.once('error', reject);
      socket.once('connect', () => {
        socket.off('error', reject);
        resolve(new RespClient(socket));
      });
    });
  }

  get isOpen(): boolean {
    return this.failure === null;
  }

  private received(chunk: Buffer): void {
    this.decoder.push(chunk);
    try {
      for (let next = this.decoder.next(); next; next = this.decoder.next()) {
        const waiter = this.waiting.shift();
        if (!waiter) {
          this.ready.push(next);
          continue;
        }
        clearTimeout(waiter.timer);
        waiter.resolve(next);
      }
    } catch (error) {
      this.fail(error instanceof Error ? error : new Error(String(error)));
      this.socket.destroy();
    }
  }

  private fail(error: Error): void {
    this.failure ??= error;
    for (const waiter of this.waiting.splice(0)) {
      clearTimeout(waiter.timer);
      waiter.reject(this.failure);
    }
  }

  /** Bytes as they are. */
  send(bytes: Uint8Array | string): void {
    this.socket.write(bytes);
  }

  /** Stops reading, so that output piles up on the other side. */
  pause(): void {
    this.socket.pause();
  }

  resume(): void {
    this.socket.resume();
  }

  /** The next reply, decoded and raw. */
  read(timeoutMs = READ_TIMEOUT_MS): Promise<RawReply> {
    const first = this.ready.shift();
    if (first) return Promise.resolve(first);
    if (this.failure) return Promise.reject(this.failure);
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        const at = this.waiting.findIndex((waiter) => waiter.timer === timer);
        this.waiting.splice(at, 1);
        const rest = JSON.stringify(this.decoder.rest().toString('latin1'));
        reject(new Error(`no reply within ${timeoutMs} ms, incomplete: ${rest}`));
      }, timeoutMs);
      this.waiting.push({ resolve, reject, timer });
    });
  }

  /** Replies that arrived and nobody asked for. */
  takeUnread(): RawReply[] {
    return this.ready.splice(0);
  }

  async callRaw(args: readonly Argument[]): Promise<RawReply> {
    this.send(encodeCommand(args));
    return this.read();
  }

  async call(...args: Argument[]): Promise<Reply> {
    return (await this.callRaw(args)).reply;
  }

  /** Sends all commands in one write, then reads one reply for each. */
  async pipelineRaw(commands: readonly (readonly Argument[])[]): Promise<RawReply[]> {
    this.send(Buffer.concat(commands.map(encodeCommand)));
    const replies: RawReply[] = [];
    for (let i = 0; i < commands.length; i++) replies.push(await this.read());
    return replies;
  }

  async pipeline(commands: readonly (readonly Argument[])[]): Promise<Reply[]> {
    return (await this.pipelineRaw(commands)).map(({ reply }) => reply);
  }

  /** Ends our side and waits for the other one. */
  async close(): Promise<void> {
    this.socket.end();
    const timer = setTimeout(() => this.socket.destroy(), 1000);
    await this.ended;
    clearTimeout(timer);
  }
}
