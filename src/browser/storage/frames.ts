// The form of a log: frames, each with what was written at one go.
//
//   file:   "RSPTLOG1" | salt | sum of the 12 bytes before │ frame │ frame │ ...
//   frame:  length | number | sum of body | sum of the 12 bytes before │ body: commands in RESP
//
// All numbers are 32 bits, little endian. Sums are CRC-32 that begin with the salt, so that no value that
// somebody stores can look like a frame. Frames are numbered from 1. A body is one or several whole units
// of the core's stream (assembly/keyspace/propagation.ts), so a log that ends with a whole frame
// ends with a whole transaction.
//
// A frame is begun only when the one before is durable. So what a crash tears is the last one, and that
// was never acknowledged: it is cut off. A frame that is broken with a good one behind it is damage, and
// nothing behind it can be used: then reading fails and the file stays as it is.

import { RespiteError } from '../../embedded/errors.ts';
import type { Backend } from './backend.ts';
import { crc32 } from './crc32.ts';

const MAGIC = [0x52, 0x53, 0x50, 0x54, 0x4c, 0x4f, 0x47, 0x31];
export const LOG_HEAD_BYTES = 16;
export const FRAME_HEAD_BYTES = 16;
const SUMMED_BYTES = 12;
/** Bytes read at a time. */
const PIECE_BYTES = 1 << 20;

/** The first bytes of a log with a salt of its own. */
export function logHead(salt: number): Uint8Array {
  const head = new Uint8Array(LOG_HEAD_BYTES);
  head.set(MAGIC);
  const data = new DataView(head.buffer);
  data.setUint32(8, salt, true);
  data.setUint32(12, crc32(head.subarray(0, SUMMED_BYTES)), true);
  return head;
}

/** A frame of these parts of a body. */
export function frame(salt: number, number: number, parts: readonly Uint8Array[]): Uint8Array {
  const length = parts.reduce((sum, part) => sum + part.length, 0);
  const bytes = new Uint8Array(FRAME_HEAD_BYTES + length);
  let at = FRAME_HEAD_BYTES;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  const data = new DataView(bytes.buffer);
  data.setUint32(0, length, true);
  data.setUint32(4, number, true);
  data.setUint32(8, crc32(bytes.subarray(FRAME_HEAD_BYTES), salt), true);
  data.setUint32(SUMMED_BYTES, crc32(bytes.subarray(0, SUMMED_BYTES), salt), true);
  return bytes;
}

/** What a log is, once it was read. */
export interface LogState {
  readonly salt: number;
  /** The last whole frame's number, and the position behind it. */
  readonly frames: number;
  readonly end: number;
  /** Something torn comes behind the end. */
  readonly isTorn: boolean;
}

/**
 * Reads the log `name` of `size` bytes and hands out the bodies, which are valid during the call. Undefined
 * when not even its head is whole, so that it cannot have a frame. Throws STORAGE when it is damaged.
 */
export async function readLog(
  backend: Backend,
  name: string,
  size: number,
  onBody: (body: Uint8Array) => void | Promise<void>,
): Promise<LogState | undefined> {
  const reader = new LogReader(backend, name, size);
  const salt = await reader.head();
  if (salt === undefined) return undefined;
  let frames = 0;
  for (;;) {
    const body = await reader.next(salt, frames + 1);
    if (body === undefined) break;
    frames += 1;
    await onBody(body);
  }
  const { position: end } = reader;
  if (end < size && (await reader.hasFrameBehind(salt, frames))) throw damaged(name, end);
  return { salt, frames, end, isTorn: end < size };
}

function damaged(name: string, position: number): RespiteError {
  return new RespiteError(
    'STORAGE',
    `The stored data are damaged: ${name} is broken at byte ${position}, with data behind it. Nothing was changed.`,
  );
}

class LogReader {
  private readonly backend: Backend;
  private readonly name: string;
  private readonly size: number;
  private piece: Uint8Array = new Uint8Array(0);
  private pieceStart = 0;
  /** Behind the last whole frame. */
  position = 0;

  constructor(backend: Backend, name: string, size: number) {
    this.backend = backend;
    this.name = name;
    this.size = size;
  }

  async head(): Promise<number | undefined> {
    const head = await this.bytes(0, LOG_HEAD_BYTES);
    if (head === undefined) return undefined;
    const data = viewOf(head);
    const isWhole =
      MAGIC.every((byte, i) => head[i] === byte) &&
      data.getUint32(SUMMED_BYTES, true) === crc32(head.subarray(0, SUMMED_BYTES));
    if (!isWhole) {
      // With something behind it, it was whole once.
      if (this.size > LOG_HEAD_BYTES) throw damaged(this.name, 0);
      return undefined;
    }
    this.position = LOG_HEAD_BYTES;
    return data.getUint32(8, true);
  }

  /** The body of the frame at the position, which goes behind it. Undefined when there is no whole one. */
  async next(salt: number, number: number): Promise<Uint8Array | undefined> {
    const head = await this.bytes(this.position, FRAME_HEAD_BYTES);
    if (head === undefined) return undefined;
    const found = headOf(head, salt);
    if (found?.number !== number) return undefined;
    const body = await this.bytes(this.position + FRAME_HEAD_BYTES, found.length);
    if (body === undefined || crc32(body, salt) !== found.sum) return undefined;
    this.position += FRAME_HEAD_BYTES + found.length;
    return body;
  }

  /** Whether a later frame's head is anywhere behind the position. */
  async hasFrameBehind(salt: number, number: number): Promise<boolean> {
    for (let at = this.position + 1; at + FRAME_HEAD_BYTES <= this.size; ) {
      const length = Math.min(PIECE_BYTES, this.size - at);
      const piece = await this.bytes(at, length);
      if (piece === undefined) return false;
      for (let i = 0; i + FRAME_HEAD_BYTES <= length; i++) {
        const found = headOf(piece.subarray(i, i + FRAME_HEAD_BYTES), salt, number + 1);
        if (found !== undefined) return true;
      }
      at += length - FRAME_HEAD_BYTES + 1;
    }
    return false;
  }

  /** So many bytes; undefined when there are fewer. */
  private async bytes(position: number, length: number): Promise<Uint8Array | undefined> {
    if (position + length > this.size) return undefined;
    let from = position - this.pieceStart;
    if (from < 0 || from + length > this.piece.length) {
      const wanted = Math.min(Math.max(length, PIECE_BYTES), this.size - position);
      this.piece = await this.backend.read(this.name, position, wanted);
      this.pieceStart = position;
      from = 0;
    }
    return this.piece.length < from + length ? undefined : this.piece.subarray(from, from + length);
  }
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

interface FrameHead {
  readonly length: number;
  readonly number: number;
  readonly sum: number;
}

/** What the bytes say if they are a frame's head, of a number not below `least`. */
function headOf(bytes: Uint8Array, salt: number, least = 1): FrameHead | undefined {
  const data = viewOf(bytes);
  const number = data.getUint32(4, true);
  // Nearly everything fails here, without a sum.
  if (number < least || data.getUint32(0, true) === 0) return undefined;
  if (data.getUint32(SUMMED_BYTES, true) !== crc32(bytes.subarray(0, SUMMED_BYTES), salt)) {
    return undefined;
  }
  return { length: data.getUint32(0, true), number, sum: data.getUint32(8, true) };
}
