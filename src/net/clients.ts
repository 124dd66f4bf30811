// All clients: admission, limits, and the counters that INFO shows.
//
//   Listener --accept--> admission --ok--> Client in the registry --until it closes-->
//                            └ refused: one error line, then closed
//
// Admission is Redis's, in its order: `maxclients`, then protected mode. A client that holds more
// output than `client-output-buffer-limit` allows its class is closed at once; so is one that was
// idle for longer than `timeout`. The clients are walked a share per tick, all of them once a
// second, so that ten thousand cost no more at a time than a hundred.

import * as abi from '../../assembly/abi.ts';
import type { Engine, EngineClient } from '../engine.ts';
import type { HostCall, HostClient } from '../host_command.ts';
import { systemErrorTextOfCode } from '../util/system_error.ts';
import { Client, type ClientOwner, type ClientType } from './client.ts';
import { ClientEviction } from './client_eviction.ts';
import { type ClientDetails, clientInfo, clientMemoryBytes, NO_DETAILS } from './client_info.ts';
import type { Connection, Session } from './connection.ts';

export const MAX_CLIENTS_ERROR = '-ERR max number of clients reached\r\n';

export const PROTECTED_MODE_ERROR =
  '-DENIED Redis is running in protected mode because protected mode is enabled and no password ' +
  'is set for the default user. In this mode connections are only accepted from the loopback ' +
  'interface. If you want to connect from external computers to Redis you may adopt one of the ' +
  "following solutions: 1) Just disable protected mode sending the command 'CONFIG SET " +
  "protected-mode no' from the loopback interface by connecting to Redis from the same host the " +
  'server is running, however MAKE SURE Redis is not publicly accessible from internet if you do ' +
  'so. Use CONFIG REWRITE to make this change permanent. 2) Alternatively you can just disable ' +
  'the protected mode by editing the Redis configuration file, and setting the protected mode ' +
  "option to 'no', and then restarting the server. 3) If you started the server manually just " +
  "for testing, restart it with the '--protected-mode no' option. 4) Set up an authentication " +
  'password for the default user. NOTE: You only need to do one of the above things in order for ' +
  'the server to start accepting connections from the outside.\r\n';

/** Ticks in which every client is looked at once. */
const TICKS_PER_ROUND = 10;
/** Clients looked at per tick, when there are as many. */
const CLIENTS_PER_TICK_MIN = 5;
/** Idle seconds after which a client's query buffer is cut to what it holds. */
const TRIM_AFTER_SECONDS = 2;
/** Seconds for which the biggest buffers seen are remembered. */
const PEAK_SECONDS = 8;

export interface OutputBufferLimit {
  /** 0 for none. */
  readonly hardBytes: number;
  readonly softBytes: number;
  readonly softSeconds: number;
}

/** Read when it is needed, so one object can follow the configuration. */
export interface ClientSettings {
  readonly maxClients: number;
  /** Idle seconds after which a client is closed, 0 for never. */
  readonly timeoutSeconds: number;
  readonly protectedMode: boolean;
  /** The limit for a class; primaries are held to that of normal clients. */
  outputBufferLimit(type: Exclude<ClientType, 'master'>): OutputBufferLimit;
}

export interface ClientLog {
  isEnabled(level: 'verbose' | 'warning'): boolean;
  log(level: 'verbose' | 'notice' | 'warning', line: string): void;
}

export interface ClientRegistryOptions {
  readonly engine: Engine;
  readonly settings: ClientSettings;
  readonly log: ClientLog;
  /** Whether new clients need not authenticate: the default user is on and has no password. */
  isOpen(): boolean;
  /** What other parts know of a client; absent while there is none of them. */
  readonly details?: (client: Client) => ClientDetails;
}

/** What INFO shows of clients. Totals count since the start or the last CONFIG RESETSTAT. */
export interface ClientCounters {
  totalConnections: number;
  rejectedConnections: number;
  /** Clients closed for their output. */
  outputLimitDisconnections: number;
}

export const REFUSED: Session = { onData() {}, onDrain() {}, onClose() {} };

export class ClientRegistry implements ClientOwner {
  readonly counters: ClientCounters = {
    totalConnections: 0,
    rejectedConnections: 0,
    outputLimitDisconnections: 0,
  };
  readonly eviction = new ClientEviction({
    memoryOf: (client) => this.memoryOf(client),
    evict: (client) => this.evict(client),
    onExhausted: () => this.noteExhausted(),
  });
  nowMs: number;
  /** Bytes of all clients' output that they have not read. */
  private outputBytes = 0;
  private readonly options: ClientRegistryOptions;
  /** By id, so in the order of their connecting. */
  private readonly clients = new Map<number, Client>();
  /** Clients of the engine that did not come through `accept`. */
  private readonly unlisted = new WeakMap<HostClient, Client>();
  /** Where the round stands, and how many clients get their turn per tick. */
  private cursor: Iterator<Client, undefined>;
  private share = CLIENTS_PER_TICK_MIN;
  /** When it was last logged that nobody is left to evict: once a tick is enough. */
  private exhaustedAtMs = 0;
  private readonly inputPeaks = new PeakWindow();
  private readonly outputPeaks = new PeakWindow();

  constructor(options: ClientRegistryOptions) {
    this.options = options;
    this.nowMs = options.engine.now();
    this.cursor = this.clients.values();
  }

  /** Number of connected clients. */
  get size(): number {
    return this.clients.size;
  }

  /** Biggest query buffer of the last seconds, in bytes. */
  get recentInputBytesMax(): number {
    return this.inputPeaks.max(this.nowMs);
  }

  /** Biggest output buffer of the last seconds, in bytes. */
  get recentOutputBytesMax(): number {
    return this.outputPeaks.max(this.nowMs);
  }

  /** In the order of their connecting. A client may be killed while they are walked. */
  all(): Iterable<Client> {
    return this.clients.values();
  }

  find(id: number): Client | undefined {
    return this.clients.get(id);
  }

  /** The client a host command came from. */
  of(caller: HostClient): Client {
    const listed = this.clients.get(caller.id);
    if (listed !== undefined) return listed;
    let client = this.unlisted.get(caller);
    if (client === undefined) {
      const engineSide = this.options.engine.clients.get(caller.id);
      if (engineSide === undefined) throw new Error(`no client ${caller.id}`);
      client = new Client(this, null);
      client.bind(engineSide, this.options.engine.core);
      this.unlisted.set(caller, client);
    }
    return client;
  }

  /** How many clients have one of the CLIENT_* flags. O(clients). */
  countWith(flag: number): number {
    let count = 0;
    for (const client of this.clients.values()) if (client.block.has(flag)) count++;
    return count;
  }

  details(client: Client): ClientDetails {
    return this.options.details?.(client) ?? NO_DETAILS;
  }

  /** Sets the name that CLIENT LIST shows; empty for none. False when memory is exhausted. */
  setName(client: Client, name: Uint8Array): boolean {
    const { core } = this.options.engine;
    const { ptr } = client.block;
    if (name.length <= abi.SCRATCH_BYTES) {
      const length = core.toScratch(name);
      return core.exports.connSetName(ptr, core.word(abi.ABI_SCRATCH), length) !== 0;
    }
    const copy = core.exports.hostAlloc(name.length) >>> 0;
    if (copy === 0) return false;
    core.bytes.set(name, copy);
    const isSet = core.exports.connSetName(ptr, copy, name.length) !== 0;
    core.exports.hostFree(copy);
    return isSet;
  }

  /** Takes a new connection in, or refuses it with Redis's error line. */
  accept(connection: Connection): Session {
    const { engine, settings, log } = this.options;
    const isInternal = connection.isInternal === true;
    const isOpen = isInternal || this.options.isOpen();
    if (this.clients.size >= settings.maxClients && !isInternal)
      return this.refuse(connection, MAX_CLIENTS_ERROR);
    if (settings.protectedMode && isOpen && !connection.isLoopback) {
      return this.refuse(connection, PROTECTED_MODE_ERROR);
    }
    const client = new Client(this, connection);
    const engineSide = engine.connect(client, client.address, isOpen);
    if (engineSide === undefined) {
      log.log('warning', `Out of memory accepting a client connection (addr=${client.address})`);
      connection.destroy();
      return REFUSED;
    }
    client.bind(engineSide, engine.core);
    if (connection.resp !== undefined) client.block.resp = connection.resp;
    if (connection.isUnixSocket) client.block.setFlag(abi.CLIENT_UNIX_SOCKET, true);
    this.clients.set(client.id, client);
    this.eviction.note(client);
    this.counters.totalConnections++;
    if (log.isEnabled('verbose')) {
      const to = connection.isUnixSocket
        ? `connection to ${connection.localAddress}`
        : client.address;
      log.log('verbose', `Accepted ${to}`);
    }
    return client;
  }

  /** Lists a client that the engine has already, with a connection that stands for it. */
  adopt(engineSide: EngineClient, connection: Connection): Client {
    const { engine } = this.options;
    const client = new Client(this, connection);
    client.bind(engineSide, engine.core);
    this.clients.set(client.id, client);
    this.eviction.note(client);
    this.counters.totalConnections++;
    return client;
  }

  /** Closes a client at once: it is not listed any more when this returns. */
  kill(client: Client): void {
    this.clients.delete(client.id);
    this.eviction.forget(client);
    client.kill();
    this.countOutput(client, 0);
  }

  /** Closes every client once its output is sent. */
  endAll(): void {
    for (const client of this.clients.values()) client.end();
  }

  /** Looks after a share of the clients; to be called about ten times a second. */
  tick(nowMs: number): void {
    this.nowMs = nowMs;
    // Grows at once and shrinks with the round, so that clients that go do not draw the round out.
    this.share = Math.max(this.share, this.fairShare());
    let looked = 0;
    let turns = 0;
    while (looked < this.share && turns < 2) {
      const { done, value } = this.cursor.next();
      if (done) {
        this.cursor = this.clients.values();
        this.share = this.fairShare();
        turns++;
      } else {
        this.lookAfter(value);
        looked++;
      }
    }
    this.eviction.enforce();
  }

  // --- ClientOwner ---

  admitOutput(client: Client, usedBytes: number): boolean {
    if (!this.isOverLimit(client, usedBytes)) return true;
    this.killForOutput(client, 'scheduled to be closed ASAP');
    return false;
  }

  afterInput(client: Client): void {
    if (!this.eviction.isOn) return;
    this.eviction.note(client);
    this.eviction.enforce();
  }

  afterOutput(client: Client): void {
    this.countOutput(client, client.isClosed ? 0 : client.outputBytes);
    if (this.eviction.isOn) this.eviction.note(client);
  }

  removeClosed(client: Client, hadError: boolean): void {
    if (!this.clients.delete(client.id)) return;
    this.countOutput(client, 0);
    this.eviction.forget(client);
    const { log } = this.options;
    if (!log.isEnabled('verbose')) return;
    const name = client.connection?.errorName ?? '';
    if (!hadError) log.log('verbose', `Client closed connection ${this.info(client)}`);
    else if (name === 'EPIPE') log.log('verbose', 'Error writing to client: Broken pipe');
    else log.log('verbose', `Reading from client: ${systemErrorTextOfCode(name)}`);
  }

  // --- Helpers ---

  private refuse(connection: Connection, error: string): Session {
    this.counters.rejectedConnections++;
    connection.write(Buffer.from(error));
    connection.end();
    return REFUSED;
  }

  /** Tells the core how much memory all clients' output takes: it counts for maxmemory. */
  private countOutput(client: Client, bytes: number): void {
    if (bytes === client.countedOutputBytes) return;
    this.outputBytes += bytes - client.countedOutputBytes;
    client.countedOutputBytes = bytes;
    this.options.engine.core.exports.setConfig(abi.CFG_HOST_BYTES, this.outputBytes);
  }

  private fairShare(): number {
    return Math.max(Math.ceil(this.clients.size / TICKS_PER_ROUND), CLIENTS_PER_TICK_MIN);
  }

  private lookAfter(client: Client): void {
    const { block, outputBytes } = client;
    this.inputPeaks.note(this.nowMs, block.queryCapacityBytes + block.argumentBytes);
    this.outputPeaks.note(this.nowMs, outputBytes);
    this.countOutput(client, outputBytes);
    if (outputBytes > 0 && this.isOverLimit(client, outputBytes)) {
      this.killForOutput(client, 'closed');
    } else if (this.isIdleTooLong(client)) {
      this.options.log.log('verbose', 'Closing idle client');
      this.kill(client);
    } else {
      if (outputBytes === 0) client.softLimitSinceMs = 0;
      if (block.queryCapacityBytes > 0 && this.isIdleFor(client, TRIM_AFTER_SECONDS)) {
        this.options.engine.core.exports.connTrimQuery(block.ptr);
      }
      this.eviction.note(client);
    }
  }

  private memoryOf(client: Client): number {
    const { ptr } = client.block;
    const queues = client.block.has(abi.CLIENT_MULTI);
    const queuedBytes = queues ? this.options.engine.core.exports.connQueuedBytes(ptr) : 0;
    return clientMemoryBytes(client, queuedBytes);
  }

  private evict(client: Client): void {
    const info = this.info(client);
    this.kill(client);
    this.options.log.log('notice', `Evicting client: ${info}`);
  }

  private noteExhausted(): void {
    if (this.exhaustedAtMs === this.nowMs) return;
    this.exhaustedAtMs = this.nowMs;
    this.options.log.log('warning', 'Over client maxmemory after evicting all evictable clients');
  }

  private isIdleTooLong(client: Client): boolean {
    const { timeoutSeconds } = this.options.settings;
    if (timeoutSeconds === 0 || client.block.has(NEVER_IDLE)) return false;
    return this.isIdleFor(client, timeoutSeconds);
  }

  private isIdleFor(client: Client, seconds: number): boolean {
    const idleSeconds = Math.floor(this.nowMs / 1000) - Math.floor(client.lastInteractionMs / 1000);
    return idleSeconds > seconds;
  }

  private isOverLimit(client: Client, usedBytes: number): boolean {
    const { type } = client;
    const limit = this.options.settings.outputBufferLimit(type === 'master' ? 'normal' : type);
    if (limit.hardBytes > 0 && usedBytes >= limit.hardBytes) return true;
    if (limit.softBytes === 0 || usedBytes < limit.softBytes) {
      client.softLimitSinceMs = 0;
      return false;
    }
    if (client.softLimitSinceMs === 0) {
      client.softLimitSinceMs = this.nowMs;
      return false;
    }
    const seconds = Math.floor(this.nowMs / 1000) - Math.floor(client.softLimitSinceMs / 1000);
    return seconds > limit.softSeconds;
  }

  private killForOutput(client: Client, how: string): void {
    const info = this.info(client);
    this.counters.outputLimitDisconnections++;
    this.kill(client);
    this.options.log.log(
      'warning',
      `Client ${info} ${how} for overcoming of output buffer limits.`,
    );
  }

  /** The client's line, as CLIENT LIST shows it: now, or when `call` is its own command that asks. */
  info(client: Client, nowMs = this.nowMs, call?: HostCall): string {
    return clientInfo(client, this.details(client), {
      nowMs,
      commandName: (id) => this.options.engine.commandName(id),
      ...(call === undefined ? {} : { call }),
    });
  }
}

/** Clients that `timeout` does not concern. */
const NEVER_IDLE =
  abi.CLIENT_REPLICA |
  abi.CLIENT_MONITOR |
  abi.CLIENT_PRIMARY |
  abi.CLIENT_BLOCKED |
  abi.CLIENT_PAUSED |
  abi.CLIENT_PUBSUB;

/** The biggest value noted during the last PEAK_SECONDS seconds. */
class PeakWindow {
  private readonly seconds = new Array<number>(PEAK_SECONDS).fill(0);
  private readonly values = new Array<number>(PEAK_SECONDS).fill(0);

  note(nowMs: number, value: number): void {
    const second = Math.floor(nowMs / 1000);
    const slot = second % PEAK_SECONDS;
    if (this.seconds[slot] !== second) {
      this.seconds[slot] = second;
      this.values[slot] = 0;
    }
    this.values[slot] = Math.max(this.values[slot] as number, value);
  }

  max(nowMs: number): number {
    const oldest = Math.floor(nowMs / 1000) - PEAK_SECONDS;
    return Math.max(0, ...this.values.filter((_, slot) => (this.seconds[slot] as number) > oldest));
  }
}
