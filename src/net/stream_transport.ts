// Transport on public `net` streams: works wherever Node's API does.
//
//   socket 'data' chunk --copy, a region's length at a time--> input region --> session.onData
//   session.write --copy--> socket.write        (nothing of ours still waits in the socket)
//                 └-------> output queue        (else; sent in blocks as the socket empties)
//
// A stream would keep an object per pending write; the queue in front of it keeps blocks instead
// and gives the socket the next ones when it has sent the last. Input that arrives while the session
// pauses in the middle of a chunk goes back to the stream.

import type { Server, Socket } from 'node:net';
import { nextTurn } from '../util/next_turn.ts';
import { OutputQueue } from './output_queue.ts';
import {
  type AttachOptions,
  type Connection,
  type InputRegion,
  isLoopbackAddress,
  type Session,
  type Transport,
} from './transport.ts';

/** A chunk of this size means that there is more to read at once: what libuv reads at most at a time. */
const FULL_READ_BYTES = 65536;
/** Most bytes given to the socket at a time once it lags: the step in which `queuedBytes` falls. */
const WRITE_BYTES_MAX = 1 << 20;

export class StreamTransport implements Transport {
  readonly name = 'stream';
  private readonly region: InputRegion;

  constructor(region: InputRegion) {
    this.region = region;
  }

  attach(server: Server, options: AttachOptions): void {
    server.on('connection', (socket) => {
      socket.setNoDelay(true);
      const idleSeconds = options.accept.keepAliveSeconds;
      if (idleSeconds > 0) socket.setKeepAlive(true, idleSeconds * 1000);
      const connection = new StreamConnection(this.region, socket, options.unixSocketPath);
      connection.start(options.onConnection(connection));
    });
    // With a listening server this is about one connection, not about the server.
    server.on('error', (error: NodeJS.ErrnoException) => {
      if (server.listening) options.onAcceptError(error.code ?? error.message);
    });
  }
}

class StreamConnection implements Connection {
  readonly remoteAddress: string;
  readonly remotePort: number;
  readonly localAddress: string;
  readonly localPort: number;
  readonly isUnixSocket: boolean;
  readonly isLoopback: boolean;
  errorName = '';
  isPaused = false;
  private readonly region: InputRegion;
  private readonly socket: Socket;
  private readonly queue = new OutputQueue();
  private session: Session | undefined;
  private isEnding = false;
  /** The socket has bytes of ours that the kernel has not; `onSocketWritten` will be called. */
  private isWaiting = false;

  constructor(region: InputRegion, socket: Socket, unixSocketPath?: string) {
    this.region = region;
    this.socket = socket;
    this.isUnixSocket = unixSocketPath !== undefined;
    this.remoteAddress = unixSocketPath ?? socket.remoteAddress ?? '';
    this.remotePort = socket.remotePort ?? 0;
    this.localAddress = unixSocketPath ?? socket.localAddress ?? '';
    this.localPort = this.isUnixSocket ? 0 : (socket.localPort ?? 0);
    this.isLoopback = this.isUnixSocket || isLoopbackAddress(this.remoteAddress);
  }

  get fd(): number {
    // The one thing that has no public name; it is only shown (CLIENT LIST).
    const { _handle: handle } = this.socket as unknown as {
      _handle?: { fd?: number } | null;
    };
    return handle?.fd ?? -1;
  }

  get queuedBytes(): number {
    return this.socket.writableLength + this.queue.bytes;
  }

  get queueMemoryBytes(): number {
    return this.socket.writableLength + this.queue.memoryBytes;
  }

  get queuedBlocks(): number {
    return (this.socket.writableLength === 0 ? 0 : 1) + this.queue.blockCount;
  }

  start(session: Session): void {
    this.session = session;
    const { socket } = this;
    socket.on('error', (error: NodeJS.ErrnoException) => {
      this.errorName = error.code ?? error.message;
    });
    socket.on('close', () => session.onClose(this.errorName !== ''));
    socket.on('end', () => socket.destroy());
    if (socket.destroyed) return;
    socket.on('data', (chunk) => this.handleData(chunk as Buffer));
    if (this.isPaused) socket.pause();
  }

  write(bytes: Uint8Array): void {
    if (this.isEnding || this.socket.destroyed || bytes.length === 0) return;
    if (this.isWaiting) this.queue.push(bytes);
    else this.send([Buffer.from(bytes)]);
  }

  pause(): void {
    this.isPaused = true;
    this.socket.pause();
  }

  resume(): void {
    if (!this.isPaused) return;
    this.isPaused = false;
    if (this.session !== undefined) this.socket.resume();
  }

  end(): void {
    if (this.isEnding) return;
    this.isEnding = true;
    // Reading goes on, into nothing: unread input would make the close a reset, which may cost the
    // peer the last reply.
    if (!this.isWaiting) this.socket.destroy();
  }

  destroy(): void {
    this.queue.clear();
    this.socket.destroy();
  }

  ref(): void {
    this.socket.ref();
  }

  unref(): void {
    this.socket.unref();
  }

  private handleData(chunk: Buffer): void {
    let from = 0;
    while (from < chunk.length) {
      if (this.isEnding || this.socket.destroyed) return;
      if (this.isPaused) {
        this.socket.unshift(chunk.subarray(from));
        return;
      }
      const region = this.region.view();
      const length = Math.min(chunk.length - from, region.length);
      region.set(chunk.subarray(from, from + length));
      from += length;
      this.session?.onData(length);
    }
    if (chunk.length >= FULL_READ_BYTES) this.yieldTurn();
  }

  /**
   * A full read would be followed by the next one at once, dozens of times: whoever sends without end
   * would hold up everybody else for long. So this connection waits for its next turn.
   */
  private yieldTurn(): void {
    if (this.isPaused || this.isEnding || this.socket.destroyed) return;
    this.socket.pause();
    void nextTurn().then(() => {
      if (!this.isPaused && !this.socket.destroyed) this.socket.resume();
    });
  }

  private send(blocks: Uint8Array[]): void {
    const { socket } = this;
    const last = blocks.pop() as Uint8Array;
    if (blocks.length === 0) {
      socket.write(last, this.onSocketWritten);
    } else {
      // Of several writes only the last one's completion counts: they complete in order.
      socket.cork();
      for (const block of blocks) socket.write(block);
      socket.write(last, this.onSocketWritten);
      socket.uncork();
    }
    this.isWaiting = socket.writableLength > 0;
  }

  /** Called for every `send`, later than it; only the one that had to wait means something. */
  private readonly onSocketWritten = (): void => {
    if (!this.isWaiting || this.socket.destroyed || this.socket.writableLength > 0) return;
    this.isWaiting = false;
    while (this.queue.bytes > 0) {
      this.send(this.queue.take(WRITE_BYTES_MAX));
      if (this.isWaiting) return;
    }
    if (this.isEnding) this.socket.destroy();
    else this.session?.onDrain();
  };
}
