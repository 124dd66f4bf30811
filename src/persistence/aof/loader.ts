// Loads an append-only log: the base, then every increment, through a client of the engine that has no
// socket.
//
//   manifest ─> base: RDB file, or RDB preamble and commands, or commands ─> increments: commands
//
// The bytes of a file go to the core as they are, read straight into its input region; parsing, unknown
// commands and errors are its business (CLIENT_INTERNAL while GUARD_LOADING is set). Between pieces the
// event loop turns, so that clients get their LOADING errors.
//
// A log that ends too early is cut behind its last whole command, or in front of the transaction that has no
// end, when `aof-load-truncated` allows it. Everything else that is wrong is logged, in Redis's words, and
// ends the load: a log is loaded whole or not at all.
//
// Differences from Redis: a log that ends in the middle of a transaction is cut in front of it also when
// the last command is incomplete; one that ends in an annotation is cut in front of that; files that are
// empty may follow one that ends too early, which is what a crash leaves right after a new file was begun.

import * as abi from '../../../assembly/abi.ts';
import type { Core } from '../../core/core.ts';
import type { ClientOutput, Engine, EngineClient } from '../../engine.ts';
import type { Logger } from '../../log.ts';
import type { FileStatus, Storage, StorageFile } from '../../storage/storage.ts';
import { nextTurn } from '../../util/next_turn.ts';
import { errorCode, systemErrorText } from '../../util/system_error.ts';
import {
  type AofFile,
  Manifest,
  ManifestError,
  ManifestOpenError,
  type ManifestPlace,
  readManifest,
  writeManifest,
} from './manifest.ts';
import { scanFile } from './scan.ts';

const MS_PER_SECOND = 1000;
const US_PER_MS = 1000;
const SIGNATURE = 'REDIS';
/** Bytes at a time when commands are to be slowed down. */
const SLOW_PIECE_BYTES = 4096;

export interface LoadOptions {
  readonly engine: Engine;
  readonly storage: Storage;
  readonly log: Logger;
  /** The working directory, where servers before Redis 7 had the one file. */
  readonly directory: string;
  readonly place: ManifestPlace;
  /** `aof-load-truncated` */
  readonly mayTruncate: boolean;
  /** `propagation-error-behavior panic` */
  readonly panicsOnErrors: boolean;
  /** `key-load-delay`: microseconds per command; negative: that many commands per microsecond. */
  keyDelayUs(): number;
  /** Bytes between two calls of `onProgress`. */
  readonly progressBytes: number;
  /** Loads the RDB file at the beginning of `path`; resolves to where it ends. Throws when it is bad. */
  loadPreamble(path: string, onProgress: (loadedBytes: number) => Promise<void>): Promise<number>;
  onProgress(loadedBytes: number, totalBytes: number): void | Promise<void>;
}

export interface LoadedLog {
  readonly manifest: Manifest;
  /** 'nothing': there is no log; 'empty': there is one without a byte. */
  readonly outcome: 'loaded' | 'empty' | 'nothing';
  /** Bytes of the base, and of all files. */
  readonly baseBytes: number;
  readonly totalBytes: number;
}

/** The log cannot be loaded; the reasons have been logged. */
export class AofLoadError extends Error {}

/** Loads the log that the manifest describes. Throws AofLoadError. */
export async function loadLog(options: LoadOptions): Promise<LoadedLog> {
  const found = readManifestOrFail(options);
  const manifest = needsUpgrade(found, options) ? upgrade(options) : found;
  if (manifest.isEmpty) return { manifest, outcome: 'nothing', baseBytes: 0, totalBytes: 0 };
  return new LogLoad(options, manifest).run();
}

/** The manifest on the disk, or an empty one. Throws AofLoadError. */
export function readManifestOrFail({ place, log }: Pick<LoadOptions, 'place' | 'log'>): Manifest {
  try {
    return readManifest(place) ?? Manifest.EMPTY;
  } catch (error) {
    if (error instanceof ManifestError) error.logTo(log);
    else if (error instanceof ManifestOpenError) log.warning(error.message);
    else throw error;
    throw new AofLoadError(error.message);
  }
}

// --- From the one file of old servers ---

/** Whether there is such a file, and the directory does not have a log of its own yet. */
function needsUpgrade(manifest: Manifest, { storage, directory, place }: LoadOptions): boolean {
  const { stem } = place;
  const old = storage.status(`${directory}/${stem}`);
  if (old === undefined || old.isDirectory) return false;
  if (manifest.isEmpty) return true;
  // The last upgrade got as far as the manifest.
  const isUpgrading = manifest.increments.length === 0 && manifest.base?.name === stem;
  return isUpgrading && storage.status(`${place.directory}/${stem}`) === undefined;
}

/** Makes the file the base of a log. Whatever step fails, the next start begins anew. */
function upgrade({ storage, directory, place, log }: LoadOptions): Manifest {
  const { stem } = place;
  const manifest = Manifest.upgraded(stem);
  try {
    makeLogDirectory(storage, directory, place.directory);
  } catch (error) {
    log.warning(
      `Can't open or create append-only dir ${place.directory}: ${systemErrorText(error)}`,
    );
    throw new AofLoadError('no directory');
  }
  try {
    writeManifest(place, manifest, log);
  } catch {
    throw new AofLoadError('no manifest');
  }
  try {
    storage.rename(`${directory}/${stem}`, `${place.directory}/${stem}`);
    storage.syncDirectory(place.directory);
    storage.syncDirectory(directory);
  } catch (error) {
    log.warning(
      `Error trying to move the old AOF file ${stem} into dir ${place.directory}: ` +
        systemErrorText(error),
    );
    throw new AofLoadError('the old file stays');
  }
  log.notice(
    `Successfully migrated an old-style AOF file (${stem}) into the AOF directory (${place.directory}).`,
  );
  return manifest;
}

/** Makes the directory of the log, durably. */
export function makeLogDirectory(storage: Storage, directory: string, logDirectory: string): void {
  if (storage.status(logDirectory)?.isDirectory) return;
  storage.makeDirectory(logDirectory);
  storage.syncDirectory(directory);
}

// --- The files ---

class LogLoad {
  private readonly options: LoadOptions;
  private readonly manifest: Manifest;
  private totalBytes = 0;
  private loadedBytes = 0;
  private reportedBytes = 0;

  constructor(options: LoadOptions, manifest: Manifest) {
    this.options = options;
    this.manifest = manifest;
  }

  async run(): Promise<LoadedLog> {
    const { log } = this.options;
    const { files, base } = this.manifest;
    const sizes = files.map((file) => this.sizeOf(file));
    this.totalBytes = sizes.reduce((sum, size) => sum + size, 0);
    if (this.totalBytes === 0) return this.result('empty', 0);
    const last = sizes.findLastIndex((size) => size > 0);
    for (const [i, file] of files.entries()) {
      if (sizes[i] === 0) continue;
      const began = performance.now();
      const bytes = await this.loadFile(file, i === last);
      this.totalBytes += bytes - sizes[i]!;
      sizes[i] = bytes;
      const seconds = ((performance.now() - began) / MS_PER_SECOND).toFixed(3);
      const kind = file === base ? 'base' : 'incr';
      log.notice(`DB loaded from ${kind} file ${file.name}: ${seconds} seconds`);
    }
    return this.result('loaded', base === undefined ? 0 : sizes[0]!);
  }

  private result(outcome: LoadedLog['outcome'], baseBytes: number): LoadedLog {
    return { manifest: this.manifest, outcome, baseBytes, totalBytes: this.totalBytes };
  }

  private sizeOf({ name }: AofFile): number {
    const { storage, place, log } = this.options;
    const fail = (reason: string): never => {
      log.warning(`Unable to obtain the AOF file ${name} length. stat: ${reason}`);
      throw new AofLoadError('a file is missing');
    };
    let status: FileStatus | undefined;
    try {
      status = storage.status(`${place.directory}/${name}`);
    } catch (error) {
      return fail(systemErrorText(error));
    }
    return status?.sizeBytes ?? fail('No such file or directory');
  }

  /** Loads one file; returns its length, which is less than before when its end was cut off. */
  private async loadFile({ name }: AofFile, isLast: boolean): Promise<number> {
    const path = `${this.options.place.directory}/${name}`;
    const start = this.loadedBytes;
    const file = this.open(path, name);
    let end: number;
    try {
      end = await this.loadOpened(file, path, name, isLast);
    } finally {
      file.close();
    }
    this.loadedBytes = start + end;
    return end;
  }

  private open(path: string, name: string): StorageFile {
    const { storage, log } = this.options;
    try {
      return storage.open(path, 'read');
    } catch (error) {
      const reason = systemErrorText(error);
      log.warning(
        errorCode(error) === 'ENOENT'
          ? `The append log file ${name} doesn't exist: ${reason}`
          : `Fatal error: can't open the append log file ${name} for reading: ${reason}`,
      );
      throw new AofLoadError('a file cannot be opened');
    }
  }

  private async loadOpened(
    file: StorageFile,
    path: string,
    name: string,
    isLast: boolean,
  ): Promise<number> {
    const { engine, log } = this.options;
    const commandsStart = await this.loadPreamble(file, path, name);
    const replay = new Replay(engine, log, name, this.options);
    try {
      const pause = (bytes: number) => this.note(bytes);
      const end = await replay.run(file, commandsStart, pause);
      if (end.usable === end.read) return end.read;
      return this.cut(path, name, end.usable, end.isInTransaction, isLast);
    } finally {
      replay.close();
    }
  }

  /** Loads the RDB file that this one may begin with. Returns where the commands begin. */
  private async loadPreamble(file: StorageFile, path: string, name: string): Promise<number> {
    const { log, place } = this.options;
    const signature = Buffer.alloc(SIGNATURE.length);
    if (this.read(file, signature, 0, name) < signature.length) return 0;
    if (signature.toString('latin1') !== SIGNATURE) return 0;
    const isOld = name === place.stem;
    log.notice(
      isOld ? 'Reading RDB preamble from AOF file...' : 'Reading RDB base file on AOF loading...',
    );
    const start = this.loadedBytes;
    let end: number;
    try {
      end = await this.options.loadPreamble(path, (bytes) => this.report(start + bytes));
    } catch (error) {
      if (!(error instanceof Error) || errorCode(error) === 'CORE_CRASH') throw error;
      log.warning(
        isOld
          ? `Error reading the RDB preamble of the AOF file ${name}, AOF loading aborted`
          : `Error reading the RDB base file ${name}, AOF loading aborted`,
      );
      throw new AofLoadError('the base cannot be loaded');
    }
    this.loadedBytes = start + end;
    if (isOld) log.notice('Reading the remaining AOF tail...');
    return end;
  }

  private read(file: StorageFile, into: Uint8Array, position: number, name: string): number {
    try {
      return file.read(into, position);
    } catch (error) {
      throw unreadable(error, name, this.options.log);
    }
  }

  private async note(bytes: number): Promise<void> {
    this.loadedBytes += bytes;
    if (this.loadedBytes - this.reportedBytes >= this.options.progressBytes) {
      await this.report(this.loadedBytes);
    }
  }

  private async report(loadedBytes: number): Promise<void> {
    this.reportedBytes = loadedBytes;
    await this.options.onProgress(loadedBytes, this.totalBytes);
  }

  /** The file ends too early: keeps what is usable of it, if that is wanted. Returns its new length. */
  private cut(
    path: string,
    name: string,
    usable: number,
    isInTransaction: boolean,
    isLast: boolean,
  ): number {
    const { log, mayTruncate } = this.options;
    if (isInTransaction) {
      log.warning(`Revert incomplete MULTI/EXEC transaction in AOF file ${name}`);
    }
    if (mayTruncate) {
      log.warning(`!!! Warning: short read while loading the AOF file ${name}!!!`);
      if (!isLast) {
        log.warning('Fatal error: the truncated file is not the last file');
        throw new AofLoadError('a file in the middle is truncated');
      }
      log.warning(`!!! Truncating the AOF ${name} at offset ${usable} !!!`);
      if (this.truncate(path, name, usable)) {
        log.warning(`AOF ${name} loaded anyway because aof-load-truncated is enabled`);
        return usable;
      }
    }
    log.warning(
      `Unexpected end of file reading the append only file ${name}. You can: ` +
        '1) Make a backup of your AOF file, then use ./redis-check-aof --fix <filename.manifest>. ' +
        "2) Alternatively you can set the 'aof-load-truncated' configuration option to yes and " +
        'restart the server.',
    );
    throw new AofLoadError('the log ends too early');
  }

  private truncate(path: string, name: string, length: number): boolean {
    const { storage, log } = this.options;
    try {
      const file = storage.open(path, 'update');
      try {
        file.truncate(length);
        file.sync();
      } finally {
        file.close();
      }
      return true;
    } catch (error) {
      log.warning(`Error truncating the AOF file ${name}: ${systemErrorText(error)}`);
      return false;
    }
  }
}

function unreadable(error: unknown, name: string, log: Logger): AofLoadError {
  log.warning(
    `Unrecoverable error reading the append only file ${name}: ${systemErrorText(error)}`,
  );
  return new AofLoadError('a file cannot be read');
}

// --- Commands ---

interface ReplayEnd {
  /** Bytes of the file. */
  readonly read: number;
  /** To where it can be kept. */
  readonly usable: number;
  readonly isInTransaction: boolean;
}

/** The client that sends a file's commands. Nobody reads its replies. */
class Replay implements ClientOutput {
  private readonly engine: Engine;
  private readonly core: Core;
  private readonly log: Logger;
  private readonly name: string;
  private readonly options: Pick<LoadOptions, 'panicsOnErrors' | 'keyDelayUs'>;
  private readonly client: EngineClient;
  private refusal: string | undefined;
  /** End of the last whole command outside of transactions that was noticed. */
  private settled = 0;
  private commands = 0;
  private owedUs = 0;

  constructor(
    engine: Engine,
    log: Logger,
    name: string,
    options: Pick<LoadOptions, 'panicsOnErrors' | 'keyDelayUs'>,
  ) {
    this.engine = engine;
    this.core = engine.core;
    this.log = log;
    this.name = name;
    this.options = options;
    const client = engine.connect(this, '', true);
    if (client === undefined) {
      log.warning(`Out of memory reading the append only file ${name}`);
      throw new AofLoadError('no memory');
    }
    client.flags |= abi.CLIENT_INTERNAL;
    this.client = client;
  }

  // --- ClientOutput ---

  write(): void {}

  end(): void {
    this.refuse();
  }

  destroy(): void {
    this.refuse();
  }

  close(): void {
    this.client.close();
  }

  // --- Replay ---

  async run(
    file: StorageFile,
    start: number,
    pause: (bytes: number) => Promise<void>,
  ): Promise<ReplayEnd> {
    let at = start;
    this.settled = start;
    for (;;) {
      const length = this.readPiece(file, at);
      if (length === 0) break;
      at += length;
      this.client.run(length);
      while ((this.client.flags & abi.CLIENT_BLOCKED) !== 0) await nextTurn();
      this.check();
      await this.delay();
      if (!this.isInTransaction) this.settled = at - this.unreadBytes;
      await pause(length);
    }
    const whole = at - this.unreadBytes;
    if (!this.isInTransaction) return { read: at, usable: whole, isInTransaction: false };
    return { read: at, usable: this.transactionStart(file, whole), isInTransaction: true };
  }

  private readPiece(file: StorageFile, position: number): number {
    try {
      const input = this.engine.input();
      const isSlow = this.options.keyDelayUs() !== 0;
      return file.read(isSlow ? input.subarray(0, SLOW_PIECE_BYTES) : input, position);
    } catch (error) {
      throw unreadable(error, this.name, this.log);
    }
  }

  /** Waits for what `key-load-delay` asks for the commands of the last piece. */
  private async delay(): Promise<void> {
    const delayUs = this.options.keyDelayUs();
    const commands = Number(this.core.data.getBigUint64(this.client.ptr + abi.CONN_COMMANDS, true));
    const count = commands - this.commands;
    this.commands = commands;
    if (delayUs === 0) return;
    this.owedUs += delayUs > 0 ? count * delayUs : count / -delayUs;
    if (this.owedUs < US_PER_MS) return;
    const milliseconds = this.owedUs / US_PER_MS;
    this.owedUs = 0;
    await new Promise((resolve) => setTimeout(resolve, milliseconds));
  }

  private get isInTransaction(): boolean {
    return (this.client.flags & abi.CLIENT_MULTI) !== 0;
  }

  private get unreadBytes(): number {
    return this.core.data.getUint32(this.client.ptr + abi.CONN_QUERY_LEN, true);
  }

  /** Where the transaction begins that is not finished: looked for from where none was open. */
  private transactionStart(file: StorageFile, whole: number): number {
    try {
      const scanned = scanFile(file, {}, { start: this.settled, asLoaded: true });
      return scanned.openMulti ?? Math.min(this.settled, whole);
    } catch (error) {
      throw unreadable(error, this.name, this.log);
    }
  }

  /** Acts on what the core found wrong. */
  private check(): void {
    this.logErrors();
    if (this.refusal === undefined) return;
    this.log.warning(this.refusal);
    throw new AofLoadError(this.refusal);
  }

  /** The core goes on with this client no more. */
  private refuse(): void {
    const { core, name } = this;
    const command = () => core.args()[0]?.toString('latin1') ?? '';
    switch (core.word(abi.ABI_CLOSE_REASON)) {
      case abi.CLOSE_UNKNOWN_COMMAND:
        this.refusal = `Unknown command '${command()}' reading the append only file ${name}`;
        break;
      case abi.CLOSE_WRONG_ARITY:
        this.refusal =
          `Wrong number of arguments for command '${command()}' ` +
          `reading the append only file ${name}`;
        break;
      case abi.CLOSE_NO_MEMORY:
      case abi.CLOSE_REPLAY_NO_MEMORY:
        this.refusal = `Out of memory reading the append only file ${name}`;
        break;
      default:
        this.refusal =
          `Bad file format reading the append only file ${name}: make a backup of your AOF file, ` +
          'then use ./redis-check-aof --fix <filename.manifest>';
    }
  }

  /** Logs the errors that commands replied with: they did not when they were written down. */
  private logErrors(): void {
    const { core, log, name } = this;
    const at = core.exports.replayErrors() >>> 0;
    const bytes = core.data.getUint32(at + abi.REPLAY_ERRORS_BYTES, true);
    if (bytes === 0) return;
    const end = at + abi.REPLAY_ERRORS_HEAD + bytes;
    for (let record = at + abi.REPLAY_ERRORS_HEAD; record < end; ) {
      const command = this.engine.commandName(core.data.getUint32(record, true));
      const length = core.data.getUint32(record + 4, true);
      const text = core.copy(record + 8, length).toString('latin1');
      log.warning(
        '== CRITICAL == This server is sending an error to its AOF-loading-client: ' +
          `'${text}' after processing the command '${command}'`,
      );
      if (text.startsWith('OOM ')) {
        this.refusal ??= `Out of memory reading the append only file ${name}`;
      } else if (this.options.panicsOnErrors) {
        this.refusal ??=
          'This server panicked sending an error to its AOF-loading-client after processing the ' +
          `command '${command}'`;
      }
      record += 8 + Math.ceil(length / 4) * 4;
    }
    const lost = core.data.getUint32(at + abi.REPLAY_ERRORS_LOST, true);
    if (lost > 0) log.warning(`== CRITICAL == ${lost} more errors of the same kind`);
    core.exports.replayErrorsTaken();
  }
}
