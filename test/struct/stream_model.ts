// A stream of the core with strings and bigints in and out, a plain model of one, and what a real
// server's DUMP says about one. Shared by the tests of streams.

import { loadTestModule, type TestModule } from '../support/assembly.ts';
import type { Random } from '../support/random.ts';
import { rdbLength, rdbString } from './model.ts';

export interface StreamExports {
  assertLine: { value: number };
  allocInit(limitPages: number): void;
  tryAlloc(bytes: number): number;
  free(ptr: number): void;
  usedBytes(): bigint;
  treeNext(position: bigint): bigint;
  streamBytes(s: number): number;
  streamFree(s: number): void;
  streamFreeStep(s: number, budget: number): number;
  streamVerify(s: number): void;
  tryStreamCopy(s: number): number;
  tryStreamNew(): number;
  streamHeader(s: number, out: number): void;
  setLastId(s: number, ms: bigint, seq: bigint): void;
  idMs: { value: bigint };
  idSeq: { value: bigint };
  streamAccepts(s: number, ms: bigint, seq: bigint): number;
  streamAddNode(s: number, ms: bigint, seq: bigint, lp: number): number;
  streamIncrId(ms: bigint, seq: bigint): number;
  streamDecrId(ms: bigint, seq: bigint): number;
  streamNextId(s: number, nowMs: bigint): number;
  streamNextSeq(s: number, ms: bigint): number;
  streamDelete(s: number, ms: bigint, seq: bigint): number;
  streamEdgeId(s: number, first: boolean, withTombstones: boolean): number;
  streamEntryExists(s: number, ms: bigint, seq: bigint): number;
  streamFirstNode(s: number): bigint;
  streamListpackBytes(node: bigint): number;
  streamWriteListpack(node: bigint, out: number): void;
  streamIteratorField(it: number): number;
  streamIteratorNext(it: number): number;
  streamIteratorRemove(it: number): void;
  streamIteratorStart(
    it: number,
    s: number,
    startMs: bigint,
    startSeq: bigint,
    endMs: bigint,
    endSeq: bigint,
    reverse: boolean,
  ): void;
  streamIteratorStartAll(it: number, s: number, reverse: boolean): void;
  streamTrimById(s: number, ms: bigint, seq: bigint, approximate: boolean, limit: bigint): bigint;
  streamTrimByLength(s: number, length: bigint, approximate: boolean, limit: bigint): bigint;
  streamValidateNode(lp: number, size: number): number;
  tryStreamAppend(
    s: number,
    ms: bigint,
    seq: bigint,
    items: number,
    stride: number,
    fields: number,
    nodeMaxBytes: bigint,
    nodeMaxEntries: bigint,
  ): number;
  iteratorMs(it: number): bigint;
  iteratorSeq(it: number): bigint;
  iteratorFields(it: number): number;
  iteratorWithTombstones(it: number): void;
  iteratorText(it: number, value: boolean, out: number): number;
  idAtMs(position: bigint): bigint;
  idAtSeq(position: bigint): bigint;
  idAtAddress(position: bigint): number;
  timeAtMs(position: bigint): bigint;
  timeAtSeq(position: bigint): bigint;
  groupFind(s: number, name: number, len: number): number;
  groupFirst(s: number): bigint;
  groupDetach(s: number, g: number): void;
  groupDelete(s: number, g: number): void;
  groupFreeStep(g: number, budget: number): number;
  groupAdvance(s: number, g: number, ms: bigint, seq: bigint): number;
  groupLag(s: number, g: number): number;
  groupOldest(g: number): bigint;
  lag: { value: bigint };
  namedAt(position: bigint): number;
  nameOf(named: number, out: number): number;
  consumerFind(g: number, name: number, len: number): number;
  consumerDelete(g: number, c: number): void;
  tryConsumerCreate(g: number, name: number, len: number, seenMs: bigint): number;
  tryGroupCreate(
    s: number,
    name: number,
    len: number,
    ms: bigint,
    seq: bigint,
    entriesRead: bigint,
  ): number;
  tryKeepTimes(g: number): number;
  nackFind(g: number, ms: bigint, seq: bigint): number;
  nackRemove(g: number, nack: number, ms: bigint, seq: bigint): void;
  nackSetDelivery(
    g: number,
    nack: number,
    ms: bigint,
    seq: bigint,
    timeMs: bigint,
    count: bigint,
  ): void;
  tryNackAssign(nack: number, ms: bigint, seq: bigint, consumer: number): number;
  tryNackCreate(
    g: number,
    ms: bigint,
    seq: bigint,
    consumer: number,
    timeMs: bigint,
    count: bigint,
  ): number;
  tryNackDeliver(g: number, ms: bigint, seq: bigint, consumer: number, nowMs: bigint): number;
  streamDistance(s: number, ms: bigint, seq: bigint): bigint;
  streamDropReferences(s: number, ms: bigint, seq: bigint): number;
  streamIsReferenced(s: number, ms: bigint, seq: bigint): number;
  pelSize(g: number): number;
  consumerPelSize(c: number): number;
  timesKept(g: number): number;
  entriesRead(g: number): bigint;
  groupLastId(g: number, out: number): void;
  nackConsumer(nack: number): number;
  nackTimeMs(nack: number): bigint;
  nackCount(nack: number): bigint;
}

export interface Id {
  ms: bigint;
  seq: bigint;
}

export interface Entry extends Id {
  items: string[];
}

export const U64_MAX = 2n ** 64n - 1n;
export const MIN_ID: Id = { ms: 0n, seq: 0n };
export const MAX_ID: Id = { ms: U64_MAX, seq: U64_MAX };

export function compareIds(a: Id, b: Id): number {
  if (a.ms !== b.ms) return a.ms < b.ms ? -1 : 1;
  return a.seq === b.seq ? 0 : a.seq < b.seq ? -1 : 1;
}

export function idText({ ms, seq }: Id): string {
  return `${ms}-${seq}`;
}

function unsigned(value: bigint): bigint {
  return BigInt.asUintN(64, value);
}

export interface Header {
  length: bigint;
  last: Id;
  first: Id;
  maxDeleted: Id;
  entriesAdded: bigint;
}

export interface Node extends Id {
  lp: Buffer;
}

const BUFFER_BYTES = 1 << 20;
const ITERATOR_BYTES = 176;
const MAX_ITEMS = 2000;
const ITEM_BYTES = 16;

export class Stream {
  readonly module: TestModule<StreamExports>;
  readonly core: StreamExports;
  readonly buffer: number;
  readonly iterator: number;
  private readonly items: number;
  readonly emptyBytes: bigint;
  ptr: number;
  nodeMaxBytes = 4096;
  nodeMaxEntries = 100;

  private constructor(module: TestModule<StreamExports>) {
    this.module = module;
    this.core = module.exports;
    this.buffer = this.core.tryAlloc(BUFFER_BYTES) >>> 0;
    this.iterator = this.core.tryAlloc(ITERATOR_BYTES) >>> 0;
    this.items = this.core.tryAlloc(MAX_ITEMS * ITEM_BYTES) >>> 0;
    this.emptyBytes = this.core.usedBytes();
    this.ptr = this.core.tryStreamNew() >>> 0;
  }

  static async open(limitPages = 0): Promise<Stream> {
    const module = await loadTestModule<StreamExports>('stream', { scratchPages: 0 });
    module.exports.allocInit(limitPages);
    return new Stream(module);
  }

  put(text: string): [ptr: number, len: number] {
    return [this.buffer, this.module.write(this.buffer, text)];
  }

  /** Adds an entry; false when memory ran out. */
  add({ ms, seq, items }: Entry): boolean {
    const view = new DataView(this.module.memory.buffer);
    let at = this.buffer;
    items.forEach((text, i) => {
      const len = this.module.write(at, text);
      view.setUint32(this.items + i * ITEM_BYTES, at, true);
      view.setUint32(this.items + i * ITEM_BYTES + 4, len, true);
      at += len;
    });
    const added = this.core.tryStreamAppend(
      this.ptr,
      ms,
      seq,
      this.items,
      ITEM_BYTES,
      items.length / 2,
      BigInt(this.nodeMaxBytes),
      BigInt(this.nodeMaxEntries),
    );
    return added !== 0;
  }

  private current(): Entry {
    const { core, iterator: it, buffer } = this;
    const items: string[] = [];
    const fields = core.iteratorFields(it);
    for (let i = 0; i < fields; i++) {
      if (core.streamIteratorField(it) === 0) throw new Error('fewer fields than announced');
      for (const value of [false, true]) {
        items.push(this.module.text(buffer, core.iteratorText(it, value, buffer)));
      }
    }
    if (core.streamIteratorField(it) !== 0) throw new Error('more fields than announced');
    return { ms: unsigned(core.iteratorMs(it)), seq: unsigned(core.iteratorSeq(it)), items };
  }

  /** Entries in a range; `peek` leaves their fields unread, `count` bounds how many are taken. */
  range(start: Id, end: Id, reverse = false, count = Number.POSITIVE_INFINITY): Entry[] {
    const { core, iterator: it } = this;
    core.streamIteratorStart(it, this.ptr, start.ms, start.seq, end.ms, end.seq, reverse);
    const found: Entry[] = [];
    while (found.length < count && core.streamIteratorNext(it) !== 0) found.push(this.current());
    return found;
  }

  all(): Entry[] {
    return this.range(MIN_ID, MAX_ID);
  }

  /** Ids in order, tombstones included, without looking at fields. */
  ids(withTombstones: boolean, reverse = false): string[] {
    const { core, iterator: it } = this;
    core.streamIteratorStartAll(it, this.ptr, reverse);
    if (withTombstones) core.iteratorWithTombstones(it);
    const found: string[] = [];
    while (core.streamIteratorNext(it) !== 0) {
      found.push(`${unsigned(core.iteratorMs(it))}-${unsigned(core.iteratorSeq(it))}`);
    }
    return found;
  }

  remove({ ms, seq }: Id): boolean {
    return this.core.streamDelete(this.ptr, ms, seq) !== 0;
  }

  trimByLength(length: number, approximate = false, limit = 0): number {
    const { core } = this;
    return Number(core.streamTrimByLength(this.ptr, BigInt(length), approximate, BigInt(limit)));
  }

  trimById({ ms, seq }: Id, approximate = false, limit = 0): number {
    return Number(this.core.streamTrimById(this.ptr, ms, seq, approximate, BigInt(limit)));
  }

  header(): Header {
    this.core.streamHeader(this.ptr, this.buffer);
    const view = new DataView(this.module.memory.buffer, this.buffer);
    const at = (i: number) => view.getBigUint64(i * 8, true);
    return {
      length: at(0),
      last: { ms: at(1), seq: at(2) },
      first: { ms: at(3), seq: at(4) },
      maxDeleted: { ms: at(5), seq: at(6) },
      entriesAdded: at(7),
    };
  }

  nodes(): Node[] {
    const { core } = this;
    const found: Node[] = [];
    for (let at = core.streamFirstNode(this.ptr); at !== 0n; at = core.treeNext(at)) {
      const size = core.streamListpackBytes(at);
      const out = core.tryAlloc(size) >>> 0;
      core.streamWriteListpack(at, out);
      const bytes = Buffer.from(this.module.read(out, size));
      core.free(out);
      found.push({ ms: unsigned(core.idAtMs(at)), seq: unsigned(core.idAtSeq(at)), lp: bytes });
    }
    return found;
  }

  /** Checks invariants, and that the bytes it reports are those it took. */
  verify(): void {
    this.core.streamVerify(this.ptr);
    const taken = Number(this.core.usedBytes() - this.emptyBytes);
    const reported = this.core.streamBytes(this.ptr);
    if (reported !== taken) throw new Error(`${reported} bytes reported, ${taken} taken`);
  }
}

/** Fields and values as applications have them, often the same fields. */
export function randomItems(random: Random, longest = 60): string[] {
  const fields = random.pick([
    ['name'],
    ['name', 'age'],
    ['name', 'age', '12'],
    ['x', 'y', 'z', '-5'],
    [random.text(random.below(5), 'ab'), random.text(random.below(70), 'cd')],
  ]);
  return fields.flatMap((field) => {
    const dice = random.below(4);
    if (dice === 0) return [field, `${random.u32() - 2 ** 31}`];
    if (dice === 1) return [field, `${random.u64()}`];
    return [field, random.text(random.below(longest), 'xyz\0\xff')];
  });
}

/** An id above the last one, near or far. */
export function nextId(random: Random, last: Id): Id {
  const dice = random.below(10);
  if (dice < 4) return { ms: last.ms, seq: last.seq + 1n };
  if (dice < 6) return { ms: last.ms, seq: last.seq + BigInt(random.between(2, 5000)) };
  if (dice < 9) return { ms: last.ms + BigInt(random.between(1, 300)), seq: 0n };
  return { ms: last.ms + BigInt(random.u32()), seq: BigInt(random.u32()) };
}

/** A stream as the DUMP of a server that does not compress has it: header and nodes. */
export function dumpedStream(payload: Buffer): { header: Header; nodes: Node[] } {
  const type = payload[0]!;
  if (type !== 19 && type !== 21) throw new Error(`not a stream: RDB type ${type}`);
  let [count, at] = rdbLength(payload, 1);
  const nodes: Node[] = [];
  for (; count > 0; count--) {
    let key: Buffer;
    let lp: Buffer;
    [key, at] = rdbString(payload, at);
    [lp, at] = rdbString(payload, at);
    nodes.push({ ms: key.readBigUInt64BE(0), seq: key.readBigUInt64BE(8), lp });
  }
  const number = (): bigint => {
    if (payload[at] === 0x81) {
      at += 9;
      return payload.readBigUInt64BE(at - 8);
    }
    const [value, next] = rdbLength(payload, at);
    at = next;
    return BigInt(value);
  };
  const header: Header = {
    length: number(),
    last: { ms: number(), seq: number() },
    first: { ms: number(), seq: number() },
    maxDeleted: { ms: number(), seq: number() },
    entriesAdded: number(),
  };
  return { header, nodes };
}
