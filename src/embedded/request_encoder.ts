// Writes commands as RESP arrays of bulk strings.
//
// Most arguments are short and ASCII: those are copied character by character, which is faster than a
// call of the encoder; the first other character sends the argument through the encoder.

import { RespiteError } from './errors.ts';
import type { CommandArg } from './reply.ts';

const CR = 13;
const LF = 10;
const ASTERISK = 42;
const DOLLAR = 36;
const ZERO = 48;

/** "$" or "*", at most ten digits, CR LF. */
const HEAD_BYTES = 13;
/** UTF-8 needs at most this much for a character of a string. */
const BYTES_PER_CHARACTER = 3;
/** Longer texts go to the encoder at once. */
const COPIED_CHARACTERS = 64;

const encoder = new TextEncoder();

/**
 * Looked up once: V8 stops to optimise the lookup on every text as soon as any class extends String, which ioredis
 * has one of, and then commands take half as long again.
 */
const { charCodeAt } = String.prototype;

function argumentText(argument: string | number | bigint): string {
  if (typeof argument === 'string') return argument;
  if (argument === Number.POSITIVE_INFINITY) return 'inf';
  if (argument === Number.NEGATIVE_INFINITY) return '-inf';
  return String(argument);
}

/** Bytes that the command takes at most. Throws BAD_OPTION for what cannot be an argument. */
export function requestBound(command: readonly CommandArg[]): number {
  let bound = HEAD_BYTES;
  for (const argument of command) {
    if (typeof argument === 'string') {
      bound += argument.length * BYTES_PER_CHARACTER + HEAD_BYTES + 2;
    } else if (typeof argument === 'number' || typeof argument === 'bigint') {
      bound += argumentText(argument).length + HEAD_BYTES + 2;
    } else if (argument instanceof Uint8Array) {
      bound += argument.length + HEAD_BYTES + 2;
    } else {
      throw new RespiteError(
        'BAD_OPTION',
        `An argument of a command is a string, a number, a bigint or bytes, not ${describe(argument)}`,
      );
    }
  }
  return bound;
}

function describe(value: unknown): string {
  if (value === null || value === undefined) return String(value);
  return typeof value === 'object' ? `an object (${value.constructor?.name})` : `a ${typeof value}`;
}

/** Writes the command at `at`; returns where it ends. The room has been asked for with `requestBound`. */
export function writeRequest(room: Uint8Array, at: number, command: readonly CommandArg[]): number {
  let end = writeHead(room, at, ASTERISK, command.length);
  for (const argument of command) {
    if (typeof argument === 'string') end = writeText(room, end, argument);
    else if (argument instanceof Uint8Array) end = writeBytes(room, end, argument);
    else end = writeText(room, end, argumentText(argument));
  }
  return end;
}

/** The bytes of many commands. Throws BAD_OPTION for what cannot be an argument. */
export function encodeRequests(commands: readonly (readonly CommandArg[])[]): Uint8Array {
  let bound = 0;
  for (const command of commands) bound += requestBound(command);
  const bytes = new Uint8Array(bound);
  let length = 0;
  for (const command of commands) length = writeRequest(bytes, length, command);
  return bytes.slice(0, length);
}

function writeHead(room: Uint8Array, at: number, kind: number, length: number): number {
  room[at] = kind;
  let end = at + 1;
  if (length < 10) {
    room[end++] = ZERO + length;
  } else {
    const first = end;
    for (let rest = length; rest > 0; rest = Math.floor(rest / 10)) end += 1;
    let rest = length;
    for (let place = end - 1; place >= first; place -= 1) {
      room[place] = ZERO + (rest % 10);
      rest = Math.floor(rest / 10);
    }
  }
  room[end] = CR;
  room[end + 1] = LF;
  return end + 2;
}

function writeEnd(room: Uint8Array, at: number): number {
  room[at] = CR;
  room[at + 1] = LF;
  return at + 2;
}

function writeBytes(room: Uint8Array, at: number, bytes: Uint8Array): number {
  const from = writeHead(room, at, DOLLAR, bytes.length);
  room.set(bytes, from);
  return writeEnd(room, from + bytes.length);
}

function writeText(room: Uint8Array, at: number, text: string): number {
  const { length } = text;
  if (length > COPIED_CHARACTERS) return writeEncoded(room, at, text);
  const from = writeHead(room, at, DOLLAR, length);
  for (let i = 0; i < length; i += 1) {
    const character = charCodeAt.call(text, i);
    if (character > 127) return writeEncoded(room, at, text);
    room[from + i] = character;
  }
  return writeEnd(room, from + length);
}

/** The length stands before the text and is known behind it: the text is written at its likely place. */
function writeEncoded(room: Uint8Array, at: number, text: string): number {
  const likely = writeHead(room, at, DOLLAR, text.length);
  const { written } = encoder.encodeInto(text, room.subarray(likely));
  const from = at + headLength(written);
  if (from !== likely) room.copyWithin(from, likely, likely + written);
  writeHead(room, at, DOLLAR, written);
  return writeEnd(room, from + written);
}

function headLength(length: number): number {
  let digits = 1;
  for (let rest = length; rest >= 10; rest = Math.floor(rest / 10)) digits += 1;
  return digits + 3;
}
