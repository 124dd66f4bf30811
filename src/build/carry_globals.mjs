// Appends the function `carryGlobals(at, restoring)` to a compiled core: see assembly/memory/carry.ts.
//
// It is written into the binary when the compiler is done, so that the optimiser has seen a module in which
// nobody but the core itself sets a variable. Sections change like this, and no index of the module does:
//
//   function   one more, of the type that `carryStart` has
//   export     one more
//   code       one more body: carryStart(at, restoring), then per mutable global of type T
//              global.get, call carryT, global.set
import { readFileSync, writeFileSync } from 'node:fs';

const NAME = 'carryGlobals';

const SECTION_IMPORT = 2;
const SECTION_FUNCTION = 3;
const SECTION_GLOBAL = 6;
const SECTION_EXPORT = 7;
const SECTION_CODE = 10;
const HEADER_BYTES = 8;

/** The globals go through the core's scratch region (SCRATCH_BYTES). */
const MOST_GLOBALS = 65536 / 8;

const KIND_FUNCTION = 0;
const KIND_GLOBAL = 3;

/** What carries a value type, and how the constant that a global begins with is skipped. */
const CARRIERS = new Map([
  [0x7f, { by: 'carryI32', constant: 0x41, skip: (reader) => reader.skipNumber() }],
  [0x7e, { by: 'carryI64', constant: 0x42, skip: (reader) => reader.skipNumber() }],
  [0x7c, { by: 'carryF64', constant: 0x44, skip: (reader) => reader.skip(8) }],
]);

const GLOBAL_GET = 0x23;
const GLOBAL_SET = 0x24;
const LOCAL_GET = 0x20;
const CALL = 0x10;
const END = 0x0b;

class Reader {
  /** @param {Uint8Array} bytes */
  constructor(bytes) {
    this.bytes = bytes;
    this.at = 0;
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

  skip(count) {
    this.at += count;
  }

  slice(count) {
    this.at += count;
    return this.bytes.subarray(this.at - count, this.at);
  }

  name() {
    return new TextDecoder().decode(this.slice(this.number()));
  }

  rest() {
    return this.bytes.subarray(this.at);
  }
}

/** @param {number} value as LEB128 */
function number(value) {
  const bytes = [];
  for (let rest = value; ; rest >>>= 7) {
    if (rest < 128) return [...bytes, rest];
    bytes.push((rest & 127) | 128);
  }
}

/** @param {Uint8Array} wasm @returns {Map<number, Uint8Array>} contents by section, in their order */
function sectionsOf(wasm) {
  const reader = new Reader(wasm);
  reader.skip(HEADER_BYTES);
  const sections = new Map();
  while (reader.at < wasm.length) {
    const id = reader.byte();
    if (id === 0) throw new Error('a release build has no custom sections');
    sections.set(id, reader.slice(reader.number()));
  }
  return sections;
}

/** @param {Uint8Array | undefined} section @returns {number} functions that are imported */
function importedFunctions(section) {
  if (section === undefined) return 0;
  const reader = new Reader(section);
  const count = reader.number();
  for (let i = 0; i < count; i++) {
    reader.name();
    reader.name();
    if (reader.byte() !== KIND_FUNCTION) throw new Error('the core imports functions only');
    reader.number();
  }
  return count;
}

/** @param {Uint8Array} section @returns {Map<string, number>} exported functions: index by name */
function exportedFunctions(section) {
  const reader = new Reader(section);
  const found = new Map();
  for (let left = reader.number(); left > 0; left--) {
    const name = reader.name();
    const kind = reader.byte();
    const index = reader.number();
    if (kind === KIND_GLOBAL) throw new Error(`${name}: a global must not be exported`);
    if (kind === KIND_FUNCTION) found.set(name, index);
  }
  return found;
}

/** @param {Uint8Array} section @returns {{ index: number, carrier: string }[]} those that can change */
function mutableGlobals(section) {
  const reader = new Reader(section);
  const count = reader.number();
  const found = [];
  for (let index = 0; index < count; index++) {
    const carrier = CARRIERS.get(reader.byte());
    const isMutable = reader.byte() === 1;
    if (reader.byte() !== carrier?.constant) throw new Error(`global ${index} cannot be carried`);
    carrier.skip(reader);
    if (reader.byte() !== END) throw new Error(`global ${index} does not begin with a constant`);
    if (isMutable) found.push({ index, carrier: carrier.by });
  }
  if (found.length > MOST_GLOBALS) throw new Error(`${found.length} globals are too many`);
  return found;
}

/** @param {Uint8Array} section a vector @param {number[]} item @returns {Uint8Array} with one more */
function append(section, item) {
  const reader = new Reader(section);
  const count = reader.number();
  return Buffer.concat([Buffer.from(number(count + 1)), reader.rest(), Buffer.from(item)]);
}

/** @param {Uint8Array} section @param {number} index @returns {number} the type of a function */
function typeOf(section, index) {
  const reader = new Reader(section);
  reader.number();
  for (let i = 0; i < index; i++) reader.number();
  return reader.number();
}

/** @param {Uint8Array} wasm @returns {Buffer} */
export function withCarriedGlobals(wasm) {
  const sections = sectionsOf(wasm);
  const imported = importedFunctions(sections.get(SECTION_IMPORT));
  const functions = sections.get(SECTION_FUNCTION);
  const exported = exportedFunctions(sections.get(SECTION_EXPORT));
  const indexOf = (name) => {
    const index = exported.get(name);
    if (index === undefined) throw new Error(`the core does not export ${name}`);
    return index;
  };
  const start = indexOf('carryStart');
  const body = [0, LOCAL_GET, 0, LOCAL_GET, 1, CALL, ...number(start)];
  for (const { index, carrier } of mutableGlobals(sections.get(SECTION_GLOBAL))) {
    body.push(GLOBAL_GET, ...number(index), CALL, ...number(indexOf(carrier)));
    body.push(GLOBAL_SET, ...number(index));
  }
  body.push(END);
  const own = imported + new Reader(functions).number();
  const name = [...Buffer.from(NAME)];
  const changed = new Map([
    [SECTION_FUNCTION, number(typeOf(functions, start - imported))],
    [SECTION_EXPORT, [...number(name.length), ...name, KIND_FUNCTION, ...number(own)]],
    [SECTION_CODE, [...number(body.length), ...body]],
  ]);
  const parts = [wasm.subarray(0, HEADER_BYTES)];
  for (const [id, section] of sections) {
    const item = changed.get(id);
    const contents = item === undefined ? section : append(section, item);
    parts.push(Buffer.from([id, ...number(contents.length)]), contents);
  }
  return Buffer.concat(parts);
}

/** Rewrites a compiled core. @param {string} file */
export function carryGlobals(file) {
  writeFileSync(file, withCarriedGlobals(readFileSync(file)));
}
