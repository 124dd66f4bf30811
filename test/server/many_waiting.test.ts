// Many connections that wait for something: for an element each, for elements of one list, for
// messages of one channel. test/unit/blocked.test.ts has ten thousand of them, without sockets.

import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { encodeCommand } from '../support/arguments.ts';
import { Random } from '../support/random.ts';
import { showReply } from '../support/reply_notation.ts';
import { RespClient } from '../support/resp_client.ts';
import { startServer, type TestServer } from '../support/server.ts';
import { selectedTargets } from '../support/targets.ts';

const CONNECTIONS = 1000;

describe.each(selectedTargets())('$name', ({ kind, args, available }) => {
  let server: TestServer;
  let admin: RespClient;
  let clients: RespClient[] = [];

  beforeAll(async () => {
    if (!available) return;
    server = await startServer({ kind, args });
    admin = await RespClient.connect({ port: server.port });
    clients = await Promise.all(
      Array.from({ length: CONNECTIONS }, () => RespClient.connect({ port: server.port })),
    );
  });

  afterAll(async () => {
    await Promise.all([...clients, admin].map((client) => client?.close()));
    await server?.stop();
  });

  async function blockedClients(): Promise<number> {
    const info = await admin.call('INFO', 'clients');
    const text = 'bytes' in info ? info.bytes.toString() : '';
    return Number(/^blocked_clients:(\d+)/m.exec(text)?.[1]);
  }

  async function untilBlocked(wanted: number): Promise<void> {
    for (let tries = 0; (await blockedClients()) !== wanted; tries++) {
      if (tries > 1000) throw new Error(`${wanted} blocked clients expected`);
      await sleep(10);
    }
  }

  it.skipIf(!available)('wait for a key each, and get what is pushed to it', async () => {
    for (const [i, client] of clients.entries()) {
      client.send(encodeCommand(['BLPOP', `key:${i}`, '0']));
    }
    await untilBlocked(CONNECTIONS);
    const order = Random.fresh().shuffle(clients.map((_, i) => i));
    await admin.pipeline(order.map((i) => ['RPUSH', `key:${i}`, `value:${i}`]));
    for (const [i, client] of clients.entries()) {
      expect(showReply((await client.read()).reply)).toBe(`["key:${i}", "value:${i}"]`);
    }
    expect(await blockedClients()).toBe(0);
    expect(showReply(await admin.call('DBSIZE'))).toBe('0');
  });

  it.skipIf(!available)('wait for one key, and are served in the order they came', async () => {
    for (const [i, client] of clients.entries()) {
      client.send(encodeCommand(['BZPOPMIN', 'queue', '100']));
      // The server may read several connections in any order.
      if (i % 50 === 49) await untilBlocked(i + 1);
    }
    const members = clients.flatMap((_, i) => [String(i), `member:${i}`]);
    await admin.call('ZADD', 'queue', ...members);
    const scores: number[] = [];
    for (const client of clients) {
      const found = /\["queue", "member:(\d+)"/.exec(showReply((await client.read()).reply));
      scores.push(Number(found?.[1]));
    }
    expect([...scores].sort((a, b) => a - b)).toEqual(clients.map((_, i) => i));
    for (let i = 0; i < CONNECTIONS; i += 50) {
      const group = scores.slice(i, i + 50);
      expect(Math.min(...group)).toBe(i);
      expect(Math.max(...group)).toBe(i + 49);
    }
    expect(await blockedClients()).toBe(0);
  });

  it.skipIf(!available)('listen to one channel, and all get its messages', async () => {
    await Promise.all(clients.map((client) => client.call('SUBSCRIBE', 'news')));
    for (const text of ['one', 'two']) {
      expect(showReply(await admin.call('PUBLISH', 'news', text))).toBe(`${CONNECTIONS}`);
    }
    for (const client of clients) {
      expect(showReply((await client.read()).reply)).toBe('["message", "news", "one"]');
      expect(showReply((await client.read()).reply)).toBe('["message", "news", "two"]');
    }
    await Promise.all(clients.map((client) => client.call('UNSUBSCRIBE')));
  });
});
