// What the tests of lists share: the exports, a reader of the nodes in memory that checks every
// invariant, commands on a list as their handlers do them, and a decoder of DUMP payloads.

import { expect } from 'vitest';
import type { Random } from '../support/random.ts';
import { encodeListpack, type Harness, rdbLength, rdbString } from './model.ts';

export interface ListExports {
  listValueLen: { value: number };
  listValueInt: { value: bigint };
  listSetOptions(fill: number, compress: number): void;
  listNew(): number;
  listIsQuicklist(list: number): number;
  listLength(list: number): number;
  listBytes(list: number, samples: number): bigint;
  listDup(list: number): number;
  listFreeStep(list: number, nodes: number): number;
  listFree(list: number): void;
  listGrow(list: number, bytes: bigint, count: number): number;
  listShrink(list: number): number;
  listAuto(list: number): number;
  listPush(list: number, s: number, len: number, atHead: number): number;
  listPeek(list: number, atHead: number): number;
  listPop(list: number, atHead: number): number;
  listReplace(list: number, index: bigint, s: number, len: number): number;
  listDeleteRange(list: number, start: bigint, count: number): number;
  listIteratorBytes(): number;
  listIteratorStart(it: number, list: number, index: bigint, backwards: number): void;
  listNext(it: number): number;
  listCurrentText(it: number, buffer: number): number;
  listCurrentEquals(it: number, s: number, len: number): number;
  listIteratorDelete(it: number): number;
  listIteratorInsert(it: number, s: number, len: number, after: number): number;
  listIteratorEnd(it: number): void;
  quicklistNew(fill: number, compress: number): number;
  quicklistAppendListpack(list: number, lp: number): number;
  quicklistAppendPlain(list: number, block: number, bytes: number): number;
  quicklistSetPackedThreshold(bytes: bigint): number;
  quicklistUncompressedBytes(list: number): bigint;
  nodeLzf(node: number): number;
  nodeLzfBytes(node: number): number;
  nodeRead(node: number): number;
  lpValidate(lp: number, size: number, deep: number): number;
  lzfDecompress(input: number, len: number, output: number, capacity: number): number;
}

export interface Node {
  plain: boolean;
  compressed: boolean;
  /** Must stay raw until it changes. */
  keepRaw: boolean;
  bytes: number;
  count: number;
  /** The listpack or the plain element. */
  contents: Buffer;
}

const FLAG_PLAIN = 1;
const FLAG_LZF = 2;
const FLAG_KEEP_RAW = 8;
const COMPRESS_BYTES_MIN = 48;
const COMPRESS_BYTES_MAX = 65536;

export const HEAD = 1;
export const TAIL = 0;

/** A list in the module, and what may be done with it. */
export class ListUnderTest {
  readonly harness: Harness<ListExports>;
  readonly run: ListExports;
  readonly iterator: number;
  list: number;

  constructor(harness: Harness<ListExports>, list = harness.exports.listNew()) {
    this.harness = harness;
    this.run = harness.exports;
    this.iterator = harness.put(new Uint8Array(this.run.listIteratorBytes()), 'iterator');
    this.list = list >>> 0;
  }

  private take(list: number): void {
    if (list === 0) throw new Error('no memory');
    this.list = list >>> 0;
  }

  get isQuicklist(): boolean {
    return this.run.listIsQuicklist(this.list) === 1;
  }

  // --- Commands, as handlers do them ---

  grow(elements: readonly Uint8Array[]): void {
    const bytes = elements.reduce((sum, element) => sum + element.length, 0);
    this.take(this.run.listGrow(this.list, BigInt(bytes), elements.length));
  }

  shrink(): void {
    this.take(this.run.listShrink(this.list));
  }

  push(element: Uint8Array, end: number): void {
    this.take(this.run.listPush(this.list, this.harness.put(element), element.length, end));
  }

  pop(end: number): Buffer {
    const text = this.peek(end);
    this.take(this.run.listPop(this.list, end));
    return text;
  }

  peek(end: number): Buffer {
    const at = this.run.listPeek(this.list, end);
    if (at === 0) return Buffer.from(`${this.run.listValueInt.value}`);
    return this.harness.read(at, this.run.listValueLen.value);
  }

  replace(index: number, element: Uint8Array): void {
    const s = this.harness.put(element);
    this.take(this.run.listReplace(this.list, BigInt(index), s, element.length));
  }

  deleteRange(start: number, count: number): void {
    this.take(this.run.listDeleteRange(this.list, BigInt(start), count));
  }

  /** LINSERT before or after the first element that is equal to the pivot. */
  insert(pivot: Uint8Array, element: Uint8Array, after: boolean): boolean {
    const wanted = this.harness.put(pivot, 'pivot');
    this.run.listIteratorStart(this.iterator, this.list, 0n, 0);
    while (this.run.listNext(this.iterator)) {
      if (this.run.listCurrentEquals(this.iterator, wanted, pivot.length) === 0) continue;
      const s = this.harness.put(element);
      this.take(this.run.listIteratorInsert(this.iterator, s, element.length, after ? 1 : 0));
      return true;
    }
    return false;
  }

  /** LREM: negative counts from the tail, 0 removes all. */
  remove(element: Uint8Array, count: number): number {
    const wanted = this.harness.put(element, 'pivot');
    const backwards = count < 0 ? 1 : 0;
    this.run.listIteratorStart(this.iterator, this.list, backwards ? -1n : 0n, backwards);
    let removed = 0;
    while (this.run.listNext(this.iterator)) {
      if (this.run.listCurrentEquals(this.iterator, wanted, element.length) === 0) continue;
      expect(this.run.listIteratorDelete(this.iterator)).toBe(1);
      this.list = this.harness.u32(this.iterator);
      removed++;
      if (removed === Math.abs(count)) break;
    }
    this.run.listIteratorEnd(this.iterator);
    return removed;
  }

  /** Up to so many elements from a position on. */
  walk(index = 0, backwards = false, limit = Number.POSITIVE_INFINITY): Buffer[] {
    const buffer = this.harness.put('', 'integer');
    const found: Buffer[] = [];
    this.run.listIteratorStart(this.iterator, this.list, BigInt(index), backwards ? 1 : 0);
    while (found.length < limit && this.run.listNext(this.iterator)) {
      const at = this.run.listCurrentText(this.iterator, buffer);
      found.push(this.harness.read(at, this.run.listValueLen.value));
    }
    return found;
  }

  free(): void {
    this.run.listFree(this.list);
  }

  // --- Inspection ---

  private u16(address: number): number {
    return this.u32(address) & 0xffff;
  }

  private u32(address: number): number {
    return this.harness.u32(address);
  }

  get compressDepth(): number {
    return this.u16(this.list + 22);
  }

  /** The nodes as memory has them; a listpack is one node. */
  nodes(): Node[] {
    if (!this.isQuicklist) {
      const contents = this.harness.read(this.list, this.u32(this.list));
      const { length } = contents;
      const count = contents.readUInt16LE(4);
      return [{ plain: false, compressed: false, keepRaw: false, bytes: length, count, contents }];
    }
    const nodes: Node[] = [];
    for (let at = this.u32(this.list + 4); at !== 0; at = this.u32(at + 4)) {
      const flags = this.u16(at + 22);
      const bytes = this.u32(at + 12);
      nodes.push({
        plain: (flags & FLAG_PLAIN) !== 0,
        compressed: (flags & FLAG_LZF) !== 0,
        keepRaw: (flags & FLAG_KEEP_RAW) !== 0,
        bytes,
        count: this.u32(at + 16),
        contents: this.harness.read(this.run.nodeRead(at), bytes),
      });
    }
    return nodes;
  }

  /** Checks every invariant of the structure, and its contents. */
  verify(model: readonly Uint8Array[], options: { strictCompression?: boolean } = {}): void {
    expect(this.run.listLength(this.list)).toBe(model.length);
    if (!this.isQuicklist) {
      expect(this.nodes()[0]!.contents.equals(encodeListpack(model))).toBe(true);
      return;
    }
    this.verifyLinks();
    let next = 0;
    const nodes = this.nodes();
    for (const node of nodes) {
      const elements = model.slice(next, next + node.count);
      const expected = node.plain ? Buffer.from(elements[0]!) : encodeListpack(elements);
      // It may not know any more how many they are.
      if (!node.plain && node.contents.readUInt16LE(4) === 65535) expected.writeUInt16LE(65535, 4);
      expect(node.contents.equals(expected)).toBe(true);
      expect(node.count).toBeGreaterThan(0);
      if (node.plain) expect(node.count).toBe(1);
      next += node.count;
    }
    expect(next).toBe(model.length);
    if (options.strictCompression !== false) this.verifyCompression(nodes);
    const uncompressed = nodes.reduce((sum, { bytes }) => sum + bytes, 0);
    expect(Number(this.run.quicklistUncompressedBytes(this.list))).toBe(uncompressed);
  }

  private verifyLinks(): void {
    let previous = 0;
    let length = 0;
    let count = 0;
    for (let at = this.u32(this.list + 4); at !== 0; at = this.u32(at + 4)) {
      expect(this.u32(at)).toBe(previous);
      previous = at;
      length++;
      count += this.u32(at + 16);
      const block = this.u32(at + 8);
      const gap = this.u16(at + 20);
      const compressed = (this.u16(at + 22) & FLAG_LZF) !== 0;
      const used = compressed ? 4 + this.u32(block) : gap + this.u32(at + 12);
      expect(used).toBeLessThanOrEqual(this.harness.exports.usableSize(block) >>> 0);
    }
    expect(this.u32(this.list + 8)).toBe(previous);
    expect(this.u32(this.list + 16)).toBe(length);
    expect(this.u32(this.list + 12)).toBe(count);
  }

  private verifyCompression(nodes: readonly Node[]): void {
    const depth = this.compressDepth;
    nodes.forEach((node, i) => {
      const atEnd = i < depth || i >= nodes.length - depth;
      const small = node.bytes < COMPRESS_BYTES_MIN || node.bytes > COMPRESS_BYTES_MAX;
      if (depth === 0 || atEnd || small) expect(node.compressed).toBe(false);
      else expect(node.compressed || node.keepRaw).toBe(true);
    });
  }
}

/** Texts of which few are different, so that pivots are found and LZF finds something to do. */
export function listElement(random: Random, longest: number): Buffer {
  const kind = random.below(10);
  if (kind < 4) return Buffer.from(`element:${random.below(6)}`);
  if (kind < 6) return Buffer.from(`${random.below(10 ** random.between(1, 12))}`);
  if (kind < 8) return Buffer.from('z'.repeat(random.below(longest)));
  return Buffer.from(random.text(random.below(longest), 'ab'));
}

/** The nodes in a DUMP payload of a list that was written with `rdbcompression no`. */
export function dumpedNodes(payload: Buffer, harness: Harness<ListExports>): Node[] {
  if (payload[0] !== 18) throw new Error(`not a quicklist: RDB type ${payload[0]}`);
  let [count, at] = rdbLength(payload, 1);
  const nodes: Node[] = [];
  for (; count > 0; count--) {
    const plain = payload[at] === 1;
    const compressed = payload[at + 1] === 0xc3;
    let contents: Buffer;
    [contents, at] = compressed ? unpack(payload, at + 2, harness) : rdbString(payload, at + 1);
    nodes.push({
      ...{ plain, compressed, keepRaw: false, contents },
      ...{ bytes: contents.length, count: plain ? 1 : contents.readUInt16LE(4) },
    });
  }
  return nodes;
}

function unpack(data: Buffer, at: number, harness: Harness<ListExports>): [Buffer, number] {
  const [packedBytes, second] = rdbLength(data, at);
  const [bytes, start] = rdbLength(data, second);
  const input = harness.put(data.subarray(start, start + packedBytes), 'packed');
  const output = harness.put(new Uint8Array(bytes), 'unpacked');
  expect(harness.exports.lzfDecompress(input, packedBytes, output, bytes)).toBe(bytes);
  return [harness.read(output, bytes), start + packedBytes];
}
