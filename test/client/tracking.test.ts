// Goal: no client goes on believing in a copy of a key that has changed, whatever the order of reads,
// changes, flushes and limits, of clients that come and go; and memory comes back.
// Method: random commands of many clients against a model of which client has been noted with which
// key. Every message must be in the model, and everything in the model must be told when its key
// changes. With little memory a client may be cut off instead.

import { describe, expect, it } from 'vitest';
import * as abi from '../../assembly/abi.ts';
import { Core } from '../../src/core/core.ts';
import { loadCoreModule } from '../../src/core/load.node.ts';
import { type ClientOutput, Engine, type EngineClient } from '../../src/engine.ts';
import { encodeCommand } from '../support/arguments.ts';
import { Random } from '../support/random.ts';
import { showReply } from '../support/reply_notation.ts';
import { decodeAll } from '../support/resp_decoder.ts';

const STEPS = 4000;
const CLIENTS = 12;
const KEYS = 40;

class Peer implements ClientOutput {
  readonly client: EngineClient;
  /** Keys that the client may have copies of. */
  readonly copies = new Set<string>();
  private received: Buffer[] = [];

  constructor(engine: Engine) {
    const client = engine.connect(this, '127.0.0.1:1', true);
    if (!client) throw new Error('no memory for a client');
    this.client = client;
    this.call('CLIENT', 'TRACKING', 'ON');
    const { data } = engine.core;
    data.setUint32(client.ptr + abi.CONN_RESP, 3, true);
  }

  /** Closed, or to be closed as soon as it says something. */
  get isCutOff(): boolean {
    return this.client.closed || (this.client.flags & abi.CLIENT_CLOSE_ASAP) !== 0;
  }

  write(bytes: Uint8Array): void {
    this.received.push(Buffer.from(bytes));
  }

  end(): void {
    this.client.close();
  }

  destroy(): void {
    this.client.close();
  }

  /** Runs a command; returns its reply and the messages that came with it. */
  call(...args: string[]): string[] {
    this.client.execute(encodeCommand(args));
    return this.take();
  }

  take(): string[] {
    const replies = decodeAll(Buffer.concat(this.received)).map(showReply);
    this.received = [];
    return replies;
  }
}

class World {
  readonly engine: Engine;
  readonly random: Random;
  peers: Peer[] = [];

  constructor(random: Random, memoryLimitBytes?: number) {
    this.random = random;
    this.engine = new Engine(
      new Core(loadCoreModule(), memoryLimitBytes === undefined ? {} : { memoryLimitBytes }),
    );
  }

  key(): string {
    return `key:${this.random.below(KEYS)}`;
  }

  /** Takes all messages; returns who was told what, and forgets these copies. */
  collect(): string[] {
    const told: string[] = [];
    for (const peer of this.peers) {
      for (const message of peer.take()) {
        const key = /^>\["invalidate", \["(.*)"\]\]$/.exec(message)?.[1];
        if (message === '>["invalidate", nil]') peer.copies.clear();
        else if (key === undefined) continue;
        else if (!peer.copies.delete(key)) throw new Error(`${message} for no copy`);
        told.push(message);
      }
    }
    return told;
  }

  /** Nobody alive may have a copy of what changed. */
  checkTold(keys: readonly string[]): void {
    for (const peer of this.peers) {
      for (const key of keys) {
        const isStale = !peer.isCutOff && peer.copies.has(key);
        expect(isStale, `client ${peer.client.id} was not told of ${key}`).toBe(false);
      }
    }
    this.peers = this.peers.filter(({ client }) => !client.closed);
  }

  items(): number {
    return this.engine.core.exports.trackedItemCount();
  }
}

function step(world: World): void {
  const { random, peers } = world;
  if (peers.length < CLIENTS && random.chance(0.1)) peers.push(new Peer(world.engine));
  const peer = peers.length === 0 ? undefined : random.pick(peers);
  if (peer === undefined) return;
  const key = world.key();
  const choice = random.below(100);
  if (choice < 60) {
    const replies = peer.call('GET', key);
    // Without memory to note the key the client is told at once that it has changed.
    if (!peer.client.closed && replies.length === 1) peer.copies.add(key);
    world.checkTold([]);
  } else if (choice < 90) {
    const other = world.key();
    const [reply] = peer.call('MSET', key, 'x', other, 'y');
    if (reply === '+OK') expectTold(world, peer, [key, other]);
  } else if (choice < 96) {
    peer.client.close();
    world.checkTold([]);
  } else if (choice < 99) {
    peer.call('FLUSHDB');
    world.collect();
    for (const each of world.peers) each.copies.clear();
  } else {
    world.engine.cron(1000);
  }
}

/** The writer's own messages came with its reply, which `call` has taken. */
function expectTold(world: World, writer: Peer, keys: string[]): void {
  for (const key of keys) writer.copies.delete(key);
  world.collect();
  world.checkTold(keys);
}

describe('the tracking table', () => {
  it('tells everyone who may have a copy, and nobody else', () => {
    const random = Random.fresh();
    const world = new World(random);
    try {
      for (let i = 0; i < STEPS; i++) step(world);
    } catch (error) {
      throw new Error(`seed ${random.seed}`, { cause: error });
    }
    for (const { client } of world.peers) client.close();
    expect(world.engine.core.exports.trackedKeyCount()).toBe(0);
    expect(world.items()).toBe(0);
  });

  it('drops the ids of clients that are gone when a key is read by more and more clients', () => {
    const world = new World(Random.fresh());
    const watcher = new Peer(world.engine);
    watcher.call('GET', 'k');
    for (let i = 0; i < 1000; i++) {
      const peer = new Peer(world.engine);
      peer.call('GET', 'k');
      peer.client.close();
    }
    expect(world.items()).toBeLessThan(20);
    watcher.client.execute(encodeCommand(['SET', 'k', '1']));
    expect(watcher.take()).toEqual(['+OK', '>["invalidate", ["k"]]']);
    expect(world.items()).toBe(0);
  });

  it('keeps to its limit, and tells whom it forgets', () => {
    const world = new World(Random.fresh());
    world.engine.core.exports.setConfig(abi.CFG_TRACKING_MAX_KEYS, 10);
    const peer = new Peer(world.engine);
    const told = new Set<string>();
    for (let i = 0; i < 100; i++) {
      for (const message of peer.call('GET', `k${i}`)) told.add(message);
    }
    for (const message of peer.call('PING')) told.add(message);
    told.delete('nil');
    told.delete('+PONG');
    expect(world.engine.core.exports.trackedKeyCount()).toBe(10);
    expect(told.size).toBe(90);
  });

  it('gives the memory of many keys back after FLUSHALL, in steps', () => {
    const world = new World(Random.fresh());
    const { core } = world.engine;
    const used = (): number => {
      core.exports.refreshStats();
      return core.stat(abi.STAT_USED_MEMORY);
    };
    const peer = new Peer(world.engine);
    peer.call('GET', 'k');
    peer.call('FLUSHALL');
    while (world.engine.cron(1000));
    const before = used();
    core.exports.setConfig(abi.CFG_TRACKING_MAX_KEYS, 0);
    for (let i = 0; i < 1000; i++) {
      const keys = Array.from({ length: 100 }, (_, k) => `key:${i}:${k}`);
      peer.call('MGET', ...keys);
    }
    expect(core.exports.trackedKeyCount()).toBe(100_000);
    expect((used() - before) / 100_000).toBeLessThan(48);
    peer.call('FLUSHALL');
    expect(core.exports.trackedKeyCount()).toBe(0);
    while (world.engine.cron(1000));
    expect(used() - before).toBeLessThan(10_000);
  });

  it('lets eviction tell of keys with long names without evicting the more', () => {
    const world = new World(Random.fresh());
    const { core } = world.engine;
    const peer = new Peer(world.engine);
    const writer = new Peer(world.engine);
    writer.call('CLIENT', 'TRACKING', 'OFF');
    for (let i = 0; i < 300; i++) {
      const key = `${i}${'x'.repeat(1000)}`;
      writer.call('SET', key, 'x');
      peer.call('GET', key);
    }
    core.exports.refreshStats();
    const limit = core.stat(abi.STAT_USED_MEMORY) - 40_000;
    core.exports.setConfig(abi.CFG_MAXMEMORY_POLICY, abi.POLICY_ALLKEYS_RANDOM);
    core.exports.setConfig(abi.CFG_MAXMEMORY, limit);
    for (let i = 0; i < 100; i++) writer.call('PING');
    const evicted = core.stat(abi.STAT_EVICTED_KEYS);
    expect(evicted).toBeGreaterThan(10);
    expect(evicted).toBeLessThan(100);
    expect(peer.take()).toHaveLength(evicted);
    core.exports.refreshStats();
    expect(core.stat(abi.STAT_USED_MEMORY)).toBeLessThanOrEqual(limit);
  });

  it('cuts clients off rather than leave them with old copies when memory is exhausted', () => {
    const random = Random.fresh();
    const world = new World(random, 12 * 1024 * 1024);
    const filler = new Peer(world.engine);
    filler.call('CLIENT', 'TRACKING', 'OFF');
    for (let i = 0; ; i++) {
      const [reply] = filler.call('SET', `fill:${i}`, 'x'.repeat(100_000));
      if (reply === undefined || reply.startsWith('-')) break;
    }
    try {
      for (let i = 0; i < STEPS; i++) {
        if (random.oneIn(50)) filler.call('SET', 'churn', 'x'.repeat(random.below(60_000)));
        step(world);
      }
    } catch (error) {
      throw new Error(`seed ${random.seed}`, { cause: error });
    }
  });
});
