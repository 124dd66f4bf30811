// Loads RDB files: at start, as the preamble of an append-only file, for DEBUG RELOAD; and from bytes
// in memory.
//
// A file is read in pieces, between which the event loop may turn, so that a server answers while it
// loads. What is wrong with a file is logged in Redis's words and thrown as an RdbLoadError: then a
// part of the keys may be there, and the caller must not serve them. Redis ends its process;
// `lastWords` are what it says then. An error of the storage goes up as it is.
//
// Differences from Redis: data of modules is passed over as long as no key needs it, and libraries of
// functions are, with a message, because there are no functions yet.

import * as abi from '../../assembly/abi.ts';
import { RdbLoad } from '../core/rdb_load.ts';
import { moduleName } from '../core/rdb_reasons.ts';
import type { Engine } from '../engine.ts';
import type { Logger } from '../log.ts';
import type { Storage } from '../storage/storage.ts';
import { nextTurn } from '../util/next_turn.ts';
import { type FaultReport, faultLines, loggedName } from './rdb_fault_log.ts';

export interface RdbReadOptions {
  readonly engine: Engine;
  readonly log: Logger;
  /** Keys whose time has come are loaded, too: a log that follows refers to them. */
  readonly keepExpired: boolean;
  /** Keys that are there already are replaced; otherwise a second one is an error. */
  readonly allowDuplicates: boolean;
  /** `rdbchecksum`. */
  readonly checksum: boolean;
  /** `key-load-delay`: microseconds per key; negative: that many keys per microsecond. */
  readonly keyDelayUs: number;
  /** `loading-process-events-interval-bytes`, 2 MiB unless told; 0 never calls `onProgress`. */
  readonly progressBytes?: number;
  /** Called whenever so many more bytes are loaded; then the event loop turns. */
  onProgress(loadedBytes: number): void | Promise<void>;
  /** Called for each field about the file, which come before the keys. */
  onAux?(name: string, value: string): void;
}

export interface RdbLoadOptions extends RdbReadOptions {
  readonly storage: Storage;
}

export interface RdbLoadResult {
  readonly version: number;
  readonly keysLoaded: number;
  readonly keysExpired: number;
  readonly emptyKeysSkipped: number;
  /** Fields about the file, by name. */
  readonly aux: ReadonlyMap<string, string>;
  /** Libraries of functions that the file has, and their length; they are not loaded. */
  readonly libraries: number;
  readonly libraryBytes: number;
  /** Where the RDB part of the file ends. */
  readonly endOffset: number;
}

export type RdbLoadCode =
  | 'FORMAT'
  | 'VERSION'
  | 'CHECKSUM'
  | 'SHORT_READ'
  | 'NO_MEMORY'
  | 'MODULE'
  | 'DUPLICATE';

/** The file cannot be loaded. What is wrong has been logged. */
export class RdbLoadError extends Error {
  readonly code: RdbLoadCode;
  /** Where in the file. */
  readonly offset: number;
  /** What Redis logs before it ends. */
  readonly lastWords: string;

  constructor(code: RdbLoadCode, offset: number, message: string, lastWords: string) {
    super(message);
    this.code = code;
    this.offset = offset;
    this.lastWords = lastWords;
  }
}

const TERMINATING = 'Terminating server after rdb file reading failure.';
const FATAL = 'Fatal error loading the DB, check server logs. Exiting.';

/** Codes of RDB_FAULT_*; those that are not here are FORMAT. */
const CODES: Readonly<Record<number, RdbLoadCode>> = {
  [abi.RDB_FAULT_EOF]: 'SHORT_READ',
  [abi.RDB_FAULT_CHECKSUM]: 'CHECKSUM',
  [abi.RDB_FAULT_VERSION]: 'VERSION',
  [abi.RDB_FAULT_MODULE_OLD]: 'MODULE',
  [abi.RDB_FAULT_MODULE_TYPE]: 'MODULE',
  [abi.RDB_FAULT_MODULE_AUX]: 'MODULE',
  [abi.RDB_FAULT_MODULE_DATA]: 'MODULE',
  [abi.RDB_FAULT_DUPLICATE_KEY]: 'DUPLICATE',
  [abi.RDB_FAULT_NO_MEMORY]: 'NO_MEMORY',
};

/** Bytes read at a time. */
const PIECE_BYTES = 1 << 20;
const PIECE_BYTES_MIN = 4096;
const PROGRESS_BYTES = 2 << 20;
/** Files from this size on have their progress logged, every so many percent. */
const LARGE_FILE_BYTES = 64 << 20;
const PERCENT_STEP = 10;
const MEBIBYTE = 1 << 20;
/** So many names of empty keys are logged. */
const EMPTY_KEYS_LOGGED = 10;
const US_PER_MS = 1000;

/** Where the bytes come from. */
interface Source {
  readonly sizeBytes: number;
  /** Reads up to `into.length` bytes from a position; 0 at the end. */
  read(into: Uint8Array, position: number): number;
}

/** Loads the RDB file `path`, or the RDB part at its beginning, while the event loop turns. */
export async function loadRdb(path: string, options: RdbLoadOptions): Promise<RdbLoadResult> {
  const file = options.storage.open(path, 'read');
  try {
    const read = file.read.bind(file);
    return await readTurning({ sizeBytes: file.size(), read }, options);
  } finally {
    file.close();
  }
}

/** The same while nothing else runs; `onProgress` is not waited for. */
export function loadRdbBlocking(path: string, options: RdbLoadOptions): RdbLoadResult {
  const file = options.storage.open(path, 'read');
  try {
    return readBlocking({ sizeBytes: file.size(), read: file.read.bind(file) }, options);
  } finally {
    file.close();
  }
}

/** Loads the RDB file that these bytes are. */
export function loadRdbBytes(bytes: Uint8Array, options: RdbReadOptions): Promise<RdbLoadResult> {
  return readTurning(sourceOf(bytes), options);
}

/** The same while nothing else runs. */
export function loadRdbBytesBlocking(bytes: Uint8Array, options: RdbReadOptions): RdbLoadResult {
  return readBlocking(sourceOf(bytes), options);
}

function sourceOf(bytes: Uint8Array): Source {
  return {
    sizeBytes: bytes.length,
    read(into, position) {
      const piece = bytes.subarray(position, position + into.length);
      into.set(piece);
      return piece.length;
    },
  };
}

async function readTurning(source: Source, options: RdbReadOptions): Promise<RdbLoadResult> {
  const reader = new RdbReader(source, options);
  try {
    for (let pause = reader.next(); pause; pause = reader.next()) {
      if (pause.delayMs > 0) await sleep(pause.delayMs);
      if (!pause.isProgress) continue;
      await options.onProgress(reader.loadedBytes);
      await nextTurn();
    }
    return reader.result();
  } finally {
    reader.end();
  }
}

function readBlocking(source: Source, options: RdbReadOptions): RdbLoadResult {
  const reader = new RdbReader(source, options);
  try {
    for (let pause = reader.next(); pause; pause = reader.next()) {
      if (pause.delayMs > 0) spin(pause.delayMs);
      if (pause.isProgress) void options.onProgress(reader.loadedBytes);
    }
    return reader.result();
  } finally {
    reader.end();
  }
}

function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, ms);
  });
}

function spin(ms: number): void {
  const stop = performance.now() + ms;
  while (performance.now() < stop);
}

/** Why reading stops for a moment. */
interface Pause {
  readonly isProgress: boolean;
  readonly delayMs: number;
}

/** One file on its way into the core. */
class RdbReader {
  private readonly source: Source;
  private readonly options: RdbReadOptions;
  private readonly load: RdbLoad;
  private readonly nowMs: number;
  private readonly aux = new Map<string, string>();
  private readonly progressBytes: number;
  private progressAt: number;
  /** Keys per step (0: any number) and the delay they bring. */
  private readonly keysMax: number;
  private readonly delayMs: number;
  private owedMs = 0;
  /** Bytes that were read, and that there are as far as is known. */
  private read = 0;
  private size: number;
  /** The core took all it could of what is there. */
  private needsBytes = true;
  private percentLogged = 0;
  private emptyKeys = 0;
  private libraries = 0;
  private libraryBytes = 0;

  constructor(source: Source, options: RdbReadOptions) {
    this.source = source;
    this.options = options;
    this.size = source.sizeBytes;
    this.nowMs = options.engine.now();
    this.progressBytes = options.progressBytes ?? PROGRESS_BYTES;
    this.progressAt = this.progressBytes;
    const { keyDelayUs } = options;
    this.keysMax = keyDelayUs < 0 ? -keyDelayUs : Math.min(keyDelayUs, 1);
    this.delayMs = Math.max(keyDelayUs, 1) / US_PER_MS;
    this.load = this.begin();
  }

  private begin(): RdbLoad {
    const { engine, checksum, keepExpired, allowDuplicates } = this.options;
    const wanted = Math.min(this.progressBytes || PIECE_BYTES, this.size, PIECE_BYTES);
    const setup = {
      flags:
        (checksum ? abi.LOAD_CHECKSUM : 0) |
        (keepExpired ? abi.LOAD_KEEP_EXPIRED : 0) |
        (allowDuplicates ? abi.LOAD_REPLACE : 0),
      totalBytes: this.size,
      pieceBytes: Math.max(wanted, PIECE_BYTES_MIN),
      nowMs: this.nowMs,
    };
    const load = engine.call(() => RdbLoad.begin(engine.core, setup), TASK);
    if (!load) throw this.noRoom(0);
    return load;
  }

  get loadedBytes(): number {
    return this.load.offset;
  }

  /** Reads on until it is time for a pause; undefined at the end. Throws an RdbLoadError. */
  next(): Pause | undefined {
    for (;;) {
      const status = this.step();
      if (status === abi.LOAD_DONE) return undefined;
      if (status === abi.LOAD_ERROR) throw this.failure();
      if (status === abi.LOAD_PAUSE) this.owedMs += this.delayMs;
      else this.note(status);
      const pause = this.pause();
      if (pause) return pause;
    }
  }

  /** One step of the core, with more bytes if it needs them. */
  private step(): number {
    const { load, options } = this;
    // A part that takes more than there is cannot be waited for.
    const isCut = this.needsBytes && load.wanted > this.size - this.read;
    if (this.needsBytes && !isCut) this.fill();
    const isLast = isCut || this.read >= this.size;
    const status = options.engine.call(() => load.step(isLast, this.keysMax, this.nowMs), TASK);
    this.needsBytes = status === abi.LOAD_MORE;
    return status;
  }

  private fill(): void {
    const { load, source } = this;
    const least = Math.max(load.wanted, 1);
    const room = this.options.engine.call(() => load.room(), TASK);
    if (!room) throw this.noRoom(load.offset);
    let filled = 0;
    while (filled < least && this.read < this.size) {
      const bytes = source.read(room.subarray(filled), this.read);
      // The file has become shorter.
      if (bytes === 0) this.size = this.read;
      this.read += bytes;
      filled += bytes;
    }
    load.filled(filled);
  }

  private pause(): Pause | undefined {
    const { progressBytes } = this;
    this.logPercent();
    const isProgress = progressBytes > 0 && this.loadedBytes >= this.progressAt;
    if (isProgress) {
      this.progressAt = (Math.floor(this.loadedBytes / progressBytes) + 1) * progressBytes;
    }
    // Timers know no less than a millisecond.
    const delayMs = Math.trunc(this.owedMs);
    this.owedMs -= delayMs;
    return isProgress || delayMs > 0 ? { isProgress, delayMs } : undefined;
  }

  private logPercent(): void {
    if (this.size < LARGE_FILE_BYTES) return;
    const percent = Math.floor((this.loadedBytes / this.size) * 100);
    if (percent < this.percentLogged + PERCENT_STEP || percent >= 100) return;
    this.percentLogged = percent - (percent % PERCENT_STEP);
    const mebibytes = (bytes: number) => (bytes / MEBIBYTE).toFixed(2);
    const part = `${mebibytes(this.loadedBytes)} of ${mebibytes(this.size)} Mb`;
    const { keysLoaded } = this.load.totals();
    this.options.log.notice(`Loading RDB: ${percent}% (${part}), keys loaded: ${keysLoaded}`);
  }

  // --- What is not keys ---

  private note(status: number): void {
    const { load, options } = this;
    if (status === abi.LOAD_AUX) {
      const [name, value] = load.aux();
      this.aux.set(name, value);
      options.onAux?.(name, value);
      this.logAux(name, value);
    } else if (status === abi.LOAD_EMPTY_KEY) {
      this.emptyKeys += 1;
      if (this.emptyKeys > EMPTY_KEYS_LOGGED) return;
      const name = loggedName(load.emptyKey());
      options.log.notice(`rdbLoadObject skipping empty key: ${name}`);
    } else if (status === abi.LOAD_FUNCTIONS) {
      this.libraries += 1;
      this.libraryBytes += load.libraryBytes();
    } else if (status === abi.LOAD_MODULE_AUX) {
      const name = moduleName(load.moduleId());
      options.log.warning(
        `The RDB file contains AUX data of module '${name}', which is not loaded`,
      );
    }
  }

  private logAux(name: string, text: string): void {
    const { log } = this.options;
    const value = loggedName(Buffer.from(text));
    const number = Number.parseInt(text, 10) || 0;
    switch (name.toLowerCase()) {
      case 'redis-ver':
        log.notice(`Loading RDB produced by version ${value}`);
        return;
      case 'ctime': {
        const age = Math.max(Math.floor(this.nowMs / 1000) - number, 0);
        log.notice(`RDB age ${age} seconds`);
        return;
      }
      case 'used-mem':
        log.notice(`RDB memory usage when created ${(number / MEBIBYTE).toFixed(2)} Mb`);
        return;
      case 'aof-preamble':
        if (number !== 0) log.notice('RDB has an AOF tail');
        return;
      case 'aof-base':
        if (number !== 0) log.notice('RDB is base AOF');
        return;
      case 'redis-bits':
      case 'repl-stream-db':
      case 'repl-id':
      case 'repl-offset':
      case 'lua':
        return;
      default: {
        const shown = loggedName(Buffer.from(name));
        if (name.startsWith('%')) log.notice(`RDB '${shown}': ${value}`);
        else log.debug(`Unrecognized RDB AUX field: '${shown}'`);
      }
    }
  }

  // --- The end ---

  result(): RdbLoadResult {
    const { load, options, libraries, libraryBytes } = this;
    const { keysLoaded, keysExpired, emptyKeys } = load.totals();
    if (options.checksum && load.version >= VERSION_CHECKSUM && load.checksums().found === 0n) {
      options.log.notice('RDB file was saved with checksum disabled: no check performed.');
    }
    if (libraries > 0) {
      options.log.warning(
        `The RDB file has ${libraries} libraries of functions (${libraryBytes} bytes): ` +
          'functions are not loaded yet',
      );
    }
    const skipped = emptyKeys > 0 ? `, empty keys skipped: ${emptyKeys}` : '';
    options.log.notice(
      `Done loading RDB, keys loaded: ${keysLoaded}, keys expired: ${keysExpired}${skipped}.`,
    );
    return {
      version: load.version,
      keysLoaded,
      keysExpired,
      emptyKeysSkipped: emptyKeys,
      aux: this.aux,
      libraries,
      libraryBytes,
      endOffset: load.offset,
    };
  }

  private failure(): RdbLoadError {
    const { load } = this;
    const report = { ...load.fault(), totals: load.totals(), checksums: load.checksums() };
    return this.report(report);
  }

  /** There is no memory for a piece of the input. */
  private noRoom(offset: number): RdbLoadError {
    return this.report({
      fault: abi.RDB_FAULT_NO_MEMORY,
      text: 'Out of memory',
      offset,
      state: abi.LOADING_OPCODE,
      key: undefined,
      database: 0,
      type: undefined,
      totals: this.load?.totals() ?? { keysLoaded: 0, keysExpired: 0, emptyKeys: 0 },
      checksums: { computed: 0n, found: 0n },
    });
  }

  private report(report: FaultReport): RdbLoadError {
    for (const line of faultLines(report)) this.options.log.warning(line);
    const { fault, offset, text } = report;
    const isRefused = fault === abi.RDB_FAULT_SIGNATURE || fault === abi.RDB_FAULT_VERSION;
    return new RdbLoadError(
      CODES[fault] ?? 'FORMAT',
      offset,
      text,
      isRefused ? FATAL : TERMINATING,
    );
  }

  end(): void {
    this.options.engine.call(() => this.load.end(), TASK);
  }
}

const TASK = 'loading';
/** The first version of the format with a checksum. */
const VERSION_CHECKSUM = 5;
