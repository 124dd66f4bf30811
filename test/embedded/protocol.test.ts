// Requests as bytes, replies from bytes, and the rules for what may be sent where.

import { describe, expect, it } from 'vitest';
import { allCommands } from '../../src/commands/index.ts';
import { checkCommand, mayBlock } from '../../src/embedded/command_rules.ts';
import { ReplyError } from '../../src/embedded/errors.ts';
import { MessageQueue, QUEUED_BYTES_MAX } from '../../src/embedded/message_queue.ts';
import type { CommandArg, Reply } from '../../src/embedded/reply.ts';
import { ReplyDecoder } from '../../src/embedded/reply_decoder.ts';
import { requestBound, writeRequest } from '../../src/embedded/request_encoder.ts';
import { Random } from '../support/random.ts';

const bytes = (text: string) => new TextEncoder().encode(text);

// --- Requests ---

function encode(command: readonly CommandArg[]): string {
  const bound = requestBound(command);
  const room = new Uint8Array(bound + 5);
  const end = writeRequest(room, 5, command);
  expect(end - 5).toBeLessThanOrEqual(bound);
  return Buffer.from(room.subarray(5, end)).toString('utf8');
}

function expected(command: readonly string[]): string {
  const parts = command.map((text) => `$${Buffer.byteLength(text)}\r\n${text}\r\n`);
  return `*${command.length}\r\n${parts.join('')}`;
}

describe('a request', () => {
  it('has arguments of every kind', () => {
    expect(encode(['SET', 'k', 5])).toBe(expected(['SET', 'k', '5']));
    expect(encode(['X', -1.5, 1e21, 2n ** 70n, -0])).toBe(
      expected(['X', '-1.5', '1e+21', '1180591620717411303424', '0']),
    );
    expect(encode(['X', Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY])).toBe(
      expected(['X', 'inf', '-inf']),
    );
    expect(encode(['X', new Uint8Array([97, 98]), Buffer.from('c')])).toBe(
      expected(['X', 'ab', 'c']),
    );
    for (const wrong of [undefined, null, {}, true, Symbol('s')]) {
      expect(() => requestBound(['X', wrong as never])).toThrow(
        expect.objectContaining({ code: 'BAD_OPTION' }),
      );
    }
  });

  it('has texts of every length and alphabet', () => {
    for (const character of ['a', '\0', 'é', '漢', '😀', '\ud800']) {
      for (const length of [0, 1, 3, 9, 10, 33, 34, 63, 64, 65, 99, 100, 333, 334, 1000, 3333]) {
        for (const head of ['', 'a'.repeat(9), 'a'.repeat(60)]) {
          const text = head + character.repeat(length);
          const read = Buffer.from(text).toString('utf8');
          expect(encode(['ECHO', text])).toBe(expected(['ECHO', read]));
        }
      }
    }
    const many = Array.from({ length: 1234 }, (_, i) => `é${i}`);
    expect(encode(many)).toBe(expected(many));
  });
});

// --- Replies ---

class Reader {
  readonly replies: Reply[] = [];
  readonly pushes: Reply[][] = [];
  readonly decoder: ReplyDecoder;

  constructor(wantsBuffers = () => false) {
    this.decoder = new ReplyDecoder({
      wantsBuffers,
      onReply: (reply) => this.replies.push(reply),
      onPush: (message) => this.pushes.push(message),
    });
  }
}

const TRANSCRIPT = bytes(
  [
    '+OK\r\n-WRONGTYPE bad\r\n:0\r\n:-12\r\n:9007199254740993\r\n:-0\r\n:1234567890123456\r\n',
    '$5\r\nhe\r\no\r\n$0\r\n\r\n$-1\r\n*-1\r\n_\r\n#t\r\n#f\r\n,1.5\r\n,inf\r\n,-inf\r\n,nan\r\n',
    '(1180591620717411303424\r\n!8\r\nERR a\r\nb\r\n=8\r\ntxt:näh\r\n',
    '*3\r\n:1\r\n*2\r\n+a\r\n$-1\r\n-ERR in\r\n*0\r\n~2\r\n+x\r\n+y\r\n~0\r\n',
    '%2\r\n+k\r\n%1\r\n:1\r\n:2\r\n$1\r\nz\r\n*0\r\n%0\r\n>3\r\n+message\r\n+c\r\n$2\r\nhi\r\n',
    '|1\r\n+ttl\r\n:10\r\n*1\r\n|1\r\n+a\r\n:1\r\n+in\r\n|0\r\n+last\r\n',
    `$30\r\n${'é'.repeat(15)}\r\n`,
  ].join(''),
);

const SPOKEN: Reply[] = [
  'OK',
  new ReplyError('WRONGTYPE bad'),
  0,
  -12,
  9007199254740993n,
  0,
  1234567890123456,
  'he\r\no',
  '',
  null,
  null,
  null,
  true,
  false,
  1.5,
  Number.POSITIVE_INFINITY,
  Number.NEGATIVE_INFINITY,
  Number.NaN,
  1180591620717411303424n,
  new ReplyError('ERR a\r\nb'),
  'näh',
  [1, ['a', null], new ReplyError('ERR in')],
  [],
  new Set(['x', 'y']),
  new Set(),
  new Map<Reply, Reply>([
    ['k', new Map([[1, 2]])],
    ['z', []],
  ]),
  new Map(),
  ['in'],
  'last',
  'é'.repeat(15),
];

describe('replies', () => {
  it('are read whole', () => {
    const reader = new Reader();
    reader.decoder.push(TRANSCRIPT);
    expect(reader.replies).toEqual(SPOKEN);
    expect(reader.pushes).toEqual([['message', 'c', 'hi']]);
  });

  it('are read at every split, and byte by byte', () => {
    for (let split = 1; split < TRANSCRIPT.length; split += 1) {
      const reader = new Reader();
      reader.decoder.push(TRANSCRIPT.subarray(0, split));
      reader.decoder.push(TRANSCRIPT.subarray(split));
      expect(reader.replies, `split at ${split}`).toEqual(SPOKEN);
    }
    const reader = new Reader();
    const place = new Uint8Array(1);
    for (const byte of TRANSCRIPT) {
      // The bytes are the caller's again when the call is over.
      place[0] = byte;
      reader.decoder.push(place);
    }
    expect(reader.replies).toEqual(SPOKEN);
    expect(reader.pushes).toHaveLength(1);
  });

  it('are read in random pieces', () => {
    const random = Random.fresh();
    for (let round = 0; round < 200; round += 1) {
      const reader = new Reader();
      for (let at = 0; at < TRANSCRIPT.length; ) {
        const length = 1 + random.below(60);
        reader.decoder.push(TRANSCRIPT.slice(at, at + length));
        at += length;
      }
      expect(reader.replies, `seed ${random.seed}`).toEqual(SPOKEN);
    }
  });

  it('have bytes in place of texts for who asks', () => {
    const wanted = [true, false, true];
    const reader = new Reader(() => wanted[reader.replies.length] as boolean);
    reader.decoder.push(bytes('$1\r\na\r\n$1\r\nb\r\n*2\r\n$1\r\nc\r\n+OK\r\n'));
    expect(reader.replies).toEqual([bytes('a'), 'b', [bytes('c'), 'OK']]);
  });

  it('that are none are refused', () => {
    expect(() => new Reader().decoder.push(bytes('HTTP/1.1 200\r\n'))).toThrow(
      expect.objectContaining({ code: 'PROTOCOL' }),
    );
  });

  it('of a million elements do not take long because they come in pieces', () => {
    const items = 200_000;
    const all = bytes(`*${items}\r\n${':1\r\n'.repeat(items)}`);
    const reader = new Reader();
    for (let at = 0; at < all.length; at += 100) reader.decoder.push(all.subarray(at, at + 100));
    expect((reader.replies[0] as Reply[]).length).toBe(items);
  });
});

// --- Rules ---

describe('the rules for commands', () => {
  it('know all commands that may wait', () => {
    const blocking = allCommands()
      .filter((command) => command.spec.flags.includes('blocking'))
      .map((command) => command.fullName);
    for (const name of blocking) {
      expect(mayBlock([name, 'BLOCK', 0]), name).toBe(true);
      expect(mayBlock([name.toUpperCase()]), name).toBe(!name.startsWith('xread'));
    }
    const others = allCommands().filter((command) => !command.spec.flags.includes('blocking'));
    for (const { fullName } of others) expect(mayBlock([fullName, 'BLOCK']), fullName).toBe(false);
  });

  it('let a session do what a shared connection cannot', () => {
    for (const name of ['select', 'MULTI', 'WATCH', 'auth']) {
      expect(() => checkCommand([name], false)).not.toThrow();
      expect(() => checkCommand([name], true)).toThrow(/session/);
    }
    expect(() => checkCommand(['client', 'reply', 'off'], false)).toThrow(/CLIENT REPLY/);
    expect(() => checkCommand([5 as never], true)).toThrow(/name/);
  });
});

// --- Messages ---

describe('messages that wait', () => {
  it('are read in order by readers in order', async () => {
    const queue = new MessageQueue<number>(() => {});
    const first = queue.next();
    const second = queue.next();
    for (const i of [1, 2, 3]) queue.put(i, 1);
    queue.end();
    queue.put(4, 1);
    expect([await first, await second, await queue.next(), await queue.next()]).toEqual([
      { done: false, value: 1 },
      { done: false, value: 2 },
      { done: false, value: 3 },
      { done: true, value: undefined },
    ]);
  });

  it('are dropped with an error when they are too many', async () => {
    let returned = 0;
    const queue = new MessageQueue<number>(() => {
      returned += 1;
    });
    queue.put(1, QUEUED_BYTES_MAX);
    queue.put(2, 1);
    expect(returned).toBe(1);
    await expect(queue.next()).rejects.toEqual(
      expect.objectContaining({ code: 'CONNECTION_LOST' }),
    );
    expect((await queue.next()).done).toBe(true);
  });
});
