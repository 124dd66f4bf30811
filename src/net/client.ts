// One connected client: the socket, the engine's side of it, and what only the host knows of it.
//
//   Connection --onData--> Client --run--> EngineClient --replies--> Client --write--> Connection
//                                                                      │
//                                                            output buffer limits
//
// The flags, protocol version, name and counters live in the connection block in linear memory;
// nothing is kept twice. Output is accounted the way Redis does: what one turn of the event loop
// produces counts before it is written, because a client has to be cut off for a reply that is too
// big although the kernel might take it. It counts in whole blocks of OUTPUT_BLOCK_BYTES; a turn that
// produces no more than one, with nothing waiting before it, would fit the static buffer that Redis
// has in each client, and is never held against one.

import * as abi from '../../assembly/abi.ts';
import { ConnectionBlock, type LinearMemory } from '../core/connection_block.ts';
import type { ClientOutput, EngineClient } from '../engine.ts';
import type { Connection, Session } from './connection.ts';

/** Size of Redis's output buffers: the static one and those behind it. */
const OUTPUT_BLOCK_BYTES = 16384;

/** Classes of `client-output-buffer-limit`, and what TYPE filters name. */
export type ClientType = 'normal' | 'master' | 'replica' | 'pubsub';

/** What a client asks of the registry that it belongs to. */
export interface ClientOwner {
  /** Unix milliseconds, as of the last tick: for times that are shown in seconds. */
  readonly nowMs: number;
  /** Whether the client may keep `usedBytes` of output. Closes the client when it may not. */
  admitOutput(client: Client, usedBytes: number): boolean;
  /** The client's commands have run, or its output has drained: it may take more or less memory. */
  afterInput(client: Client): void;
  /** Output was queued for the client. */
  afterOutput(client: Client): void;
  /** The connection is gone. */
  removeClosed(client: Client, hadError: boolean): void;
}

export class Client implements Session, ClientOutput {
  /** Null for a client without a socket: in-process calls. */
  readonly connection: Connection | null;
  /** "ip:port" of the peer, "[ip]:port" for IPv6, "path:0" for a Unix socket. */
  readonly address: string;
  readonly localAddress: string;
  /** Name of the user it acts as. */
  user = 'default';
  /** What CLIENT SETINFO told of the client's library; byte text. */
  libName = '';
  libVersion = '';
  /** When output first stayed above the soft limit, 0 when it is below. */
  softLimitSinceMs = 0;
  /** When output was last written. */
  lastWriteMs = 0;
  private readonly owner: ClientOwner;
  private engineSide: EngineClient | undefined;
  private memoryBlock: ConnectionBlock | undefined;

  constructor(owner: ClientOwner, connection: Connection | null) {
    this.owner = owner;
    this.connection = connection;
    this.address = formatAddress(connection?.remoteAddress, connection?.remotePort);
    this.localAddress = formatAddress(connection?.localAddress, connection?.localPort);
    if (connection?.isUnixSocket) {
      this.address = `${connection.remoteAddress}:0`;
      this.localAddress = this.address;
    }
  }

  /** Second half of the construction: the engine wants the output before there is a client. */
  bind(engineSide: EngineClient, memory: LinearMemory): void {
    this.engineSide = engineSide;
    this.memoryBlock = new ConnectionBlock(memory, engineSide.ptr);
  }

  get id(): number {
    return this.engine.id;
  }

  /** The engine's side. */
  get engine(): EngineClient {
    if (this.engineSide === undefined) throw new Error('client is not bound');
    return this.engineSide;
  }

  /** Not to be used once the client is closed. */
  get block(): ConnectionBlock {
    if (this.memoryBlock === undefined) throw new Error('client is not bound');
    return this.memoryBlock;
  }

  get isClosed(): boolean {
    return this.engine.closed;
  }

  get type(): ClientType {
    const { flags } = this.block;
    if (flags & abi.CLIENT_PRIMARY) return 'master';
    // A monitor is a normal client, although Redis runs it as a kind of replica.
    if (flags & abi.CLIENT_REPLICA && !(flags & abi.CLIENT_MONITOR)) return 'replica';
    return flags & abi.CLIENT_PUBSUB ? 'pubsub' : 'normal';
  }

  /** Of `outputBytes`, what the registry has counted. */
  countedOutputBytes = 0;

  /** Output that counts against the limits of its class. */
  get outputBytes(): number {
    return this.connection?.queueMemoryBytes ?? 0;
  }

  /** When the client was last heard of or written to. */
  get lastInteractionMs(): number {
    return Math.max(this.block.lastActiveMs, this.lastWriteMs);
  }

  /** Closes at once. The client must not be used afterwards. */
  kill(): void {
    this.engine.close();
    this.connection?.destroy();
  }

  // --- Session ---

  onData(length: number): void {
    // Input that was under way when the client was closed.
    if (this.isClosed) return;
    this.engine.run(length);
    this.owner.afterInput(this);
  }

  onDrain(): void {
    this.lastWriteMs = this.owner.nowMs;
    this.owner.afterOutput(this);
  }

  onClose(hadError: boolean): void {
    this.owner.removeClosed(this, hadError);
    this.engine.close();
  }

  // --- ClientOutput ---

  write(bytes: Uint8Array): void {
    const { connection } = this;
    if (connection === null) return;
    const queuedBytes = this.outputBytes;
    if (queuedBytes > 0 || bytes.length > OUTPUT_BLOCK_BYTES) {
      const addedBytes = queuedBytes > 0 ? bytes.length : roundUpToBlock(bytes.length);
      if (!this.owner.admitOutput(this, queuedBytes + addedBytes)) return;
    }
    this.lastWriteMs = this.owner.nowMs;
    connection.write(bytes);
    this.owner.afterOutput(this);
  }

  end(): void {
    this.connection?.end();
  }

  destroy(): void {
    this.connection?.destroy();
  }
}

function roundUpToBlock(bytes: number): number {
  return Math.ceil(bytes / OUTPUT_BLOCK_BYTES) * OUTPUT_BLOCK_BYTES;
}

function formatAddress(address: string | undefined, port: number | undefined): string {
  // What Redis prints when it cannot tell.
  if (address === undefined || address === '') return '?:0';
  return address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`;
}
