// The stream that stands for a socket: what clients rely on, and who does not read.

import { once } from 'node:events';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { Respite } from '../../src/index.ts';
import { LinkStream } from '../../src/node/connectors/link_stream.ts';

let db: Respite;

beforeAll(async () => {
  db = await Respite.open();
});
afterAll(() => db.close());

function openStream(): LinkStream {
  return new LinkStream((handlers, options) => db.connect(handlers, options));
}

/** Reads until so many bytes are there. */
async function read(stream: LinkStream, length: number): Promise<string> {
  let text = '';
  while (text.length < length) {
    const chunk = stream.read() as Buffer | null;
    if (chunk === null) await once(stream, 'readable');
    else text += chunk.toString('latin1');
  }
  return text;
}

it('replies in RESP2, and never before write has returned', async () => {
  const stream = openStream();
  let isWriting = true;
  const replies: string[] = [];
  const all = new Promise<void>((resolve) => {
    stream.on('data', (bytes: Buffer) => {
      expect(isWriting).toBe(false);
      replies.push(bytes.toString());
      if (replies.join('').endsWith('$1\r\n2\r\n')) resolve();
    });
  });
  stream.write('SET k 1\r\n');
  stream.write(Buffer.from('INCR k\r\nGET '));
  stream.write('k\r\n', 'latin1');
  isWriting = false;
  await all;
  expect(replies.join('')).toBe('+OK\r\n:2\r\n$1\r\n2\r\n');
  stream.destroy();
});

it('keeps the bytes of texts and values of any size', async () => {
  const stream = openStream();
  const value = 'ä漢😀'.repeat(200_000);
  const size = Buffer.byteLength(value);
  stream.write(`*3\r\n$3\r\nSET\r\n$4\r\ntext\r\n$${size}\r\n${value}\r\n`);
  expect(await read(stream, 5)).toBe('+OK\r\n');
  expect(await db.command('GET', 'text')).toBe(value);
  stream.destroy();
});

it('ends when the server ends it, and when it is ended', async () => {
  const quits = openStream().resume();
  quits.write('QUIT\r\n');
  await once(quits, 'close');
  expect(quits.destroyed).toBe(true);

  const ended = openStream().resume();
  ended.end('SET last 1\r\n');
  await once(ended, 'close');
  expect(await db.command('GET', 'last')).toBe('1');

  const destroyed = openStream();
  destroyed.destroy();
  await once(destroyed, 'close');
  await new Promise(setImmediate);
  expect((await db.command('CLIENT', 'LIST')).trim().split('\n')).toHaveLength(1);
});

it('does not serve who does not read, until he reads', async () => {
  const stream = openStream();
  await db.command('SET', 'value', 'x'.repeat(100_000));
  let taken = 0;
  for (let i = 0; i < 50; i += 1) {
    stream.write(`INCR served\r\nGET value\r\n`, () => {
      taken += 1;
    });
    await new Promise(setImmediate);
  }
  const served = Number(await db.command('GET', 'served'));
  expect(served).toBeLessThan(5);
  expect(taken).toBeLessThan(5);
  let length = 0;
  stream.on('data', (bytes: Buffer) => {
    length += bytes.length;
  });
  while (taken < 50) await new Promise(setImmediate);
  while (length < 50 * 100_000) await new Promise(setImmediate);
  expect(await db.command('GET', 'served')).toBe('50');
  stream.destroy();
});

it('loses who subscribes and does not read', async () => {
  const stream = openStream();
  stream.write('SUBSCRIBE news\r\n');
  const failed = once(stream, 'error');
  await read(stream, 20);
  const message = 'x'.repeat(1_000_000);
  for (let i = 0; i < 60 && !stream.destroyed; i += 1) {
    await db.command('PUBLISH', 'news', message);
    await new Promise(setImmediate);
  }
  expect((await failed)[0]).toMatchObject({ code: 'CONNECTION_LOST' });
  await new Promise(setImmediate);
  expect(await db.command('PUBLISH', 'news', 'nobody')).toBe(0);
});
