// A connection to a store as a stream that looks like a socket, for client libraries that bring their own.
//
//   write ─> (end of the present work) ─> link ─> engine
//   data  <─ (end of the present work) <───┘
//
// - Nothing is passed on during a call from the other side: a client may write in the middle of reading, and
//   hears no reply before `write` has returned. What is written at once crosses into the engine at once.
// - Who does not read is not served: writing waits while more than `readableHighWaterMark` bytes wait to be read. Who
//   subscribes and does not read loses the connection at QUEUED_BYTES_MAX, as with a server.

import { Duplex } from 'node:stream';
import { RespiteError } from '../../embedded/errors.ts';
import type { Link, OpenLink } from '../../embedded/link.ts';
import { QUEUED_BYTES_MAX } from '../../embedded/message_queue.ts';

type Done = (error?: Error | null) => void;
interface Chunk {
  readonly chunk: Buffer | string;
  readonly encoding: BufferEncoding;
}

/** The most bytes of UTF-8 that a character of a string becomes. */
const BYTES_PER_CHARACTER = 3;

export class LinkStream extends Duplex {
  readonly connecting = false;
  readonly remoteAddress = '127.0.0.1';
  readonly remotePort = 0;
  private readonly link: Link;
  /** What came and has not been passed on. */
  private incoming: Buffer[] = [];
  private isFlushDue = false;
  /** The other side has closed. */
  private hasEnded = false;
  /** Input was taken, and more is wanted only once replies have been read. */
  private heldBack: Done | undefined;

  /** Throws RespiteError CLOSED and NO_MEMORY. */
  constructor(open: OpenLink) {
    super({ decodeStrings: false, allowHalfOpen: false });
    this.link = open(
      {
        onData: (bytes) => {
          this.incoming.push(Buffer.from(bytes));
          this.flushSoon();
        },
        onClose: (reason) => {
          if (reason !== undefined) this.destroy(reason);
          this.hasEnded = true;
          this.flushSoon();
        },
      },
      { resp: 2 },
    );
  }

  override _write(chunk: Buffer | string, encoding: BufferEncoding, done: Done): void {
    queueMicrotask(() => this.exchange([{ chunk, encoding }], done));
  }

  override _writev(chunks: Chunk[], done: Done): void {
    queueMicrotask(() => this.exchange(chunks, done));
  }

  override _read(): void {
    const done = this.heldBack;
    this.heldBack = undefined;
    done?.();
  }

  override _final(done: Done): void {
    this.link.close();
    this.hasEnded = true;
    this.flush();
    done();
  }

  override _destroy(error: Error | null, done: Done): void {
    this.link.close();
    this.incoming = [];
    const { heldBack } = this;
    this.heldBack = undefined;
    heldBack?.(error);
    done(error);
  }

  // What only sockets have, and has no meaning here.

  setNoDelay(): this {
    return this;
  }

  setKeepAlive(): this {
    return this;
  }

  /** Nothing between here and the engine can be late. */
  setTimeout(): this {
    return this;
  }

  ref(): this {
    return this;
  }

  unref(): this {
    return this;
  }

  /** Sends what was written, and passes on what that gave. */
  private exchange(chunks: readonly Chunk[], done: Done): void {
    if (this.destroyed) {
      done();
      return;
    }
    try {
      this.send(chunks);
    } catch (error) {
      done(error as Error);
      return;
    }
    this.flush();
    if (this.readableLength > this.readableHighWaterMark) this.heldBack = done;
    else done();
  }

  private send(chunks: readonly Chunk[]): void {
    let bound = 0;
    for (const { chunk } of chunks) {
      bound += typeof chunk === 'string' ? chunk.length * BYTES_PER_CHARACTER : chunk.length;
    }
    const room = this.link.room(bound);
    const bytes = Buffer.from(room.buffer, room.byteOffset, room.length);
    let length = 0;
    for (const { chunk, encoding } of chunks) {
      length +=
        typeof chunk === 'string'
          ? bytes.write(chunk, length, encoding)
          : chunk.copy(bytes, length);
    }
    this.link.send(length);
  }

  private flushSoon(): void {
    if (this.isFlushDue) return;
    this.isFlushDue = true;
    queueMicrotask(() => this.flush());
  }

  private flush(): void {
    this.isFlushDue = false;
    if (this.destroyed || this.readableEnded) return;
    const { incoming } = this;
    this.incoming = [];
    const isBehind = this.readableLength > QUEUED_BYTES_MAX;
    if (incoming.length > 0) {
      if (isBehind) {
        const text = `More than ${QUEUED_BYTES_MAX} bytes were waiting to be read`;
        this.destroy(new RespiteError('CONNECTION_LOST', text));
        return;
      }
      this.push(incoming.length === 1 ? incoming[0] : Buffer.concat(incoming));
    }
    if (this.hasEnded) this.push(null);
  }
}
