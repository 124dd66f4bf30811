// Transport on the handles beneath `net` sockets: no stream, no buffer and no object per read.
//
//   kernel --read--> landing buffer --copy--> input region (linear memory) --> session.onData
//   session.write --copy--> staging buffer --write--> kernel
//                                └ peer is slow: the write owns the buffer, the rest is queued
//
// The listening handle's `onconnection` is replaced, so that no `net.Socket` is ever made: accepting
// costs a handle and one object.
//
// Why this is safe:
// - Reading. The native layer keeps a raw pointer to the buffer given to `useUserBuffer` for as long
//   as the socket lives. Linear memory would be the wrong buffer: its ArrayBuffer is detached by
//   every growth, and whether the bytes behind it move is the engine's choice. So sockets read into
//   the landing buffer, an ordinary ArrayBuffer that this transport keeps alive and nobody detaches,
//   and the bytes are copied from there through a view of linear memory taken anew for each read.
//   The copy is a few nanoseconds per command. One landing buffer serves all connections: libuv
//   calls back after each read before it starts the next.
// - Writing. A write that the kernel takes at once is finished when the call returns. Otherwise the
//   native layer holds a pointer to the rest until `oncomplete`; then the buffer belongs to that
//   write (the request refers to it, the request lives until completion) and the transport goes on
//   with a new one. So at most one write per connection is under way, and everything behind it waits
//   in the queue.
// - Closing. After `close` the native layer completes the write under way with an error and then
//   runs the close callback, from which `onClose` is called: the one place, whatever happened.
//
// Chosen only when a probe (choose.ts) has seen all of this work on the running version of Node.

import type { Server } from 'node:net';
import { getSystemErrorName } from 'node:util';
import { nextTurn } from '../util/next_turn.ts';
import { OutputQueue } from './output_queue.ts';
import {
  type AddressOut,
  isUsableHandle,
  type ListenHandle,
  type StreamBinding,
  type StreamHandle,
  type WriteRequest,
} from './stream_binding.ts';
import {
  type AttachOptions,
  type Connection,
  type InputRegion,
  isLoopbackAddress,
  type Session,
  type Transport,
} from './transport.ts';

/** libuv's code for end of input, the same on every platform. */
const UV_EOF = -4095;
/** Most bytes of one read: what a turn of the event loop takes from one connection. */
const LANDING_BYTES = 65536;
/** A staging buffer may stay with a slow connection, so small replies get a small one. */
const STAGING_SMALL_BYTES = 4096;
const STAGING_LARGE_BYTES = 65536;
/** Most bytes handed to one asynchronous write: the step in which `queuedBytes` falls. */
const WRITE_BYTES_MAX = 1 << 20;
/** Copying fewer bytes than this one by one is cheaper than making a view to copy from. */
const SHORT_COPY_BYTES = 64;
/** As Redis spaces keepalive probes: a third of the idle time apart, three before giving up. */
const KEEPALIVE_PROBES = 3;

/** Views of replies up to this length are kept: without pipelining, making one is a cost. */
const SHORT_VIEW_BYTES = 256;

const STATE_OPEN = 0;
const STATE_ENDING = 1;
const STATE_CLOSED = 2;

const connectionOf = Symbol('connection');

interface OwnedHandle extends StreamHandle {
  [connectionOf]?: DirectConnection;
}

/** A request of a write under way, and what has to stay alive until it completes. */
interface PendingRequest extends WriteRequest {
  connection?: DirectConnection;
  buffers?: Uint8Array | Uint8Array[];
}

export class DirectTransport implements Transport {
  readonly name = 'direct';
  readonly region: InputRegion;
  readonly landing: Uint8Array;
  private readonly binding: StreamBinding;
  private readonly state: Int32Array;
  private readonly onRead: (this: OwnedHandle) => void;
  /** Reused until a write turns out asynchronous; the same holds for the two buffers. */
  private spareRequest: PendingRequest;
  private stagingSmall = new Uint8Array(STAGING_SMALL_BYTES);
  /** Views of the first n bytes of `stagingSmall`, by n. */
  private stagingViews: Uint8Array[] = [];
  private stagingLarge = new Uint8Array(STAGING_LARGE_BYTES);

  constructor(binding: StreamBinding, region: InputRegion) {
    this.binding = binding;
    this.region = region;
    this.state = binding.streamBaseState;
    this.landing = new Uint8Array(Math.min(region.view().length, LANDING_BYTES));
    this.spareRequest = this.newRequest();
    const { state } = this;
    const { kReadBytesOrError } = binding;
    this.onRead = function (this: OwnedHandle): void {
      this[connectionOf]?.handleRead(state[kReadBytesOrError] as number);
    };
  }

  attach(server: Server, options: AttachOptions): void {
    server.on('listening', () => {
      const { _handle: listener } = server as unknown as {
        _handle: ListenHandle;
      };
      listener.onconnection = (status, client) => {
        if (client === undefined) options.onAcceptError(getSystemErrorName(status));
        else this.accept(client, options);
      };
    });
  }

  /**
   * Copies up to STAGING_LARGE_BYTES of `bytes` and writes them. Returns a negative error, or
   * whether the write is still under way (1) or done (0).
   */
  writeCopy(connection: DirectConnection, handle: StreamHandle, bytes: Uint8Array): number {
    const isSmall = bytes.length <= STAGING_SMALL_BYTES;
    const staging = isSmall ? this.stagingSmall : this.stagingLarge;
    staging.set(bytes);
    const request = this.spareRequest;
    const status = handle.writeBuffer(request, this.stagingView(staging, bytes.length));
    const result = this.settle(connection, request, status, staging);
    if (result !== 1) return result;
    if (isSmall) {
      this.stagingSmall = new Uint8Array(STAGING_SMALL_BYTES);
      this.stagingViews = [];
    } else this.stagingLarge = new Uint8Array(STAGING_LARGE_BYTES);
    return 1;
  }

  /** The first `length` bytes of a staging buffer; short views are kept and used again. */
  private stagingView(staging: Uint8Array, length: number): Uint8Array {
    if (length > SHORT_VIEW_BYTES) return staging.subarray(0, length);
    let view = this.stagingViews[length];
    if (view === undefined) {
      view = staging.subarray(0, length);
      this.stagingViews[length] = view;
    }
    return view;
  }

  /** Writes buffers that become the write's own. Returns as `writeCopy`. */
  writeOwned(connection: DirectConnection, handle: StreamHandle, buffers: Uint8Array[]): number {
    const request = this.spareRequest;
    const status = handle.writev(request, buffers, true);
    return this.settle(connection, request, status, buffers);
  }

  private settle(
    connection: DirectConnection,
    request: PendingRequest,
    status: number,
    buffers: Uint8Array | Uint8Array[],
  ): number {
    if (status < 0) {
      // A failed write may have marked its request as used.
      this.spareRequest = this.newRequest();
      return status;
    }
    if (this.state[this.binding.kLastWriteWasAsync] === 0) return 0;
    request.connection = connection;
    request.buffers = buffers;
    this.spareRequest = this.newRequest();
    return 1;
  }

  private newRequest(): PendingRequest {
    const request: PendingRequest = new this.binding.WriteWrap();
    request.oncomplete = onWriteComplete;
    return request;
  }

  private accept(handle: OwnedHandle, options: AttachOptions): void {
    if (!isUsableHandle(handle)) {
      options.onAcceptError('ENOTSUP');
      handle.close(() => {});
      return;
    }
    const connection = new DirectConnection(this, handle, options.unixSocketPath);
    handle[connectionOf] = connection;
    handle.onread = this.onRead;
    handle.useUserBuffer(this.landing);
    handle.setNoDelay?.(true);
    const idleSeconds = options.accept.keepAliveSeconds;
    if (idleSeconds > 0) {
      const intervalSeconds = Math.max(1, Math.floor(idleSeconds / KEEPALIVE_PROBES));
      handle.setKeepAlive?.(true, idleSeconds, intervalSeconds, KEEPALIVE_PROBES);
    }
    connection.start(options.onConnection(connection));
  }
}

function onWriteComplete(this: PendingRequest, status: number): void {
  const { connection } = this;
  this.connection = undefined;
  this.buffers = undefined;
  connection?.handleWritten(status);
}

class DirectConnection implements Connection {
  readonly remoteAddress: string;
  readonly remotePort: number;
  readonly localAddress: string;
  readonly localPort: number;
  readonly isUnixSocket: boolean;
  readonly isLoopback: boolean;
  errorName = '';
  isPaused = false;
  private readonly transport: DirectTransport;
  private readonly handle: StreamHandle;
  private readonly queue = new OutputQueue();
  private session: Session | undefined;
  private state = STATE_OPEN;

  /** Bytes of the write under way, 0 when there is none. The queue is empty whenever this is 0. */
  private writingBytes = 0;
  /** Memory of the buffers that the write under way owns. */
  private writingMemoryBytes = 0;

  constructor(transport: DirectTransport, handle: StreamHandle, unixSocketPath?: string) {
    this.transport = transport;
    this.handle = handle;
    this.isUnixSocket = unixSocketPath !== undefined;
    // Asked for now, because a closed or reset socket does not know them any more.
    const remote: AddressOut = {};
    const local: AddressOut = {};
    if (!this.isUnixSocket) {
      handle.getpeername?.(remote);
      handle.getsockname?.(local);
    }
    this.remoteAddress = unixSocketPath ?? remote.address ?? '';
    this.remotePort = remote.port ?? 0;
    this.localAddress = unixSocketPath ?? local.address ?? '';
    this.localPort = local.port ?? 0;
    this.isLoopback = this.isUnixSocket || isLoopbackAddress(this.remoteAddress);
  }

  get fd(): number {
    return this.state === STATE_CLOSED ? -1 : this.handle.fd;
  }

  get queuedBytes(): number {
    return this.writingBytes + this.queue.bytes;
  }

  get queueMemoryBytes(): number {
    return this.writingMemoryBytes + this.queue.memoryBytes;
  }

  get queuedBlocks(): number {
    return (this.writingBytes === 0 ? 0 : 1) + this.queue.blockCount;
  }

  start(session: Session): void {
    this.session = session;
    if (this.state === STATE_CLOSED || this.isPaused) return;
    this.failOn(this.handle.readStart());
  }

  write(bytes: Uint8Array): void {
    if (this.state !== STATE_OPEN || bytes.length === 0) return;
    if (this.writingBytes !== 0) this.queue.push(bytes);
    else if (bytes.length <= STAGING_LARGE_BYTES) this.writePiece(bytes);
    else this.writeLarge(bytes);
  }

  pause(): void {
    if (this.isPaused) return;
    this.isPaused = true;
    if (this.state !== STATE_CLOSED && this.session !== undefined) this.handle.readStop();
  }

  resume(): void {
    if (!this.isPaused) return;
    this.isPaused = false;
    if (this.state !== STATE_CLOSED && this.session !== undefined) {
      this.failOn(this.handle.readStart());
    }
  }

  end(): void {
    if (this.state !== STATE_OPEN) return;
    this.state = STATE_ENDING;
    // Reading goes on, into nothing: unread input would make the close a reset, which may cost the
    // peer the last reply.
    if (this.writingBytes === 0) this.close();
  }

  destroy(): void {
    this.close();
  }

  ref(): void {
    if (this.state !== STATE_CLOSED) this.handle.ref();
  }

  unref(): void {
    if (this.state !== STATE_CLOSED) this.handle.unref();
  }

  /** The native layer read into the landing buffer: a byte count, 0 for nothing, or an error. */
  handleRead(result: number): void {
    if (result > 0) {
      if (this.state !== STATE_OPEN || this.session === undefined) return;
      copyInput(this.transport.landing, this.transport.region.view(), result);
      this.session.onData(result);
      if (result === this.transport.landing.length) this.yieldTurn();
    } else if (result === UV_EOF) {
      this.close();
    } else {
      this.failOn(result);
    }
  }

  /**
   * A read that filled the buffer would be followed by the next one at once, dozens of times: whoever
   * sends without end would hold up everybody else for long. So this connection waits for its next
   * turn.
   */
  private yieldTurn(): void {
    if (this.state !== STATE_OPEN || this.isPaused) return;
    this.handle.readStop();
    void nextTurn().then(() => {
      if (this.state === STATE_CLOSED || this.isPaused) return;
      this.failOn(this.handle.readStart());
    });
  }

  /** The write under way completed. */
  handleWritten(status: number): void {
    this.writingBytes = 0;
    this.writingMemoryBytes = 0;
    if (this.state === STATE_CLOSED) return;
    if (status < 0) {
      this.failOn(status);
      return;
    }
    this.flush();
    if (this.writingBytes !== 0) return;
    // `flush` may have failed and closed the connection, so ask again.
    if (this.state === STATE_ENDING) this.close();
    else if (this.state === STATE_OPEN) this.session?.onDrain();
  }

  private writePiece(bytes: Uint8Array): void {
    const result = this.transport.writeCopy(this, this.handle, bytes);
    if (result === 0) return;
    this.noteWrite(result, bytes.length, bytes.length);
  }

  private writeLarge(bytes: Uint8Array): void {
    let from = 0;
    while (from < bytes.length && this.writingBytes === 0 && this.state === STATE_OPEN) {
      const piece = bytes.subarray(from, from + STAGING_LARGE_BYTES);
      this.writePiece(piece);
      from += piece.length;
    }
    if (from < bytes.length && this.state === STATE_OPEN) this.queue.push(bytes.subarray(from));
  }

  /** Writes queued blocks until one write stays under way or none is left. */
  private flush(): void {
    while (this.queue.bytes > 0 && this.writingBytes === 0 && this.state !== STATE_CLOSED) {
      const before = this.queue.bytes;
      const memoryBefore = this.queue.memoryBytes;
      const blocks = this.queue.take(WRITE_BYTES_MAX);
      const result = this.transport.writeOwned(this, this.handle, blocks);
      this.noteWrite(result, before - this.queue.bytes, memoryBefore - this.queue.memoryBytes);
    }
  }

  private noteWrite(result: number, bytes: number, memoryBytes: number): void {
    if (result < 0) {
      this.failOn(result);
    } else if (result === 1) {
      this.writingBytes = bytes;
      this.writingMemoryBytes = memoryBytes;
    }
  }

  private failOn(status: number): void {
    if (status >= 0 || this.state === STATE_CLOSED) return;
    this.errorName = getSystemErrorName(status);
    this.close();
  }

  private close(): void {
    if (this.state === STATE_CLOSED) return;
    this.state = STATE_CLOSED;
    this.queue.clear();
    this.handle.close(() => this.session?.onClose(this.errorName !== ''));
  }
}

/** Copies `length` bytes from the start of `landing` to the start of `region`. */
function copyInput(landing: Uint8Array, region: Uint8Array, length: number): void {
  if (length > SHORT_COPY_BYTES) {
    region.set(landing.subarray(0, length));
    return;
  }
  for (let index = 0; index < length; index++) region[index] = landing[index] as number;
}
