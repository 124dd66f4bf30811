// Goal: the differential fuzzer is believed when it finds nothing, so it must find what is there.
// Method: real redis-server against itself, one of the two behind a proxy that spoils something.

import net from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { joinArguments } from '../support/arguments.ts';
import { Random } from '../support/random.ts';
import { realRedisAvailable, startServer, type TestServer } from '../support/server.ts';
import { compareStates, type DifferentialResult, runDifferential } from './differential.ts';
import { CommandSource, FAMILIES } from './grammar/index.ts';
import { intendedDifference } from './intended_differences.ts';

interface Proxy {
  port: number;
  close(): Promise<void>;
}

type Edit = (bytes: Buffer) => Buffer;

const unchanged: Edit = (bytes) => bytes;

/** Replaces text by text of the same length, where it lies within one piece of the stream. */
function replacing(from: string, to: string): Edit {
  if (from.length !== to.length) throw new Error('lengths differ');
  return (bytes) => {
    const at = bytes.indexOf(from, 0, 'latin1');
    if (at < 0) return bytes;
    const edited = Buffer.from(bytes);
    edited.write(to, at, 'latin1');
    return edited;
  };
}

async function proxyTo(port: number, requests: Edit, replies: Edit): Promise<Proxy> {
  const server = net.createServer((near) => {
    const far = net.connect(port, '127.0.0.1');
    near.on('data', (bytes) => far.write(requests(bytes)));
    far.on('data', (bytes) => near.write(replies(bytes)));
    for (const [one, other] of [
      [near, far],
      [far, near],
    ] as const) {
      one.on('error', () => other.destroy());
      one.on('close', () => other.destroy());
    }
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  return {
    port: address.port,
    close: () => new Promise((resolve) => server.close(() => resolve())),
  };
}

describe.skipIf(!realRedisAvailable())('the differential fuzzer', () => {
  let a: TestServer;
  let b: TestServer;

  beforeAll(async () => {
    [a, b] = await Promise.all([startServer({ kind: 'redis' }), startServer({ kind: 'redis' })]);
  });
  afterAll(async () => {
    await Promise.all([a?.stop(), b?.stop()]);
  });

  async function fuzz(
    requests: Edit,
    replies: Edit,
    more: { commands?: number; resp?: 2 | 3; families?: string[] } = {},
  ): Promise<DifferentialResult> {
    const proxy = await proxyTo(b.port, requests, replies);
    try {
      return await runDifferential({
        a: { port: a.port },
        b: { port: proxy.port },
        commands: 4000,
        seed: 7,
        ...more,
      });
    } finally {
      await proxy.close();
    }
  }

  it.each([2, 3] as const)('finds nothing between equal servers in RESP%i', async (resp) => {
    const result = await fuzz(unchanged, unchanged, { resp });
    expect(result.failure).toBeNull();
    expect(result.commands).toBe(4000);
    expect(result.replies).toBeGreaterThan(3000);
  });

  it('finds one altered error text and shrinks the run to the command that gets it', async () => {
    const result = await fuzz(unchanged, replacing('-ERR syntax error', '-ERR Syntax error'));
    const { failure } = result;
    expect(failure?.mismatch.what).toBe('reply');
    expect(failure?.shrunkMismatch.a).toBe('-ERR syntax error');
    expect(failure?.shrunkMismatch.b).toBe('-ERR Syntax error');
    expect(failure?.shrunk.length).toBe(1);
  });

  it('finds a write that one server does not do, and the few commands that show it', async () => {
    const result = await fuzz(replacing('INCRBYFLOAT', 'incrbyfloax'), unchanged, {
      families: ['number', 'string'],
    });
    expect(result.failure?.shrunk.length).toBe(1);
    expect(joinArguments(result.failure?.shrunk[0]?.args ?? [])).toContain('INCRBYFLOAT');
  });

  it('finds a difference that needs two commands', async () => {
    // The value of the second server is another one; only reading it back tells.
    const result = await fuzz(replacing('xxxxxxxxxx', 'xxxxxyxxxx'), unchanged, {
      families: ['string'],
    });
    expect(result.failure).not.toBeNull();
    expect(result.failure?.shrunk.length).toBeLessThanOrEqual(4);
  });

  it('finds bytes that are no reply', async () => {
    let left = 50;
    const result = await fuzz(unchanged, (bytes) => {
      left--;
      return left === 0 ? Buffer.from('!x\r\n') : bytes;
    });
    expect(result.failure?.mismatch.what).toBe('connection');
  });

  it('finds a server that ends and shrinks the run with a new one', async () => {
    let crashing = await startServer({ kind: 'redis' });
    const crash: Edit = (bytes) => {
      if (/incrbyfloat/i.test(bytes.toString('latin1'))) crashing.kill('SIGKILL');
      return bytes;
    };
    let proxy = await proxyTo(crashing.port, crash, unchanged);
    const result = await runDifferential({
      a: { port: a.port },
      b: { port: proxy.port },
      commands: 500,
      seed: 7,
      families: ['number'],
      revive: {
        b: async () => {
          await Promise.all([crashing.stop(), proxy.close()]);
          crashing = await startServer({ kind: 'redis' });
          proxy = await proxyTo(crashing.port, crash, unchanged);
          return { port: proxy.port };
        },
      },
    });
    await Promise.all([crashing.stop(), proxy.close()]);
    expect(result.failure?.mismatch.what).not.toBe('state');
    expect(result.failure?.shrunk.length).toBe(1);
  });
});

describe('the comparison of states', () => {
  const entry = { name: '0:k', content: '+string "v"', expiresMs: -1 };

  it('takes equal states and near expiries', () => {
    expect(compareStates([entry], [entry], 0)).toBeNull();
    const soon = { ...entry, expiresMs: 1000 };
    expect(compareStates([soon], [{ ...soon, expiresMs: 1500 }], 500)).toBeNull();
  });

  it.each([
    ['a missing key', [entry], []],
    ['another key', [entry], [{ ...entry, name: '0:l' }]],
    ['another value', [entry], [{ ...entry, content: '+string "w"' }]],
    ['no expiry on one side', [{ ...entry, expiresMs: 5 }], [entry]],
    ['a far expiry', [{ ...entry, expiresMs: 1000 }], [{ ...entry, expiresMs: 1501 }]],
  ])('refuses %s', (_, one, other) => {
    expect(compareStates(one, other, 500)).not.toBeNull();
    expect(compareStates(other, one, 500)).not.toBeNull();
  });
});

describe('the list of intended differences', () => {
  const versions = ['7.0.15', '7.2.6'] as const;
  const integer = (value: bigint) => ({ kind: 'integer', value }) as const;
  const bulk = (text: string) => ({ kind: 'bulk', bytes: Buffer.from(text) }) as const;
  const array = (...texts: string[]) => ({ kind: 'array' as const, items: texts.map(bulk) });

  it('lets through what it names', () => {
    const ask = { versions, ttlToleranceMs: 2000 };
    const near = { words: ['pttl', 'k'], a: integer(5000n), b: integer(5100n) };
    expect(intendedDifference({ ...ask, ...near })?.name).toBe('time left');
    const keys = { words: ['keys', '*'], a: array('a', 'b'), b: array('b', 'a') };
    expect(intendedDifference({ ...ask, ...keys })?.name).toBe('order of KEYS');
  });

  it.each([
    ['a TTL on one side only', ['pttl', 'k'], integer(-1n), integer(500n)],
    ['a TTL far off', ['pttl', 'k'], integer(1000n), integer(90_000n)],
    ['a missing key in KEYS', ['keys', '*'], array('a', 'b'), array('a')],
    ['another key in KEYS', ['keys', '*'], array('a', 'b'), array('a', 'c')],
    ['no key from RANDOMKEY', ['randomkey'], bulk('a'), { kind: 'null', form: '$-1' } as const],
    ['another integer', ['incr', 'k'], integer(1n), integer(2n)],
    ['another text', ['get', 'k'], bulk('a'), bulk('b')],
  ])('does not let through %s', (_, words, a, b) => {
    expect(intendedDifference({ words, a, b, versions, ttlToleranceMs: 2000 })).toBeNull();
  });

  it('holds expiries to the millisecond where they were given as points in time', () => {
    const asked = { words: ['pexpiretime', 'k'], a: integer(5000n), b: integer(5001n), versions };
    expect(intendedDifference({ ...asked, ttlToleranceMs: 2000 })).not.toBeNull();
    expect(intendedDifference({ ...asked, ttlToleranceMs: 0 })).toBeNull();
  });
});

describe('the command grammar', () => {
  it('makes the same commands from the same seed', () => {
    const take = (seed: number) => {
      const source = new CommandSource(new Random(seed), [], '7.0.15');
      return Array.from({ length: 200 }, () => joinArguments(source.next().args));
    };
    expect(take(1)).toEqual(take(1));
    expect(take(1)).not.toEqual(take(2));
  });

  it('uses every rule of every family, newer ones only where both servers have them', () => {
    const names = (oldest: string) => {
      const found = new Set<string>();
      for (const family of FAMILIES) {
        const source = new CommandSource(new Random(3), [family.name], oldest);
        for (let i = 0; i < 2000; i++) {
          found.add((source.next().args[0] ?? Buffer.alloc(0)).toString('latin1').toUpperCase());
        }
      }
      return found;
    };
    const [old, recent] = [names('7.0.15'), names('8.10.1')];
    for (const name of ['SET', 'BITFIELD', 'COPY', 'PEXPIREAT', 'CLIENT', 'CONFIG', 'LCS']) {
      expect(old, name).toContain(name);
    }
    for (const name of ['DIGEST', 'DELEX', 'MSETEX', 'INCREX']) {
      expect(old, name).not.toContain(name);
      expect(recent, name).toContain(name);
    }
  });
});
