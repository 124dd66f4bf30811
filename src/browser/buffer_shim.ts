// What the shared code uses of Node's Buffer, for browsers: the bundler puts this class in place of the
// global one. Every method does what Node's does for the arguments it takes; other arguments throw, and
// methods that nobody uses are absent, so that a use of them fails loudly.
//
//   Buffer.from(text, 'utf8' | 'latin1' | 'ascii' | 'hex'), from(bytes | numbers), alloc, allocUnsafe,
//   allocUnsafeSlow, concat, byteLength, isBuffer, compare
//   toString('utf8' | 'latin1' | 'hex' | 'utf16le'), write, equals, slice (a view, as Node's), indexOf,
//   lastIndexOf and includes for numbers and (but for lastIndexOf) bytes, fill with a number, toJSON

type Encoding = 'utf8' | 'utf-8' | 'latin1' | 'binary' | 'ascii' | 'hex' | 'utf16le';

const encoder = new TextEncoder();
const decoder = new TextDecoder('utf-8', { ignoreBOM: true });

/** Characters put together at a time: calls take a limited number of arguments. */
const PIECE_CHARACTERS = 8192;

function unknownEncoding(encoding: string): TypeError {
  return new TypeError(`Buffer: the encoding ${encoding} is not known in a browser`);
}

function latin1Bytes(text: string): BrowserBuffer {
  const bytes = BrowserBuffer.alloc(text.length);
  for (let i = 0; i < text.length; i++) bytes[i] = text.charCodeAt(i);
  return bytes;
}

function hexBytes(text: string): BrowserBuffer {
  // As Node does, up to the first pair that is none.
  const pairs = /^(?:[0-9a-f]{2})*/i.exec(text)?.[0] ?? '';
  const bytes = BrowserBuffer.alloc(pairs.length / 2);
  for (let i = 0; i < bytes.length; i++) {
    bytes[i] = Number.parseInt(pairs.slice(i * 2, i * 2 + 2), 16);
  }
  return bytes;
}

function encode(text: string, encoding: Encoding = 'utf8'): BrowserBuffer {
  switch (encoding) {
    case 'utf8':
    case 'utf-8': {
      const { buffer, byteOffset, length } = encoder.encode(text);
      return new BrowserBuffer(buffer as ArrayBuffer, byteOffset, length);
    }
    case 'latin1':
    case 'binary':
    case 'ascii':
      return latin1Bytes(text);
    case 'hex':
      return hexBytes(text);
    default:
      throw unknownEncoding(encoding);
  }
}

function numberOnly(value: number): number {
  if (typeof value !== 'number') throw new TypeError('Buffer: a number');
  return value;
}

function latin1Text(bytes: Uint8Array): string {
  let text = '';
  for (let at = 0; at < bytes.length; at += PIECE_CHARACTERS) {
    text += String.fromCharCode(...bytes.subarray(at, at + PIECE_CHARACTERS));
  }
  return text;
}

function utf16Text(bytes: Uint8Array): string {
  let text = '';
  for (let i = 0; i + 1 < bytes.length; i += 2) {
    text += String.fromCharCode(bytes[i]! | (bytes[i + 1]! << 8));
  }
  return text;
}

class BrowserBuffer extends Uint8Array {
  static override from(
    source: string | ArrayLike<number> | Iterable<number>,
    encoding?: unknown,
  ): BrowserBuffer {
    if (typeof source === 'string') return encode(source, encoding as Encoding | undefined);
    if (source instanceof ArrayBuffer) {
      throw new TypeError('Buffer.from of an ArrayBuffer would be a view: make one of it first');
    }
    return new BrowserBuffer(source as ArrayLike<number>);
  }

  static alloc(size: number, fill = 0): BrowserBuffer {
    const bytes = new BrowserBuffer(size);
    return fill === 0 ? bytes : bytes.fill(fill);
  }

  static allocUnsafe(size: number): BrowserBuffer {
    return new BrowserBuffer(size);
  }

  static allocUnsafeSlow(size: number): BrowserBuffer {
    return new BrowserBuffer(size);
  }

  static isBuffer(value: unknown): value is BrowserBuffer {
    return value instanceof BrowserBuffer;
  }

  static byteLength(value: string | Uint8Array, encoding?: Encoding): number {
    return typeof value === 'string' ? encode(value, encoding).length : value.length;
  }

  static concat(pieces: readonly Uint8Array[], ...others: never[]): BrowserBuffer {
    if (others.length > 0)
      throw new TypeError('Buffer.concat: pieces alone are taken in a browser');
    const all = new BrowserBuffer(pieces.reduce((sum, { length }) => sum + length, 0));
    let at = 0;
    for (const piece of pieces) {
      all.set(piece, at);
      at += piece.length;
    }
    return all;
  }

  static compare(a: Uint8Array, b: Uint8Array): -1 | 0 | 1 {
    const length = Math.min(a.length, b.length);
    for (let i = 0; i < length; i++) {
      const difference = a[i]! - b[i]!;
      if (difference !== 0) return difference < 0 ? -1 : 1;
    }
    if (a.length === b.length) return 0;
    return a.length < b.length ? -1 : 1;
  }

  override toString(encoding: Encoding = 'utf8', start = 0, end = this.length): string {
    const bytes =
      start === 0 && end === this.length
        ? this
        : this.subarray(Math.max(start, 0), Math.max(end, 0));
    switch (encoding) {
      case 'utf8':
      case 'utf-8':
        return decoder.decode(bytes);
      case 'latin1':
      case 'binary':
        return latin1Text(bytes);
      case 'hex':
        return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
      case 'utf16le':
        return utf16Text(bytes);
      default:
        throw unknownEncoding(encoding);
    }
  }

  /** Writes as much of the text as there is room for, whole characters only; returns the bytes written. */
  write(text: string, offset = 0, encoding: Encoding = 'utf8'): number {
    if (!(offset >= 0 && offset <= this.length)) {
      throw new RangeError(`Buffer: the offset ${offset} is out of range`);
    }
    const room = this.subarray(offset);
    if (encoding === 'utf8' || encoding === 'utf-8') return encoder.encodeInto(text, room).written;
    const bytes = encode(text, encoding);
    const kept = bytes.subarray(0, room.length);
    room.set(kept);
    return kept.length;
  }

  equals(other: Uint8Array): boolean {
    return BrowserBuffer.compare(this, other) === 0;
  }

  /** A view, unlike that of other arrays. */
  override slice(start?: number, end?: number): BrowserBuffer {
    return this.subarray(start, end) as BrowserBuffer;
  }

  override fill(value: number, start?: number, end?: number): this {
    return super.fill(numberOnly(value), start, end);
  }

  override lastIndexOf(value: number, from = this.length - 1): number {
    return super.lastIndexOf(numberOnly(value) & 0xff, from);
  }

  toJSON(): { type: 'Buffer'; data: number[] } {
    return { type: 'Buffer', data: Array.from(this) };
  }

  override indexOf(value: number | Uint8Array, from = 0): number {
    if (typeof value === 'number') return super.indexOf(value & 0xff, from);
    if (!(value instanceof Uint8Array)) throw new TypeError('Buffer: a number or bytes');
    const start = from < 0 ? Math.max(from + this.length, 0) : from;
    if (value.length === 0) return Math.min(start, this.length);
    const last = this.length - value.length;
    for (let at = start; at <= last; at++) {
      let i = 0;
      while (i < value.length && this[at + i] === value[i]) i++;
      if (i === value.length) return at;
    }
    return -1;
  }

  override includes(value: number | Uint8Array, from = 0): boolean {
    return this.indexOf(value, from) >= 0;
  }
}

export { BrowserBuffer as Buffer };
