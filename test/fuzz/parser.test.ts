// Goal: the parser fuzzer finds what is there, and a short run of it finds nothing in the product.

import { describe, expect, it } from 'vitest';
import { Random } from '../support/random.ts';
import { realRedisAvailable, startServer } from '../support/server.ts';
import { coreSelected, selectedTargets } from '../support/targets.ts';
import { type Exchange, type Pieces, TcpWire, type Wire } from '../support/wire.ts';
import { fuzzInProcess, fuzzServers, type ParserSubject } from './parser.ts';
import { coreSubject } from './parser_subject.ts';
import { cutAt, everyByte, protocolBytes, randomPieces } from './protocol_bytes.ts';

/** Answers every line feed, so that outcomes do not depend on the pieces. */
function lineCounter(spoil: (pieces: Pieces) => string | null): ParserSubject {
  const exchangeOne = (pieces: Pieces): Exchange => {
    const lines = Buffer.concat(pieces).toString('latin1').split('\n').length - 1;
    return { reply: Buffer.from(spoil(pieces) ?? '+OK\r\n'.repeat(lines)), closed: false };
  };
  return {
    exchangeOne,
    exchangeBytewise: (input) => exchangeOne(everyByte(Buffer.from(input))),
    usedMemory: () => 0,
  };
}

describe('the parser fuzzer', () => {
  const options = { inputs: 500, seed: 1 };

  it('finds nothing in a subject that takes pieces as they come', () => {
    expect(
      fuzzInProcess(
        lineCounter(() => null),
        options,
      ),
    ).toBeNull();
  });

  it('finds an outcome that depends on the pieces', () => {
    const subject = lineCounter((pieces) => (pieces.length > 2 ? '+OTHER\r\n' : null));
    expect(fuzzInProcess(subject, options)?.what).toBe('other pieces, other outcome');
  });

  it('finds a malformed reply', () => {
    const finding = fuzzInProcess(
      lineCounter(() => '$5\r\nabc\r\n'),
      options,
    );
    expect(finding?.what).toBe('malformed reply');
  });

  it('names the input that makes the subject throw', () => {
    const subject = lineCounter(() => {
      throw new Error('unreachable');
    });
    expect(() => fuzzInProcess(subject, options)).toThrow(/input 0 of seed 1: "/);
  });

  it('finds memory that is left behind', () => {
    let used = 1000;
    const subject: ParserSubject = { ...lineCounter(() => null), usedMemory: () => (used *= 2) };
    expect(fuzzInProcess(subject, { inputs: 5000, seed: 1 })?.what).toBe('memory left behind');
  });

  it('finds a difference between two servers', async () => {
    const wire = (answer: string): Wire => ({
      exchange: async (inputs) =>
        inputs.map((): Exchange => ({ reply: Buffer.from(answer), closed: false })),
      close: async () => {},
    });
    expect(await fuzzServers(wire('+A\r\n'), wire('+A\r\n'), options)).toBeNull();
    const finding = await fuzzServers(wire('+A\r\n'), wire('+B\r\n'), options);
    expect(finding).toMatchObject({ what: 'the servers differ', expected: '"+A\\r\\n"' });
  });

  it('makes the same inputs from the same seed, and pieces that add up to them', () => {
    const take = (seed: number) => {
      const random = new Random(seed);
      return Array.from({ length: 100 }, () => protocolBytes(random).toString('latin1'));
    };
    expect(take(1)).toEqual(take(1));
    expect(take(1)).not.toEqual(take(2));
    const random = new Random(3);
    for (const text of take(4)) {
      const bytes = Buffer.from(text, 'latin1');
      expect(Buffer.concat(randomPieces(bytes, random))).toEqual(bytes);
      expect(Buffer.concat(everyByte(bytes))).toEqual(bytes);
    }
    expect(cutAt(Buffer.from('abcdef'), [4, 1, 4]).map(String)).toEqual(['a', 'bcd', 'ef']);
  });
});

const seed = Random.fresh().seed;

it.skipIf(!coreSelected())(`random bytes do not break the core (seed ${seed})`, () => {
  expect(fuzzInProcess(coreSubject(), { inputs: 3000, seed })).toBeNull();
});

describe.each(selectedTargets())('random bytes over TCP', (target) => {
  it.skipIf(!target.available || !realRedisAvailable())(
    `${target.name} answers as redis does (seed ${seed})`,
    async () => {
      const servers = await Promise.all([
        startServer({ kind: 'redis' }),
        startServer({ kind: target.kind, args: target.args }),
      ]);
      const [a, b] = await Promise.all(servers.map(({ port }) => TcpWire.open({ port })));
      if (!a || !b) throw new Error('no connection');
      expect(await fuzzServers(a, b, { inputs: 1500, seed })).toBeNull();
      await Promise.all([a.close(), b.close()]);
      await Promise.all(servers.map((server) => server.stop()));
    },
  );
});
