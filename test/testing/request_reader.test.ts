// What clients send, taken apart into commands.

import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { RequestReader } from '../../src/testing/request_reader.ts';

function read(pieces: readonly string[]): { commands: string[][]; bytes: string; rest: boolean } {
  const reader = new RequestReader();
  const requests = pieces.flatMap((piece) => reader.push(Buffer.from(piece)));
  return {
    commands: requests.map(({ args }) => args.map((arg) => Buffer.from(arg).toString())),
    bytes: requests.map(({ bytes }) => Buffer.from(bytes).toString()).join(''),
    rest: reader.hasPartial,
  };
}

const STREAM =
  '*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$6\r\na\r\n*1\r\r\n' +
  'PING\r\n' +
  'set "a b" \'c\'\n' +
  '\r\n' +
  '*0\r\n' +
  '*2\r\n$4\r\nECHO\r\n$0\r\n\r\n';
const COMMANDS = [['SET', 'k', 'a\r\n*1\r'], ['PING'], ['set', 'a b', 'c'], [], [], ['ECHO', '']];

describe('the reader of commands', () => {
  it('reads arrays and lines, and keeps their bytes', () => {
    expect(read([STREAM])).toEqual({ commands: COMMANDS, bytes: STREAM, rest: false });
  });

  it('reads them from pieces cut anywhere', () => {
    for (let at = 1; at < STREAM.length; at += 1) {
      const pieces = [STREAM.slice(0, at), STREAM.slice(at)];
      expect(read(pieces), `cut at ${at}`).toEqual({
        commands: COMMANDS,
        bytes: STREAM,
        rest: false,
      });
    }
    expect(read([...STREAM])).toEqual({ commands: COMMANDS, bytes: STREAM, rest: false });
  });

  it('waits for the rest of a long argument', () => {
    const value = 'x'.repeat(100_000);
    const command = `*2\r\n$4\r\nECHO\r\n$100000\r\n${value}\r\n`;
    const pieces = command.match(/.{1,1000}/gs) ?? [];
    expect(read(pieces).commands).toEqual([['ECHO', value]]);
    expect(read(pieces.slice(0, -1))).toEqual({ commands: [], bytes: '', rest: true });
  });

  it('reads nothing twice, however many pieces a command comes in', () => {
    const count = 20_000;
    const command = `*${count}\r\n${'$1\r\nx\r\n'.repeat(count)}`;
    const looks = vi.spyOn(Uint8Array.prototype, 'indexOf');
    onTestFinished(() => looks.mockRestore());
    const { commands } = read(command.match(/.{1,100}/gs) ?? []);
    expect(commands).toEqual([Array.from({ length: count }, () => 'x')]);
    // One for each count, and another one for those that were cut.
    expect(looks.mock.calls.length).toBeLessThan(2 * count);
  });

  it('keeps what it has handed out', () => {
    const reader = new RequestReader();
    const first = reader.push(Buffer.from('PING\r\n*1\r\n$4\r\nEC'));
    const second = reader.push(Buffer.from('HO\r\nDEL k\r\n*1'));
    reader.push(Buffer.from('\r\n$3\r\nGET\r\n'));
    const texts = [...first, ...second].map(({ bytes }) => Buffer.from(bytes).toString());
    expect(texts).toEqual(['PING\r\n', '*1\r\n$4\r\nECHO\r\n', 'DEL k\r\n']);
  });

  it('leaves a line without an end to the engine', () => {
    const { bytes } = read(Array.from({ length: 70 }, () => 'x'.repeat(1000)));
    expect(bytes.length).toBeGreaterThan(65_536);
  });

  it.each(['*1\r\n:1\r\n', '*x\r\n', '*1\r\n$-5\r\n', 'SET "a\r\n', `*${'1'.repeat(40)}`])(
    'leaves %j to the engine, and what is behind it',
    (broken) => {
      const { commands, bytes } = read(['PING\r\n', broken, 'PING\r\n']);
      expect(commands[0]).toEqual(['PING']);
      expect(commands.slice(1).flat()).toEqual([]);
      expect(bytes).toBe(`PING\r\n${broken}PING\r\n`);
    },
  );
});
