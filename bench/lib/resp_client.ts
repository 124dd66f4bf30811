// A small RESP2 client for what the benchmark does outside the measured time: preparing data,
// probing which commands a server has, checking counts and values.
//
// Deliberately separate from the engine's own encoder and from any client library: the benchmark
// must not believe the code that it measures, and must run without a package that may change.

import net from 'node:net';

/** An error reply. A value, not an exception: `call` returns it, `must` throws it. */
export class ReplyError extends Error {}

export type Reply = string | number | null | ReplyError | Reply[];

/** Several commands in one buffer, for `load`. */
export interface Chunk {
  bytes: Buffer;
  commands: number;
}

/** Bytes `load` keeps under way; large enough to keep a server busy, small for its buffers. */
const LOAD_WINDOW_BYTES = 1 << 20;

export function encodeCommand(args: readonly string[]): string {
  let text = `*${args.length}\r\n`;
  for (const arg of args) text += `$${Buffer.byteLength(arg, 'latin1')}\r\n${arg}\r\n`;
  return text;
}

/** Packs commands into chunks of about 16 KiB. */
export function* packCommands(commands: Iterable<readonly string[]>): Generator<Chunk> {
  let text = '';
  let count = 0;
  for (const args of commands) {
    text += encodeCommand(args);
    count++;
    if (text.length >= 16_384) {
      yield { bytes: Buffer.from(text, 'latin1'), commands: count };
      text = '';
      count = 0;
    }
  }
  if (count > 0) yield { bytes: Buffer.from(text, 'latin1'), commands: count };
}

/** Incremental RESP2 parser: `push` bytes, then `next` until it returns undefined. */
export class ReplyParser {
  private buffer: Buffer = Buffer.alloc(0);
  private position = 0;

  push(bytes: Buffer): void {
    const rest = this.buffer.subarray(this.position);
    this.buffer = rest.length > 0 ? Buffer.concat([rest, bytes]) : bytes;
    this.position = 0;
  }

  /** The next whole reply, or undefined when more bytes are needed. */
  next(): Reply | undefined {
    const start = this.position;
    const reply = this.parse();
    if (reply === undefined) this.position = start;
    return reply;
  }

  private line(): string | undefined {
    const end = this.buffer.indexOf('\r\n', this.position, 'latin1');
    if (end < 0) return undefined;
    const text = this.buffer.toString('latin1', this.position, end);
    this.position = end + 2;
    return text;
  }

  private parse(): Reply | undefined {
    const head = this.line();
    if (head === undefined) return undefined;
    const rest = head.slice(1);
    switch (head[0]) {
      case '+':
        return rest;
      case '-':
        return new ReplyError(rest);
      case ':':
        return Number(rest);
      case '$':
        return this.bulk(Number(rest));
      case '*':
        return this.array(Number(rest));
      default:
        throw new Error(`not a RESP2 reply: ${JSON.stringify(head.slice(0, 40))}`);
    }
  }

  private bulk(length: number): Reply | undefined {
    if (length < 0) return null;
    const end = this.position + length;
    if (this.buffer.length < end + 2) return undefined;
    const text = this.buffer.toString('latin1', this.position, end);
    this.position = end + 2;
    return text;
  }

  private array(count: number): Reply | undefined {
    if (count < 0) return null;
    const items: Reply[] = [];
    for (let index = 0; index < count; index++) {
      const item = this.parse();
      if (item === undefined) return undefined;
      items.push(item);
    }
    return items;
  }
}

interface Waiter {
  resolve(reply: Reply): void;
  reject(error: Error): void;
}

export class RespClient {
  private readonly socket: net.Socket;
  private readonly parser = new ReplyParser();
  private readonly waiters: Waiter[] = [];
  private failure: Error | undefined;
  /** Called for a reply that no waiter expects: `load` counts these. */
  private onReply: ((reply: Reply) => void) | undefined;
  private onFailure: ((error: Error) => void) | undefined;
  /** Replies to the rest of a load that an error ended; they precede every other reply. */
  private unwanted = 0;

  private constructor(socket: net.Socket) {
    this.socket = socket;
    socket.setNoDelay(true);
    socket.on('data', (bytes) => this.receive(bytes));
    socket.on('error', (error) => this.fail(error));
    socket.on('close', () => this.fail(new Error('the server closed the connection')));
  }

  static connect(port: number): Promise<RespClient> {
    return new Promise((resolve, reject) => {
      const socket = net.connect(port, '127.0.0.1');
      socket.once('error', reject);
      socket.once('connect', () => {
        socket.removeListener('error', reject);
        resolve(new RespClient(socket));
      });
    });
  }

  /** One command. An error reply is returned, a lost connection throws. */
  call(...args: string[]): Promise<Reply> {
    return new Promise((resolve, reject) => {
      if (this.failure) return reject(this.failure);
      this.waiters.push({ resolve, reject });
      this.socket.write(encodeCommand(args), 'latin1');
    });
  }

  /** One command whose error reply throws. */
  async must(...args: string[]): Promise<Reply> {
    const reply = await this.call(...args);
    if (reply instanceof ReplyError) throw new ReplyError(`${args[0]}: ${reply.message}`);
    return reply;
  }

  /**
   * Sends everything, pipelined with a bounded amount under way, and resolves with the number of
   * replies. The first error reply ends the load and throws.
   */
  async load(chunks: Iterable<Chunk>): Promise<number> {
    let answered = 0;
    let sent = 0;
    let wake: (() => void) | undefined;
    let error: Error | undefined = this.failure;
    const sizes: { untilReply: number; bytes: number }[] = [];
    let bytesUnderWay = 0;
    const stop = (reason: Error) => {
      error ??= reason;
      wake?.();
    };
    this.onFailure = stop;
    this.onReply = (reply) => {
      answered++;
      if (reply instanceof ReplyError) stop(reply);
      while (sizes.length > 0 && sizes[0]!.untilReply <= answered)
        bytesUnderWay -= sizes.shift()!.bytes;
      wake?.();
    };
    const until = async (done: () => boolean) => {
      while (!error && !done()) {
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      }
      if (error) throw error;
    };
    try {
      for (const chunk of chunks) {
        sent += chunk.commands;
        bytesUnderWay += chunk.bytes.length;
        sizes.push({ untilReply: sent, bytes: chunk.bytes.length });
        this.socket.write(chunk.bytes);
        await until(() => bytesUnderWay < LOAD_WINDOW_BYTES);
      }
      await until(() => answered === sent);
      return answered;
    } finally {
      this.unwanted += sent - answered;
      this.onReply = undefined;
      this.onFailure = undefined;
    }
  }

  /** Closes and waits until the server has let go of its side as well. */
  close(): Promise<void> {
    return new Promise((resolve) => {
      if (this.socket.destroyed) return resolve();
      this.socket.once('close', () => resolve());
      this.socket.end();
      this.socket.resume();
    });
  }

  private receive(bytes: Buffer): void {
    this.parser.push(bytes);
    try {
      for (let reply = this.parser.next(); reply !== undefined; reply = this.parser.next()) {
        if (this.unwanted > 0) {
          this.unwanted--;
          continue;
        }
        // While a load is under way its replies come first; `call` is not used beside it.
        const waiter = this.waiters.shift();
        if (waiter) waiter.resolve(reply);
        else if (this.onReply) this.onReply(reply);
        else throw new Error('a reply that nothing asked for');
      }
    } catch (error) {
      this.socket.destroy();
      this.fail(error as Error);
    }
  }

  private fail(error: Error): void {
    if (this.failure) return;
    this.failure = error;
    for (const waiter of this.waiters.splice(0)) waiter.reject(error);
    this.onFailure?.(error);
  }
}

/** One field of an INFO section ("used_memory" of "memory"); undefined when absent or not a number. */
export async function infoNumber(
  client: RespClient,
  section: string,
  field: string,
): Promise<number | undefined> {
  const text = await client.call('INFO', section);
  if (typeof text !== 'string') return undefined;
  const line = text.split('\r\n').find((candidate) => candidate.startsWith(`${field}:`));
  if (line === undefined) return undefined;
  const value = Number(line.slice(field.length + 1));
  return Number.isFinite(value) ? value : undefined;
}
