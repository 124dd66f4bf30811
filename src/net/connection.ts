// The server's side of one connection, and the connection as the server sees it: bytes, addresses, and
// output that waits. Sockets are one kind (transport.ts has the rules), links of a program that has the
// engine in its own process another.

/** Server side of one connection; the server implements it. */
export interface Session {
  /** `length` bytes of input lie at the start of the input region, only during this call. */
  onData(length: number): void;
  /** Queued output fell to zero again. */
  onDrain(): void;
  /** The connection is gone. `hadError` tells a failure (reset, broken pipe) from an end. */
  onClose(hadError: boolean): void;
}

export interface Connection {
  /** Address of the peer; the socket's path for a Unix socket; empty when the peer left already. */
  readonly remoteAddress: string;
  readonly remotePort: number;
  /** Address the peer connected to; the socket's path for a Unix socket. */
  readonly localAddress: string;
  readonly localPort: number;
  readonly isUnixSocket: boolean;
  /** A Unix socket, or a peer in 127.0.0.0/8 or ::1. */
  readonly isLoopback: boolean;
  /** Opened by the program that the store is part of: needs no password, and no limit of clients holds. */
  readonly isInternal?: boolean;
  /** Version of RESP to begin with; 2 by default. */
  readonly resp?: 2 | 3;
  /** File descriptor, -1 when unknown or closed. */
  readonly fd: number;
  /** Output accepted but not yet taken by the kernel, in bytes. */
  readonly queuedBytes: number;
  /** Memory held for that output, in bytes: never less than `queuedBytes`. */
  readonly queueMemoryBytes: number;
  /** Number of buffers that output is in. */
  readonly queuedBlocks: number;
  /** Whether `pause` stopped the reading. */
  readonly isPaused: boolean;
  /** System error that ended the connection ("ECONNRESET"), empty while there is none. */
  readonly errorName: string;

  /** Sends `bytes`, valid only during this call. Ignored after `end` or `destroy`. */
  write(bytes: Uint8Array): void;
  /** Stops reading. Input that has arrived stays in the kernel (or in the stream). */
  pause(): void;
  resume(): void;
  /** Closes both directions as soon as queued output is sent; input is discarded from now on. */
  end(): void;
  /** Closes at once; queued output is lost. */
  destroy(): void;
  /** Whether an open connection alone keeps the process alive (it does unless told otherwise). */
  ref(): void;
  unref(): void;
}
