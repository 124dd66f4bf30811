// Random input for the parser: streams of commands, damaged in every way a stream can be.
//
// The commands ask for nothing that is kept (PING, ECHO, unknown ones), so that inputs do not
// disturb each other, whatever they are cut and mutated into. An input stays below the length at
// which Redis gives a line up: whether it does then depends on how much it happened to read. A valid bulk length of hundreds of
// megabytes is left out: waiting for that much is all a server can do with it.

import type { Random } from '../support/random.ts';

const MAX_BYTES = 60_000;

const NUMBERS = [
  '0',
  '1',
  '2',
  '3',
  '-1',
  '-2',
  '-0',
  '+1',
  '01',
  '00',
  '1 ',
  ' 1',
  '',
  'x',
  '1x',
  '0x1',
  '1.0',
  '10',
  '11',
  '1024',
  '16385',
  '65536',
  '1048577',
  '536870913',
  '2147483647',
  '2147483648',
  '4294967296',
  '9223372036854775807',
  '9223372036854775808',
  '-9223372036854775808',
  '99999999999999999999999',
];
const INLINES = [
  'PING',
  'PING there',
  '  PING   there  ',
  'ECHO "a b"',
  "ECHO 'a b'",
  'ECHO "a\\x41\\n\\"b"',
  "ECHO 'it\\'s'",
  'ECHO "unbalanced',
  "ECHO 'unbalanced",
  'ECHO "a"b',
  "ECHO ''",
  'ECHO a"b"',
  'nosuch words',
  '',
  ' ',
  '\t',
  'QUIT',
  '$4',
  '+OK',
  ':1',
  'GET / HTTP/1.1',
];
const ENDS = ['\r\n', '\r\n', '\r\n', '\r\n', '\n', '\r', '', '\r\r\n', '\n\r', '\r\n\r\n'];
/** Around the sizes at which a query buffer is made to measure. */
const LONG = [16384, 32768, 40_000];
const STRAY = [
  '\r\n',
  '\n',
  '\r',
  '\0',
  '*',
  '$',
  '$-1\r\n',
  '*0\r\n',
  '*-1\r\n',
  ' ',
  '"',
  "'",
  '\xff',
];

function bulk(text: string): string {
  return `$${Buffer.byteLength(text, 'latin1')}\r\n${text}\r\n`;
}

function command(...words: string[]): string {
  return `*${words.length}\r\n${words.map(bulk).join('')}`;
}

function word(random: Random): string {
  if (random.oneIn(4)) return Buffer.from(random.bytes(random.below(12))).toString('latin1');
  return random.text(random.below(8), 'ab\r\n $*09');
}

function goodCommand(random: Random): string {
  switch (random.below(8)) {
    case 0:
      return command('ECHO', word(random));
    case 1:
      return command('PING', word(random));
    case 2:
      return command('ECHO', 'x'.repeat(random.pick(random.oneIn(20) ? LONG : [100, 1000])));
    case 3:
      return command(random.text(random.between(1, 6), 'abcxyz'), word(random));
    case 4:
      return command('PING', ...Array.from({ length: random.between(2, 20) }, () => 'x'));
    default:
      return command('PING');
  }
}

/** A command whose frame is wrong: a count, a length, a type byte or a line end. */
function badFrame(random: Random): string {
  const end = () => random.pick(ENDS);
  const number = () => random.pick(NUMBERS);
  switch (random.below(7)) {
    case 0:
      return `*${number()}${end()}`;
    case 1:
      return `*1${end()}$${number()}${end()}PING${end()}`;
    case 2:
      return `*${number()}${end()}$4${end()}PING${end()}`;
    case 3:
      return `*1\r\n${random.pick(['+', ':', '*', '-', 'x', '\r', ' ', '\xff'])}4\r\nPING\r\n`;
    case 4:
      return `*2\r\n$4\r\nECHO\r\n$${random.between(0, 6)}\r\nabc${end()}`;
    case 5:
      return `*${'1'.repeat(random.pick([5, 30, 3000]))}`;
    default:
      return `*1\r\n$${'0'.repeat(random.pick([2, 30, 3000]))}`;
  }
}

function piece(random: Random): string {
  switch (random.below(10)) {
    case 0:
    case 1:
      return `${random.pick(INLINES)}${random.pick(ENDS)}`;
    case 2:
      return badFrame(random);
    case 3:
      return random.pick(STRAY);
    default:
      return goodCommand(random);
  }
}

type Mutator = (bytes: Buffer, random: Random) => Buffer;

function spliced(bytes: Buffer, at: number, remove: number, insert: Uint8Array): Buffer {
  return Buffer.concat([bytes.subarray(0, at), insert, bytes.subarray(at + remove)]);
}

const MUTATORS: readonly Mutator[] = [
  // a bit turned over
  (bytes, random) => {
    const changed = Buffer.from(bytes);
    const at = random.below(changed.length);
    changed[at] = (changed[at] ?? 0) ^ (1 << random.below(8));
    return changed;
  },
  // any byte
  (bytes, random) => spliced(bytes, random.below(bytes.length), 1, random.bytes(1)),
  // bytes lost
  (bytes, random) => spliced(bytes, random.below(bytes.length), random.between(1, 4), Buffer.of()),
  // bytes too many
  (bytes, random) =>
    spliced(bytes, random.below(bytes.length), 0, Buffer.from(random.pick(STRAY), 'latin1')),
  // cut off
  (bytes, random) => bytes.subarray(0, random.below(bytes.length)),
  // a part twice
  (bytes, random) => {
    const at = random.below(bytes.length);
    return spliced(bytes, at, 0, bytes.subarray(at, at + random.between(1, 20)));
  },
  // another number
  (bytes, random) => {
    const numbers = [...bytes.toString('latin1').matchAll(/\d+/g)];
    if (!numbers.length) return bytes;
    const { 0: digits, index } = random.pick(numbers);
    return spliced(bytes, index, digits.length, Buffer.from(random.pick(NUMBERS)));
  },
];

/** One input: a stream of commands, whole or damaged. */
export function protocolBytes(random: Random): Buffer {
  if (random.oneIn(20)) return Buffer.from(random.bytes(random.between(1, 200)));
  const parts = Array.from({ length: random.between(1, 6) }, () => piece(random));
  let bytes = Buffer.from(parts.join(''), 'latin1');
  for (let i = random.pick([0, 0, 1, 1, 2, 4]); i > 0 && bytes.length > 0; i--) {
    bytes = Buffer.from(random.pick(MUTATORS)(bytes, random));
  }
  return bytes.subarray(0, MAX_BYTES);
}

/** Cuts at a few random places. */
export function randomPieces(bytes: Buffer, random: Random): Buffer[] {
  const cuts = Array.from({ length: random.between(1, 5) }, () => random.below(bytes.length + 1));
  return cutAt(bytes, cuts);
}

export function cutAt(bytes: Buffer, cuts: readonly number[]): Buffer[] {
  const pieces: Buffer[] = [];
  let from = 0;
  for (const to of [...cuts].sort((a, b) => a - b)) {
    pieces.push(bytes.subarray(from, to));
    from = to;
  }
  pieces.push(bytes.subarray(from));
  return pieces.filter((part) => part.length > 0);
}

export function everyByte(bytes: Buffer): Buffer[] {
  return Array.from({ length: bytes.length }, (_, i) => bytes.subarray(i, i + 1));
}
