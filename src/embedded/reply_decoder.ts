// Reads replies and pushes, RESP2 and RESP3, from bytes that come in pieces of any size.
//
// Aggregates under way are on a stack, so that what has been read is never read again; only an element
// that is not whole yet is kept as bytes. While it is a long bulk string, pieces are collected until
// all of it is there.
//
//   push(bytes) ─> element ─> on the stack ─> whole reply ─> onReply | onPush
//
// Errors at the top are handed over as ReplyError values, like those within; who asked decides whether
// they are thrown. RESP3 attributes are read and left out.

import { concatBytes, copyBytes } from '../util/bytes.ts';
import { ReplyError, RespiteError } from './errors.ts';
import type { Reply } from './reply.ts';

export interface ReplyHandlers {
  /** Whether bulk strings of the reply that begins are to be bytes. */
  wantsBuffers(): boolean;
  onReply(reply: Reply): void;
  /** A message that no command asked for (RESP3 `>`). */
  onPush(message: Reply[]): void;
}

const CR = 13;
const NINE = 57;
const MINUS = 45;
const ZERO = 48;

const SIMPLE = 43; // +
const ERROR = 45; // -
const INTEGER = 58; // :
const BULK = 36; // $
const ARRAY = 42; // *
const NULL = 95; // _
const BOOLEAN = 35; // #
const DOUBLE = 44; // ,
const BIG_NUMBER = 40; // (
const BULK_ERROR = 33; // !
const VERBATIM = 61; // =
const MAP = 37; // %
const SET = 126; // ~
const PUSH = 62; // >
const ATTRIBUTE = 124; // |

/** A longer number may not be exact as one; its text then tells. */
const EXACT_DIGITS = 15;
/** Shorter texts are put together from their characters, which is faster than a call of the decoder. */
const COPIED_CHARACTERS = 32;
/** "txt:" in front of a verbatim string. */
const VERBATIM_HEAD_BYTES = 4;

/** What `readElement` returns when the element is not whole. */
const INCOMPLETE = Symbol('incomplete');
/** What it returns when an aggregate was put on the stack. */
const OPENED = Symbol('opened');

interface Aggregate {
  readonly kind: number;
  readonly items: Reply[];
  left: number;
}

const decoder = new TextDecoder('utf-8', { ignoreBOM: true });

export class ReplyDecoder {
  private readonly handlers: ReplyHandlers;
  private readonly stack: Aggregate[] = [];
  private asBuffers = false;
  private bytes: Uint8Array = new Uint8Array(0);
  private at = 0;
  /** Pieces of an element that is not whole, and how many bytes there are and must be to go on. */
  private pieces: Uint8Array[] = [];
  private keptBytes = 0;
  private wantedBytes = 0;

  constructor(handlers: ReplyHandlers) {
    this.handlers = handlers;
  }

  /** Reads what is whole, and keeps the rest. Throws RespiteError for what is not RESP. */
  push(bytes: Uint8Array): void {
    if (this.keptBytes > 0) {
      this.keep(bytes);
      if (this.keptBytes < this.wantedBytes) return;
      this.bytes = this.joined();
    } else {
      this.bytes = bytes;
    }
    this.at = 0;
    this.readAll();
    if (this.at < this.bytes.length) this.keep(this.bytes.subarray(this.at));
    // The bytes belong to who gave them.
    this.bytes = EMPTY;
  }

  private keep(bytes: Uint8Array): void {
    this.pieces.push(copyBytes(bytes));
    this.keptBytes += bytes.length;
  }

  private joined(): Uint8Array {
    const all = concatBytes(this.pieces);
    this.pieces = [];
    this.keptBytes = 0;
    this.wantedBytes = 0;
    return all;
  }

  private readAll(): void {
    while (this.at < this.bytes.length) {
      if (this.stack.length === 0) this.asBuffers = this.handlers.wantsBuffers();
      const from = this.at;
      const element = this.readElement();
      if (element === INCOMPLETE) {
        this.wantedBytes = Math.max(this.wantedBytes - from, 0);
        this.at = from;
        return;
      }
      if (element === OPENED) continue;
      if (this.stack.length === 0) this.handlers.onReply(element as Reply);
      else this.finish(element as Reply);
    }
  }

  /** Puts an element into the aggregate it belongs to; whole aggregates go into theirs. */
  private finish(element: Reply): void {
    let value = element;
    for (;;) {
      const top = this.stack[this.stack.length - 1];
      if (top === undefined) {
        this.handlers.onReply(value);
        return;
      }
      top.items.push(value);
      top.left -= 1;
      if (top.left > 0) return;
      this.stack.pop();
      if (top.kind === ATTRIBUTE) return;
      if (top.kind === PUSH) {
        this.handlers.onPush(top.items);
        return;
      }
      value = assemble(top);
    }
  }

  private readElement(): Reply | typeof INCOMPLETE | typeof OPENED {
    const { bytes } = this;
    const from = this.at + 1;
    // Most of the time a line is a short number.
    let end = from;
    for (let digit = bytes[end]; digit !== undefined && digit <= NINE && digit >= ZERO; ) {
      end += 1;
      digit = bytes[end];
    }
    if (bytes[end] !== CR) end = bytes.indexOf(CR, end);
    if (end < 0 || end + 1 >= bytes.length) return INCOMPLETE;
    this.at = end + 2;
    const kind = bytes[from - 1] as number;
    switch (kind) {
      case BULK:
      case VERBATIM:
      case BULK_ERROR:
        return this.readBulk(kind, readLength(bytes, from, end));
      case INTEGER:
        return readInteger(bytes, from, end);
      case SIMPLE:
        return readText(bytes, from, end);
      case ERROR:
        return new ReplyError(readText(bytes, from, end));
      case NULL:
        return null;
      case BOOLEAN:
        return bytes[from] === 116;
      case DOUBLE:
        return readDouble(readText(bytes, from, end));
      case BIG_NUMBER:
        return BigInt(readText(bytes, from, end));
      case ARRAY:
      case SET:
      case PUSH:
        return this.open(kind, readLength(bytes, from, end));
      case MAP:
      case ATTRIBUTE:
        return this.open(kind, readLength(bytes, from, end) * 2);
      default:
        throw new RespiteError(
          'PROTOCOL',
          `A reply cannot begin with byte ${kind}: what is on the other side does not speak RESP`,
        );
    }
  }

  private readBulk(kind: number, length: number): Reply | typeof INCOMPLETE {
    if (length < 0) return null;
    const { bytes, at } = this;
    const end = at + length;
    if (end + 2 > bytes.length) {
      this.wantedBytes = end + 2;
      return INCOMPLETE;
    }
    this.at = end + 2;
    if (kind === BULK_ERROR) return new ReplyError(readText(bytes, at, end));
    const from = kind === VERBATIM ? at + VERBATIM_HEAD_BYTES : at;
    return this.asBuffers ? copyBytes(bytes.subarray(from, end)) : readText(bytes, from, end);
  }

  private open(kind: number, length: number): Reply | typeof OPENED {
    if (length < 0) return null;
    const aggregate = { kind, items: [], left: length };
    if (length === 0) return kind === ATTRIBUTE ? OPENED : assemble(aggregate);
    this.stack.push(aggregate);
    return OPENED;
  }
}

const EMPTY = new Uint8Array(0);

function assemble({ kind, items }: Aggregate): Reply {
  if (kind === SET) return new Set(items);
  if (kind !== MAP) return items;
  const map = new Map<Reply, Reply>();
  for (let i = 0; i < items.length; i += 2) map.set(items[i] as Reply, items[i + 1] as Reply);
  return map;
}

function readLength(bytes: Uint8Array, from: number, end: number): number {
  if (bytes[from] === MINUS) return -1;
  let length = 0;
  for (let i = from; i < end; i += 1) length = length * 10 + (bytes[i] as number) - ZERO;
  return length;
}

function readInteger(bytes: Uint8Array, from: number, end: number): number | bigint {
  const isNegative = bytes[from] === MINUS;
  const first = isNegative ? from + 1 : from;
  if (end - first > EXACT_DIGITS) {
    const exact = BigInt(readText(bytes, from, end));
    const number = Number(exact);
    return Number.isSafeInteger(number) ? number : exact;
  }
  let value = 0;
  for (let i = first; i < end; i += 1) value = value * 10 + (bytes[i] as number) - ZERO;
  return isNegative && value !== 0 ? -value : value;
}

function readDouble(text: string): number {
  if (text === 'inf') return Number.POSITIVE_INFINITY;
  if (text === '-inf') return Number.NEGATIVE_INFINITY;
  return Number(text);
}

function readText(bytes: Uint8Array, from: number, end: number): string {
  if (end - from > COPIED_CHARACTERS) return decoder.decode(bytes.subarray(from, end));
  let text = '';
  let at = from;
  // Eight characters in one call: a string that grows by one each time is a new one each time.
  for (; at + 8 <= end; at += 8) {
    const a = bytes[at] as number;
    const b = bytes[at + 1] as number;
    const c = bytes[at + 2] as number;
    const d = bytes[at + 3] as number;
    const e = bytes[at + 4] as number;
    const f = bytes[at + 5] as number;
    const g = bytes[at + 6] as number;
    const h = bytes[at + 7] as number;
    if ((a | b | c | d | e | f | g | h) > 127) return decoder.decode(bytes.subarray(from, end));
    text += String.fromCharCode(a, b, c, d, e, f, g, h);
  }
  if (at + 4 <= end) {
    const a = bytes[at] as number;
    const b = bytes[at + 1] as number;
    const c = bytes[at + 2] as number;
    const d = bytes[at + 3] as number;
    if ((a | b | c | d) > 127) return decoder.decode(bytes.subarray(from, end));
    text += String.fromCharCode(a, b, c, d);
    at += 4;
  }
  for (; at < end; at += 1) {
    const character = bytes[at] as number;
    if (character > 127) return decoder.decode(bytes.subarray(from, end));
    text += String.fromCharCode(character);
  }
  return text;
}
