// Goal: what judges the server is itself right. The decoder must accept only well-formed replies,
// the notation must tell apart what the wire tells apart, and shapes must reject what does not fit.

import { describe, expect, it } from 'vitest';
import { encodeCommand, joinArguments, quote, splitArguments } from './arguments.ts';
import { matchReply, parseExpected, showReply } from './reply_notation.ts';
import { shapeMismatch } from './reply_shape.ts';
import { decodeAll, type Reply, RespDecoder, RespSyntaxError } from './resp_decoder.ts';

function one(wire: string): Reply {
  const [reply, ...more] = decodeAll(Buffer.from(wire, 'latin1'));
  if (!reply || more.length) throw new Error('not one reply');
  return reply;
}

describe('the argument notation', () => {
  it('splits words, quotes and escapes', () => {
    expect(splitArguments(String.raw`SET k "a b\x00\n\"" 'it\'s' x"y"z ""`).map(String)).toEqual([
      'SET',
      'k',
      'a b\x00\n"',
      "it's",
      'xyz',
      '',
    ]);
    expect(() => splitArguments('SET "k')).toThrow(/unbalanced/);
  });

  it('joins what it splits', () => {
    const args = [Buffer.from('SET'), Buffer.alloc(0), Buffer.from([0, 255, 34, 92, 10, 32])];
    expect(splitArguments(joinArguments(args))).toEqual(args);
    expect(quote(Buffer.from([0, 34, 10]))).toBe(String.raw`"\x00\"\n"`);
  });

  it('encodes a command with lengths in bytes', () => {
    expect(encodeCommand(['ECHO', 'é', 12]).toString()).toBe(
      '*3\r\n$4\r\nECHO\r\n$2\r\né\r\n$2\r\n12\r\n',
    );
  });
});

describe('the decoder', () => {
  const whole =
    '+OK\r\n-ERR x\r\n:-12\r\n$3\r\na\r\n\r\n$-1\r\n*-1\r\n_\r\n#t\r\n,1.5\r\n,-inf\r\n(123\r\n' +
    '=7\r\ntxt:abc\r\n*2\r\n:1\r\n*0\r\n%1\r\n+a\r\n:1\r\n~1\r\n+a\r\n>1\r\n+a\r\n!5\r\nERR x\r\n' +
    '|1\r\n+a\r\n:1\r\n:2\r\n';

  it('gives the same replies whole and byte by byte, with their exact bytes', () => {
    const replies = decodeAll(Buffer.from(whole, 'latin1'));
    expect(replies.map((reply) => reply.kind).join(' ')).toBe(
      'simple error integer bulk null null null boolean double double bignum verbatim array map ' +
        'set push bulk-error attributed',
    );
    const decoder = new RespDecoder();
    const found: Reply[] = [];
    let bytes = '';
    for (const byte of Buffer.from(whole, 'latin1')) {
      decoder.push(Buffer.from([byte]));
      const next = decoder.next();
      if (!next) continue;
      found.push(next.reply);
      bytes += next.bytes.toString('latin1');
    }
    expect(found).toEqual(replies);
    expect(bytes).toBe(whole);
  });

  it.each([
    ':+1\r\n',
    ':01\r\n',
    ':\r\n',
    ':1\n',
    '$+1\r\na\r\n',
    '$01\r\na\r\n',
    '$-2\r\n',
    '$1\r\nab\r\n',
    '*-2\r\n',
    '#x\r\n',
    '_x\r\n',
    ',x\r\n',
    '(x\r\n',
    '=3\r\nabc\r\n',
    '?\r\n',
    '+a\rb\r\n',
  ])('refuses %j', (wire) => {
    expect(() => decodeAll(Buffer.from(wire, 'latin1'))).toThrow(RespSyntaxError);
  });
});

describe('the reply notation', () => {
  const same: [text: string, wire: string, resp: 2 | 3][] = [
    ['+OK', '+OK\r\n', 2],
    ['-ERR syntax error', '-ERR syntax error\r\n', 2],
    ['-5', ':-5\r\n', 2],
    ['"a\\x00"', '$2\r\na\0\r\n', 2],
    ['nil', '$-1\r\n', 2],
    ['nil', '_\r\n', 3],
    ['nil-array', '*-1\r\n', 2],
    ['nil-array', '_\r\n', 3],
    ['[1, "a", [+"x"], nil]', '*4\r\n:1\r\n$1\r\na\r\n*1\r\n+x\r\n$-1\r\n', 2],
    ['{"k": 1}', '%1\r\n$1\r\nk\r\n:1\r\n', 3],
    ['{"k": 1}', '*2\r\n$1\r\nk\r\n:1\r\n', 2],
    ['any-order{"k": 1, "a": 2}', '%2\r\n$1\r\na\r\n:2\r\n$1\r\nk\r\n:1\r\n', 3],
    ['any-order{"k": 1, "a": 2}', '*4\r\n$1\r\na\r\n:2\r\n$1\r\nk\r\n:1\r\n', 2],
    ['~["a"]', '~1\r\n$1\r\na\r\n', 3],
    ['~["a"]', '*1\r\n$1\r\na\r\n', 2],
    ['double(1.5)', ',1.5\r\n', 3],
    ['double(1.5)', '$3\r\n1.5\r\n', 2],
    ['true', '#t\r\n', 3],
    ['true', ':1\r\n', 2],
    ['txt"ab"', '=6\r\ntxt:ab\r\n', 3],
    ['txt"ab"', '$2\r\nab\r\n', 2],
    ['<4..6>', ':5\r\n', 2],
    ['<integer>', ':5\r\n', 2],
    ['/^a.c$/', '$3\r\nabc\r\n', 2],
    ['any-order["b", "a"]', '*2\r\n$1\r\na\r\n$1\r\nb\r\n', 2],
    ['[1, ...]', '*2\r\n:1\r\n:2\r\n', 2],
  ];
  it.each(same)('%s matches %j in RESP%i', (text, wire, resp) => {
    expect(matchReply(parseExpected(text), one(wire), resp)).toBe(true);
  });

  const different: [text: string, wire: string, resp: 2 | 3][] = [
    ['+OK', '$2\r\nOK\r\n', 2],
    ['-ERR a', '-ERR b\r\n', 2],
    ['5', '$1\r\n5\r\n', 2],
    ['"5"', ':5\r\n', 2],
    ['nil', '*-1\r\n', 2],
    ['nil', '$-1\r\n', 3],
    ['nil-array', '$-1\r\n', 2],
    ['[1]', '*2\r\n:1\r\n:2\r\n', 2],
    ['[1, 2]', '*1\r\n:1\r\n', 2],
    ['[]', '~0\r\n', 3],
    ['{"k": 1}', '*2\r\n$1\r\nk\r\n:1\r\n', 3],
    ['any-order{"k": 1}', '%1\r\n$1\r\nk\r\n:2\r\n', 3],
    ['{"k": 1, "a": 2}', '%2\r\n$1\r\na\r\n:2\r\n$1\r\nk\r\n:1\r\n', 3],
    ['~["a"]', '*1\r\n$1\r\na\r\n', 3],
    ['double(1.5)', '$3\r\n1.5\r\n', 3],
    ['double(1.5)', ',1.50\r\n', 3],
    ['true', ':1\r\n', 3],
    ['true', '#f\r\n', 3],
    ['txt"ab"', '$2\r\nab\r\n', 3],
    ['<4..6>', ':7\r\n', 2],
    ['<bulk>', '$-1\r\n', 2],
    ['/^a.c$/', '$2\r\nac\r\n', 2],
    ['any-order[1, 1]', '*2\r\n:1\r\n:2\r\n', 2],
    ['[1, ...]', '*1\r\n:2\r\n', 2],
  ];
  it.each(different)('%s does not match %j in RESP%i', (text, wire, resp) => {
    expect(matchReply(parseExpected(text), one(wire), resp)).toBe(false);
  });

  it('shows a reply as the notation that matches it', () => {
    for (const [, wire, resp] of same) {
      const reply = one(wire);
      expect(matchReply(parseExpected(showReply(reply)), reply, resp)).toBe(true);
    }
  });
});

describe('reply shapes', () => {
  it.each([
    ['ok', '+OK\r\n', 2],
    ['bulk-or-null', '$-1\r\n', 2],
    ['bulk-or-null', '_\r\n', 3],
    ['array-or-null', '*-1\r\n', 2],
    ['map', '*2\r\n+a\r\n:1\r\n', 2],
    ['map', '%1\r\n+a\r\n:1\r\n', 3],
    ['double', '$3\r\n1.5\r\n', 2],
    ['double', ',1.5\r\n', 3],
    ['boolean', ':1\r\n', 2],
    ['integer', '-ERR any command may fail\r\n', 2],
  ] as const)('%s takes %j in RESP%i', (shape, wire, resp) => {
    expect(shapeMismatch(one(wire), shape, resp)).toBeNull();
  });

  it.each([
    ['ok', '+QUEUED\r\n', 2],
    ['bulk', '$-1\r\n', 2],
    ['bulk-or-null', '$-1\r\n', 3],
    ['bulk-or-null', '*-1\r\n', 2],
    ['array', '*-1\r\n', 2],
    ['map', '*1\r\n+a\r\n', 2],
    ['map', '*2\r\n+a\r\n:1\r\n', 3],
    ['set', '*0\r\n', 3],
    ['double', '$1\r\nx\r\n', 2],
    ['boolean', ':2\r\n', 2],
    ['none', '+OK\r\n', 2],
  ] as const)('%s refuses %j in RESP%i', (shape, wire, resp) => {
    expect(shapeMismatch(one(wire), shape, resp)).toMatch(/is not of the declared shape/);
  });

  it('may differ between the protocols', () => {
    const declared = { resp2: 'bulk', resp3: 'map' } as const;
    expect(shapeMismatch(one('$1\r\na\r\n'), declared, 2)).toBeNull();
    expect(shapeMismatch(one('$1\r\na\r\n'), declared, 3)).toMatch(/shape map/);
  });
});
