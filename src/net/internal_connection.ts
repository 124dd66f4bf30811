// A connection from the program that the store is part of: no socket, and what is written is taken at once, so
// nothing is ever queued.

import type { Connection } from './connection.ts';

export abstract class InternalConnection implements Connection {
  readonly remoteAddress = '127.0.0.1';
  readonly remotePort: number;
  readonly localAddress = '127.0.0.1';
  readonly localPort = 0;
  readonly isUnixSocket = false;
  readonly isLoopback = true;
  readonly isInternal = true;
  readonly fd = -1;
  readonly queuedBytes = 0;
  readonly queueMemoryBytes = 0;
  readonly queuedBlocks = 0;
  readonly isPaused = false;
  readonly errorName = '';

  /** Nothing listens at the port, but it tells such connections apart. */
  constructor(remotePort = 0) {
    this.remotePort = remotePort;
  }

  abstract write(bytes: Uint8Array): void;
  abstract end(): void;
  abstract destroy(): void;

  pause(): void {}
  resume(): void {}
  ref(): void {}
  unref(): void {}
}
