// The parser fuzzer: random bytes must never break a server, and never mean something else because
// they arrive in other pieces.
//
// In this process each input is fed whole, in random pieces and (some short ones) byte by byte: all
// must give the same well-formed replies and the same end of the connection, and afterwards the memory
// in use must be what it was. Over TCP the same inputs go to two servers, and bytes and closing are
// compared.

import { quote } from '../support/arguments.ts';
import { Random } from '../support/random.ts';
import { decodeAll } from '../support/resp_decoder.ts';
import type { Exchange, Pieces, Wire } from '../support/wire.ts';
import { everyByte, protocolBytes, randomPieces } from './protocol_bytes.ts';

export interface ParserFinding {
  what: string;
  input: Buffer;
  pieces: Pieces;
  expected: string;
  found: string;
}

export interface ParserOptions {
  inputs: number;
  seed: number;
  onProgress?: (done: number) => void;
}

const BYTEWISE_MAX = 300;
/** Single bytes cost a hundred times as much, and one cut finds most of what they find. */
const BYTEWISE_ONE_IN = 16;
const GROUP = 32;
const PROGRESS_EVERY = 1024;

export function showExchange({ reply, closed }: Exchange): string {
  return `${quote(reply.subarray(0, 2000))}${closed ? ' closed' : ''}`;
}

function same(a: Exchange, b: Exchange): boolean {
  return a.closed === b.closed && a.reply.equals(b.reply);
}

/** Null when the bytes are whole, well-formed replies. */
function malformed(reply: Buffer): string | null {
  try {
    decodeAll(reply);
    return null;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

/** A server whose pieces are answered at once, in this process. */
export interface ParserSubject {
  exchangeOne(pieces: Pieces): Exchange;
  exchangeBytewise(input: Uint8Array): Exchange;
  /** Bytes in use, to find what inputs leave behind; 0 when unknown. */
  usedMemory(): number;
}

function checkInput(subject: ParserSubject, input: Buffer, random: Random): ParserFinding | null {
  const whole = subject.exchangeOne([input]);
  const wrong = malformed(whole.reply);
  if (wrong) {
    const found = `${wrong} in ${showExchange(whole)}`;
    return { what: 'malformed reply', input, pieces: [input], expected: 'whole replies', found };
  }
  let pieces = randomPieces(input, random);
  let cut = subject.exchangeOne(pieces);
  if (same(whole, cut) && input.length <= BYTEWISE_MAX && random.oneIn(BYTEWISE_ONE_IN)) {
    pieces = everyByte(input);
    cut = subject.exchangeBytewise(input);
  }
  if (same(whole, cut)) return null;
  const [expected, found] = [showExchange(whole), showExchange(cut)];
  return { what: 'other pieces, other outcome', input, pieces, expected, found };
}

/** Fuzzes in this process; a trap comes out as an exception with the input in its message. */
export function fuzzInProcess(
  subject: ParserSubject,
  options: ParserOptions,
): ParserFinding | null {
  const random = new Random(options.seed);
  // The first inputs make buffers grow to their working size.
  let settled = 0;
  for (let done = 0; done < options.inputs; done++) {
    const input = protocolBytes(random);
    let finding: ParserFinding | null;
    try {
      finding = checkInput(subject, input, random);
    } catch (cause) {
      throw new Error(`input ${done} of seed ${options.seed}: ${quote(input)}`, { cause });
    }
    if (finding) return finding;
    if (done % PROGRESS_EVERY !== PROGRESS_EVERY - 1) continue;
    options.onProgress?.(done + 1);
    const used = subject.usedMemory();
    if (settled === 0) settled = used;
    if (used > settled * 2) {
      const [expected, found] = [`about ${settled} bytes in use`, String(used)];
      return { what: 'memory left behind', input, pieces: [input], expected, found };
    }
  }
  return null;
}

/** Sends the same inputs to both servers and compares what comes back. */
export async function fuzzServers(
  a: Wire,
  b: Wire,
  options: ParserOptions,
): Promise<ParserFinding | null> {
  const random = new Random(options.seed);
  for (let done = 0; done < options.inputs; done += GROUP) {
    const inputs = Array.from({ length: GROUP }, () => protocolBytes(random));
    const cut = inputs.map((input) => (random.oneIn(3) ? randomPieces(input, random) : [input]));
    const [left, right] = await Promise.all([a.exchange(cut), b.exchange(cut)]);
    for (const [i, input] of inputs.entries()) {
      const pieces = cut[i] ?? [];
      const [one, other] = [left[i], right[i]];
      if (one && other && same(one, other)) continue;
      // Once more and alone, so that a busy machine is not taken for a difference.
      const [[again], [alike]] = await Promise.all([a.exchange([pieces]), b.exchange([pieces])]);
      if (!again || !alike || same(again, alike)) continue;
      const [expected, found] = [showExchange(again), showExchange(alike)];
      return { what: 'the servers differ', input, pieces, expected, found };
    }
    if (done % PROGRESS_EVERY === 0) options.onProgress?.(done + GROUP);
  }
  return null;
}
