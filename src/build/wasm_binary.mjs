// The outer form of a WebAssembly binary, for the passes of the build that edit one: sections, vectors, and
// numbers as LEB128.

/** Magic number and version. */
const HEADER_BYTES = 8;

export const SECTION_IMPORT = 2;
export const SECTION_FUNCTION = 3;
export const SECTION_MEMORY = 5;
export const SECTION_GLOBAL = 6;
export const SECTION_EXPORT = 7;
export const SECTION_CODE = 10;
export const SECTION_DATA = 11;
export const SECTION_DATA_COUNT = 12;

export const I32_CONST = 0x41;
export const END = 0x0b;

export class Reader {
  /** @param {Uint8Array} bytes */
  constructor(bytes) {
    this.bytes = bytes;
    this.at = 0;
  }

  get isDone() {
    return this.at >= this.bytes.length;
  }

  byte() {
    return this.bytes[this.at++];
  }

  number() {
    let value = 0;
    for (let shift = 0; ; shift += 7) {
      const byte = this.byte();
      value += (byte & 127) * 2 ** shift;
      if (byte < 128) return value;
    }
  }

  /** Also a signed one. */
  skipNumber() {
    while (this.byte() > 127);
  }

  /** @param {number} count */
  skip(count) {
    this.at += count;
  }

  /** @param {number} count */
  slice(count) {
    this.at += count;
    return this.bytes.subarray(this.at - count, this.at);
  }

  /** Bytes behind their length. */
  vector() {
    return this.slice(this.number());
  }

  name() {
    return new TextDecoder().decode(this.vector());
  }

  rest() {
    return this.bytes.subarray(this.at);
  }
}

/** @param {number} value @returns {number[]} */
export function number(value) {
  const bytes = [];
  for (let rest = value; ; rest >>>= 7) {
    if (rest < 128) return [...bytes, rest];
    bytes.push((rest & 127) | 128);
  }
}

/** @param {number} value not negative, as a signed number @returns {number[]} */
export function signedNumber(value) {
  const bytes = number(value);
  if (bytes.at(-1) < 64) return bytes;
  bytes.push(bytes.pop() | 128, 0);
  return bytes;
}

/** @param {Uint8Array | readonly number[]} bytes @returns {Buffer} with its length in front */
export function vector(bytes) {
  return Buffer.concat([Buffer.from(number(bytes.length)), Buffer.from(bytes)]);
}

/** @param {Uint8Array} wasm @returns {{ id: number, contents: Uint8Array }[]} in their order */
export function readSections(wasm) {
  const reader = new Reader(wasm);
  reader.skip(HEADER_BYTES);
  const sections = [];
  while (!reader.isDone) sections.push({ id: reader.byte(), contents: reader.vector() });
  return sections;
}

/**
 * A module with some of its sections changed.
 * @param {Uint8Array} wasm
 * @param {Map<number, (contents: Uint8Array) => Uint8Array>} changes by section
 */
export function changeSections(wasm, changes) {
  const parts = [wasm.subarray(0, HEADER_BYTES)];
  for (const { id, contents } of readSections(wasm)) {
    parts.push(Buffer.from([id]), vector(changes.get(id)?.(contents) ?? contents));
  }
  return Buffer.concat(parts);
}

/** @param {Uint8Array} wasm @param {readonly string[]} names of exports that are to go */
export function withoutExports(wasm, names) {
  const remove = (section) => {
    const reader = new Reader(section);
    const kept = [];
    for (let left = reader.number(); left > 0; left--) {
      const begin = reader.at;
      const name = reader.name();
      reader.skip(1);
      reader.skipNumber();
      if (!names.includes(name)) kept.push(section.subarray(begin, reader.at));
    }
    return Buffer.concat([Buffer.from(number(kept.length)), ...kept]);
  };
  return changeSections(wasm, new Map([[SECTION_EXPORT, remove]]));
}
