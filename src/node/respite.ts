// The store of a Node program: the server without sockets, and the program as its clients.

import { mkdirSync } from 'node:fs';
import * as abi from '../../assembly/abi.ts';
import { findCommand } from '../commands/index.ts';
import type { DirectiveName } from '../config/directives.ts';
import { type StoreDirectives, storeDirectives } from '../config/store_directives.ts';
import type { Core } from '../core/core.ts';
import { loadCoreModule } from '../core/load.node.ts';
import { RespiteError } from '../embedded/errors.ts';
import { RespiteBase } from '../embedded/respite.ts';
import { clockOf, type StoreClock, storeClock } from '../embedded/store_clock.ts';
import { CoreCrash, type Engine } from '../engine.ts';
import { Logger } from '../log.ts';
import type { CrashCause } from '../monitor/crash_cause.ts';
import { ListenError } from '../net/listener.ts';
import type { ExitRequest } from '../persistence/shutdown.ts';
import { Server } from '../server.ts';
import { MemoryStorage } from '../storage/memory_storage.ts';
import { type Clock, systemClock } from '../util/clock.ts';
import { ManualClock } from '../util/manual_clock.ts';
import { reasonOf } from '../util/reason_of.ts';
import { systemErrorText } from '../util/system_error.ts';
import { type IoredisConnector, ioredisConnector } from './connectors/ioredis.ts';
import {
  type NodeRedisOptions,
  type PrivateSocket,
  privateSocket,
} from './connectors/node_redis.ts';
import { exportDump, importDump } from './dump.ts';
import { endListeners, servers } from './inside.ts';
import { openLocalLink } from './local_connection.ts';
import {
  checkListenOptions,
  checkOptions,
  type ListenOptions,
  type OpenOptions,
  optionDirectives,
} from './open_options.ts';

/** Linear memory to begin with: enough for small stores, and little to copy for a fork. */
const INITIAL_BYTES = 4 * 1024 * 1024;

const LOOPBACK = '127.0.0.1';

/** What is known of a server's end. */
interface Ending {
  /** The last lines of the log. */
  readonly lines: string[];
  /** Who hears that the server ends by itself; nobody yet while it is being opened. */
  tell?: (reason: RespiteError) => void;
}

export class Respite extends RespiteBase {
  readonly #server: Server;
  readonly #ending: Ending;
  /** Those of a fork of this one. */
  readonly #options: OpenOptions;
  /** What is saved at the end: nothing of a store that could not be opened. */
  #saveAtClose: ExitRequest['save'] = 'never';
  /** It listens where the directives say. */
  #hasAddress = false;
  /** There is nothing left to be closed. */
  #hasEnded = false;
  #privateSocket: Promise<PrivateSocket> | undefined;
  /** The time of the store; a manual one can be moved. */
  readonly clock: StoreClock;

  private constructor(server: Server, options: OpenOptions, ending: Ending) {
    super((handlers, options) => openLocalLink(server, handlers, options));
    this.#server = server;
    this.#ending = ending;
    servers.set(this, server);
    // A folder has one owner, and a dump may be large.
    const { dir: _dir, rdb: _rdb, ...forked } = options;
    this.#options = forked;
    this.clock = storeClock(server.engine.time);
  }

  /**
   * Opens a store. Throws RespiteError: BAD_OPTION, LOCKED (another process has the folder), STORAGE (the
   * folder or its files cannot be read), DUMP_VERSION and DUMP_FORMAT (the `rdb` or a file cannot be loaded).
   */
  static async open(options: OpenOptions = {}): Promise<Respite> {
    checkOptions(options);
    const { dir, rdb } = options;
    if (dir !== undefined) makeFolder(dir);
    const clock = clockOf(options.clock, systemClock);
    const directives = storeDirectives(
      optionDirectives(options),
      (name) => findCommand(name.toLowerCase()) !== undefined,
    );
    const ending: Ending = { lines: [] };
    const server = openServer(options, directives, clock, ending);
    const store = new Respite(server, options, ending);
    try {
      // Also where nothing is saved before the end: at the end, it is.
      const refusal = dir === undefined ? undefined : server.persistence.claimDirectory();
      if (refusal !== undefined) throw new RespiteError('LOCKED', refusal);
      await server.persistence.load();
      if (rdb !== undefined) await importDump(server, rdb);
    } catch (error) {
      await store.close().catch(() => {});
      throw asOpenError(error);
    }
    const isLogged = directives.config.get('appendonly');
    store.#start(dir !== undefined && !isLogged ? 'always' : 'default');
    return store;
  }

  #start(saveAtClose: ExitRequest['save']): void {
    this.#saveAtClose = saveAtClose;
    this.#ending.tell = (reason) => this.#endFor(reason);
    const { time } = this.#server.engine;
    if (time instanceof ManualClock) hookClock(time, this.#server);
    this.#server.start();
  }

  /** SHUTDOWN, or a failure that a server process would end for. */
  #endFor(reason: RespiteError): void {
    this.#hasEnded = true;
    this.end(reason);
    this.#stop(reason);
  }

  #stop(reason: RespiteError): void {
    const { engine, persistence } = this.#server;
    if (engine.time instanceof ManualClock) engine.time.stop(reason);
    this.#server.stop();
    persistence.close();
    endListeners.get(this)?.(reason);
  }

  /**
   * A store of its own in memory, with a copy of the data and the configuration of this moment, and at the same time
   * when the clock is manual. It has no folder, no clients, and has to be closed by itself. Throws RespiteError
   * NO_MEMORY.
   */
  async fork(): Promise<Respite> {
    this.mustBeOpen();
    const { engine, config } = this.#server;
    const directives = storeDirectives(FORK_DIRECTIVES);
    directives.config.copyFrom(
      config,
      FORK_DIRECTIVES.map(([name]) => name),
    );
    const { time } = engine;
    const clock = time instanceof ManualClock ? new ManualClock(time.now()) : time;
    const options = this.#options;
    const ending: Ending = { lines: [] };
    const server = makeServer(options, directives, clock, ending, cloneCore(engine));
    const store = new Respite(server, options, ending);
    // There are no files, and with that it is ready.
    await server.persistence.load();
    store.#start('never');
    return store;
  }

  /**
   * Serves the store to other programs, too; called again, at one more address. CONFIG GET knows the first one. Throws
   * RespiteError BAD_OPTION when the address cannot be had.
   */
  async listen(options: ListenOptions): Promise<void> {
    this.mustBeOpen();
    checkListenOptions(options);
    try {
      if (this.#hasAddress) await this.#listenElsewhere(options);
      else await this.#listenFirst(options);
    } catch (error) {
      if (!(error instanceof ListenError)) throw error;
      // It may have been closed meanwhile.
      this.mustBeOpen();
      throw new RespiteError('BAD_OPTION', error.message, { cause: error });
    }
  }

  /** Where the directives say, which may change it. */
  async #listenFirst({ port = 0, host = LOOPBACK, path = '' }: ListenOptions): Promise<void> {
    const { config } = this.#server;
    this.#hasAddress = true;
    config.put('bind', [host]);
    config.put('port', port);
    config.put('unixsocket', path);
    try {
      await this.#server.openSockets();
    } catch (error) {
      this.#hasAddress = false;
      config.put('port', 0);
      config.put('unixsocket', '');
      throw error;
    }
  }

  /** At one more address. */
  async #listenElsewhere({ port = 0, host = LOOPBACK, path = '' }: ListenOptions): Promise<void> {
    const { config } = this.#server;
    await this.#server.openListener({
      port,
      bind: [host],
      tcpBacklog: config.get('tcp-backlog'),
      unixSocket: path,
      unixSocketPerm: config.get('unixsocketperm'),
      keepAliveSeconds: config.get('tcp-keepalive'),
    });
  }

  /** For ioredis, which then needs no socket: `new Redis({ Connector: db.connector })`. */
  get connector(): IoredisConnector {
    return ioredisConnector(this.openLink);
  }

  /**
   * For node-redis, which makes its sockets itself: `createClient(await db.nodeRedisOptions())`. The store then
   * listens on a Unix socket that only this user can reach, until it is closed.
   */
  async nodeRedisOptions(): Promise<NodeRedisOptions> {
    this.mustBeOpen();
    this.#privateSocket ??= this.#openPrivateSocket();
    const { path } = await this.#privateSocket;
    return { socket: { path, tls: false } };
  }

  async #openPrivateSocket(): Promise<PrivateSocket> {
    const socket = privateSocket();
    try {
      const listener = await this.#server.openListener({
        port: 0,
        bind: [],
        tcpBacklog: this.#server.config.get('tcp-backlog'),
        unixSocket: socket.path,
        unixSocketPerm: 0,
        keepAliveSeconds: 0,
      });
      // Clients keep the process alive, not that there may be some.
      listener.unref();
      return socket;
    } catch (error) {
      socket.remove();
      this.#privateSocket = undefined;
      const text = reasonOf(error);
      throw new RespiteError('UNSUPPORTED', `There is no socket for node-redis: ${text}`, {
        cause: error,
      });
    }
  }

  /** All data as a dump in the RDB format, of this moment, while commands are served. */
  async export(): Promise<Uint8Array> {
    this.mustBeOpen();
    return exportDump(this.#server);
  }

  protected async closeStore(): Promise<void> {
    (await this.#privateSocket?.catch(() => undefined))?.remove();
    if (!this.#hasEnded) await this.#saveAndStop();
  }

  async #saveAndStop(): Promise<void> {
    const { persistence, guards } = this.#server;
    // Nobody is told that a write is done which is not saved any more.
    guards.set(abi.GUARD_SHUTDOWN, true);
    const save = this.#saveAtClose;
    const { lines } = this.#ending;
    lines.length = 0;
    const { isStored } = await persistence.prepareExit({ save, isForced: true });
    this.#stop(new RespiteError('CLOSED', 'The store is closed'));
    if (isStored) return;
    const warnings = lines.filter((line) => line.includes(' # ')).map(withoutTime);
    throw new RespiteError('STORAGE', `Not all data could be saved: ${warnings.join(' ')}`);
  }
}

/** What a fork does not take over: it keeps nothing, and nobody else can reach it. */
const FORK_DIRECTIVES: readonly (readonly [DirectiveName, string])[] = [
  ['appendonly', 'no'],
  ['save', ''],
  ['port', '0'],
  ['unixsocket', ''],
];

/** A server for a program: `core` is the one to serve, or a new one. */
function makeServer(
  { dir, log }: OpenOptions,
  { config, extras }: StoreDirectives,
  clock: Clock,
  ending: Ending,
  core?: Core,
): Server {
  const { lines } = ending;
  const logger = new Logger({
    pid: process.pid,
    sink: {
      write: (line) => {
        lines.push(line.trimEnd());
        if (lines.length > LAST_LINES) lines.shift();
        log?.(line.trimEnd());
      },
    },
  });
  // A store tells of its failures by errors: they have the words of the log.
  logger.threshold = 'notice';
  return new Server({
    config,
    extras,
    logger,
    module: engineModule(),
    pid: process.pid,
    stdoutIsTerminal: false,
    executable: process.execPath,
    configFile: '',
    initialBytes: INITIAL_BYTES,
    clock,
    isBackground: true,
    ...(core === undefined ? {} : { core }),
    ...(dir === undefined ? { storage: new MemoryStorage() } : {}),
    restart: () => {},
    endAfterCrash: (cause) => {
      const reason = new RespiteError('CRASHED', `The engine failed: ${describeCrash(cause)}`);
      ending.tell?.(reason);
      throw reason;
    },
    removePidFile: () => false,
    exit: (code) => {
      const { tell } = ending;
      if (tell === undefined) throw openError(lines);
      tell(
        code === 0
          ? new RespiteError('CLOSED', 'The store was ended by SHUTDOWN')
          : new RespiteError('STORAGE', `The store had to end: ${lastWords(lines)}`),
      );
    },
  });
}

/** A server with a core of its own. Throws RespiteError NO_MEMORY. */
function openServer(...args: Parameters<typeof makeServer>): Server {
  try {
    return makeServer(...args);
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    throw new RespiteError('NO_MEMORY', 'There is no memory for a store', { cause: error });
  }
}

/** Throws RespiteError UNSUPPORTED when it is not where it should be. */
function engineModule(): WebAssembly.Module {
  try {
    return loadCoreModule();
  } catch (error) {
    const text = reasonOf(error);
    throw new RespiteError('UNSUPPORTED', text, { cause: error });
  }
}

/** A copy of the engine's core. Throws RespiteError NO_MEMORY. */
function cloneCore(engine: Engine): Core {
  try {
    // Throws when it has crashed.
    engine.call(() => {});
    return engine.core.clone();
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    throw new RespiteError('NO_MEMORY', 'There is no memory for a copy of the data', {
      cause: error,
    });
  }
}

/** Keys walked through by background work in one move of a manual clock, about. */
const KEYS_PER_MOVE = 10_000_000;
const TICKS_PER_MOVE_MIN = 20;
const TICKS_PER_MOVE_MAX = 1000;

/** Has a manual clock wait for the server's work, and the server follow the clock. */
function hookClock(clock: ManualClock, server: Server): void {
  const { engine, persistence } = server;
  clock.hooks = {
    isBusy: () => persistence.isWalking,
    onArrival: () => server.catchUp(),
    ticksMax: () => {
      let keys = 1;
      for (let i = 0; i < engine.core.databases; i += 1)
        keys += engine.core.exports.databaseKeys(i);
      const ticks = Math.floor(KEYS_PER_MOVE / keys);
      return Math.min(Math.max(ticks, TICKS_PER_MOVE_MIN), TICKS_PER_MOVE_MAX);
    },
  };
}

/** Lines of the log that may tell why a store cannot be opened. */
const LAST_LINES = 20;

function makeFolder(dir: string): void {
  try {
    mkdirSync(dir, { recursive: true });
  } catch (error) {
    throw new RespiteError(
      'STORAGE',
      `The folder ${dir} cannot be made: ${systemErrorText(error)}`,
      {
        cause: error,
      },
    );
  }
}

function withoutTime(line: string): string {
  return line.replace(/^\S+ .{24} . /, '');
}

/** The last line of the log that says something. */
function lastWords(lines: readonly string[]): string {
  const words = lines.map(withoutTime);
  return words.reverse().find((line) => line !== '') ?? 'nothing was logged';
}

function openError(lines: readonly string[]): RespiteError {
  const isLocked = lines.some((line) => line.includes('is in use by process'));
  const text = `The store cannot be opened: ${lastWords(lines)}`;
  return new RespiteError(isLocked ? 'LOCKED' : 'STORAGE', text);
}

function describeCrash(cause: CrashCause): string {
  switch (cause.kind) {
    case 'assertion':
      return `${cause.expression} at ${cause.place}`;
    case 'panic':
      return `${cause.message} at ${cause.place}`;
    case 'signal':
      return cause.signal;
    default:
      return cause.message;
  }
}

function asOpenError(error: unknown): unknown {
  if (error instanceof CoreCrash) {
    return new RespiteError('CRASHED', `The engine failed: ${error.message}`, { cause: error });
  }
  return error;
}
