// maxmemory-clients: who is evicted, who stays, and what is counted.

import { beforeEach, describe, expect, it } from 'vitest';
import { clientLimitBytes } from '../../src/net/client_eviction.ts';
import { type Peer, TestServerSide } from './client_harness.ts';

const MB = 1024 * 1024;

let server: TestServerSide;

/** A client that holds about so many bytes of an unfinished command. */
function holding(bytes: number): Peer {
  const peer = server.connect();
  const header = `*2\r\n$4\r\nECHO\r\n$${bytes}\r\n`;
  peer.send(header);
  for (let sent = 0; sent < bytes - 1; sent += 200_000) {
    peer.send('x'.repeat(Math.min(200_000, bytes - 1 - sent)));
  }
  return peer;
}

function limit(bytes: number): void {
  server.registry.eviction.setLimit(bytes, server.registry.all());
  server.registry.eviction.enforce();
}

function left(...peers: Peer[]): boolean[] {
  return peers.map((peer) => !peer.client.isClosed);
}

describe('client eviction', () => {
  beforeEach(() => {
    server = new TestServerSide();
  });

  it('takes the biggest first, and no more than needed', () => {
    const peers = [holding(3 * MB), holding(200_000), holding(1.2 * MB), holding(3 * MB)];
    limit(6 * MB);
    expect(left(...peers)).toEqual([false, true, true, true]);
    limit(2 * MB);
    expect(left(...peers)).toEqual([false, true, true, false]);
    expect(server.registry.eviction.evictedClients).toBe(2);
    expect(
      server.log.filter((line) => line.startsWith('notice Evicting client: id=')),
    ).toHaveLength(2);
  });

  it('happens as soon as a client takes too much', () => {
    limit(MB);
    const small = server.connect();
    expect(left(holding(2 * MB), small)).toEqual([false, true]);
    expect(small.call('PING')).toBe('+PONG\r\n');
  });

  it('counts queued output, transactions, watched keys and subscriptions', () => {
    limit(300_000);
    const slow = server.connect();
    Object.assign(slow.connection, { queuedBytes: 400_000 });
    slow.call('PING');
    const queueing = server.connect();
    queueing.call('MULTI');
    for (let i = 0; i < 4 && !queueing.client.isClosed; i++) {
      queueing.call('SET', 'k', 'x'.repeat(100_000));
    }
    const watching = server.connect();
    for (let i = 0; i < 10_000 && !watching.client.isClosed; i++) {
      watching.call('WATCH', `key:${i}`);
    }
    const listening = server.connect();
    for (let i = 0; i < 20_000 && !listening.client.isClosed; i++) {
      listening.call('SUBSCRIBE', `${i}`);
    }
    expect(left(slow, queueing, watching, listening)).toEqual([false, false, false, false]);
  });

  it('spares clients with NO-EVICT, which count all the same', () => {
    const spared = server.connect();
    spared.call('CLIENT', 'NO-EVICT', 'ON');
    spared.send('*2\r\n$4\r\nECHO\r\n$1000000\r\n');
    const other = server.connect();
    limit(MB);
    expect(left(spared, other)).toEqual([true, false]);
    limit(500_000);
    expect(left(spared)).toEqual([true]);
    expect(server.log.at(-1)).toBe(
      'warning Over client maxmemory after evicting all evictable clients',
    );
  });

  it('describes its buckets while there is a limit', () => {
    holding(MB);
    server.connect();
    expect(server.registry.eviction.describe()).toBeNull();
    limit(10 * MB);
    const lines = server.registry.eviction.describe()?.split('\n') ?? [];
    expect(lines).toHaveLength(20);
    expect(lines[0]).toMatch(/^bucket {10}0 - {6}32767: tot-mem: +\d+, clients: 1$/);
    expect(lines[18]).toMatch(/^bucket 4294967296\+ {12}: tot-mem: {10}0, clients: 0$/);
    expect(lines.filter((line) => line.endsWith('clients: 1'))).toHaveLength(2);
    limit(0);
    expect(server.registry.eviction.describe()).toBeNull();
  });

  it('has a limit in bytes or percent of maxmemory, not below 128 KB', () => {
    expect(clientLimitBytes(0, 100 * MB)).toBe(0);
    expect(clientLimitBytes(5 * MB, 0)).toBe(5 * MB);
    expect(clientLimitBytes(-10, 100 * MB)).toBe(10 * MB);
    expect(clientLimitBytes(-10, 0)).toBe(Number.POSITIVE_INFINITY);
    expect(clientLimitBytes(1, 0)).toBe(128 * 1024);
  });
});
