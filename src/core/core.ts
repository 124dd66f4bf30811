// The core module as the host sees it: calls, views of linear memory, and the ABI block.
//
// Only files in this folder touch linear memory. Growing it detaches every view, and any call may
// grow it, so views are fetched through the getters here, which compare buffer identity first.

import * as abi from '../../assembly/abi.ts';
import { realNow } from '../util/timers.ts';

/** Functions the module exports; see assembly/index.ts for what each does. */
export interface CoreExports {
  readonly memory: WebAssembly.Memory;
  init(seed0: bigint, seed1: bigint, databases: number, limitPages: number): number;
  hostAlloc(bytes: number): number;
  hostFree(ptr: number): void;
  setConfig(id: number, value: number): void;
  isCopyable(): number;
  becomeCopy(): void;
  stretchEnd(page: number): number;
  /** Of the build's making, which leaves it out for browsers; see assembly/memory/carry.ts. */
  carryGlobals?(at: number, restoring: number): void;
  connNew(id: number, nowMs: number, authenticated: number): number;
  connDelete(ptr: number): void;
  connSetAddr(ptr: number, text: number, bytes: number): number;
  connSetName(ptr: number, text: number, bytes: number): number;
  connTrimQuery(ptr: number): void;
  connMonitor(ptr: number, on: number): void;
  nextDirty(): number;
  connPushTaken(ptr: number): void;
  feed(ptr: number, length: number, nowMs: number): number;
  resume(ptr: number, nowMs: number): number;
  suspend(ptr: number): void;
  answer(ptr: number, nowMs: number): void;
  redactArgument(index: number): void;
  replyReserve(bytes: number): number;
  replyCommit(bytes: number): void;
  outputTaken(): void;
  eventsTaken(): void;
  replayErrors(): number;
  replayErrorsTaken(): void;
  cron(nowMs: number, budgetUs: number): number;
  nextUnblocked(): number;
  nextDeadline(): number;
  serveDeadlines(nowMs: number): void;
  serveHeld(nowMs: number): void;
  unblockClient(ptr: number, withError: number): number;
  connBlockedBytes(ptr: number): number;
  blockedClientCount(): number;
  blockingKeyCount(): number;
  blockingKeyOnNoKeyCount(): number;
  deadlineCount(): number;
  propagationOn(on: number): void;
  propagationReset(): void;
  propagationTaken(bytes: number): void;
  propagationLost(): number;
  refreshStats(): void;
  resetPeakMemory(): void;
  resetStats(): void;
  resetLatencyHistogram(id: number): void;
  databaseKeys(index: number): number;
  databaseExpires(index: number): number;
  databaseAverageTtl(index: number): number;
  databaseSubexpiry(index: number): number;
  databaseTableBytes(index: number): number;
  databaseBuckets(index: number): number;
  databaseOverflow(index: number): number;
  keySizesBegin(index: number): number;
  keySizesStep(budgetUs: number): number;
  allocatorStats(out: number): void;
  connQueuedCommands(ptr: number): number;
  connQueuedBytes(ptr: number): number;
  connSubscriptions(ptr: number, kind: number): number;
  pubsubClientCount(): number;
  channelCount(): number;
  patternCount(): number;
  shardChannelCount(): number;
  watchingClientCount(): number;
  watchedKeyCount(): number;
  trackingClientCount(): number;
  trackedKeyCount(): number;
  trackedItemCount(): number;
  trackedPrefixCount(): number;
  connTrackingRedirect(ptr: number): number;
  datasetDigest(out: number): void;
  valueDigest(database: number, key: number, keyLen: number, out: number): void;
  describeKey(database: number, key: number, keyLen: number, compress: number, out: number): number;
  tableChains(database: number, expiring: number, out: number): number;
  populate(
    database: number,
    count: number,
    prefix: number,
    prefixLen: number,
    valueBytes: number,
  ): number;
  transferHasKey(database: number, key: number, keyLen: number): number;
  transferBegin(database: number, key: number, keyLen: number, out: number): number;
  transferEnd(): void;
  transferDelete(database: number, key: number, keyLen: number, nowMs: number): number;
  emptyDataset(current: number): void;
  setDiskError(text: number, bytes: number): void;
  snapshotBegin(flags: number): number;
  snapshotHeader(ptr: number, bytes: number): void;
  snapshotVersion(): number;
  snapshotStep(nowMs: number, budgetUs: number): number;
  snapshotTaken(bytes: number): void;
  snapshotReleased(): number;
  snapshotEnd(): void;
  snapshotAbort(): void;
  snapshotKeys(): number;
  snapshotCopied(): number;
  loadBegin(flags: number, totalBytes: number, nowMs: number): number;
  loadStep(ptr: number, len: number, isLast: number, keysMax: number, nowMs: number): number;
  loadEnd(): void;
  payloadFaultTaken(): void;
  renameCommand(from: number, fromLen: number, to: number, toLen: number): number;
}

export interface CoreOptions {
  /** Number of databases; 16 by default. */
  readonly databases?: number;
  /** Limit of linear memory in bytes; 4 GiB by default. */
  readonly memoryLimitBytes?: number;
  /**
   * Linear memory to begin with, in bytes. Address space, not memory: what is not used costs nothing.
   * Growing later makes the garbage collector run.
   */
  readonly initialBytes?: number;
  /** 16 bytes from a secure source; they key the hash table's hash. */
  readonly seed?: Uint8Array;
  /** Monotonic clock in microseconds, for durations and budgets. */
  readonly clockUs?: () => number;
}

const PAGE_BYTES = 65536;
const DEFAULT_DATABASES = 16;
/** Views of replies up to this length are kept: without pipelining, making one is a cost. */
const SHORT_OUTPUT_BYTES = 256;

/** The module's imports. */
function importsOf(clockUs: () => number): WebAssembly.Imports {
  return { clock: { clockUs } };
}

/** Durations by the clock of the process or page. */
const systemClockUs = (): number => realNow() * 1000;

/** Grows memory that the core has not seen yet; when it cannot be had, the core grows it by need. */
function growMemory(memory: WebAssembly.Memory, wantedBytes: number, limitPages: number): void {
  const wanted = Math.ceil(wantedBytes / PAGE_BYTES);
  const pages = limitPages === 0 ? wanted : Math.min(wanted, limitPages);
  const present = memory.buffer.byteLength / PAGE_BYTES;
  try {
    if (pages > present) memory.grow(pages - present);
  } catch {
    // RangeError: the address space is short.
  }
}

/** A module instance with its state: one independent store. */
export class Core {
  readonly module: WebAssembly.Module;
  readonly exports: CoreExports;
  /** The clock that durations inside the core are measured with, in microseconds. */
  readonly clockUs: () => number;
  readonly databases: number;
  private readonly abiAt: number;
  private bytesView: Uint8Array;
  private wordsView: Uint32Array;
  private dataView: DataView;
  private inputView: Uint8Array;
  /** Views of the first n bytes of the output buffer at `outputAt`, by n, made when first needed. */
  private outputViews: Uint8Array[] = [];
  private outputAt = 0;
  /** The last longer one. */
  private longOutput: Uint8Array = new Uint8Array(0);

  /** The same as the constructor, where that would take too long for the thread: in a page. */
  static async instantiate(module: WebAssembly.Module, options: CoreOptions = {}): Promise<Core> {
    const clockUs = options.clockUs ?? systemClockUs;
    const instance = await WebAssembly.instantiate(module, importsOf(clockUs));
    return new Core(module, { ...options, clockUs }, { instance });
  }

  /**
   * `instance`: a new one of `module`, made with the clock of `options`. `original`: the core whose state
   * this one begins with, in place of an empty one; see `clone`.
   */
  constructor(
    module: WebAssembly.Module,
    options: CoreOptions = {},
    { instance, original }: { instance?: WebAssembly.Instance; original?: Core } = {},
  ) {
    this.module = module;
    this.clockUs = options.clockUs ?? systemClockUs;
    const made = instance ?? new WebAssembly.Instance(module, importsOf(this.clockUs));
    this.exports = made.exports as unknown as CoreExports;
    this.databases = original?.databases ?? options.databases ?? DEFAULT_DATABASES;
    this.abiAt = original === undefined ? this.init(options) : this.copyFrom(original);
    const buffer = this.exports.memory.buffer;
    this.bytesView = new Uint8Array(buffer);
    this.wordsView = new Uint32Array(buffer, this.abiAt, abi.ABI_WORDS);
    this.dataView = new DataView(buffer);
    this.inputView = this.viewInput();
  }

  private init(options: CoreOptions): number {
    const seed = new DataView(
      (options.seed ?? crypto.getRandomValues(new Uint8Array(16))).slice().buffer,
    );
    const limitPages = Math.floor((options.memoryLimitBytes ?? 0) / PAGE_BYTES);
    growMemory(this.exports.memory, options.initialBytes ?? 0, limitPages);
    return this.exports.init(
      seed.getBigUint64(0),
      seed.getBigUint64(8),
      this.databases,
      limitPages,
    );
  }

  private copyFrom(original: Core): number {
    const scratch = original.word(abi.ABI_SCRATCH);
    original.exports.carryGlobals?.(scratch, 0);
    const from = original.bytes;
    const { memory } = this.exports;
    memory.grow((from.length - memory.buffer.byteLength) / PAGE_BYTES);
    const to = new Uint8Array(memory.buffer);
    const pages = from.length / PAGE_BYTES;
    for (let page = 0; page < pages; ) {
      const end = original.exports.stretchEnd(page);
      to.set(from.subarray(page * PAGE_BYTES, end * PAGE_BYTES), page * PAGE_BYTES);
      page = original.exports.stretchEnd(end);
    }
    this.exports.carryGlobals?.(scratch, 1);
    this.exports.becomeCopy();
    return original.abiAt;
  }

  /**
   * A core of its own with the data, settings and statistics of this moment, and none of the connections.
   * Whatever the host keeps about this one (guards, a snapshot under way, a stream of changes) starts anew.
   * Throws while a host command is under way or a file is being loaded, RangeError without memory, and always
   * with the module for browsers.
   */
  clone(): Core {
    if (this.exports.carryGlobals === undefined) {
      throw new Error('a core of the module for browsers cannot be copied');
    }
    if (this.exports.isCopyable() === 0) {
      throw new Error('a core cannot be copied while it loads data or runs a command of the host');
    }
    return new Core(this.module, { clockUs: this.clockUs }, { original: this });
  }

  private refresh(): void {
    // A view whose buffer was detached by growth has no length left, which is cheaper to ask than
    // the memory's present buffer.
    if (this.wordsView.length === 0) this.renewViews();
  }

  private renewViews(): void {
    const buffer = this.exports.memory.buffer;
    this.bytesView = new Uint8Array(buffer);
    this.wordsView = new Uint32Array(buffer, this.abiAt, abi.ABI_WORDS);
    this.dataView = new DataView(buffer);
    this.inputView = this.viewInput();
    this.outputViews = [];
  }

  private viewInput(): Uint8Array {
    return new Uint8Array(
      this.exports.memory.buffer,
      this.wordsView[abi.ABI_INPUT],
      abi.INPUT_BYTES,
    );
  }

  /** The input region; a new object whenever linear memory grew. */
  get input(): Uint8Array {
    this.refresh();
    return this.inputView;
  }

  /** All of linear memory; a new object whenever it grew. */
  get bytes(): Uint8Array {
    this.refresh();
    return this.bytesView;
  }

  get data(): DataView {
    this.refresh();
    return this.dataView;
  }

  /** One word of the ABI block, ABI_*. */
  word(index: number): number {
    this.refresh();
    return this.wordsView[index] as number;
  }

  /** A view of `length` bytes at `ptr`, valid until the next call into the core. */
  view(ptr: number, length: number): Uint8Array {
    this.refresh();
    return this.bytesView.subarray(ptr, ptr + length);
  }

  /** A copy of `length` bytes at `ptr`. */
  copy(ptr: number, length: number): Buffer {
    return Buffer.from(this.view(ptr, length));
  }

  /** Reply bytes of the batch that just returned, valid until the next call into the core. */
  output(): Uint8Array {
    const ptr = this.word(abi.ABI_OUT_PTR);
    const length = this.word(abi.ABI_OUT_LEN);
    if (length > SHORT_OUTPUT_BYTES) {
      // Batches of one kind give replies of one length. A detached view has none.
      if (this.longOutput.length !== length || this.longOutput.byteOffset !== ptr) {
        this.longOutput = this.view(ptr, length);
      }
      return this.longOutput;
    }
    if (this.outputAt !== ptr) {
      this.outputAt = ptr;
      this.outputViews = [];
    }
    let view = this.outputViews[length];
    if (view === undefined) {
      view = this.view(ptr, length);
      this.outputViews[length] = view;
    }
    return view;
  }

  /** The arguments of the host command at hand, copied. */
  args(): Buffer[] {
    const count = this.word(abi.ABI_ARGC);
    const argv = this.word(abi.ABI_ARGV);
    const data = this.data;
    const args: Buffer[] = new Array(count);
    for (let i = 0; i < count; i++) {
      const at = argv + i * abi.ARG_BYTES;
      args[i] = this.copy(data.getUint32(at, true), data.getUint32(at + 4, true));
    }
    return args;
  }

  /** Appends encoded bytes to the running batch's reply. False when memory is exhausted. */
  appendReply(bytes: Uint8Array): boolean {
    const ptr = this.exports.replyReserve(bytes.length) >>> 0;
    if (ptr === 0) return false;
    this.bytes.set(bytes, ptr);
    this.exports.replyCommit(bytes.length);
    return true;
  }

  /** Writes text into the scratch region; returns its length in bytes. */
  toScratch(text: string | Uint8Array, offset = 0): number {
    const bytes = typeof text === 'string' ? Buffer.from(text) : text;
    const kept = bytes.subarray(0, abi.SCRATCH_BYTES - offset);
    this.bytes.set(kept, this.word(abi.ABI_SCRATCH) + offset);
    return kept.length;
  }

  /** One statistics word, STAT_*. `refreshStats` first for the memory figures. */
  stat(index: number): number {
    return this.data.getFloat64(this.word(abi.ABI_STATS) + index * 8, true);
  }

  setStat(index: number, value: number): void {
    this.data.setFloat64(this.word(abi.ABI_STATS) + index * 8, value, true);
  }

  /** Where the core's last assertion failed, for a crash report. */
  assertPlace(): string {
    const file = this.word(abi.ABI_ASSERT_FILE);
    const line = this.word(abi.ABI_ASSERT_LINE);
    if (file === 0) return 'no assertion';
    const length = this.data.getUint32(file - 4, true);
    return `${Buffer.from(this.view(file, length)).toString('utf16le')}:${line}`;
  }
}
