// Goes through an RDB file without loading it: what it consists of, which keys it has, whether its form
// and its checksum are right. Memory for one piece of the file is enough, however large its values are.
//
//   "REDIS" | version | records ... | 0xFF | checksum, from version 5 on
//
// The inside of values that are one string (listpacks and the like) is not looked at; that takes the
// core's loader.
//
// Awaiting costs more than parsing a small record, so whatever lies whole in the buffer is parsed at
// once: the `...Now` forms answer with false or undefined when they need more, and take nothing then.

import { PieceReader, type ReadableFile } from '../storage/piece_reader.ts';
import { Crc64 } from '../util/crc64.ts';
import { lzfText } from './rdb_lzf.ts';
import {
  type Part,
  type SimplePart,
  TYPE_MODULE_2,
  VALUE_SHAPES,
  type ValueKind,
} from './rdb_shapes.ts';

const MAGIC = 'REDIS';
const HEADER_BYTES = 9;
/** From this version on a checksum ends the file. */
const VERSION_CHECKSUM = 5;
const VERSION_MAX = 12;
const CHECKSUM_BYTES = 8;

const OPCODE = {
  slotInfo: 244,
  function2: 245,
  functionPreGa: 246,
  moduleAux: 247,
  idle: 248,
  frequency: 249,
  aux: 250,
  resize: 251,
  expiryMs: 252,
  expirySeconds: 253,
  select: 254,
  end: 255,
} as const;

const MODULE = { end: 0, signed: 1, unsigned: 2, float: 3, double: 4, string: 5 } as const;
const SLOT_INFO_LENGTHS = 3;
/** Bytes that a record's head needs at most: opcode, length, time. */
const HEAD_BYTES_MAX = 18;
/** Of a longer name only so many bytes are kept. */
const NAME_BYTES_MAX = 1 << 16;

/** What was being read, in the words of tools for RDB files. */
export type RdbActivity =
  | 'start'
  | 'read-type'
  | 'read-expire'
  | 'read-key'
  | 'read-object-value'
  | 'check-sum'
  | 'read-len'
  | 'read-aux'
  | 'read-module-aux'
  | 'read-functions';

export class RdbScanError extends Error {
  readonly offset: number;
  readonly activity: RdbActivity;
  readonly key: Buffer | undefined;
  readonly type: number | undefined;

  constructor(
    message: string,
    at: {
      offset: number;
      activity: RdbActivity;
      key?: Buffer | undefined;
      type?: number | undefined;
    },
  ) {
    super(message);
    this.offset = at.offset;
    this.activity = at.activity;
    this.key = at.key;
    this.type = at.type;
  }
}

export interface ScannedKey {
  /** The first 64 KiB of it. */
  readonly name: Buffer;
  readonly database: number;
  readonly type: number;
  readonly kind: ValueKind;
  /** Bytes of name and value in the file. */
  readonly bytes: number;
  readonly expireAtMs: number | undefined;
}

export interface DatabaseCount {
  readonly keys: number;
  readonly expires: number;
  /** What the file says itself beforehand; undefined when it does not. */
  readonly announcedKeys: number | undefined;
}

export interface RdbScan {
  readonly version: number;
  readonly aux: ReadonlyArray<readonly [name: string, value: string]>;
  readonly databases: ReadonlyMap<number, DatabaseCount>;
  readonly keys: number;
  readonly expires: number;
  /** Keys whose time has come. */
  readonly expired: number;
  readonly keysByKind: ReadonlyMap<ValueKind, number>;
  readonly functions: number;
  /** `none`: the file was saved without one; `absent`: too old a version. */
  readonly checksum: 'ok' | 'none' | 'absent';
  /** Offset behind the RDB part: what follows in a file of commands. */
  readonly endOffset: number;
}

export interface RdbScanOptions {
  readonly nowMs: number;
  onAux?(name: string, value: string): void;
  onDatabase?(database: number, offset: number): void;
  onKey?(key: ScannedKey): void;
  onProgress?(offset: number): void;
}

interface Count {
  keys: number;
  expires: number;
  announcedKeys: number | undefined;
}

export function scanRdb(file: ReadableFile, options: RdbScanOptions): Promise<RdbScan> {
  return new RdbScanner(file, options).run();
}

class RdbScanner {
  private readonly reader: PieceReader;
  private readonly options: RdbScanOptions;
  private readonly crc = new Crc64();
  private isSumming = true;
  private activity: RdbActivity = 'start';
  private key: Buffer | undefined;
  private type: number | undefined;
  private version = 0;
  private database = 0;
  private expireAtMs: number | undefined;
  private readonly aux: [string, string][] = [];
  private readonly databases = new Map<number, Count>();
  private readonly keysByKind = new Map<ValueKind, number>();
  private expired = 0;
  private functions = 0;

  constructor(file: ReadableFile, options: RdbScanOptions) {
    this.options = options;
    this.reader = new PieceReader(file, {
      onTaken: (bytes) => {
        if (this.isSumming) this.crc.update(bytes);
      },
      onProgress: (offset) => options.onProgress?.(offset),
    });
  }

  async run(): Promise<RdbScan> {
    await this.readHeader();
    while (await this.readRecord());
    const checksum = await this.readChecksum();
    const counts = [...this.databases.values()];
    return {
      version: this.version,
      aux: this.aux,
      databases: this.databases,
      keys: counts.reduce((sum, { keys }) => sum + keys, 0),
      expires: counts.reduce((sum, { expires }) => sum + expires, 0),
      expired: this.expired,
      keysByKind: this.keysByKind,
      functions: this.functions,
      checksum,
      endOffset: this.reader.offset,
    };
  }

  // --- The file as a whole ---

  private async readHeader(): Promise<void> {
    await this.need(HEADER_BYTES);
    const header = this.reader.view().toString('latin1', 0, HEADER_BYTES);
    if (!header.startsWith(MAGIC)) throw this.fault('Wrong signature trying to load DB from file');
    this.version = /^\d{4}$/.test(header.slice(MAGIC.length))
      ? Number(header.slice(MAGIC.length))
      : 0;
    if (this.version < 1 || this.version > VERSION_MAX) {
      throw this.fault(`Can't handle RDB format version ${this.version}`);
    }
    this.reader.advance(HEADER_BYTES);
  }

  /** False behind the record that ends the file. */
  private async readRecord(): Promise<boolean> {
    this.activity = 'read-type';
    this.key = undefined;
    this.type = undefined;
    const opcode = await this.byte();
    switch (opcode) {
      case OPCODE.end:
        return false;
      case OPCODE.select:
        this.activity = 'read-len';
        await this.select();
        break;
      case OPCODE.resize:
        this.activity = 'read-len';
        await this.resize();
        break;
      case OPCODE.expiryMs:
        this.activity = 'read-expire';
        this.expireAtMs = Number(await this.int64());
        break;
      case OPCODE.expirySeconds:
        this.activity = 'read-expire';
        this.expireAtMs = (await this.int32()) * 1000;
        break;
      case OPCODE.idle:
        await this.length();
        break;
      case OPCODE.frequency:
        await this.byte();
        break;
      case OPCODE.slotInfo:
        this.activity = 'read-len';
        for (let i = 0; i < SLOT_INFO_LENGTHS; i++) await this.length();
        break;
      case OPCODE.aux:
        await this.readAux();
        break;
      case OPCODE.moduleAux:
        await this.readModuleAux();
        break;
      case OPCODE.function2:
        this.activity = 'read-functions';
        await this.skipPart('string');
        this.functions += 1;
        break;
      case OPCODE.functionPreGa:
        throw this.fault(`Pre-release function format not supported ${this.version}`);
      default:
        await this.readKey(opcode);
    }
    return true;
  }

  private async readChecksum(): Promise<RdbScan['checksum']> {
    this.activity = 'check-sum';
    if (this.version < VERSION_CHECKSUM) return 'absent';
    this.reader.flush();
    this.isSumming = false;
    await this.need(CHECKSUM_BYTES);
    const found = this.reader.view().readBigUInt64LE();
    this.reader.advance(CHECKSUM_BYTES);
    if (found === 0n) return 'none';
    if (found === this.crc.value()) return 'ok';
    throw this.fault('RDB CRC error');
  }

  // --- Records that are not keys ---

  private async select(): Promise<void> {
    this.database = await this.length();
    this.options.onDatabase?.(this.database, this.reader.offset);
  }

  private async resize(): Promise<void> {
    this.count().announcedKeys = await this.length();
    await this.length();
  }

  private async readAux(): Promise<void> {
    this.activity = 'read-aux';
    const name = (await this.name()).toString();
    const value = (await this.name()).toString();
    this.aux.push([name, value]);
    this.options.onAux?.(name, value);
  }

  private async readModuleAux(): Promise<void> {
    this.activity = 'read-module-aux';
    await this.length(); // id
    await this.length(); // when: opcode and number, both as lengths
    await this.length();
    await this.skipModule();
  }

  private async skipModule(): Promise<void> {
    for (;;) {
      const opcode = await this.length();
      if (opcode === MODULE.end) return;
      if (opcode === MODULE.signed || opcode === MODULE.unsigned) await this.length();
      else if (opcode === MODULE.float) await this.skipPart(4);
      else if (opcode === MODULE.double) await this.skipPart(8);
      else if (opcode === MODULE.string) await this.skipPart('string');
      else throw this.fault(`unknown part ${opcode} in the data of a module`);
    }
  }

  // --- Keys ---

  private async readKey(type: number): Promise<void> {
    const shape = VALUE_SHAPES.get(type);
    if (shape === undefined) throw this.fault(`Invalid object type: ${type}`);
    const start = this.reader.offset;
    this.type = type;
    this.activity = 'read-key';
    this.key = this.nameNow() ?? (await this.name());
    this.activity = 'read-object-value';
    if (type === TYPE_MODULE_2) {
      await this.length(); // id
      await this.skipModule();
    } else await this.skipParts(shape.parts);
    const { expireAtMs, database } = this;
    const count = this.count();
    count.keys += 1;
    if (expireAtMs !== undefined) {
      count.expires += 1;
      if (expireAtMs < this.options.nowMs) this.expired += 1;
    }
    this.keysByKind.set(shape.kind, (this.keysByKind.get(shape.kind) ?? 0) + 1);
    const bytes = this.reader.offset - start;
    this.options.onKey?.({ name: this.key, database, type, kind: shape.kind, bytes, expireAtMs });
    this.expireAtMs = undefined;
  }

  private count(): Count {
    let count = this.databases.get(this.database);
    if (count === undefined) {
      count = { keys: 0, expires: 0, announcedKeys: undefined };
      this.databases.set(this.database, count);
    }
    return count;
  }

  /** A short name that lies whole in the buffer. */
  private nameNow(): Buffer | undefined {
    const { reader } = this;
    if (!reader.has(1)) return undefined;
    const length = reader.peek();
    if (length >= 0x40 || !reader.has(length + 1)) return undefined;
    reader.advance(1);
    return Buffer.from(this.take(length));
  }

  /** A string as bytes, no more than its beginning when it is long. */
  private async name(): Promise<Buffer> {
    const head = await this.stringHead();
    if (head.kind === 'integer') return Buffer.from(String(head.value));
    const keep = Math.min(head.bytes, NAME_BYTES_MAX);
    await this.need(keep);
    const bytes = Buffer.from(this.reader.view().subarray(0, keep));
    await this.skip(head.bytes);
    if (head.kind === 'plain') return bytes;
    const text = lzfText(bytes, Math.min(head.plainBytes, NAME_BYTES_MAX));
    if (text === undefined) throw this.fault('Invalid LZF compressed string');
    return text;
  }

  // --- Stepping over parts ---

  private async skipParts(parts: readonly Part[]): Promise<void> {
    for (const part of parts) {
      if (typeof part !== 'object') {
        if (!this.skipNow(part)) await this.skipPart(part);
        continue;
      }
      const simple = part.each.every((each) => typeof each !== 'object');
      for (let left = await this.length(); left > 0; left--) {
        if (simple) {
          for (const each of part.each as readonly SimplePart[]) {
            if (!this.skipNow(each)) await this.skipPart(each);
          }
        } else await this.skipParts(part.each);
      }
    }
  }

  /** False when the part is not whole in the buffer. */
  private skipNow(part: SimplePart): boolean {
    const { reader } = this;
    if (!reader.has(HEAD_BYTES_MAX)) return false;
    if (typeof part === 'number') {
      if (!reader.has(part)) return false;
      reader.advance(part);
      return true;
    }
    const first = reader.peek();
    let bytes: number;
    if (part === 'score') bytes = 1 + (first < 253 ? first : 0);
    else if (first < 0x40) bytes = 1 + (part === 'string' ? first : 0);
    else if (first < 0x80) {
      bytes = 2 + (part === 'string' ? ((first & 0x3f) << 8) | reader.peek(1) : 0);
    } else return false;
    if (!reader.has(bytes)) return false;
    reader.advance(bytes);
    return true;
  }

  private async skipPart(part: SimplePart): Promise<void> {
    if (typeof part === 'number') return this.skip(part);
    if (part === 'length') {
      await this.length();
      return;
    }
    if (part === 'score') {
      const bytes = await this.byte();
      return bytes < 253 ? this.skip(bytes) : undefined;
    }
    const head = await this.stringHead();
    if (head.kind !== 'integer') await this.skip(head.bytes);
  }

  // --- Primitive parts ---

  private async stringHead(): Promise<StringHead> {
    await this.reader.fill(HEAD_BYTES_MAX);
    await this.need(1);
    const first = this.reader.peek();
    if (first < 0xc0) return { kind: 'plain', bytes: await this.length() };
    this.reader.advance(1);
    switch (first & 0x3f) {
      case 0:
        await this.need(1);
        return { kind: 'integer', value: this.take(1).readInt8() };
      case 1:
        await this.need(2);
        return { kind: 'integer', value: this.take(2).readInt16LE() };
      case 2:
        return { kind: 'integer', value: await this.int32() };
      case 3: {
        const bytes = await this.length();
        return { kind: 'lzf', bytes, plainBytes: await this.length() };
      }
      default:
        throw this.fault(`Unknown RDB string encoding type ${first & 0x3f}`);
    }
  }

  private async length(): Promise<number> {
    await this.need(1);
    const first = this.reader.peek();
    if (first < 0x40) {
      this.reader.advance(1);
      return first;
    }
    if (first < 0x80) {
      await this.need(2);
      return this.take(2).readUInt16BE() & 0x3fff;
    }
    if (first === 0x80) {
      await this.need(5);
      return this.take(5).readUInt32BE(1);
    }
    if (first === 0x81) {
      await this.need(9);
      return Number(this.take(9).readBigUInt64BE(1));
    }
    throw this.fault(`Unknown length encoding ${first} in rdbLoadLen()`);
  }

  private async byte(): Promise<number> {
    if (!this.reader.has(1)) await this.need(1);
    return this.take(1)[0]!;
  }

  private async int32(): Promise<number> {
    await this.need(4);
    return this.take(4).readInt32LE();
  }

  private async int64(): Promise<bigint> {
    await this.need(8);
    return this.take(8).readBigInt64LE();
  }

  /** Bytes that are in the buffer; valid until the next read. */
  private take(count: number): Buffer {
    const bytes = this.reader.view().subarray(0, count);
    this.reader.advance(count);
    return bytes;
  }

  private async need(count: number): Promise<void> {
    if (!this.reader.has(count) && !(await this.reader.fill(count))) throw this.ended();
  }

  private async skip(count: number): Promise<void> {
    if (count > this.reader.left || !(await this.reader.skip(count))) throw this.ended();
  }

  private ended(): RdbScanError {
    return this.fault('Unexpected EOF reading RDB file');
  }

  private fault(message: string): RdbScanError {
    const { activity, key, type } = this;
    return new RdbScanError(message, { offset: this.reader.offset, activity, key, type });
  }
}

type StringHead =
  | { readonly kind: 'integer'; readonly value: number }
  | { readonly kind: 'plain'; readonly bytes: number }
  | { readonly kind: 'lzf'; readonly bytes: number; readonly plainBytes: number };
