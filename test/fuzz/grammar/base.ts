// The vocabulary that the command grammars share: keys, values, numbers, times, tokens.
//
// The key space is small so that commands meet each other's keys, and every kind of argument has
// its edge cases mixed in. What would be slow or huge is left out on purpose: values stay small,
// except for the key named `large`, which only commands of linear cost use.

import { type Argument, argumentBytes } from '../../support/arguments.ts';
import type { Random } from '../../support/random.ts';
import { isOlder } from '../../support/targets.ts';

/** One command, and what must happen after it before the next one runs. */
export interface Generated {
  args: Buffer[];
  /** Lets this many milliseconds pass, for a key that expires, before anything else is sent. */
  settleMs?: number;
  /** Ends the connection (QUIT): the next command goes over a new one. */
  ends?: boolean;
}

export type Maker = (g: Gen) => Argument[] | Generated;

export interface Rule {
  name: string;
  weight: number;
  /** Release that brought the command: left out when one of the two servers is older. */
  since?: string;
  /** Its commands take a key as their first argument and touch no other state. */
  keyed?: boolean;
  make: Maker;
}

export interface Family {
  name: string;
  rules: Rule[];
}

export type ExpiryMode = 'relative' | 'absolute';

const KEYS = ['a', 'b', 'c', 'd', 'key:1', 'key:2', 'n', 'f', 'bits', 'k\0bin\xff', '', 'tmp'];
export const DATABASES = [0, 1, 2, 15];

/** After this long a key with one or two milliseconds to live is gone. */
export const SETTLE_MS = 5;

const INTEGERS = [
  '0',
  '1',
  '-1',
  '2',
  '5',
  '10',
  '99',
  '-100',
  '9223372036854775807',
  '-9223372036854775808',
  '9223372036854775806',
  '-9223372036854775807',
  '4611686018427387904',
  '2147483647',
  '2147483648',
  '-2147483648',
  '4294967296',
];
const BAD_INTEGERS = [
  '',
  ' 1',
  '1 ',
  '+1',
  '-0',
  '01',
  '1.0',
  '1e3',
  '0x10',
  'abc',
  '-',
  '9223372036854775808',
  '-9223372036854775809',
  '18446744073709551615',
  '99999999999999999999999999',
  '1\0',
  'nan',
];
const FLOATS = [
  '0',
  '1',
  '-1',
  '0.1',
  '0.2',
  '-0.5',
  '1.5',
  '3.14159265358979',
  '1e5',
  '1E-5',
  '-1e-10',
  '5.0e3',
  '+2.5',
  '.5',
  '5.',
  '0x1p4',
  '17179869184.25',
  '1e17',
  '123456789.123456789',
];
const BAD_FLOATS = ['', ' 1', '1 ', 'x', '1x', 'nan', 'inf', '-inf', '+inf', '1e400', '--1', '1,5'];

export class Gen {
  readonly random: Random;
  /** How expiries are given in this epoch: absolute ones can be compared to the millisecond. */
  expiry: ExpiryMode = 'relative';
  private readonly oldest: string;

  /** `oldest` is the release of the older of the two servers. */
  constructor(random: Random, oldest: string) {
    this.random = random;
    this.oldest = oldest;
  }

  has(since: string): boolean {
    return !isOlder(this.oldest, since);
  }

  // --- Keys and values ---

  key(): Buffer {
    return Buffer.from(this.random.pick(KEYS), 'latin1');
  }

  keys(most: number): Buffer[] {
    return Array.from({ length: this.random.between(1, most) }, () => this.key());
  }

  allKeys(): Buffer[] {
    return KEYS.map((key) => Buffer.from(key, 'latin1'));
  }

  value(): Buffer {
    const { random } = this;
    switch (random.below(12)) {
      case 0:
        return Buffer.from(random.pick(INTEGERS));
      case 1:
        return Buffer.from(String(random.between(-1000, 20000)));
      case 2:
        return Buffer.from(random.pick(FLOATS));
      case 3:
        return Buffer.from(random.pick(BAD_INTEGERS), 'latin1');
      case 4:
        return Buffer.alloc(0);
      case 5:
        return Buffer.from(random.bytes(random.between(1, 20)));
      case 6:
        return Buffer.from('x'.repeat(random.between(42, 47)));
      case 7:
        return Buffer.from(random.bytes(random.between(30, 300)));
      case 8:
        return Buffer.from('\0'.repeat(random.between(1, 10)));
      default:
        return Buffer.from(this.word());
    }
  }

  word(): string {
    const size = this.random.between(1, 12);
    let text = '';
    for (let i = 0; i < size; i++) text += 'abcdefgh0123'[this.random.below(12)];
    return text;
  }

  /** What DIGEST might have said of some value. */
  digest(): string {
    return this.random.text(16, '0123456789abcdef');
  }

  largeValue(): Buffer {
    const { random } = this;
    return Buffer.alloc(random.pick([1000, 16384, 65535, 65536, 100_000]), random.below(256));
  }

  pattern(): string {
    return this.random.pick([
      '*',
      'a*',
      '?',
      'key:*',
      'key:[12]',
      '[a-c]',
      '[^a]',
      '',
      'k\0*',
      '\\a',
      '[',
      '[a',
      '**',
      '*?*',
      'none',
    ]);
  }

  // --- Numbers ---

  /** Any integer, now and then something that is none. */
  integer(): string {
    if (this.random.oneIn(12)) return this.random.pick(BAD_INTEGERS);
    if (this.random.oneIn(3)) return this.random.pick(INTEGERS);
    return String(this.random.between(-200, 200));
  }

  small(low: number, high: number): string {
    if (this.random.oneIn(20)) return this.random.pick(BAD_INTEGERS);
    return String(this.random.between(low, high));
  }

  float(): string {
    if (this.random.oneIn(12)) return this.random.pick(BAD_FLOATS);
    if (this.random.oneIn(2)) return this.random.pick(FLOATS);
    const text = (this.random.between(-1_000_000, 1_000_000) / 1000).toString();
    return this.random.oneIn(4) ? `${text}e${this.random.between(-5, 5)}` : text;
  }

  /** An index into a value: around its ends, negative, far outside. */
  index(): string {
    const { random } = this;
    if (random.oneIn(15)) return random.pick(BAD_INTEGERS);
    if (random.oneIn(8)) return random.pick(INTEGERS);
    return String(random.between(-40, 60));
  }

  /** An offset that a write may extend the value to: never more than some kilobytes. */
  writeOffset(most: number): string {
    const { random } = this;
    if (random.oneIn(15)) return random.pick(['-1', 'x', '', '9223372036854775807', '1.5']);
    if (random.oneIn(15)) return String(random.below(most));
    return String(random.below(40));
  }

  database(): string {
    const { random } = this;
    if (random.oneIn(20)) return random.pick(['16', '-1', 'x', '', '99999999999', '1.5']);
    return String(random.pick(DATABASES));
  }

  // --- Times ---

  /** Seconds or milliseconds from now, far enough away never to pass in a run. */
  farTtl(unit: 1 | 1000): string {
    // A wide range: the same time left twice, where GT and LT turn over, comes by too rarely to
    // matter, and a difference of some milliseconds between the servers decides nothing.
    const ms = 200_000 + this.random.below(1_000_000_000);
    return String(unit === 1000 ? ms : Math.ceil(ms / 1000));
  }

  /** A point of time in seconds or milliseconds: from a few far ones, so that equal ones meet. */
  farTime(unit: 1 | 1000): string {
    const seconds = 33_000_000_000 + this.random.below(4);
    return String(unit === 1000 ? seconds * 1000 + this.random.below(3) : seconds);
  }

  badTime(): string {
    const { random } = this;
    if (random.oneIn(2)) return random.pick(BAD_INTEGERS);
    return random.pick([
      '0',
      '-1',
      '9223372036854775807',
      '9223372036854775',
      '-9223372036854775808',
    ]);
  }

  /** EX, PX, EXAT or PXAT with its time; `edge` once in a while one that is refused or past. */
  expiryOption(): Argument[] {
    const { random } = this;
    if (random.oneIn(12)) {
      const past = random.pick(['EXAT', 'PXAT']);
      return random.oneIn(3)
        ? [this.token(past), String(random.between(1, 1_000_000))]
        : [this.token(random.pick(['EX', 'PX', 'EXAT', 'PXAT'])), this.badTime()];
    }
    const absolute = this.expiry === 'absolute' || random.oneIn(3);
    if (absolute) {
      return random.oneIn(2)
        ? [this.token('EXAT'), this.farTime(1)]
        : [this.token('PXAT'), this.farTime(1000)];
    }
    return random.oneIn(2)
      ? [this.token('EX'), this.farTtl(1)]
      : [this.token('PX'), this.farTtl(1000)];
  }

  // --- Tokens ---

  /** A keyword in upper, lower or mixed case. */
  token(text: string): string {
    const { random } = this;
    switch (random.below(6)) {
      case 0:
        return text.toLowerCase();
      case 1:
        return [...text].map((ch) => (random.oneIn(2) ? ch.toLowerCase() : ch)).join('');
      default:
        return text;
    }
  }

  /** Each of the options with a chance, in any order, now and then one twice. */
  options(...makers: ((() => Argument[]) | null)[]): Argument[] {
    const chosen: Argument[][] = [];
    for (const make of makers) {
      if (make === null || !this.random.oneIn(3)) continue;
      chosen.push(make());
      if (this.random.oneIn(20)) chosen.push(make());
    }
    return this.random.shuffle(chosen).flat();
  }
}

export function asGenerated(made: Argument[] | Generated): Generated {
  return Array.isArray(made) ? { args: made.map(argumentBytes) } : made;
}
