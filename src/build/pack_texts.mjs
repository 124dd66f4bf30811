// Packs the literals of a compiled core, which in static data take a header of 20 bytes each and two bytes a
// character: see assembly/memory/packed_texts.ts, which puts them back. What goes over the network gets
// smaller by 7 KiB.
//
// What is zero in the beginning goes, too: all of memory is. But nothing is cut up at zeros, which would give
// every record of a table a segment of its own.
//
// To be run on what the compiler writes without optimisation: later a literal cannot be told from other bytes.
import {
  changeSections,
  END,
  I32_CONST,
  number,
  Reader,
  readSections,
  SECTION_DATA,
  SECTION_DATA_COUNT,
  SECTION_MEMORY,
  signedNumber,
  vector,
} from './wasm_binary.mjs';

const PAGE_BYTES = 65536;
/** mmInfo, gcInfo, gcInfo2, rtId, rtSize: a word each. */
const HEADER_BYTES = 20;
const MM_INFO_BYTES = 4;
const STRING_ID = 2;

/** @param {Uint8Array} section @returns {{ at: number, bytes: Uint8Array }[]} */
function segmentsOf(section) {
  const reader = new Reader(section);
  return Array.from({ length: reader.number() }, () => {
    if (reader.byte() !== 0 || reader.byte() !== I32_CONST) throw new Error('a segment that moves');
    // Addresses are far below the numbers that would be negative.
    const at = reader.number();
    if (reader.byte() !== END) throw new Error('a segment that moves');
    return { at, bytes: reader.vector() };
  });
}

/** @param {{ at: number, bytes: Uint8Array }} segment @returns {string | undefined} the literal */
function literalOf({ bytes }) {
  if (bytes.length < HEADER_BYTES) return undefined;
  const block = Buffer.from(bytes);
  const [mmInfo, gcInfo, gcInfo2, id, size] = [0, 4, 8, 12, 16].map((at) => block.readUInt32LE(at));
  const isString = gcInfo === 0 && gcInfo2 === 0 && id === STRING_ID;
  if (!isString || mmInfo !== bytes.length - MM_INFO_BYTES || size > mmInfo) return undefined;
  const text = block.toString('utf16le', HEADER_BYTES, HEADER_BYTES + size);
  const isPlain = [...text].every((character) => character.charCodeAt(0) < 256);
  return text !== '' && isPlain ? text : undefined;
}

/** @param {{ at: number, bytes: Uint8Array }} segment */
function encodeSegment({ at, bytes }) {
  return Buffer.concat([Buffer.from([0, I32_CONST, ...signedNumber(at), END]), vector(bytes)]);
}

/**
 * Splits segments into literals, packed into the bytes of one segment, and others with something in them.
 * @param {{ at: number, bytes: Uint8Array }[]} segments
 */
function pack(segments) {
  const others = [];
  const packed = [];
  let count = 0;
  let last = 0;
  for (const segment of segments) {
    const text = literalOf(segment);
    if (text === undefined) {
      if (segment.bytes.some((byte) => byte !== 0)) others.push(segment);
      continue;
    }
    const at = segment.at + HEADER_BYTES;
    if (at % 4 !== 0 || at < last) throw new Error('literals are aligned and in order');
    packed.push(Buffer.from([...number((at - last) / 4), ...number(text.length)]));
    packed.push(Buffer.from(text, 'latin1'));
    last = Math.ceil((at + text.length * 2) / 4) * 4;
    count += 1;
  }
  const head = Buffer.alloc(4);
  head.writeUInt32LE(count);
  return { others, bytes: Buffer.concat([head, ...packed]) };
}

/** @param {Uint8Array} section @param {number} pages that the one memory is to begin with */
function enlarge(section, pages) {
  const reader = new Reader(section);
  const head = reader.slice(2);
  reader.skipNumber();
  return Buffer.concat([head, Buffer.from(number(pages)), reader.rest()]);
}

/** @param {Uint8Array} wasm @returns {Buffer} */
export function withPackedTexts(wasm) {
  const data = readSections(wasm).find(({ id }) => id === SECTION_DATA);
  const segments = segmentsOf(data.contents);
  const { others, bytes } = pack(segments);
  const end = Math.max(...segments.map((segment) => segment.at + segment.bytes.length));
  const at = Math.ceil(end / PAGE_BYTES) * PAGE_BYTES;
  const pages = Math.ceil((at + bytes.length) / PAGE_BYTES);
  const kept = [...others, { at, bytes }];
  const count = Buffer.from(number(kept.length));
  return changeSections(
    wasm,
    new Map([
      [SECTION_MEMORY, (section) => enlarge(section, pages)],
      [SECTION_DATA_COUNT, () => count],
      [SECTION_DATA, () => Buffer.concat([count, ...kept.map(encodeSegment)])],
    ]),
  );
}
