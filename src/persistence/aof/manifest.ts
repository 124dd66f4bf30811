// The manifest: which files the append-only log consists of, in the order they are to be replayed.
//
//   file appendonly.aof.2.base.rdb seq 2 type b      at most one: the data set as of the last rewrite
//   file appendonly.aof.1.incr.aof seq 1 type h      no longer needed, to be deleted
//   file appendonly.aof.2.incr.aof seq 2 type i      every write since, oldest first
//   file appendonly.aof.3.incr.aof seq 3 type i      the last one is being written
//
// A line is pairs of a word and a value; unknown words are passed over, so that newer servers may add
// some. Lines that begin with '#' are comments. Names with blanks, quotes or bytes beyond ASCII are
// quoted as in configuration files.
//
// Format and messages are Redis's. A Manifest never changes; its `with...` functions return the next
// one, which counts once it is on the disk (`writeManifest`).

import { fromByteText } from '../../config/byte_text.ts';
import { splitArguments } from '../../config/quoting.ts';
import type { Logger } from '../../log.ts';
import type { Storage } from '../../storage/storage.ts';
import { quoteBytes } from '../../util/quote.ts';
import { systemErrorText } from '../../util/system_error.ts';

/** base, history, increment */
export type AofFileType = 'b' | 'h' | 'i';

export interface AofFile {
  readonly name: string;
  readonly seq: number;
  readonly type: AofFileType;
}

const LINE_BYTES_MAX = 1024;

/** Why a manifest cannot be used, with what Redis logs about it. */
export class ManifestError extends Error {
  /** From 1; 0 when the error is not about a line. */
  readonly lineNumber: number;
  readonly line: string | undefined;

  constructor(message: string, lineNumber = 0, line?: string) {
    super(message);
    this.lineNumber = lineNumber;
    this.line = line;
  }

  logTo(log: Logger): void {
    log.warning('\n*** FATAL AOF MANIFEST FILE ERROR ***\n');
    if (this.line !== undefined) {
      log.warning(`Reading the manifest file, at line ${this.lineNumber}\n`);
      log.warning(`>>> '${this.line}'\n`);
    }
    log.warning(`${this.message}\n`);
  }
}

interface Parts {
  readonly base?: AofFile | undefined;
  readonly history?: readonly AofFile[];
  readonly increments?: readonly AofFile[];
  readonly baseSeq?: number;
  readonly incrementSeq?: number;
}

export class Manifest {
  static readonly EMPTY: Manifest = new Manifest({});
  readonly base: AofFile | undefined;
  readonly history: readonly AofFile[];
  readonly increments: readonly AofFile[];
  /** The highest numbers given away so far. */
  readonly baseSeq: number;
  readonly incrementSeq: number;

  constructor(parts: Parts) {
    this.base = parts.base;
    this.history = parts.history ?? [];
    this.increments = parts.increments ?? [];
    this.baseSeq = parts.baseSeq ?? this.base?.seq ?? 0;
    this.incrementSeq = parts.incrementSeq ?? this.increments.at(-1)?.seq ?? 0;
  }

  /** Throws ManifestError. */
  static parse(content: Uint8Array): Manifest {
    return parseManifest(content);
  }

  /** Files to be replayed, in order. */
  get files(): readonly AofFile[] {
    return this.base === undefined ? this.increments : [this.base, ...this.increments];
  }

  get isEmpty(): boolean {
    return this.base === undefined && this.increments.length === 0;
  }

  /** The file that is being written: the last increment. */
  get last(): AofFile | undefined {
    return this.increments.at(-1);
  }

  format(): string {
    const files = [...(this.base ? [this.base] : []), ...this.history, ...this.increments];
    return files.map(formatFile).join('');
  }

  private next(parts: Parts): Manifest {
    return new Manifest({ ...this, ...parts });
  }

  /** A new base, named after `stem` ("appendonly.aof"); the one before becomes history. */
  withBase(stem: string, format: 'rdb' | 'aof'): Manifest {
    const seq = this.baseSeq + 1;
    const past = this.base === undefined ? [] : [toHistory(this.base)];
    return this.next({
      base: { name: `${stem}.${seq}.base.${format}`, seq, type: 'b' },
      history: [...past, ...this.history],
      baseSeq: seq,
    });
  }

  /** A new increment behind the others. */
  withIncrement(stem: string): Manifest {
    const seq = this.incrementSeq + 1;
    const file: AofFile = { name: `${stem}.${seq}.incr.aof`, seq, type: 'i' };
    return this.next({ increments: [...this.increments, file], incrementSeq: seq });
  }

  /** A new base holds what came before increment `firstKept`: the increments before it become history. */
  withRewritten(firstKept: number): Manifest {
    const past = this.increments.filter(({ seq }) => seq < firstKept);
    return this.next({
      history: [...past.map(toHistory), ...this.history],
      increments: this.increments.filter(({ seq }) => seq >= firstKept),
    });
  }

  withoutHistory(): Manifest {
    return this.next({ history: [] });
  }

  /** What a server of before Redis 7 wrote as one file, as the base. */
  static upgraded(name: string): Manifest {
    return new Manifest({ base: { name, seq: 1, type: 'b' } });
  }
}

function toHistory(file: AofFile): AofFile {
  return { ...file, type: 'h' };
}

function formatFile({ name, seq, type }: AofFile): string {
  const bytes = Buffer.from(name);
  const isPlain = bytes.every((byte) => byte > 32 && byte < 127 && byte !== 34 && byte !== 92);
  return `file ${isPlain ? name : quoteBytes(bytes)} seq ${seq} type ${type}\n`;
}

// --- Reading ---

interface ReadParts {
  base: AofFile | undefined;
  readonly history: AofFile[];
  readonly increments: AofFile[];
}

function parseManifest(content: Uint8Array): Manifest {
  const text = Buffer.from(content).toString('latin1');
  if (text === '') throw new ManifestError('Found an empty AOF manifest');
  const parts: ReadParts = { base: undefined, history: [], increments: [] };
  let at = 0;
  for (let number = 1; at < text.length; number++) {
    const end = text.indexOf('\n', at);
    const isCut = end < 0 || end - at >= LINE_BYTES_MAX;
    const line = text.slice(at, end < 0 ? undefined : end);
    at += line.length + 1;
    if (line.startsWith('#')) continue;
    if (isCut) throw new ManifestError('The AOF manifest file contains too long line', number);
    const trimmed = line.replace(/^[ \t\r\n]+|[ \t\r\n]+$/g, '');
    addFile(parts, parseLine(trimmed, number), trimmed, number);
  }
  return new Manifest(parts);
}

function parseLine(line: string, number: number): { name: string; seq: number; type: string } {
  const invalid = new ManifestError('Invalid AOF manifest file format', number, line);
  const words = splitArguments(line);
  if (words === null || words.length < 6 || words.length % 2 !== 0) throw invalid;
  let name = '';
  let seq = 0;
  let type = '';
  for (let i = 0; i < words.length; i += 2) {
    const value = words[i + 1]!;
    switch (words[i]!.toLowerCase()) {
      case 'file':
        name = fromByteText(value);
        if (/[/\\]/.test(name)) {
          throw new ManifestError("File can't be a path, just a filename", number, line);
        }
        break;
      case 'seq':
        seq = Number.parseInt(value, 10) || 0;
        break;
      case 'type':
        type = value.charAt(0);
        break;
      default:
        break;
    }
  }
  if (name === '' || seq === 0 || type === '') throw invalid;
  return { name, seq, type };
}

function addFile(
  parts: ReadParts,
  { name, seq, type }: { name: string; seq: number; type: string },
  line: string,
  number: number,
): void {
  const fail = (message: string): never => {
    throw new ManifestError(message, number, line);
  };
  if (type === 'b') {
    if (parts.base !== undefined) fail('Found duplicate base file information');
    parts.base = { name, seq, type };
  } else if (type === 'h') parts.history.push({ name, seq, type });
  else if (type === 'i') {
    const lastSeq = parts.increments.at(-1)?.seq ?? 0;
    if (seq <= lastSeq) fail('Found a non-monotonic sequence number');
    parts.increments.push({ name, seq, type });
  } else fail('Unknown AOF file type');
}

// --- On the disk ---

export interface ManifestPlace {
  readonly storage: Storage;
  /** Directory of the append-only files. */
  readonly directory: string;
  /** What the names of the files begin with: "appendonly.aof". */
  readonly stem: string;
}

export function manifestName(stem: string): string {
  return `${stem}.manifest`;
}

/** The manifest on the disk; undefined when there is none. Throws one of the errors above and below. */
export function readManifest({ storage, directory, stem }: ManifestPlace): Manifest | undefined {
  const path = `${directory}/${manifestName(stem)}`;
  if (storage.status(path) === undefined) return undefined;
  let content: Uint8Array;
  try {
    content = storage.readFile(path);
  } catch (error) {
    throw new ManifestOpenError(path, error);
  }
  return parseManifest(content);
}

/** The manifest is there and cannot be read. */
export class ManifestOpenError extends Error {
  constructor(path: string, cause: unknown) {
    super(
      `Fatal error: can't open the AOF manifest file ${path} for reading: ${systemErrorText(cause)}`,
      { cause },
    );
  }
}

/** Whether a crash leaves the new manifest for sure; otherwise it may leave the one before. */
export type ManifestOutcome = 'durable' | 'in place';

/**
 * Puts a manifest in the place of the one on the disk, with all names in its directory made durable
 * before. What goes wrong is logged; it is thrown, too, while the old manifest still counts.
 */
export function writeManifest(
  place: ManifestPlace,
  manifest: Manifest,
  log: Logger,
): ManifestOutcome {
  const { storage, directory, stem } = place;
  const name = manifestName(stem);
  const temp = `temp-${name}`;
  const step = <T>(what: string, run: () => T): T => {
    try {
      return run();
    } catch (error) {
      log.warning(`${what}: ${systemErrorText(error)}`);
      throw error;
    }
  };
  const syncDirectory = () =>
    step(`Fail to fsync AOF directory ${directory}/${name}`, () =>
      storage.syncDirectory(directory),
    );
  const file = step(`Can't open the AOF manifest file ${temp}`, () =>
    storage.open(`${directory}/${temp}`, 'create'),
  );
  try {
    step(`Error trying to write the temporary AOF manifest file ${temp}`, () =>
      file.write(Buffer.from(manifest.format())),
    );
    step(`Fail to fsync the temp AOF file ${temp}`, () => file.sync());
  } finally {
    file.close();
  }
  // A manifest that survives a crash must not name files that do not.
  syncDirectory();
  step(`Error trying to rename the temporary AOF manifest file ${temp} into ${name}`, () =>
    storage.rename(`${directory}/${temp}`, `${directory}/${name}`),
  );
  try {
    syncDirectory();
  } catch {
    return 'in place';
  }
  return 'durable';
}
