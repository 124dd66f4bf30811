// What the transport tests share: an input region that moves, sessions that record what happens to
// them, a server over TCP or a Unix socket, and clients.

import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import {
  type AddressInfo,
  connect,
  createServer,
  type NetConnectOpts,
  type Server,
  type Socket,
} from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { chooseTransport } from '../../src/net/choose.ts';
import type {
  Connection,
  InputRegion,
  Session,
  Transport,
  TransportName,
} from '../../src/net/transport.ts';

export const TRANSPORTS: readonly TransportName[] = ['direct', 'stream'];
export type SocketKind = 'TCP' | 'Unix socket';

/** A region that can be made to move as linear memory does when it grows. */
export class MovingRegion implements InputRegion {
  private bytes: Uint8Array<ArrayBuffer>;

  constructor(length = 65536) {
    this.bytes = new Uint8Array(length);
  }

  view(): Uint8Array {
    return this.bytes;
  }

  /** The old view is detached: reading or writing through it fails or does nothing. */
  move(): void {
    const moved = structuredClone(this.bytes.buffer, { transfer: [this.bytes.buffer] });
    this.bytes = new Uint8Array(moved);
  }
}

/** Records what a session hears, and does what a test tells it to. */
export class TestSession implements Session {
  readonly connection: Connection;
  readonly received: Buffer[] = [];
  readonly events: string[] = [];
  receivedBytes = 0;
  drains = 0;
  closes: boolean[] = [];
  /** Replaces echoing; gets a copy of the input. */
  onInput: (input: Buffer) => void;
  onDrained: () => void = () => {};
  private readonly region: InputRegion;
  private readonly waiting = new Set<{ isMet: () => boolean; resolve: () => void }>();

  constructor(connection: Connection, region: InputRegion) {
    this.connection = connection;
    this.region = region;
    this.onInput = (input) => this.writeVolatile(input);
  }

  /** Writes bytes that are overwritten as soon as `write` returns, as linear memory is. */
  writeVolatile(bytes: Uint8Array | string): void {
    const copy = typeof bytes === 'string' ? Buffer.from(bytes) : new Uint8Array(bytes);
    this.connection.write(copy);
    copy.fill(0xee);
  }

  onData(length: number): void {
    const input = Buffer.from(this.region.view().subarray(0, length));
    this.received.push(input);
    this.receivedBytes += length;
    this.note(`data ${length}`);
    this.onInput(input);
  }

  onDrain(): void {
    this.drains++;
    this.note('drain');
    this.onDrained();
  }

  onClose(hadError: boolean): void {
    this.closes.push(hadError);
    this.note('close');
  }

  text(): string {
    return Buffer.concat(this.received).toString('latin1');
  }

  /** Resolves once the condition holds; it is asked after each event. */
  until(isMet: () => boolean): Promise<void> {
    if (isMet()) return Promise.resolve();
    return new Promise((resolve) => this.waiting.add({ isMet, resolve }));
  }

  closed(): Promise<void> {
    return this.until(() => this.closes.length > 0);
  }

  private note(event: string): void {
    this.events.push(event);
    for (const entry of this.waiting) {
      if (!entry.isMet()) continue;
      this.waiting.delete(entry);
      entry.resolve();
    }
  }
}

export interface HarnessOptions {
  kind?: SocketKind;
  host?: string;
  regionBytes?: number;
  /** Runs when a connection is made, before `onConnection` returns. */
  onConnection?: (session: TestSession) => void;
}

export class Harness {
  readonly region: MovingRegion;
  readonly sessions: TestSession[] = [];
  readonly acceptErrors: string[] = [];
  readonly server: Server = createServer();
  readonly transport: Transport;
  readonly socketPath: string;
  private readonly directory: string;
  private readonly clients = new Set<Socket>();
  private readonly waiting: ((session: TestSession) => void)[] = [];

  private constructor(transport: Transport, region: MovingRegion) {
    this.transport = transport;
    this.region = region;
    this.directory = mkdtempSync(join(tmpdir(), 'respite-net-'));
    this.socketPath = join(this.directory, 'server.sock');
  }

  static async start(name: TransportName, options: HarnessOptions = {}): Promise<Harness> {
    const region = new MovingRegion(options.regionBytes);
    const harness = new Harness(await chooseTransport(name, region), region);
    const { kind = 'TCP', host = '127.0.0.1' } = options;
    harness.transport.attach(harness.server, {
      accept: { keepAliveSeconds: 300 },
      ...(kind === 'TCP' ? {} : { unixSocketPath: harness.socketPath }),
      onConnection: (connection) => harness.handleConnection(connection, options),
      onAcceptError: (error) => harness.acceptErrors.push(error),
    });
    harness.server.listen(kind === 'TCP' ? { host, port: 0 } : { path: harness.socketPath });
    await once(harness.server, 'listening');
    return harness;
  }

  get address(): AddressInfo {
    return this.server.address() as AddressInfo;
  }

  /** A connected client; it does not read until it is told to. */
  async client(options: Partial<NetConnectOpts> = {}): Promise<Socket> {
    const client = this.rawClient(options);
    await once(client, 'connect');
    return client;
  }

  /** A client that may not have connected yet. */
  rawClient(options: Partial<NetConnectOpts> = {}): Socket {
    const target = this.server.address();
    const where =
      typeof target === 'string'
        ? { path: target }
        : { host: (target as AddressInfo).address, port: (target as AddressInfo).port };
    const client = connect({ ...where, ...options } as NetConnectOpts);
    client.on('error', () => {}); // resets are what some tests are about
    this.clients.add(client);
    client.on('close', () => this.clients.delete(client));
    return client;
  }

  /** A connected client and the session of its other end. */
  async pair(options: Partial<NetConnectOpts> = {}): Promise<[Socket, TestSession]> {
    const accepted = this.nextSession();
    const client = await this.client(options);
    return [client, await accepted];
  }

  nextSession(): Promise<TestSession> {
    return new Promise((resolve) => this.waiting.push(resolve));
  }

  async stop(): Promise<void> {
    for (const client of this.clients) client.destroy();
    for (const session of this.sessions) session.connection.destroy();
    if (this.server.listening) {
      this.server.close();
      await once(this.server, 'close');
    }
    await Promise.all(this.sessions.map((session) => session.closed()));
    rmSync(this.directory, { recursive: true, force: true });
  }

  private handleConnection(connection: Connection, options: HarnessOptions): Session {
    const session = new TestSession(connection, this.region);
    this.sessions.push(session);
    options.onConnection?.(session);
    this.waiting.shift()?.(session);
    return session;
  }
}

/** Reads until `length` bytes have come. Fails when the connection ends before. */
export function readBytes(client: Socket, length: number): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let count = 0;
    const finish = (): void => {
      client.off('data', take);
      client.off('close', fail);
      client.pause();
    };
    const take = (chunk: Buffer): void => {
      chunks.push(chunk);
      count += chunk.length;
      if (count < length) return;
      finish();
      resolve(Buffer.concat(chunks));
    };
    const fail = (): void => {
      finish();
      reject(new Error(`closed after ${count} of ${length} bytes`));
    };
    client.on('data', take);
    client.on('close', fail);
    client.resume();
  });
}

/** Reads until the other end closes. */
export async function readAll(client: Socket): Promise<Buffer> {
  const chunks: Buffer[] = [];
  client.on('data', (chunk: Buffer) => chunks.push(chunk));
  await new Promise((resolve) => client.once(client.allowHalfOpen ? 'end' : 'close', resolve));
  return Buffer.concat(chunks);
}

/** How many open sockets keep the process alive, of both kinds. */
export function activeSocketCount(): number {
  return process
    .getActiveResourcesInfo()
    .filter((name) => name === 'TCPSocketWrap' || name === 'PipeWrap').length;
}

/** The same once sockets of earlier tests have finished closing: it holds still for a while. */
export async function settledSocketCount(): Promise<number> {
  let count = activeSocketCount();
  for (let still = 0; still < 10; still++) {
    await new Promise((resolve) => setTimeout(resolve, 5));
    if (activeSocketCount() === count) continue;
    count = activeSocketCount();
    still = 0;
  }
  return count;
}

/** Lets the event loop go round until the condition holds. */
export async function eventually(isMet: () => boolean): Promise<void> {
  while (!isMet()) await new Promise((resolve) => setTimeout(resolve, 5));
}

/** Recognisable bytes: the one at `index` depends on every byte of its index. */
export function patternBytes(from: number, length: number): Uint8Array {
  const bytes = new Uint8Array(length);
  for (let at = 0; at < length; at++) {
    const index = from + at;
    bytes[at] = (index ^ (index >>> 8) ^ (index >>> 16) ^ (index >>> 24)) & 0xff;
  }
  return bytes;
}
