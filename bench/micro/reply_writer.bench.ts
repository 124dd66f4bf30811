// The host's reply encoder: what a reply of a host command costs to encode.
//
// One task encodes a whole reply, most of them many times over, so that the clock's own cost does
// not count; the name says how many.

import type { Bench } from 'tinybench';
import { ReplyWriter } from '../../src/core/reply_writer.ts';

const REPEATS = 1000;

export function defineBenchmarks(bench: Bench): void {
  const fields = Array.from({ length: 50 }, (_, index) => `directive-${index}`);
  const payload = Buffer.alloc(512, 'x');
  const repeated = (name: string, resp: 2 | 3, write: (writer: ReplyWriter) => unknown) =>
    bench.add(`${name}, RESP${resp}, ${REPEATS} times`, () => {
      const writer = new ReplyWriter(resp);
      for (let count = 0; count < REPEATS; count++) write(writer);
      return writer.size;
    });
  repeated('OK', 2, (writer) => writer.ok());
  repeated('integer', 2, (writer) => writer.integer(1_234_567));
  repeated('bulk of 3 characters', 2, (writer) => writer.bulk('xxx'));
  repeated('bulk of 512 bytes', 2, (writer) => writer.bulk(payload));
  repeated('double', 2, (writer) => writer.double(3.25));
  repeated('double', 3, (writer) => writer.double(3.25));
  bench.add('CONFIG GET * of 50 directives, RESP2', () => configReply(2, fields));
  bench.add('CONFIG GET * of 50 directives, RESP3', () => configReply(3, fields));
}

function configReply(resp: 2 | 3, fields: readonly string[]): number {
  const writer = new ReplyWriter(resp);
  writer.map(fields.length);
  for (const field of fields) writer.bulk(field).bulk('value');
  return writer.size;
}
