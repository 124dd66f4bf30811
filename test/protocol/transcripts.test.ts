// Replays the protocol transcripts: whole, byte by byte, and cut in two at every position.
//
// Long inputs are cut at fewer places: near the ends, around the sizes of buffers, and evenly between.

import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { quote } from '../support/arguments.ts';
import { newEngine } from '../support/in_process.ts';
import { startServer, type TestServer } from '../support/server.ts';
import { coreSelected, selectedTargets, type Target } from '../support/targets.ts';
import { type Exchange, type Pieces, TcpWire, type Wire } from '../support/wire.ts';
import { InProcessWire } from '../support/wire_in_process.ts';
import {
  blockBytes,
  parseTranscripts,
  readTranscripts,
  type Transcript,
  type TranscriptFile,
} from './transcripts.ts';

const FILES = readTranscripts(path.dirname(fileURLToPath(import.meta.url)));
const GROUP = 32;
const LONG_BYTES = 600;
const EDGE_BYTES = 40;
const EVEN_CUTS = 40;
const BUFFER_SIZES = [16_384, 32_768, 65_536];
const LONG_PIECE_BYTES = 977;

function cutPlaces(size: number): number[] {
  const all = Array.from({ length: Math.max(0, size - 1) }, (_, i) => i + 1);
  if (size <= LONG_BYTES) return all;
  return all.filter(
    (at) =>
      at <= EDGE_BYTES ||
      at >= size - EDGE_BYTES ||
      at % Math.ceil(size / EVEN_CUTS) === 0 ||
      BUFFER_SIZES.some((buffer) => Math.abs(at - buffer) <= 2),
  );
}

/** In single bytes, or, when that would take too long, in pieces of an odd size. */
function smallPieces(input: Buffer): Buffer[] {
  const size = input.length <= LONG_BYTES ? 1 : LONG_PIECE_BYTES;
  const pieces: Buffer[] = [];
  for (let at = 0; at < input.length; at += size) pieces.push(input.subarray(at, at + size));
  return pieces;
}

function show({ reply, closed }: Exchange): string {
  return `${quote(reply)}${closed ? ' closed' : ''}`;
}

async function replay(wire: Wire, transcript: Transcript, cuts: Pieces[]): Promise<void> {
  const expected = show({ reply: transcript.output, closed: transcript.closed });
  for (let at = 0; at < cuts.length; at += GROUP) {
    const group = cuts.slice(at, at + GROUP);
    for (const [i, exchange] of (await wire.exchange(group, transcript.closed)).entries()) {
      const pieces = group[i]?.map((piece) => piece.length).join(' ');
      expect(show(exchange), `in pieces of ${pieces} bytes`).toBe(expected);
    }
  }
}

function replayAll(file: TranscriptFile, wire: () => Wire): void {
  for (const transcript of file.transcripts) {
    const { input, title } = transcript;
    it(`${title} (whole)`, () => replay(wire(), transcript, [[input]]));
    it(`${title} (byte by byte)`, () => replay(wire(), transcript, [smallPieces(input)]));
    it(`${title} (cut in two anywhere)`, () =>
      replay(
        wire(),
        transcript,
        cutPlaces(input.length).map((at) => [input.subarray(0, at), input.subarray(at)]),
      ));
  }
}

function overTcp(file: TranscriptFile, target: Target): void {
  let server: TestServer;
  let wire: TcpWire;
  beforeAll(async () => {
    server = await startServer({
      kind: target.kind,
      args: [...target.args, ...file.serverArgs],
    });
    const at = file.serverArgs.indexOf('--requirepass');
    wire = await TcpWire.open({ port: server.port }, at < 0 ? undefined : file.serverArgs[at + 1]);
  });
  afterAll(async () => {
    await wire?.close();
    await server?.stop();
  });
  replayAll(file, () => wire);
}

for (const file of FILES) {
  for (const target of selectedTargets()) {
    describe.skipIf(!target.available)(`${file.title}, ${target.name}`, () =>
      overTcp(file, target),
    );
  }
  // In process there is no configuration.
  describe.skipIf(!coreSelected() || file.serverArgs.length > 0)(`${file.title}, core`, () => {
    let wire: Wire;
    beforeAll(() => {
      wire = new InProcessWire(newEngine());
    });
    replayAll(file, () => wire);
  });
}

describe('the form of transcripts', () => {
  it('is read with escapes, repetitions and line ends', () => {
    expect(blockBytes(['a\\r\\n', '\\x00\\xff\\\\', '\\{3:b\\n}c']).toString('latin1')).toBe(
      'a\r\n\0\xff\\b\nb\nb\nc',
    );
    expect(() => blockBytes(['\\q'])).toThrow(/no escape/);
    const file = parseTranscripts(
      'x.md',
      '# T\nServer: --a b\n## one\nprose\n```send\nA\n```\n```receive closed\nB\n```\n',
    );
    expect(file).toEqual({
      name: 'x.md',
      title: 'T',
      serverArgs: ['--a', 'b'],
      transcripts: [
        { title: 'one', input: Buffer.from('A'), output: Buffer.from('B'), closed: true },
      ],
    });
  });

  it.each([
    ['a title without blocks', '## one\n## two\n'],
    ['output without input', '## one\n```receive\n```\n'],
    ['an open block', '## one\n```send\nA\n'],
    ['an unknown block', '## one\n```sent\nA\n```\n'],
  ])('refuses %s', (_, markdown) => {
    expect(() => parseTranscripts('x.md', markdown)).toThrow();
  });
});
