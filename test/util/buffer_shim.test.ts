// The browser's stand-in for Buffer does what Node's does, for everything it offers.

import { afterAll, describe, expect, it } from 'vitest';
import { Buffer as Shim } from '../../src/browser/buffer_shim.ts';
import { Random } from '../support/random.ts';

const SEED = Number(process.env.RESPITE_SEED ?? Date.now() % 1_000_000_007);
const ROUNDS = 300;
const random = new Random(SEED);

const CHARACTERS = ['a', 'Z', '0', 'f', 'ü', 'ÿ', 'Ā', '✓', '😀', '\ud800', '\udc00', '\0', '\n'];

const text = (max = 12) =>
  Array.from({ length: random.below(max) }, () => CHARACTERS[random.below(CHARACTERS.length)]).join(
    '',
  );
const bytes = (max = 12) =>
  Uint8Array.from({ length: random.below(max) }, () =>
    random.below(2) === 0 ? random.below(256) : [0xc3, 0xa4, 0xff, 0x61][random.below(4)]!,
  );
const index = () => random.below(20) - 5;
const hex = () =>
  Array.from({ length: random.below(9) }, () => '0123456789abcdefABCDEFg '[random.below(24)]).join(
    '',
  );

/** The same call of both; what they threw counts as thrown, whatever the words. */
function outcome(run: (buffer: typeof Buffer) => unknown, buffer: unknown): unknown {
  try {
    const result = run(buffer as typeof Buffer);
    return result instanceof Uint8Array ? Array.from(result) : result;
  } catch {
    return 'thrown';
  }
}

function same(run: (buffer: typeof Buffer) => unknown): void {
  expect(outcome(run, Shim), `seed ${SEED}`).toEqual(outcome(run, Buffer));
}

function rounds(run: () => void): void {
  for (let i = 0; i < ROUNDS; i++) run();
}

const tested = new Set<string>();

/** A method and what is to be compared of it. */
function method(name: string, run: () => void): void {
  tested.add(name);
  it(`${name} is Node's`, () => rounds(run));
}

const DECODED = ['utf8', 'utf-8', 'latin1', 'binary', 'hex', 'utf16le'] as const;

describe('made', () => {
  method('from', () => {
    const value = text();
    for (const encoding of ['utf8', 'utf-8', 'latin1', 'binary', 'ascii'] as const) {
      same((B) => B.from(value, encoding));
    }
    const digits = hex();
    same((B) => B.from(digits, 'hex'));
    same((B) => B.from(value));
    const source = bytes();
    same((B) => B.from(source));
    same((B) => B.from([...source, 300, -1]));
    // A copy, not a view.
    same((B) => {
      const copy = B.from(source);
      copy.fill(1);
      return source.slice();
    });
  });
  method('alloc', () => {
    const size = random.below(20);
    const fill = random.below(256);
    same((B) => B.alloc(size));
    same((B) => B.alloc(size, fill));
  });
  method('allocUnsafe', () => same((B) => B.allocUnsafe(7).length));
  method('allocUnsafeSlow', () => same((B) => B.allocUnsafeSlow(7).length));
  method('concat', () => {
    const pieces = Array.from({ length: random.below(4) }, () => bytes());
    same((B) => B.concat(pieces));
  });
  method('isBuffer', () => {
    same((B) => B.isBuffer(B.alloc(1)));
    same((B) => B.isBuffer(new Uint8Array(1)));
    same((B) => B.isBuffer('text'));
  });
  method('byteLength', () => {
    const value = text();
    const source = bytes();
    same((B) => B.byteLength(value));
    same((B) => B.byteLength(value, 'latin1'));
    same((B) => B.byteLength(source));
  });
  method('compare', () => {
    const [a, b] = [bytes(4), bytes(4)];
    same((B) => B.compare(a, b));
    same((B) => B.compare(a, a.slice()));
  });
});

describe('used', () => {
  method('toString', () => {
    const source = bytes(20);
    const [start, end] = [index(), index()];
    for (const encoding of DECODED) {
      same((B) => B.from(source).toString(encoding));
      same((B) => B.from(source).toString(encoding, start));
      same((B) => B.from(source).toString(encoding, start, end));
    }
    same((B) => B.from(source).toString());
    same((B) => `${B.from(source)}`);
  });
  method('write', () => {
    const value = text();
    const offset = random.below(14);
    for (const encoding of ['utf8', 'latin1'] as const) {
      same((B) => {
        const target = B.alloc(12, 7);
        return [target.write(value, offset, encoding), [...target]];
      });
    }
  });
  method('equals', () => {
    const [a, b] = [bytes(3), bytes(3)];
    same((B) => B.from(a).equals(b));
    same((B) => B.from(a).equals(a.slice()));
  });
  method('slice', () => {
    const source = bytes(20);
    const [start, end] = [index(), index()];
    same((B) => B.from(source).slice(start, end));
    same((B) => B.isBuffer(B.from(source).slice(start)));
    // A view, unlike that of other arrays.
    same((B) => {
      const whole = B.from([1, 2, 3]);
      whole.slice(1).fill(9);
      return whole;
    });
  });
  method('indexOf', () => {
    const [source, part] = [bytes(20), bytes(3)];
    const [from, byte] = [index(), random.below(600) - 100];
    same((B) => B.from(source).indexOf(part));
    same((B) => B.from(source).indexOf(part, from));
    same((B) => B.from(source).indexOf(byte, from));
    same((B) => B.from(source).indexOf(0x61));
  });
  method('includes', () => {
    const [source, part] = [bytes(20), bytes(3)];
    same((B) => B.from(source).includes(B.from(part)));
    same((B) => B.from(source).includes(0xff, 2));
  });
  method('lastIndexOf', () => {
    const source = bytes(20);
    const from = index();
    same((B) => B.from(source).lastIndexOf(0x61));
    same((B) => B.from(source).lastIndexOf(0xff, from));
  });
  method('fill', () => {
    const [start, end] = [random.below(10), random.below(10)];
    same((B) => B.alloc(9).fill(5));
    same((B) => B.alloc(9).fill(300, start, Math.max(start, end) % 10));
  });
  method('toJSON', () => {
    const source = bytes();
    same((B) => JSON.stringify(B.from(source)));
  });
});

it('what arrays have is passed on, and gives Buffers', () => {
  rounds(() => {
    const source = bytes(20);
    const [start, end] = [index(), index()];
    same((B) => B.from(source).subarray(start, end));
    same((B) => B.isBuffer(B.from(source).subarray(start, end)));
    same((B) => B.from(source).subarray(start).toString('latin1'));
    same((B) => B.isBuffer(B.from(source).map((byte) => byte)));
  });
});

it('what it does not do throws', () => {
  const buffer = Shim.from('text') as unknown as Buffer;
  const shim = Shim as unknown as typeof Buffer;
  expect(() => shim.from('dGV4dA==', 'base64')).toThrow(TypeError);
  expect(() => shim.from(new ArrayBuffer(1))).toThrow(TypeError);
  expect(() => shim.concat([buffer], 3)).toThrow(TypeError);
  expect(() => buffer.toString('base64')).toThrow(TypeError);
  expect(() => buffer.toString('ascii')).toThrow(TypeError);
  expect(() => buffer.indexOf('x')).toThrow(TypeError);
  expect(() => buffer.lastIndexOf('x')).toThrow(TypeError);
  expect(() => buffer.includes('x')).toThrow(TypeError);
  expect(() => buffer.fill('x')).toThrow(TypeError);
  expect(() => buffer.write('x', 'latin1')).toThrow(RangeError);
  expect(() => buffer.readUInt8(0)).toThrow(TypeError);
});

afterAll(() => {
  const offered = [
    ...Object.getOwnPropertyNames(Shim).filter((name) => !/^(length|name|prototype)$/.test(name)),
    ...Object.getOwnPropertyNames(Shim.prototype).filter((name) => name !== 'constructor'),
  ];
  expect(
    offered.filter((name) => !tested.has(name)),
    'methods without a test',
  ).toEqual([]);
});
