// Clients without sockets: the engine, a client registry, and connections that record what is
// written to them. Time stands still until a test moves it.

import { Core } from '../../src/core/core.ts';
import { Guards } from '../../src/core/guards.ts';
import { loadCoreModule } from '../../src/core/load.node.ts';
import { Engine } from '../../src/engine.ts';
import { DefaultUser, registerAuthCommands } from '../../src/net/auth_commands.ts';
import type { Client, ClientType } from '../../src/net/client.ts';
import { registerClientCommands } from '../../src/net/client_commands.ts';
import { ClientPause } from '../../src/net/client_pause.ts';
import {
  ClientRegistry,
  type ClientSettings,
  type OutputBufferLimit,
} from '../../src/net/clients.ts';
import type { Connection, Session } from '../../src/net/transport.ts';
import { encodeCommand } from '../support/arguments.ts';

const NO_LIMIT: OutputBufferLimit = { hardBytes: 0, softBytes: 0, softSeconds: 0 };

export class TestSettings implements ClientSettings {
  maxClients = 10_000;
  timeoutSeconds = 0;
  protectedMode = true;
  limits: Partial<Record<ClientType, OutputBufferLimit>> = {};

  outputBufferLimit(type: ClientType): OutputBufferLimit {
    return this.limits[type] ?? NO_LIMIT;
  }
}

export class FakeConnection implements Connection {
  remoteAddress = '127.0.0.1';
  remotePort = 50_000;
  localAddress = '127.0.0.1';
  localPort = 6379;
  isUnixSocket = false;
  isLoopback = true;
  fd = 8;
  /** What the kernel has not taken; tests set it. */
  queuedBytes = 0;
  queuedBlocks = 0;
  isPaused = false;
  errorName = '';
  isEnded = false;
  isDestroyed = false;
  private readonly written: Buffer[] = [];

  get queueMemoryBytes(): number {
    return this.queuedBytes;
  }

  write(bytes: Uint8Array): void {
    if (!this.isEnded && !this.isDestroyed) this.written.push(Buffer.from(bytes));
  }

  /** Everything written since the last call. */
  take(): string {
    const text = Buffer.concat(this.written).toString('latin1');
    this.written.length = 0;
    return text;
  }

  pause(): void {
    this.isPaused = true;
  }

  resume(): void {
    this.isPaused = false;
  }

  end(): void {
    this.isEnded = true;
  }

  destroy(): void {
    this.isDestroyed = true;
  }

  ref(): void {}
  unref(): void {}
}

/** A connection with its session. */
export class Peer {
  readonly connection: FakeConnection;
  readonly session: Session;
  private readonly server: TestServerSide;

  constructor(server: TestServerSide, connection: FakeConnection) {
    this.server = server;
    this.connection = connection;
    this.session = server.registry.accept(connection);
  }

  get client(): Client {
    return this.session as Client;
  }

  /** Sends one command and returns what was written for it. */
  call(...args: (string | Buffer)[]): string {
    return this.send(encodeCommand(args.map((arg) => Buffer.from(arg))));
  }

  /** Sends raw bytes and returns what was written. */
  send(bytes: string | Uint8Array): string {
    const input = Buffer.from(bytes);
    this.server.engine.input().set(input);
    this.session.onData(input.length);
    return this.connection.take();
  }

  close(hadError = false): void {
    this.session.onClose(hadError);
  }
}

export class TestServerSide {
  readonly settings = new TestSettings();
  readonly log: string[] = [];
  readonly redacted: string[] = [];
  readonly engine: Engine;
  readonly registry: ClientRegistry;
  readonly pause: ClientPause;
  requirepass = '';
  nowMs = 1_700_000_000_000;

  constructor() {
    const core = new Core(loadCoreModule());
    this.engine = new Engine(core);
    this.engine.now = () => this.nowMs;
    const users = new DefaultUser(() => this.requirepass);
    this.registry = new ClientRegistry({
      engine: this.engine,
      settings: this.settings,
      log: { isEnabled: () => true, log: (level, line) => this.log.push(`${level} ${line}`) },
      isOpen: () => users.isOpen,
    });
    this.pause = new ClientPause(new Guards(core), this.engine);
    registerClientCommands(this.engine.commands, {
      registry: this.registry,
      pause: this.pause,
      hasUser: (user) => users.hasUser(user),
      unblock: ({ block }, reason) =>
        core.exports.unblockClient(block.ptr, reason === 'error' ? 1 : 0) !== 0,
    });
    registerAuthCommands(this.engine.commands, {
      registry: this.registry,
      users,
      server: { version: '7.2.6', mode: 'standalone', role: 'master' },
      redactArgument: (call, index) => this.redacted.push(`${call.name} ${index}`),
    });
  }

  connect(properties: Partial<FakeConnection> = {}): Peer {
    return new Peer(this, Object.assign(new FakeConnection(), properties));
  }

  /** Moves time and gives every client its turn. */
  advance(ms: number): void {
    this.nowMs += ms;
    for (let tick = 0; tick < 10; tick++) this.registry.tick(this.nowMs);
  }

  /** Lets what was put off until after the batch happen. */
  async settle(): Promise<void> {
    await Promise.resolve();
  }
}
