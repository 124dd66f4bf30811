// Goal: a stream has the nodes that Redis gives it, byte for byte, and the same header.
// Method: the same random commands on a real server and on the structure; after each few, what the
// server's DUMP holds is compared with what is in memory.
import { describe, expect, it } from 'vitest';
import { Random } from '../support/random.ts';
import { RespClient } from '../support/resp_client.ts';
import { realRedisVersion, startServer } from '../support/server.ts';
import {
  dumpedStream,
  type Id,
  idText,
  MAX_ID,
  MIN_ID,
  nextId,
  randomItems,
  Stream,
} from './stream_model.ts';

const version = realRedisVersion();

class Both {
  readonly client: RespClient;
  readonly stream: Stream;
  readonly random: Random;
  last: Id = MIN_ID;
  ids: Id[] = [];

  constructor(client: RespClient, stream: Stream, random: Random) {
    this.client = client;
    this.stream = stream;
    this.random = random;
  }

  private async count(...args: (string | number)[]): Promise<number> {
    const reply = await this.client.call(...args.map(String));
    if (reply.kind !== 'integer') throw new Error(`${args.join(' ')}: ${JSON.stringify(reply)}`);
    return Number(reply.value);
  }

  private async add(): Promise<void> {
    this.last = nextId(this.random, this.last);
    const items = randomItems(this.random, this.random.chance(0.05) ? 3000 : 60);
    const reply = await this.client.call(
      'XADD',
      'stream',
      idText(this.last),
      ...items.map((item) => Buffer.from(item, 'latin1')),
    );
    expect(reply.kind).toBe('bulk');
    expect(this.stream.add({ ...this.last, items })).toBe(true);
    this.ids.push(this.last);
  }

  private async remove(): Promise<void> {
    const id = this.random.pick(this.ids);
    const removed = await this.count('XDEL', 'stream', idText(id));
    expect(this.stream.remove(id)).toBe(removed === 1);
  }

  private async trim(): Promise<void> {
    const { random, stream } = this;
    const approximate = random.chance(0.6);
    const limit = approximate ? random.pick([0, 1, 10, 150, 1000]) : 0;
    const options = approximate ? ['LIMIT', limit] : [];
    if (random.chance(0.5)) {
      const length = Math.max(0, Number(stream.header().length) - random.below(30));
      const sign = approximate ? '~' : '=';
      const trimmed = await this.count('XTRIM', 'stream', 'MAXLEN', sign, length, ...options);
      expect(stream.trimByLength(length, approximate, limit)).toBe(trimmed);
      return;
    }
    const { ms, seq } = random.pick(this.ids.slice(0, 50));
    const id = { ms, seq: seq + BigInt(random.below(2)) };
    const sign = approximate ? '~' : '=';
    const trimmed = await this.count('XTRIM', 'stream', 'MINID', sign, idText(id), ...options);
    expect(stream.trimById(id, approximate, limit)).toBe(trimmed);
  }

  async step(): Promise<void> {
    const dice = this.ids.length === 0 ? 0 : this.random.below(20);
    if (dice < 14) await this.add();
    else if (dice < 19) await this.remove();
    else await this.trim();
    if (!this.random.chance(0.1)) return;
    const left = new Set(this.stream.ids(true));
    this.ids = this.ids.filter((id) => left.has(idText(id)));
  }

  async compare(): Promise<void> {
    this.stream.verify();
    const reply = await this.client.call('DUMP', 'stream');
    if (reply.kind !== 'bulk') throw new Error(`DUMP: ${reply.kind}`);
    const { header, nodes } = dumpedStream(Buffer.from(reply.bytes));
    expect(this.stream.header()).toEqual(header);
    const own = this.stream.nodes();
    expect(own.map(idText)).toEqual(nodes.map(idText));
    own.forEach(({ lp }, i) => {
      if (!lp.equals(nodes[i]!.lp)) throw new Error(`node ${i} of ${own.length} differs`);
    });
  }
}

describe.skipIf(version === null)(`a stream beside redis-server ${version}`, () => {
  it('has the same nodes after the same commands', async () => {
    const random = Random.fresh();
    const server = await startServer({ kind: 'redis', args: ['--rdbcompression', 'no'] });
    const client = await RespClient.connect({ port: server.port });
    for (let round = 0; round < 25; round++) {
      const stream = await Stream.open();
      stream.nodeMaxEntries = random.pick([0, 1, 2, 10, 100, 300]);
      stream.nodeMaxBytes = random.pick([0, 64, 500, 4096]);
      await client.call('CONFIG', 'SET', 'stream-node-max-entries', `${stream.nodeMaxEntries}`);
      await client.call('CONFIG', 'SET', 'stream-node-max-bytes', `${stream.nodeMaxBytes}`);
      await client.call('DEL', 'stream');
      const both = new Both(client, stream, random);
      const limits = `${stream.nodeMaxEntries} entries, ${stream.nodeMaxBytes} bytes`;
      for (let step = 0; step < 300; step++) {
        try {
          await both.step();
          if (step % 10 === 0) await both.compare();
        } catch (error) {
          throw new Error(`step ${step}, ${limits}, seed ${random.seed}`, { cause: error });
        }
      }
      await both.compare();
    }
    await client.close();
    await server.stop();
  });

  it('tells how far a group has read as the server does', async () => {
    const random = Random.fresh();
    const server = await startServer({ kind: 'redis', args: ['--rdbcompression', 'no'] });
    const client = await RespClient.connect({ port: server.port });
    for (let round = 0; round < 30; round++) {
      const stream = await Stream.open();
      stream.nodeMaxEntries = 10;
      await client.call('CONFIG', 'SET', 'stream-node-max-entries', '10');
      await client.call('DEL', 'stream');
      const both = new Both(client, stream, random);
      await both.step();
      const start = random.chance(0.5) ? MIN_ID : both.last;
      await client.call('XGROUP', 'CREATE', 'stream', 'group', idText(start));
      const [ptr, len] = stream.put('group');
      const group = stream.core.tryGroupCreate(stream.ptr, ptr, len, start.ms, start.seq, -1n);
      for (let step = 0; step < 100; step++) {
        if (random.chance(0.7)) await both.step();
        else await readGroup(both, group, random.between(1, 5));
        try {
          await compareGroup(both, group);
        } catch (error) {
          throw new Error(`step ${step}, seed ${random.seed}`, { cause: error });
        }
      }
    }
    await client.close();
    await server.stop();
  });
});

/** Reads through the group on both sides. */
async function readGroup(both: Both, group: number, count: number): Promise<void> {
  const { stream, client } = both;
  await client.call(
    ...['XREADGROUP', 'GROUP', 'group', 'consumer', 'COUNT', `${count}`],
    ...['STREAMS', 'stream', '>'],
  );
  const { core } = stream;
  core.groupLastId(group, stream.buffer);
  const view = new DataView(stream.module.memory.buffer, stream.buffer);
  const last = { ms: view.getBigUint64(0, true), seq: view.getBigUint64(8, true) };
  const from = { ms: last.ms, seq: last.seq + 1n };
  for (const { ms, seq } of stream.range(from, MAX_ID, false, count)) {
    expect(core.groupAdvance(stream.ptr, group, ms, seq)).toBe(1);
  }
}

async function compareGroup({ client, stream }: Both, group: number): Promise<void> {
  const reply = await client.call('XINFO', 'GROUPS', 'stream');
  if (reply.kind !== 'array' || reply.items[0]?.kind !== 'array') throw new Error(reply.kind);
  const { items } = reply.items[0];
  const figure = (name: string): string => {
    const at = items.findIndex((item) => item.kind === 'bulk' && item.bytes.toString() === name);
    const value = items[at + 1];
    return value?.kind === 'integer' ? `${value.value}` : 'unknown';
  };
  const { core } = stream;
  const read = core.entriesRead(group);
  expect(read === -1n ? 'unknown' : `${read}`).toBe(figure('entries-read'));
  const known = core.groupLag(stream.ptr, group) !== 0;
  expect(known ? `${core.lag.value}` : 'unknown').toBe(figure('lag'));
}
