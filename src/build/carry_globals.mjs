// Appends the function `carryGlobals(at, restoring)` to a compiled core: see assembly/memory/carry.ts.
//
// It is written into the binary when the compiler is done, so that the optimiser has seen a module in which
// nobody but the core itself sets a variable. Sections change like this, and no index of the module does:
//
//   function   one more, of the type that `carryStart` has
//   export     one more
//   code       one more body: carryStart(at, restoring), then per mutable global of type T
//              global.get, call carryT, global.set
import {
  changeSections,
  END,
  number,
  Reader,
  readSections,
  SECTION_CODE,
  SECTION_EXPORT,
  SECTION_FUNCTION,
  SECTION_GLOBAL,
  SECTION_IMPORT,
  vector,
} from './wasm_binary.mjs';

const NAME = 'carryGlobals';

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

/** @param {Uint8Array} section a vector @param {Uint8Array | number[]} item @returns {Uint8Array} with one more */
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
  const sections = new Map(readSections(wasm).map(({ id, contents }) => [id, contents]));
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
  const own = number(imported + new Reader(functions).number());
  const added = [
    [SECTION_FUNCTION, number(typeOf(functions, start - imported))],
    [SECTION_EXPORT, [...vector(Buffer.from(NAME)), KIND_FUNCTION, ...own]],
    [SECTION_CODE, vector(body)],
  ];
  return changeSections(
    wasm,
    new Map(added.map(([id, item]) => [id, (contents) => append(contents, item)])),
  );
}
