// Goal: a list has the nodes that Redis gives it: the same elements in each, plain or packed, and from
// Redis 7.2 on the same encoding.
// Method: the same random commands on a real server and on the structure; after each few, the
// nodes in the server's DUMP are compared with those in memory.
import { beforeAll, describe, expect, it } from 'vitest';
import { Random } from '../support/random.ts';
import { RespClient } from '../support/resp_client.ts';
import { realRedisVersion, startServer } from '../support/server.ts';
import { Harness } from './model.ts';
import {
  dumpedNodes,
  HEAD,
  type ListExports,
  ListUnderTest,
  listElement,
  TAIL,
} from './quicklist_model.ts';

const version = realRedisVersion();
/**
 * Before 7.2 every list was a quicklist, a large element made its node split otherwise, and nodes
 * were merged up to four bytes beyond the limit of their size.
 */
const hasListpacks = version !== null && Number.parseFloat(version) >= 7.2;

/** Nodes of this size are limited by their number of elements, if that is. */
const NEVER_FULL_BYTES = 8000;

const random = Random.fresh();
const seed = `seed ${random.seed}`;
let harness: Harness<ListExports>;

beforeAll(async () => {
  harness = await Harness.load<ListExports>();
});

class Both {
  readonly client: RespClient;
  readonly fill: number;
  readonly depth: number;
  model: Buffer[] = [];
  list: ListUnderTest;

  constructor(client: RespClient, fill: number, depth: number) {
    this.client = client;
    this.fill = fill;
    this.depth = depth;
    this.list = this.fresh();
  }

  private fresh(): ListUnderTest {
    if (hasListpacks) return new ListUnderTest(harness);
    return new ListUnderTest(harness, harness.exports.quicklistNew(this.fill, this.depth));
  }

  private grow(elements: readonly Buffer[]): void {
    if (hasListpacks) this.list.grow(elements);
  }

  private shrink(): void {
    if (hasListpacks) this.list.shrink();
    if (this.model.length > 0) return;
    this.list.free();
    this.list = this.fresh();
  }

  async push(elements: Buffer[], end: number): Promise<void> {
    await this.client.call(end === HEAD ? 'LPUSH' : 'RPUSH', 'list', ...elements);
    this.grow(elements);
    for (const element of elements) {
      this.list.push(element, end);
      if (end === HEAD) this.model.unshift(element);
      else this.model.push(element);
    }
  }

  async pop(end: number): Promise<void> {
    await this.client.call(end === HEAD ? 'LPOP' : 'RPOP', 'list');
    this.list.pop(end);
    if (end === HEAD) this.model.shift();
    else this.model.pop();
    this.shrink();
  }

  async insert(pivot: Buffer, element: Buffer, after: boolean): Promise<void> {
    await this.client.call('LINSERT', 'list', after ? 'AFTER' : 'BEFORE', pivot, element);
    const at = this.model.findIndex((one) => one.equals(pivot));
    this.grow([element]);
    this.list.insert(pivot, element, after);
    if (at >= 0) this.model.splice(at + (after ? 1 : 0), 0, element);
  }

  async replace(index: number, element: Buffer): Promise<void> {
    await this.client.call('LSET', 'list', index, element);
    this.grow([element]);
    this.list.replace(index, element);
    this.model[index] = element;
    if (hasListpacks) this.list.shrink();
  }

  async remove(element: Buffer, count: number): Promise<void> {
    await this.client.call('LREM', 'list', count, element);
    this.list.remove(element, count);
    let matches = this.model.flatMap((one, i) => (one.equals(element) ? [i] : []));
    if (count > 0) matches = matches.slice(0, count);
    if (count < 0) matches = matches.slice(count);
    for (const i of matches.reverse()) this.model.splice(i, 1);
    this.shrink();
  }

  async trim(start: number, stop: number): Promise<void> {
    await this.client.call('LTRIM', 'list', start, stop);
    const behind = this.model.length - 1 - stop;
    if (hasListpacks || this.list.isQuicklist) {
      this.list.deleteRange(0, start);
      this.list.deleteRange(-behind, behind);
    }
    this.model = this.model.slice(start, stop + 1);
    this.shrink();
  }

  /** One random command. */
  async step(longest: number): Promise<void> {
    const element = listElement(random, longest);
    const index = random.below(this.model.length);
    switch (this.model.length === 0 ? 0 : random.below(14)) {
      case 0:
      case 1:
      case 2:
      case 3: {
        const make = () => listElement(random, longest);
        const elements = Array.from({ length: random.between(1, 4) }, make);
        return this.push(elements, random.pick([HEAD, TAIL]));
      }
      case 4:
      case 5:
        return this.pop(random.pick([HEAD, TAIL]));
      case 6:
      case 7:
      case 8:
      case 9:
        if (!hasListpacks && (this.fill < 0 || this.fill * longest > NEVER_FULL_BYTES)) {
          return this.push([element], TAIL);
        }
        return this.insert(this.model[index]!, element, random.chance(0.5));
      case 10:
      case 11:
        return this.replace(index, element);
      case 12:
        return this.remove(this.model[index]!, random.pick([0, 1, -1, 2, -2]));
      default: {
        const start = random.below(Math.min(index + 1, 5));
        return this.trim(start, Math.max(index, this.model.length - 1 - random.below(5)));
      }
    }
  }

  async compare(): Promise<void> {
    this.list.verify(this.model);
    const reply = await this.client.call('DUMP', 'list');
    if (reply.kind !== 'bulk') {
      expect(this.model).toEqual([]);
      return;
    }
    const expected = dumpedNodes(Buffer.from(reply.bytes), harness);
    const nodes = this.list.nodes();
    expect(nodes.map(({ count, plain }) => ({ count, plain }))).toEqual(
      expected.map(({ count, plain }) => ({ count, plain })),
    );
    nodes.forEach(({ contents }, i) => {
      expect(contents.equals(expected[i]!.contents)).toBe(true);
    });
    if (!hasListpacks) return;
    const encoding = await this.client.call('OBJECT', 'ENCODING', 'list');
    const name = encoding.kind === 'bulk' ? encoding.bytes.toString() : encoding.kind;
    expect(name).toBe(this.list.isQuicklist ? 'quicklist' : 'listpack');
  }
}

describe.skipIf(version === null)(`a list beside redis-server ${version}`, () => {
  it('fills and merges nodes up to the same byte', async () => {
    const server = await startServer({ kind: 'redis', args: ['--rdbcompression', 'no'] });
    const client = await RespClient.connect({ port: server.port });
    for (const [fill, limit] of [
      [-1, 4096],
      [-2, 8192],
      [5, 8192],
    ] as const) {
      await client.call('CONFIG', 'SET', 'list-max-listpack-size', fill);
      harness.exports.listSetOptions(fill, 0);
      for (let spare = -20; spare <= 12; spare++) {
        await client.call('DEL', 'list');
        const both = new Both(client, fill, 0);
        // A node that is full, so that it is a quicklist; then one of 107 bytes and what may fit it.
        await both.push([Buffer.alloc(limit, 97)], TAIL);
        await both.push([Buffer.alloc(97, 98)], TAIL);
        await both.push([Buffer.alloc(limit - 107 + spare, 99)], TAIL);
        await both.compare();
        both.list.free();
      }
    }
    await client.close();
    await server.stop();
  });

  it(`has the same nodes after the same commands (${seed})`, async () => {
    const server = await startServer({
      kind: 'redis',
      args: ['--rdbcompression', 'no', '--enable-debug-command', 'yes'],
    });
    const client = await RespClient.connect({ port: server.port });
    for (let round = 0; round < 50; round++) {
      const fill = random.pick([-1, -2, -2, -3, 1, 2, 3, 5, 20]);
      const depth = random.pick([0, 0, 1, 2, 3]);
      const longest = fill < 0 ? random.pick([300, 2000]) : random.pick([10, 70, 1000]);
      const threshold = hasListpacks ? random.pick([0, 0, 20, 200, 1500]) : 0;
      await client.call('CONFIG', 'SET', 'list-max-listpack-size', fill);
      await client.call('CONFIG', 'SET', 'list-compress-depth', depth);
      await client.call('DEBUG', 'QUICKLIST-PACKED-THRESHOLD', `${threshold}b`);
      harness.exports.listSetOptions(fill, depth);
      harness.exports.quicklistSetPackedThreshold(BigInt(threshold));
      await client.call('DEL', 'list');
      const both = new Both(client, fill, depth);
      for (let i = random.pick([0, 0, 10, 40]); i > 0; i--) {
        await both.push(
          Array.from({ length: 4 }, () => listElement(random, longest)),
          TAIL,
        );
      }
      const story = `fill ${fill}, depth ${depth}, longest ${longest}, threshold ${threshold}, ${seed}`;
      for (let step = 0; step < 150; step++) {
        try {
          await both.step(longest);
          if (step % 3 === 0) await both.compare();
        } catch (error) {
          throw new Error(`step ${step} with ${story}`, { cause: error });
        }
      }
      both.list.free();
    }
    harness.exports.quicklistSetPackedThreshold(0n);
    await client.close();
    await server.stop();
  });
});
