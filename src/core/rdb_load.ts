// Reading an RDB file into the core: assembly/snapshot/load.ts as the host uses it.
//
//   const load = RdbLoad.begin(core, { ... });
//   for (;;) {
//     fill some of load.room(), tell load.filled(bytes)
//     switch (load.step(...)) { ... }
//   }
//   load.end();
//
// Bytes go to a block of linear memory where the core reads them: what a step leaves is moved to its
// beginning, and the block grows when a part of the file does not fit. Nothing is copied in between
// when a file is read straight into `room`.

import * as abi from '../../assembly/abi.ts';
import type { Core } from './core.ts';
import { faultText } from './rdb_reasons.ts';

export interface RdbLoadSetup {
  /** LOAD_* flags. */
  readonly flags: number;
  /** Length of the file, 0 when it is not known. */
  readonly totalBytes: number;
  /** Bytes to be read at a time. */
  readonly pieceBytes: number;
  /** Unix milliseconds: keys whose time is before this are not loaded. */
  readonly nowMs: number;
}

export interface RdbTotals {
  readonly keysLoaded: number;
  readonly keysExpired: number;
  readonly emptyKeys: number;
}

/** What LOAD_ERROR is about. */
export interface RdbFault {
  /** RDB_FAULT_*. */
  readonly fault: number;
  /** Redis's words for it. */
  readonly text: string;
  /** Offset in the file. */
  readonly offset: number;
  /** LOADING_*: what was being read. */
  readonly state: number;
  /** The key that was being read. */
  readonly key: Buffer | undefined;
  readonly database: number;
  /** Type of the value, undefined outside of values. */
  readonly type: number | undefined;
}

export class RdbLoad {
  private readonly core: Core;
  /** Where the core tells what it found. */
  private readonly found: number;
  private readonly pieceBytes: number;
  private block: number;
  private capacity: number;
  /** The unread bytes in the block. */
  private start = 0;
  private stop = 0;
  /** Offset in the file of the first unread byte. */
  private position = 0;
  /** Offset where the last step began. */
  private stepStart = 0;

  private constructor(core: Core, setup: RdbLoadSetup, block: number) {
    this.core = core;
    this.pieceBytes = setup.pieceBytes;
    this.capacity = setup.pieceBytes;
    this.block = block;
    this.found = core.exports.loadBegin(setup.flags, setup.totalBytes, setup.nowMs) >>> 0;
  }

  /** Undefined when there is no memory for the input. */
  static begin(core: Core, setup: RdbLoadSetup): RdbLoad | undefined {
    const block = core.exports.hostAlloc(setup.pieceBytes) >>> 0;
    return block === 0 ? undefined : new RdbLoad(core, setup, block);
  }

  /**
   * Where the next bytes of the file go, at least one and all that are needed to go on: valid until
   * the next call into the core. Undefined when there is no memory for it.
   */
  room(): Uint8Array | undefined {
    // Less than that is not worth a call.
    const least = Math.max(this.wanted, this.pieceBytes / 2);
    if (this.capacity - this.stop < least && !this.makeRoom(least)) return undefined;
    return this.core.view(this.block + this.stop, this.capacity - this.stop);
  }

  /** So many bytes were put into `room`. */
  filled(bytes: number): void {
    this.stop += bytes;
  }

  /** Bytes that are there and not read. */
  get unread(): number {
    return this.stop - this.start;
  }

  /** Bytes behind those that are there without which the core cannot go on; 0 when any will do. */
  get wanted(): number {
    return this.word(abi.LOAD_WANTED);
  }

  /** Offset in the file up to which it was read. */
  get offset(): number {
    return this.position;
  }

  /** Moves what is unread to the beginning of the block, or of a larger one. False without memory. */
  private makeRoom(least: number): boolean {
    const { core, unread } = this;
    const from = this.block + this.start;
    if (unread + least > this.capacity) {
      const capacity = unread + Math.max(least, this.pieceBytes);
      const block = core.exports.hostAlloc(capacity) >>> 0;
      if (block === 0) return false;
      core.bytes.copyWithin(block, from, from + unread);
      core.exports.hostFree(this.block);
      this.block = block;
      this.capacity = capacity;
    } else {
      core.bytes.copyWithin(this.block, from, from + unread);
    }
    this.start = 0;
    this.stop = unread;
    return true;
  }

  /** Reads on in what is there. Stops after `keysMax` keys, unless that is 0. Returns LOAD_*. */
  step(isLast: boolean, keysMax: number, nowMs: number): number {
    this.stepStart = this.position;
    const status = this.core.exports.loadStep(
      this.block + this.start,
      this.unread,
      isLast ? 1 : 0,
      keysMax,
      nowMs,
    );
    const taken = this.word(abi.LOAD_TAKEN);
    this.start += taken;
    this.position += taken;
    return status;
  }

  private word(offset: number): number {
    return this.core.data.getUint32(this.found + offset, true);
  }

  private text(offset: number): Buffer {
    return this.core.copy(this.word(offset), this.word(offset + 4));
  }

  /** After LOAD_AUX: name and value. */
  aux(): [name: string, value: string] {
    return [this.text(abi.LOAD_PTR).toString(), this.text(abi.LOAD_VALUE_PTR).toString()];
  }

  /** After LOAD_EMPTY_KEY. */
  emptyKey(): Buffer {
    return this.text(abi.LOAD_PTR);
  }

  /** After LOAD_FUNCTIONS: length of the library. */
  libraryBytes(): number {
    return this.word(abi.LOAD_VALUE_LEN);
  }

  /** After LOAD_MODULE_AUX: id of the module. */
  moduleId(): bigint {
    return this.core.data.getBigUint64(this.found + abi.LOAD_NUMBER, true);
  }

  /** Version of the file; 0 before it is known. */
  get version(): number {
    return this.word(abi.LOAD_VERSION);
  }

  /** The checksum of what was read, and the one in the file: 0 when it has none. */
  checksums(): { computed: bigint; found: bigint } {
    const { data } = this.core;
    return {
      computed: data.getBigUint64(this.found + abi.LOAD_CRC, true),
      found: data.getBigUint64(this.found + abi.LOAD_CRC_FOUND, true),
    };
  }

  totals(): RdbTotals {
    const count = (offset: number) => this.core.data.getFloat64(this.found + offset, true);
    return {
      keysLoaded: count(abi.LOAD_KEYS),
      keysExpired: count(abi.LOAD_EXPIRED),
      emptyKeys: count(abi.LOAD_EMPTY),
    };
  }

  /** After LOAD_ERROR. */
  fault(): RdbFault {
    const fault = this.word(abi.LOAD_REASON);
    const type = this.word(abi.LOAD_TYPE);
    const context = {
      type,
      version: this.version,
      number: this.moduleId(),
      databases: this.core.databases,
    };
    return {
      fault,
      text: faultText(fault, context),
      offset: this.stepStart + this.word(abi.LOAD_FAULT_AT),
      state: this.word(abi.LOAD_STATE),
      key: this.word(abi.LOAD_PTR) === 0 ? undefined : this.text(abi.LOAD_PTR),
      database: this.word(abi.LOAD_DB),
      type: type === abi.LOAD_NO_TYPE ? undefined : type,
    };
  }

  /** Gives all memory back that reading needed; the keys that were loaded stay. */
  end(): void {
    this.core.exports.loadEnd();
    this.core.exports.hostFree(this.block);
  }
}
