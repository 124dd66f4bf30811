// The store of a Node program: the server without sockets, and the program as its clients.

import { mkdirSync } from 'node:fs';
import { storeDirectives } from '../config/store_directives.ts';
import { loadCoreModule } from '../core/load.node.ts';
import { RespiteError } from '../embedded/errors.ts';
import { RespiteBase } from '../embedded/respite.ts';
import { CoreCrash } from '../engine.ts';
import { Logger } from '../log.ts';
import { ListenError } from '../net/listener.ts';
import { RdbLoadError } from '../persistence/rdb_loader.ts';
import { Server } from '../server.ts';
import { MemoryStorage } from '../storage/memory_storage.ts';
import { systemErrorText } from '../util/system_error.ts';
import { exportDump, importDump } from './dump.ts';
import { servers } from './inside.ts';
import { openLocalLink } from './local_connection.ts';
import { checkOptions, type OpenOptions, optionDirectives } from './open_options.ts';

/** Linear memory to begin with: enough for small stores, and little to copy for a fork. */
const INITIAL_BYTES = 4 * 1024 * 1024;

export interface ListenOptions {
  /** TCP port. */
  readonly port?: number;
  /** Address to listen on, 127.0.0.1 by default. */
  readonly host?: string;
  /** Path of a Unix socket. */
  readonly path?: string;
}

/** The server is gone: why, for everybody who asks it for something. */
class Ended extends RespiteError {}

export class Respite extends RespiteBase {
  readonly #server: Server;
  readonly #savesAtClose: boolean;

  private constructor(server: Server, savesAtClose: boolean) {
    super((handlers, options) => openLocalLink(server, handlers, options));
    this.#server = server;
    servers.set(this, server);
    this.#savesAtClose = savesAtClose;
  }

  /**
   * Opens a store. Throws RespiteError: BAD_OPTION, LOCKED (another process has the folder), STORAGE (the
   * folder or its files cannot be read), DUMP_VERSION and DUMP_FORMAT (the `rdb` or a file cannot be loaded).
   */
  static async open(options: OpenOptions = {}): Promise<Respite> {
    checkOptions(options);
    const { dir, log, rdb } = options;
    if (dir !== undefined) makeFolder(dir);
    const { config, extras } = storeDirectives(optionDirectives(options));
    const lines: string[] = [];
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
    const server = new Server({
      config,
      extras,
      logger,
      module: loadCoreModule(),
      pid: process.pid,
      stdoutIsTerminal: false,
      executable: process.execPath,
      configFile: '',
      initialBytes: INITIAL_BYTES,
      isBackground: true,
      ...(dir === undefined ? { storage: new MemoryStorage() } : {}),
      restart: () => {},
      endAfterCrash: (cause) => {
        throw new Ended('CRASHED', `The engine failed: ${JSON.stringify(cause)}`);
      },
      removePidFile: () => false,
      exit: () => {
        throw openError(lines);
      },
    });
    const store = new Respite(server, dir !== undefined && !config.get('appendonly'));
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
    server.start();
    return store;
  }

  /** Serves the store to other programs, too. Throws RespiteError BAD_OPTION when the address cannot be had. */
  async listen({ port = 0, host = '127.0.0.1', path = '' }: ListenOptions): Promise<void> {
    if (this.isClosed) throw new RespiteError('CLOSED', 'The store is closed');
    if (port === 0 && path === '') throw new RespiteError('BAD_OPTION', 'Give a port or a path');
    const { config } = this.#server;
    config.put('bind', [host]);
    config.put('port', port);
    config.put('unixsocket', path);
    try {
      await this.#server.openSockets();
    } catch (error) {
      if (!(error instanceof ListenError)) throw error;
      throw new RespiteError('BAD_OPTION', error.message, { cause: error });
    }
  }

  /** All data as a dump in the RDB format, of this moment, while commands are served. */
  export(): Promise<Uint8Array> {
    if (this.isClosed) throw new RespiteError('CLOSED', 'The store is closed');
    return exportDump(this.#server);
  }

  protected async closeStore(): Promise<void> {
    const { persistence } = this.#server;
    const save = this.#savesAtClose ? 'always' : 'default';
    const isSaved = await persistence.prepareExit({ save, isForced: true });
    this.#server.stop();
    persistence.close();
    if (!isSaved) throw new RespiteError('STORAGE', 'The last snapshot could not be written');
  }
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

/** Why a store cannot be opened, from the last words of its log. */
function openError(lines: readonly string[]): RespiteError {
  const words = lines.map((line) => line.replace(/^\S+ .{24} . /, ''));
  const warning = words.reverse().find((line) => line !== '') ?? '';
  const code = /is in use by process/.test(words.join('\n')) ? 'LOCKED' : 'STORAGE';
  return new Ended(code, `The store cannot be opened: ${warning}`);
}

function asOpenError(error: unknown): unknown {
  if (error instanceof CoreCrash) {
    return new RespiteError('CRASHED', `The engine failed: ${error.message}`, { cause: error });
  }
  if (error instanceof RdbLoadError) {
    const code = error.code === 'VERSION' ? 'DUMP_VERSION' : 'DUMP_FORMAT';
    return new RespiteError(code, `The dump cannot be loaded: ${error.message}`, { cause: error });
  }
  return error;
}
