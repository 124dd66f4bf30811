import { describe, expect, test } from 'vitest';
import {
  encodeCommand,
  packCommands,
  type Reply,
  ReplyError,
  ReplyParser,
} from '../../bench/lib/resp_client.ts';

function parseAll(pieces: readonly string[]): Reply[] {
  const parser = new ReplyParser();
  const replies: Reply[] = [];
  for (const piece of pieces) {
    parser.push(Buffer.from(piece, 'latin1'));
    for (let reply = parser.next(); reply !== undefined; reply = parser.next()) replies.push(reply);
  }
  return replies;
}

const TRANSCRIPT =
  '+PONG\r\n:-12\r\n$-1\r\n$5\r\na\r\nbc\r\n*3\r\n$0\r\n\r\n*-1\r\n*1\r\n:7\r\n*0\r\n-ERR no\r\n';
const REPLIES: Reply[] = [
  'PONG',
  -12,
  null,
  'a\r\nbc',
  ['', null, [7]],
  [],
  new ReplyError('ERR no'),
];

describe('ReplyParser', () => {
  test('reads every type of RESP2', () => {
    expect(parseAll([TRANSCRIPT])).toEqual(REPLIES);
  });

  test('reads the same at every split and byte by byte', () => {
    for (let split = 1; split < TRANSCRIPT.length; split++)
      expect(parseAll([TRANSCRIPT.slice(0, split), TRANSCRIPT.slice(split)])).toEqual(REPLIES);
    expect(parseAll([...TRANSCRIPT])).toEqual(REPLIES);
  });

  test('throws on what is no reply', () => {
    expect(() => parseAll(['?\r\n'])).toThrow('not a RESP2 reply');
  });
});

test('commands are encoded with the lengths of their bytes', () => {
  expect(encodeCommand(['SET', 'k', '\xff\x00'])).toBe(
    '*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$2\r\n\xff\x00\r\n',
  );
});

test('packed commands keep their order and their count', () => {
  const commands = Array.from({ length: 3000 }, (_, index) => ['GET', `${index}`]);
  const chunks = [...packCommands(commands)];
  expect(chunks.length).toBeGreaterThan(1);
  expect(chunks.reduce((count, chunk) => count + chunk.commands, 0)).toBe(commands.length);
  expect(Buffer.concat(chunks.map((chunk) => chunk.bytes)).toString('latin1')).toBe(
    commands.map(encodeCommand).join(''),
  );
  expect([...packCommands([])]).toEqual([]);
});
