// HyperLogLog: PFADD, PFCOUNT, PFMERGE, PFDEBUG, PFSELFTEST.

import { expect } from 'vitest';
import { family } from '../support/family.ts';
import { showReply } from '../support/reply_notation.ts';

const WRONGTYPE = '-WRONGTYPE Operation against a key holding the wrong kind of value';
const NO_HLL = '-WRONGTYPE Key is not a valid HyperLogLog string value.';
const CORRUPT = '-INVALIDOBJ Corrupted HLL object detected';
/** A sparse one without elements, but for its header's other bytes and its run. */
const HEADER = String.raw`HYLL\x01\x00\x00\x00`;
const NO_CARDINALITY = String.raw`\x00\x00\x00\x00\x00\x00\x00\x80`;
/** After PFADD of a, b and c, and after a PFCOUNT of that. */
const RUNS = String.raw`\x60\xf3\x80P\xb1\x84K\xfb\x80BZ`;
const FRESH = `"${HEADER}${NO_CARDINALITY}${RUNS}"`;
const COUNTED = String.raw`"${HEADER}\x03\x00\x00\x00\x00\x00\x00\x00${RUNS}"`;

family('HyperLogLog', [
  [
    'PFADD tells whether the estimate may have changed',
    `
      PFADD k => 1
      PFADD k => 0
      PFADD k a b c => 1
      PFADD k a b c => 0
      PFADD k "" => 1
      PFADD k a d => 1
      PFCOUNT k => 5
      PFCOUNT none => 0
      PFADD => -ERR wrong number of arguments for 'pfadd' command
      PFCOUNT => -ERR wrong number of arguments for 'pfcount' command
    `,
  ],
  [
    'the value has the bytes of Redis, and PFCOUNT keeps its result in them',
    String.raw`
      PFADD empty => 1
      GET empty => "${HEADER}${NO_CARDINALITY}\x7f\xff"
      PFADD k a b c => 1
      GET k => ${FRESH}
      OBJECT ENCODING k => "raw"
      PFCOUNT k => 3
      GET k => ${COUNTED}
      PFADD k a => 0
      GET k => ${COUNTED}
      STRLEN k => 27
    `,
  ],
  [
    'a value that a client writes back goes on as before',
    `
      SET k ${COUNTED} EX 100
      OBJECT ENCODING k => "embstr"
      PFCOUNT k => 3
      OBJECT ENCODING k => "raw"
      PFADD k a => 0
      PFADD k d => 1
      PFCOUNT k => 4
      TTL k => <99..100>
      PFMERGE k k => +OK
      TTL k => <99..100>
    `,
  ],
  [
    'the cached cardinality is believed',
    String.raw`
      SET k "${HEADER}\x05\x00\x00\x00\x00\x00\x00\x00\x7f\xff"
      PFCOUNT k => 5
      PFCOUNT k none => 0
      PFADD k a => 1
      PFCOUNT k => 1
    `,
  ],
  [
    'PFCOUNT of several keys counts their union and changes none',
    String.raw`
      PFADD a 1 2 3
      PFADD b 3 4
      PFCOUNT a b none => 4
      GETRANGE a 8 15 => "\x00\x00\x00\x00\x00\x00\x00\x80"
      PFCOUNT a a => 3
    `,
  ],
  [
    'PFMERGE adds the elements of all sources to the destination',
    `
      PFADD a 1 2 3
      PFADD b 3 4
      PFADD d 9
      PFMERGE d a b none => +OK
      PFCOUNT d => 5
      PFCOUNT a => 3
      PFMERGE new => +OK
      STRLEN new => 18
      PFCOUNT new => 0
      PFMERGE => -ERR wrong number of arguments for 'pfmerge' command
    `,
  ],
  [
    'PFMERGE is dense if a source is',
    `
      PFADD a 1 2 3
      PFADD b 3 4
      PFDEBUG TODENSE a => 1
      PFMERGE d b a => +OK
      PFDEBUG ENCODING d => +dense
      STRLEN d => 12304
      PFMERGE e b => +OK
      PFDEBUG ENCODING e => +sparse
      PFCOUNT d => 4
    `,
  ],
  [
    'other strings and other types are refused',
    String.raw`
      SET n 5
      SET s HYLL
      SET t "HYLM\x01\x00\x00\x00${NO_CARDINALITY}\x7f\xff"
      SET u "HYLL\x02\x00\x00\x00${NO_CARDINALITY}\x7f\xff"
      SET dense "HYLL\x00\x00\x00\x00${NO_CARDINALITY}\x7f\xff"
      PFADD n a => ${NO_HLL}
      PFADD s => ${NO_HLL}
      PFCOUNT t => ${NO_HLL}
      PFCOUNT none u => ${NO_HLL}
      PFMERGE d dense => ${NO_HLL}
      PFMERGE n => ${NO_HLL}
      PFDEBUG ENCODING s => ${NO_HLL}
      RPUSH l x
      PFADD l a => ${WRONGTYPE}
      PFCOUNT l => ${WRONGTYPE}
      PFCOUNT none l => ${WRONGTYPE}
      PFMERGE d l => ${WRONGTYPE}
      PFMERGE l => ${WRONGTYPE}
      PFDEBUG ENCODING l => ${WRONGTYPE}
      EXISTS d => 0
    `,
  ],
  [
    'runs that do not cover all registers are an error wherever they matter',
    String.raw`
      SET k "${HEADER}${NO_CARDINALITY}\x7f\x00"
      PFCOUNT k => ${CORRUPT}
      PFCOUNT k none => ${CORRUPT}
      PFMERGE d k => ${CORRUPT}
      PFMERGE k => ${CORRUPT}
      PFDEBUG GETREG k => ${CORRUPT}
      PFDEBUG TODENSE k => ${CORRUPT}
      PFDEBUG DECODE k => "Z:16129"
      EXISTS d => 0
      SET long "${HEADER}${NO_CARDINALITY}\x7f\xff\x00"
      PFCOUNT long => ${CORRUPT}
      SET none "${HEADER}${NO_CARDINALITY}"
      PFCOUNT none => ${CORRUPT}
      PFDEBUG DECODE none => ""
      PFADD none a => ${CORRUPT}
    `,
  ],
  [
    'PFDEBUG shows runs, registers and the encoding',
    async ({ client, run }) => {
      await run(`
        PFADD k a b c
        PFDEBUG ENCODING k => +sparse
        PFDEBUG decode k => "Z:8436 v:1,1 Z:4274 v:2,1 Z:3068 v:1,1 Z:603"
      `);
      const reply = await client.call('PFDEBUG', 'GETREG', 'k');
      const values = reply.kind === 'array' ? reply.items : [];
      const set = values.flatMap((item, i) =>
        item.kind === 'integer' && item.value !== 0n ? [`${i}:${item.value}`] : [],
      );
      expect([values.length, ...set]).toEqual([16384, '8436:1', '12711:2', '15780:1']);
      await run(`
        PFDEBUG ENCODING k => +dense
        PFDEBUG TODENSE k => 0
        PFDEBUG DECODE k => -ERR HLL encoding is not sparse
        PFDEBUG NOSUCH k => -ERR Unknown PFDEBUG subcommand 'NOSUCH'
        PFDEBUG NOSUCH none => -ERR The specified key does not exist
        PFCOUNT k => 3
      `);
    },
  ],
  [
    'a sparse one grows up to hll-sparse-max-bytes',
    async ({ client, run }) => {
      const elements = Array.from({ length: 200 }, (_, i) => `element ${i}`);
      await client.call('PFADD', 'k', ...elements);
      await run(`
        PFDEBUG ENCODING k => +dense
        STRLEN k => 12304
        CONFIG SET hll-sparse-max-bytes 3000
      `);
      await client.call('PFADD', 'other', ...elements);
      await run(`
        PFDEBUG ENCODING other => +sparse
        PFCOUNT other => <198..202>
        PFCOUNT k other => <198..202>
      `);
    },
    { config: { 'hll-sparse-max-bytes': '100' } },
  ],
  [
    'PFADD and PFMERGE tell listeners, PFCOUNT only who watches',
    async ({ connect, run }) => {
      const listener = await connect('listener');
      await run(`
        @listener PSUBSCRIBE __keyspace@* => >["psubscribe", "__keyspace@*", 1]
        PFADD k a
        PFADD k a
        PFCOUNT k
        PFMERGE d k
        PFADD last
        PFADD k b
        WATCH k
        @other PFCOUNT k => 2
        MULTI
        PING => +QUEUED
        EXEC => nil-array
      `);
      for (const key of ['k', 'd', 'last']) {
        const shown = showReply((await listener.read()).reply).replace(/^>/, '');
        expect(shown).toBe(`["pmessage", "__keyspace@*", "__keyspace@0__:${key}", "pfadd"]`);
      }
      listener.takeUnread();
    },
    { config: { 'notify-keyspace-events': 'K$' } },
  ],
  ['PFSELFTEST passes', 'PFSELFTEST => +OK'],
]);
