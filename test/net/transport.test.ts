// The rules of src/net/transport.ts, held against both transports.

import { once } from 'node:events';
import type { Socket } from 'node:net';
import { networkInterfaces } from 'node:os';
import { afterEach, describe, expect, it } from 'vitest';
import { chooseTransport, probeDirect } from '../../src/net/choose.ts';
import { loadStreamBinding } from '../../src/net/stream_binding.ts';
import { Random } from '../support/random.ts';
import {
  activeSocketCount,
  eventually,
  Harness,
  type HarnessOptions,
  MovingRegion,
  patternBytes,
  readAll,
  readBytes,
  type SocketKind,
  settledSocketCount,
  TRANSPORTS,
} from './harness.ts';

const MEBIBYTE = 1 << 20;
const HAS_IPV6 = Object.values(networkInterfaces())
  .flat()
  .some((entry) => entry?.address === '::1');

describe.each(TRANSPORTS)('%s transport', (name) => {
  let harness: Harness;
  const start = async (options: HarnessOptions = {}): Promise<Harness> => {
    harness = await Harness.start(name, options);
    return harness;
  };
  afterEach(() => harness.stop());

  const KINDS: readonly SocketKind[] = ['TCP', 'Unix socket'];
  describe.each(KINDS)('over %s', (kind) => {
    it('echoes what is sent, in pieces of any size', async () => {
      const random = Random.fresh();
      await start({ kind });
      const [client, session] = await harness.pair();
      let sent = 0;
      for (let round = 0; round < 200; round++) {
        const length = random.chance(0.1) ? random.between(1, 300_000) : random.between(1, 200);
        const bytes = patternBytes(sent, length);
        client.write(bytes);
        const echo = await readBytes(client, length);
        expect(Buffer.compare(echo, bytes), `round ${round}, seed ${random.seed}`).toBe(0);
        sent += length;
      }
      expect(session.receivedBytes).toBe(sent);
    });

    it('delivers 64 MiB to a reader that starts late, from a source that is overwritten', async () => {
      await start({ kind });
      const [client, session] = await harness.pair();
      const total = 64 * MEBIBYTE;
      let sent = 0;
      // Sizes around every boundary inside: staging buffers, queue blocks, one huge write.
      const sizes = [1, 4095, 4096, 4097, 65535, 65536, 65537, MEBIBYTE, MEBIBYTE + 1, 9_999_991];
      for (let round = 0; sent < total; round++) {
        const length = Math.min(sizes[round % sizes.length] as number, total - sent);
        session.writeVolatile(patternBytes(sent, length));
        sent += length;
      }
      const { connection } = session;
      expect(connection.queuedBytes).toBeGreaterThan(total / 2);
      expect(connection.queueMemoryBytes).toBeGreaterThanOrEqual(connection.queuedBytes);
      expect(connection.queuedBlocks).toBeGreaterThan(1);
      expect(session.drains).toBe(0);

      let received = 0;
      let isRight = true;
      client.on('data', (chunk: Buffer) => {
        isRight &&= Buffer.compare(chunk, patternBytes(received, chunk.length)) === 0;
        received += chunk.length;
      });
      await session.until(() => session.drains > 0);
      expect(connection.queuedBytes).toBe(0);
      expect([connection.queueMemoryBytes, connection.queuedBlocks]).toEqual([0, 0]);
      await eventually(() => received === total);
      expect(isRight).toBe(true);
      expect(session.drains).toBe(1);
      // And the connection is as good as new.
      client.removeAllListeners('data');
      client.write('after');
      expect((await readBytes(client, 5)).toString()).toBe('after');
    });

    it('keeps a hundred thousand small writes in order while the reader lags', async () => {
      await start({ kind });
      const [client, session] = await harness.pair();
      const lines = Array.from({ length: 100_000 }, (_, index) => `${index}\r\n`);
      // Enough in front that the kernel is full and every line has to queue.
      const filler = 'x'.repeat(16 * MEBIBYTE);
      session.writeVolatile(filler);
      for (const line of lines) session.writeVolatile(line);
      expect(session.connection.queuedBytes).toBeGreaterThan(lines.join('').length);
      const expected = filler + lines.join('');
      const got = await readBytes(client, expected.length);
      expect(got.toString('latin1') === expected).toBe(true);
    });

    it('tells the addresses of both ends', async () => {
      await start({ kind });
      const [client, { connection }] = await harness.pair();
      expect(connection.isUnixSocket).toBe(kind === 'Unix socket');
      expect(connection.isLoopback).toBe(true);
      expect(connection.fd).toBeGreaterThan(2);
      if (kind === 'TCP') {
        expect(connection.remoteAddress).toBe('127.0.0.1');
        expect(connection.remotePort).toBe(client.localPort);
        expect(connection.localAddress).toBe('127.0.0.1');
        expect(connection.localPort).toBe(harness.address.port);
      } else {
        expect(connection.remoteAddress).toBe(harness.socketPath);
        expect(connection.localAddress).toBe(harness.socketPath);
        expect([connection.remotePort, connection.localPort]).toEqual([0, 0]);
      }
    });

    it('closes on the end of input, after answering all that came before it', async () => {
      await start({ kind });
      const [client, session] = await harness.pair({ allowHalfOpen: true });
      client.write('one two three');
      client.end();
      expect((await readAll(client)).toString()).toBe('one two three');
      await session.closed();
      expect(session.closes).toEqual([false]);
      client.destroy();
    });
  });

  it('reads on when the input region moves between reads and during one', async () => {
    await start({ regionBytes: 4096 });
    const [client, session] = await harness.pair();
    const other = await harness.pair();
    session.onInput = (input) => {
      harness.region.move();
      session.writeVolatile(input);
      harness.region.move();
    };
    for (let round = 0; round < 50; round++) {
      const bytes = patternBytes(round, 10_000);
      client.write(bytes);
      expect(Buffer.compare(await readBytes(client, bytes.length), bytes)).toBe(0);
      // A connection that was idle during the moves.
      other[0].write('idle');
      expect((await readBytes(other[0], 4)).toString()).toBe('idle');
    }
    expect(session.received.every((input) => input.length <= 4096)).toBe(true);
  });

  it('has no drain to report when the kernel takes everything at once', async () => {
    await start();
    const [client, session] = await harness.pair();
    client.write('ping');
    await readBytes(client, 4);
    expect(session.connection.queuedBytes).toBe(0);
    expect(session.events).toEqual(['data 4']);
  });

  it('reports a drain for each time the queue was filled', async () => {
    await start();
    const [client, session] = await harness.pair();
    const size = 16 * MEBIBYTE;
    let rounds = 0;
    session.onDrained = () => {
      if (++rounds < 3) session.writeVolatile(new Uint8Array(size));
    };
    session.writeVolatile(new Uint8Array(size));
    await readBytes(client, size * 3);
    await session.until(() => session.drains === 3);
    expect(session.connection.queuedBytes).toBe(0);
  });

  it('stops reading while paused and loses nothing', async () => {
    await start({ regionBytes: 1000 });
    const [client, session] = await harness.pair();
    const other = await harness.pair();
    session.onInput = () => session.connection.pause();
    const bytes = patternBytes(0, 2 * MEBIBYTE);
    client.write(bytes);
    await session.until(() => session.receivedBytes > 0);
    // Round trips elsewhere: reads would have come through by now.
    for (let round = 0; round < 20; round++) {
      other[0].write('x');
      await readBytes(other[0], 1);
    }
    expect(session.received.length).toBe(1);
    expect(session.connection.isPaused).toBe(true);
    session.connection.resume();
    expect(session.connection.isPaused).toBe(false);
    await session.until(() => session.received.length === 2);
    session.onInput = () => {};
    session.connection.resume();
    await session.until(() => session.receivedBytes === bytes.length);
    expect(Buffer.compare(Buffer.concat(session.received), bytes)).toBe(0);
  });

  it('can be paused before anything is read', async () => {
    await start({ onConnection: (session) => session.connection.pause() });
    const [client, session] = await harness.pair();
    const other = await harness.pair();
    other[1].connection.resume();
    client.write('early');
    for (let round = 0; round < 20; round++) {
      other[0].write('x');
      await readBytes(other[0], 1);
    }
    expect(session.receivedBytes).toBe(0);
    session.connection.resume();
    expect((await readBytes(client, 5)).toString()).toBe('early');
  });

  it('sends queued output before an end, and hears nothing more', async () => {
    await start();
    const [client, session] = await harness.pair();
    const bytes = patternBytes(0, 24 * MEBIBYTE);
    session.onInput = () => {
      session.writeVolatile(bytes);
      session.connection.end();
      session.connection.end();
      session.writeVolatile('too late');
      client.write('not heard');
    };
    client.write('go');
    await session.until(() => session.receivedBytes > 0);
    expect(session.connection.queuedBytes).toBeGreaterThan(0);
    const got = await readAll(client);
    expect(Buffer.compare(got, bytes)).toBe(0);
    await session.closed();
    expect(session.events).toEqual(['data 2', 'close']);
    expect(session.closes).toEqual([false]);
  });

  it('ends at once when nothing is queued', async () => {
    await start();
    const [client, session] = await harness.pair();
    session.onInput = (input) => {
      session.writeVolatile(input);
      session.connection.end();
    };
    client.write('bye');
    expect((await readAll(client)).toString()).toBe('bye');
    await session.closed();
    expect(session.closes).toEqual([false]);
  });

  it('may be written to and ended before it is started, as a refused client is', async () => {
    await start({
      onConnection: (session) => {
        session.writeVolatile('-ERR max number of clients reached\r\n');
        session.connection.end();
      },
    });
    const [client, session] = await harness.pair();
    expect((await readAll(client)).toString()).toBe('-ERR max number of clients reached\r\n');
    await session.closed();
    expect(session.events).toEqual(['close']);
  });

  it('may be destroyed before it is started', async () => {
    await start({ onConnection: (session) => session.connection.destroy() });
    const client = harness.rawClient();
    await once(client, 'close');
    await harness.sessions[0]?.closed();
    expect(harness.sessions[0]?.events).toEqual(['close']);
  });

  it('may be destroyed in the middle of its input; later calls do nothing', async () => {
    await start({ regionBytes: 100 });
    const [client, session] = await harness.pair();
    const { connection } = session;
    session.onInput = () => {
      connection.destroy();
      expect(session.closes).toEqual([]);
      connection.destroy();
      connection.end();
      connection.pause();
      connection.resume();
      connection.ref();
      connection.unref();
      session.writeVolatile('ignored');
      expect(connection.queuedBytes).toBe(0);
    };
    client.write(new Uint8Array(10_000));
    expect((await readAll(client)).length).toBe(0);
    await session.closed();
    session.writeVolatile('ignored');
    connection.resume();
    expect(connection.fd).toBe(-1);
    expect(session.events).toEqual(['data 100', 'close']);
  });

  it('drops queued output when destroyed while a write is under way', async () => {
    await start();
    const [client, session] = await harness.pair();
    session.writeVolatile(new Uint8Array(32 * MEBIBYTE));
    session.connection.destroy();
    const got = await readAll(client);
    expect(got.length).toBeLessThan(32 * MEBIBYTE);
    await session.closed();
    expect(session.connection.queuedBytes).toBe(0);
    expect(session.events).toEqual(['close']);
  });

  it('may be destroyed when it has drained', async () => {
    await start();
    const [client, session] = await harness.pair();
    const size = 16 * MEBIBYTE;
    session.onDrained = () => session.connection.destroy();
    session.writeVolatile(new Uint8Array(size));
    expect((await readAll(client)).length).toBe(size);
    await session.closed();
    expect(session.events).toEqual(['drain', 'close']);
  });

  it('reports a reset once, while idle and while output is queued', async () => {
    await start();
    const [idleClient, idle] = await harness.pair();
    idleClient.resetAndDestroy();
    await idle.closed();
    expect(idle.closes).toEqual([true]);
    expect(idle.connection.errorName).toBe('ECONNRESET');

    const [busyClient, busy] = await harness.pair();
    busy.writeVolatile(new Uint8Array(32 * MEBIBYTE));
    busyClient.resetAndDestroy();
    await busy.closed();
    expect(busy.closes).toEqual([true]);
    expect(['ECONNRESET', 'EPIPE']).toContain(busy.connection.errorName);
    expect(busy.connection.queuedBytes).toBe(0);
  });

  it('survives writing to a peer that is gone', async () => {
    await start();
    const [client, session] = await harness.pair();
    session.connection.pause(); // so that only writing can find out
    client.resetAndDestroy();
    await once(client, 'close');
    while (session.closes.length === 0) {
      session.writeVolatile('anybody there?');
      await new Promise((resolve) => setTimeout(resolve, 1));
    }
    expect(session.closes).toEqual([true]);
    expect(['ECONNRESET', 'EPIPE']).toContain(session.connection.errorName);
  });

  it('notices a reset that was waiting behind the accept', async () => {
    await start();
    const sessions = Array.from({ length: 20 }, () => harness.nextSession());
    const clients = Array.from({ length: 20 }, () => harness.rawClient());
    await Promise.all(clients.map((client) => once(client, 'connect')));
    for (const client of clients) client.resetAndDestroy();
    for (const session of await Promise.all(sessions)) {
      await session.closed();
      expect(session.closes.length).toBe(1);
    }
  });

  it('closes on half a command followed by the end of input', async () => {
    await start();
    const [client, session] = await harness.pair();
    session.onInput = () => {};
    client.end('*2\r\n$3\r\nGE');
    await session.closed();
    expect(session.text()).toBe('*2\r\n$3\r\nGE');
    expect(session.closes).toEqual([false]);
  });

  it('closes on the end of input although output is queued for the peer', async () => {
    await start();
    const [client, session] = await harness.pair({ allowHalfOpen: true });
    session.writeVolatile(new Uint8Array(32 * MEBIBYTE));
    client.end();
    await session.closed();
    expect(session.closes).toEqual([false]);
    client.destroy();
  });

  it('keeps connections apart', async () => {
    await start();
    const pairs: [Socket, number][] = [];
    for (let index = 0; index < 50; index++) pairs.push([await harness.client(), index]);
    for (let round = 0; round < 20; round++) {
      await Promise.all(
        pairs.map(async ([client, index]) => {
          const text = `client ${index} round ${round} ${'.'.repeat((index * 977) % 5000)}`;
          client.write(text);
          expect((await readBytes(client, text.length)).toString()).toBe(text);
        }),
      );
    }
  });

  it('does not keep the process alive once unreferenced', async () => {
    await start();
    const before = await settledSocketCount();
    const [, session] = await harness.pair();
    expect(activeSocketCount()).toBe(before + 2);
    session.connection.unref();
    expect(activeSocketCount()).toBe(before + 1);
    session.connection.ref();
    expect(activeSocketCount()).toBe(before + 2);
  });

  it('leaves nothing behind after 2,000 connections, however they end', async () => {
    await start();
    const before = await settledSocketCount();
    const BATCH = 100;
    for (let batch = 0; batch < 20; batch++) {
      const accepted = Array.from({ length: BATCH }, () => harness.nextSession());
      const clients = Array.from({ length: BATCH }, () => harness.rawClient());
      const sessions = await Promise.all(accepted);
      await Promise.all(
        clients.map(async (client, index) => {
          if (client.connecting) await once(client, 'connect');
          const session = sessions[index]!;
          if (index % 5 === 0) client.resetAndDestroy();
          else if (index % 5 === 1) client.end('bye');
          else if (index % 5 === 2) session.connection.end();
          else if (index % 5 === 3) session.connection.destroy();
          else {
            session.writeVolatile(new Uint8Array(100_000));
            client.destroy();
          }
          client.resume();
        }),
      );
      // Ends chosen by session and by client meet at random, so finish both sides.
      await Promise.all(clients.map((client) => client.destroyed || once(client, 'close')));
      for (const session of sessions) session.connection.destroy();
      await Promise.all(sessions.map((session) => session.closed()));
      expect(sessions.every((session) => session.closes.length === 1)).toBe(true);
    }
    expect(harness.sessions.length).toBe(2000);
    await eventually(() => activeSocketCount() <= before);
    expect(activeSocketCount()).toBe(before);
  });

  it.runIf(HAS_IPV6)('serves IPv6', async () => {
    await start({ host: '::1' });
    const [client, { connection }] = await harness.pair();
    expect(connection.remoteAddress).toBe('::1');
    expect(connection.remotePort).toBe(client.localPort);
    expect(connection.isLoopback).toBe(true);
    client.write('six');
    expect((await readBytes(client, 3)).toString()).toBe('six');
  });
});

describe('choosing a transport', () => {
  const region = new MovingRegion();

  it('prefers the direct transport, which the probe finds to work', async () => {
    const binding = loadStreamBinding();
    expect(binding).not.toBeNull();
    expect(await probeDirect(binding!)).toBe(true);
    expect((await chooseTransport('auto', region)).name).toBe('direct');
  });

  it('takes the one that is asked for', async () => {
    expect((await chooseTransport('stream', region)).name).toBe('stream');
    expect((await chooseTransport('direct', region)).name).toBe('direct');
  });

  it('finds out when the state array does not say what it should', async () => {
    const binding = loadStreamBinding()!;
    const lies = [
      // Every write looks finished, so its buffer is reused while the kernel still needs it.
      { ...binding, kLastWriteWasAsync: binding.streamBaseState.length },
      { ...binding, streamBaseState: new Int32Array(8) },
      { ...binding, kReadBytesOrError: binding.kLastWriteWasAsync },
    ];
    for (const lie of lies) expect(await probeDirect(lie)).toBe(false);
  });

  it('leaves no socket of a probe behind', async () => {
    const before = await settledSocketCount();
    await probeDirect(loadStreamBinding()!);
    await eventually(() => activeSocketCount() <= before);
    expect(activeSocketCount()).toBe(before);
  });

  it('does without the binding where the runtime forbids it', () => {
    const host = process as unknown as { binding: unknown };
    const { binding } = host;
    try {
      host.binding = () => {
        throw new Error('not allowed');
      };
      expect(loadStreamBinding()).toBeNull();
      host.binding = undefined;
      expect(loadStreamBinding()).toBeNull();
      host.binding = () => ({ WriteWrap: class {} });
      expect(loadStreamBinding()).toBeNull();
    } finally {
      host.binding = binding;
    }
  });
});
