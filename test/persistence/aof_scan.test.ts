import { describe, expect, it } from 'vitest';
import { AofScanner, type ScannedCommand } from '../../src/persistence/aof/scan.ts';

function command(...args: string[]): string {
  return `*${args.length}\r\n${args.map((a) => `$${Buffer.byteLength(a)}\r\n${a}\r\n`).join('')}`;
}

interface Scan {
  commands: string[];
  times: string[];
  scanner: AofScanner;
}

function scan(text: string, pieceBytes = text.length || 1, asLoaded = false): Scan {
  const commands: string[] = [];
  const times: string[] = [];
  const show = (c: ScannedCommand) =>
    `${c.start}-${c.end} ${c.argumentCount} ${c.arguments.map((a) => Buffer.from(a)).join(' ')}`;
  const scanner = new AofScanner(
    {
      command: (found) => commands.push(show(found)),
      timestamp: (time, start) => times.push(`${time} at ${start}`),
    },
    { asLoaded },
  );
  const bytes = Buffer.from(text, 'latin1');
  for (let at = 0; at < bytes.length; at += pieceBytes) {
    if (!scanner.push(bytes.subarray(at, at + pieceBytes))) break;
  }
  scanner.finish();
  return { commands, times, scanner };
}

const SET = command('SET', 'key', 'value');
const WHOLE = `${command('SELECT', '0')}#TS:1700000000\r\n${SET}#remark\r\n${command('del', '')}`;

describe('a whole file', () => {
  it('is told command by command, with times, offsets and no fault', () => {
    const { commands, times, scanner } = scan(WHOLE);
    expect(commands).toEqual(['0-23 2 SELECT 0', '39-72 3 SET key value', '81-100 2 del ']);
    expect(times).toEqual(['1700000000 at 23']);
    expect(scanner.fault).toBeUndefined();
    expect(scanner.wholeEnd).toBe(WHOLE.length);
    expect(scanner.usableEnd).toBe(WHOLE.length);
  });

  it('is the same in pieces of any size', () => {
    const whole = scan(WHOLE);
    for (let size = 1; size < 40; size++) {
      const cut = scan(WHOLE, size);
      expect(cut.commands).toEqual(whole.commands);
      expect(cut.times).toEqual(whole.times);
      expect(cut.scanner.wholeEnd).toBe(WHOLE.length);
      expect(cut.scanner.wholeLines).toBe(whole.scanner.wholeLines);
    }
  });

  it('may hold anything in its arguments, of which only the beginning is kept', () => {
    const long = `*1\r\n$5\r\n${'x'.repeat(1000)}`;
    const { commands, scanner } = scan(command('SET', 'k', long, 'a', 'b', 'c'), 7);
    expect(scanner.fault).toBeUndefined();
    expect(commands).toHaveLength(1);
    expect(commands[0]).toContain(` 6 SET k ${long.slice(0, 64)} a`);
    expect(commands[0]).not.toContain(' b');
  });

  it('may be empty', () => {
    expect(scan('').scanner.fault).toBeUndefined();
  });
});

describe('a file that ends too early', () => {
  it('is usable up to its last whole command, wherever it was cut', () => {
    const first = command('INCR', 'a');
    const text = first + SET;
    for (let cut = first.length + 1; cut < text.length; cut++) {
      for (const size of [1, 5, 1000]) {
        const { scanner } = scan(text.slice(0, cut), size);
        expect(scanner.fault).toMatchObject({ kind: 'end', offset: first.length });
        expect(scanner.usableEnd).toBe(first.length);
      }
    }
  });

  it('is usable up to the MULTI of a transaction without its EXEC', () => {
    const text = SET + command('MULTI') + command('INCR', 'a');
    const { scanner } = scan(text);
    expect(scanner.fault).toEqual({
      offset: SET.length,
      kind: 'end',
      message: 'Reached EOF before reading EXEC for MULTI',
    });
    expect(scanner.wholeEnd).toBe(text.length);
    expect(scanner.usableEnd).toBe(SET.length);
    const whole = scan(text + command('exec'));
    expect(whole.scanner.fault).toBeUndefined();
    expect(whole.scanner.usableEnd).toBe(text.length + command('exec').length);
  });

  it('ends at an annotation without its line break', () => {
    const { scanner } = scan(`${SET}#TS:17000`);
    expect(scanner.fault).toMatchObject({ kind: 'end', offset: SET.length });
  });
});

describe('a file that is none', () => {
  it.each([
    ['something else than a command', '!!!', SET.length, "Expected prefix '*', got: '!'"],
    ['zeros', '\0\0\0', SET.length, "Expected prefix '*', got: '\0'"],
    ['a command without arguments', '*0\r\n', SET.length, 'Invalid number of arguments'],
    ['a count that is no number', '*x\r\n', SET.length, 'Invalid number of arguments'],
    ['a count without a carriage return', '*12\n', SET.length, 'Invalid number of arguments'],
    [
      'an argument without its length',
      '*1\r\nabc\r\n',
      SET.length + 4,
      "Expected prefix '$', got: 'a'",
    ],
    ['a negative length', '*1\r\n$-1\r\n', SET.length + 4, 'Invalid length of an argument'],
    [
      'bytes behind an argument',
      '*1\r\n$1\r\nab\r\n',
      SET.length + 9,
      'Expected \\r\\n behind an argument',
    ],
    ['a line without end', `*${'1'.repeat(2000)}`, SET.length, 'Line too long'],
    ['EXEC without MULTI', command('EXEC'), SET.length, 'Unexpected EXEC'],
  ])('is told by %s', (_what, bad, offset, message) => {
    const { scanner, commands } = scan(SET + bad + SET);
    expect(scanner.fault).toEqual({ offset, kind: 'format', message });
    expect(commands).toHaveLength(1);
    expect(scanner.usableEnd).toBe(SET.length);
    if (message !== 'Line too long') {
      expect(scan(SET + bad + SET, 1).scanner.fault).toEqual(scanner.fault);
    }
  });

  it('is told by MULTI within MULTI', () => {
    const { scanner } = scan(command('MULTI') + command('MULTI'));
    expect(scanner.fault?.message).toBe('Unexpected MULTI');
  });

  it('loading passes over some of it', () => {
    expect(scan('*1\r\n$4\r\nPINGxx', 3, true).scanner.fault).toBeUndefined();
    const nested = command('MULTI') + command('MULTI');
    expect(scan(nested, 3, true).scanner.usableEnd).toBe(0);
  });

  it('a line too long in small pieces is found, too', () => {
    expect(scan(`*${'1'.repeat(2000)}`, 1).scanner.fault?.message).toBe('Line too long');
  });
});
