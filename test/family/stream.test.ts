// Streams: adding, ranges, reading on, deleting, trimming, the last id.

import { expect } from 'vitest';
import { family } from '../support/family.ts';
import { showReply } from '../support/reply_notation.ts';
import type { RespClient } from '../support/resp_client.ts';

const WRONGTYPE = '-WRONGTYPE Operation against a key holding the wrong kind of value';
const NOT_INTEGER = '-ERR value is not an integer or out of range';
const SYNTAX = '-ERR syntax error';
const BAD_ID = '-ERR Invalid stream ID specified as stream command argument';
const TOO_SMALL =
  '-ERR The ID specified in XADD is equal or smaller than the target stream top item';
const MAX = '18446744073709551615';
const BAD_START = '-ERR invalid start ID for the interval';
const BAD_END = '-ERR invalid end ID for the interval';
const INCOMPATIBLE =
  '-ERR syntax error, MAXLEN and MINID options at the same time are not compatible';

/** The next message a listener gets, as its texts and numbers. */
async function message(client: RespClient): Promise<string> {
  return showReply((await client.read()).reply).replace(/^>/, '');
}

family('streams', [
  // --- Adding ---
  [
    'XADD adds an entry and replies with its id',
    `
      XADD s 1-1 a 1 => "1-1"
      XADD s 1-2 a 2 b 3 => "1-2"
      XADD s 7 c "" => "7-0"
      XLEN s => 3
      XRANGE s - + => [["1-1", ["a", "1"]], ["1-2", ["a", "2", "b", "3"]], ["7-0", ["c", ""]]]
      TYPE s => +stream
      OBJECT ENCODING s => "stream"
      XLEN none => 0
    `,
  ],
  [
    'XADD makes ids of the clock, and of the last id where that is ahead',
    `
      XADD s * a 1 => /^\\d{13,}-\\d+$/
      XADD s 9223372036854775807-5 a 1 => "9223372036854775807-5"
      XADD s * a 1 => "9223372036854775807-6"
      XADD t 1-${MAX} a 1
      XADD t * a 1 => /^\\d{13,}-0$/
      XADD u 5-* a 1 => "5-0"
      XADD u 5-* a 1 => "5-1"
      XADD u 4-* a 1 => ${TOO_SMALL}
      XADD u 6-* a 1 => "6-0"
      XADD v 0-* a 1 => "0-1"
    `,
  ],
  [
    'XADD has no sequence after the last one of a millisecond',
    `
      XADD w 1-${MAX} a 1
      XADD w 1-* a 1 => ${TOO_SMALL}
      XLEN w => 1
    `,
    { since: '7.2' },
  ],
  [
    'XADD accepts only ids above the last one ever used',
    `
      XADD s 5-5 a 1
      XADD s 5-5 a 1 => ${TOO_SMALL}
      XADD s 5-4 a 1 => ${TOO_SMALL}
      XADD s 4-9 a 1 => ${TOO_SMALL}
      XDEL s 5-5 => 1
      XADD s 5-5 a 1 => ${TOO_SMALL}
      XADD n 0-0 a 1 => -ERR The ID specified in XADD must be greater than 0-0
      XADD n 0 a 1 => -ERR The ID specified in XADD must be greater than 0-0
      EXISTS n => 0
      XADD m ${MAX}-${MAX} a 1
      XADD m * a 1
      => -ERR The stream has exhausted the last possible ID, unable to add more items
    `,
  ],
  [
    'ids are two unsigned numbers as strtoull reads them',
    `
      XADD s 01-002 a 1 => "1-2"
      XADD s " 2- 3" a 1 => "2-3"
      XADD s +3-+4 a 1 => "3-4"
      XADD s "4-5\\x00x" a 1 => "4-5"
      XADD s -1 a 1 => ${BAD_ID}
      XADD s 1- a 1 => ${BAD_ID}
      XADD s 1-2-3 a 1 => ${BAD_ID}
      XADD s 9--1 a 1 => ${BAD_ID}
      XADD s 18446744073709551616 a 1 => ${BAD_ID}
      XADD s "" a 1 => ${BAD_ID}
      XADD s - a 1 => ${BAD_ID}
      XADD s + a 1 => ${BAD_ID}
      XADD s *x a 1 => ${BAD_ID}
    `,
  ],
  [
    'XADD needs pairs of fields and values, and a stream or nothing',
    `
      XADD s 1 a => -ERR wrong number of arguments for 'xadd' command
      XADD s 1 a b c => -ERR wrong number of arguments for 'xadd' command
      XADD s MAXLEN 10 NOMKSTREAM 5 => -ERR wrong number of arguments for 'xadd' command
      SET k v
      XADD k 1 a b => ${WRONGTYPE}
      XADD k 0 a b => -ERR The ID specified in XADD must be greater than 0-0
      XLEN k => ${WRONGTYPE}
      XRANGE k - + => ${WRONGTYPE}
      XDEL k 1 => ${WRONGTYPE}
      XTRIM k MAXLEN 1 => ${WRONGTYPE}
      XSETID k 1 => ${WRONGTYPE}
      XINFO STREAM k => ${WRONGTYPE}
    `,
  ],
  [
    'XADD NOMKSTREAM adds only to a stream that exists',
    `
      XADD s NOMKSTREAM 1 a b => nil
      EXISTS s => 0
      XADD s 1 a b
      XADD s nomkstream 2 a b => "2-0"
    `,
  ],
  [
    'entries keep their fields, whatever these are and however many',
    async ({ client }) => {
      const values = ['', '0', '-1', '127', '4096', '9223372036854775807', '007', 'x'.repeat(70)];
      values.push('y'.repeat(5000), '\0\r\n');
      const entries = Array.from({ length: 450 }, (_, i) => {
        const fields =
          i % 7 === 0 ? ['odd', values[i % 10]!] : ['a', String(i), 'b', values[i % 9]!];
        return { id: `${1000 + i}-${i % 3}`, fields };
      });
      for (const { id, fields } of entries) await client.call('XADD', 's', id, ...fields);
      const shown = (from: typeof entries) =>
        from.map(({ id, fields }) => [id, ...fields].join(' ')).join('\n');
      const read = async (...args: string[]) => {
        const reply = await client.call(...(args as [string]));
        if (reply.kind !== 'array') throw new Error(reply.kind);
        return reply.items
          .map((entry) => {
            if (entry.kind !== 'array') throw new Error(entry.kind);
            const [id, fields] = entry.items;
            const text = (item: unknown) => (item as { bytes: Buffer }).bytes.toString('latin1');
            const items = (fields as { items: unknown[] }).items;
            return [text(id), ...items.map(text)].join(' ');
          })
          .join('\n');
      };
      expect(await read('XRANGE', 's', '-', '+')).toBe(shown(entries));
      expect(await read('XREVRANGE', 's', '+', '-')).toBe(shown([...entries].reverse()));
      expect(await read('XRANGE', 's', '1200', '1310', 'COUNT', '50')).toBe(
        shown(entries.slice(200, 250)),
      );
      const middle = entries.slice(150, 261).reverse();
      expect(await read('XREVRANGE', 's', '1260', '1150')).toBe(shown(middle));
    },
  ],
  // --- Ranges ---
  [
    'XRANGE and XREVRANGE give entries between two ids, both included unless marked',
    `
      XADD s 1-1 a 1
      XADD s 1-2 a 2
      XADD s 2-0 a 3
      XRANGE s 1 1 => [["1-1", ["a", "1"]], ["1-2", ["a", "2"]]]
      XRANGE s 1-2 2 => [["1-2", ["a", "2"]], ["2-0", ["a", "3"]]]
      XRANGE s (1-1 + => [["1-2", ["a", "2"]], ["2-0", ["a", "3"]]]
      XRANGE s - (2-0 => [["1-1", ["a", "1"]], ["1-2", ["a", "2"]]]
      XRANGE s (1 (2 => [["1-1", ["a", "1"]], ["1-2", ["a", "2"]], ["2-0", ["a", "3"]]]
      XRANGE s 3 4 => []
      XRANGE s + - => []
      XREVRANGE s + - COUNT 2 => [["2-0", ["a", "3"]], ["1-2", ["a", "2"]]]
      XREVRANGE s (2 1-2 => [["2-0", ["a", "3"]], ["1-2", ["a", "2"]]]
      XREVRANGE s (2-0 1-2 => [["1-2", ["a", "2"]]]
      XREVRANGE s - + => []
      XRANGE none - + => []
    `,
  ],
  [
    'COUNT limits ranges; 0 and less give a null array',
    `
      XADD s 1 a 1
      XADD s 2 a 2
      XRANGE s - + COUNT 1 => [["1-0", ["a", "1"]]]
      XRANGE s - + COUNT 9 COUNT 1 => [["1-0", ["a", "1"]]]
      XRANGE s - + COUNT 0 => nil-array
      XREVRANGE s + - COUNT -5 => nil-array
      XRANGE none - + COUNT 0 => []
      XRANGE s - + COUNT x => ${NOT_INTEGER}
      XRANGE s - + COUNT => ${SYNTAX}
      XRANGE s - + LIMIT 1 => ${SYNTAX}
    `,
  ],
  [
    'ranges refuse what is no id, before they look at the key',
    `
      SET k v
      XRANGE k x + => ${BAD_ID}
      XRANGE k - x => ${BAD_ID}
      XRANGE k (- + => ${BAD_ID}
      XRANGE k - (+ => ${BAD_ID}
      XRANGE k (${MAX}-${MAX} + => ${BAD_START}
      XRANGE k - (0-0 => ${BAD_END}
      XREVRANGE k (0-0 - => ${BAD_END}
      XREVRANGE k + (${MAX}-${MAX} => ${BAD_START}
      XRANGE k ( + => ${BAD_ID}
    `,
  ],
  // --- Reading on ---
  [
    'XREAD gives what is behind an id of each stream',
    `
      XADD a 1-1 f 1
      XADD a 1-2 f 2
      XADD b 5-0 f 3
      XREAD STREAMS a b 0 0
      => [["a", [["1-1", ["f", "1"]], ["1-2", ["f", "2"]]]], ["b", [["5-0", ["f", "3"]]]]]
      XREAD COUNT 1 STREAMS a b 1-1 4-9
      => [["a", [["1-2", ["f", "2"]]]], ["b", [["5-0", ["f", "3"]]]]]
      XREAD STREAMS none b a 0 9 1-1 => [["a", [["1-2", ["f", "2"]]]]]
      XREAD STREAMS a a 1-1 1-1 => [["a", [["1-2", ["f", "2"]]]], ["a", [["1-2", ["f", "2"]]]]]
      XREAD COUNT 0 STREAMS a 0 => [["a", [["1-1", ["f", "1"]], ["1-2", ["f", "2"]]]]]
      XREAD COUNT -1 STREAMS a 1-1 => [["a", [["1-2", ["f", "2"]]]]]
    `,
    { resp: 2 },
  ],
  [
    'XREAD replies with a map in RESP3',
    `
      XADD a 1-1 f 1
      XADD b 5-0 f 3
      XREAD STREAMS a none b 0 0 0
      => {"a": [["1-1", ["f", "1"]]], "b": [["5-0", ["f", "3"]]]}
    `,
    { resp: 3 },
  ],
  [
    'XREAD without anything to give replies with null',
    `
      XADD a 1-1 f 1
      XREAD STREAMS a 1-1 => nil-array
      XREAD STREAMS a $ => nil-array
      XREAD STREAMS a 1-${MAX} => nil-array
      XREAD STREAMS none 0 => nil-array
      XDEL a 1-1
      XREAD STREAMS a 0 => nil-array
    `,
  ],
  [
    'XREAD refuses what it does not understand',
    `
      SET k v
      XADD s 1 f v
      XREAD STREAMS k 0 => ${WRONGTYPE}
      XREAD STREAMS s k 0 0 => ${WRONGTYPE}
      XREAD STREAMS s > 
      => -ERR The > ID can be specified only when calling XREADGROUP using the GROUP <group> <consumer> option.
      XREAD STREAMS s - => ${BAD_ID}
      XREAD STREAMS s x => ${BAD_ID}
      XREAD COUNT x STREAMS s 0 => ${NOT_INTEGER}
      XREAD BLOCK x STREAMS s 0 => -ERR timeout is not an integer or out of range
      XREAD BLOCK -1 STREAMS s 0 => -ERR timeout is negative
      XREAD GROUP g c STREAMS s 0
      => -ERR The GROUP option is only supported by XREADGROUP. You called XREAD instead.
      XREAD NOACK STREAMS s 0
      => -ERR The NOACK option is only supported by XREADGROUP. You called XREAD instead.
      XREAD COUNT 1 BLOCK 1 => ${SYNTAX}
      XREAD FOO STREAMS s 0 => ${SYNTAX}
    `,
  ],
  [
    'XREAD names itself where keys and ids are not as many',
    `
      XREAD STREAMS a b 0
      => -ERR Unbalanced 'xread' list of streams: for each stream key an ID or '$' must be specified.
      XREADGROUP GROUP g c STREAMS a b 0
      => -ERR Unbalanced 'xreadgroup' list of streams: for each stream key an ID or '>' must be specified.
    `,
    { since: '7.2' },
  ],
  [
    'XREAD + gives the last entry there is',
    `
      XADD a 1-1 f 1
      XADD a 1-2 f 2
      XADD a 1-3 f 3
      XDEL a 1-3
      XREAD COUNT 5 STREAMS a none + + => [["a", [["1-2", ["f", "2"]]]]]
      XREAD STREAMS none + => nil-array
    `,
    { resp: 2, since: '7.4' },
  ],
  // --- Deleting ---
  [
    'XDEL deletes entries and counts those that were there',
    `
      XADD s 1 a 1
      XADD s 2 a 2
      XADD s 3 a 3
      XDEL s 2-0 9 2-0 => 1
      XRANGE s - + => [["1-0", ["a", "1"]], ["3-0", ["a", "3"]]]
      XDEL s 1 x => ${BAD_ID}
      XLEN s => 2
      XDEL s 1 3 => 2
      EXISTS s => 1
      XLEN s => 0
      XRANGE s - + => []
      XREVRANGE s + - => []
      XDEL none 1 => 0
    `,
  ],
  [
    'entries may be deleted anywhere, in streams of several nodes, until none is left',
    async ({ client }) => {
      const ids = Array.from({ length: 350 }, (_, i) => `${i + 1}-0`);
      for (const id of ids) await client.call('XADD', 's', id, 'f', id);
      // In an order that goes back and forth.
      const order = ids.map((id, i) => ({ id, at: (i * 137) % 350 })).sort((a, b) => a.at - b.at);
      let left = [...ids];
      for (const [i, { id }] of order.entries()) {
        expect(await client.call('XDEL', 's', id)).toEqual({ kind: 'integer', value: 1n });
        left = left.filter((each) => each !== id);
        if (i % 25 !== 0) continue;
        const found = async (...args: [string, ...string[]]) => {
          const reply = await client.call(...args);
          if (reply.kind !== 'array') throw new Error(reply.kind);
          return reply.items.map((e) => (e as { items: { bytes: Buffer }[] }).items[0]!.bytes);
        };
        expect((await found('XRANGE', 's', '-', '+')).map(String)).toEqual(left);
        const back = (await found('XREVRANGE', 's', '+', '-')).map(String);
        expect(back).toEqual([...left].reverse());
      }
      expect(await client.call('XLEN', 's')).toEqual({ kind: 'integer', value: 0n });
    },
  ],
  // --- Trimming ---
  [
    'XTRIM MAXLEN keeps the newest entries, MINID those from an id on',
    `
      XADD s 1 a 1
      XADD s 2 a 2
      XADD s 3 a 3
      XADD s 4 a 4
      XTRIM s MAXLEN 3 => 1
      XTRIM s MAXLEN = 3 => 0
      XTRIM s MINID 3 => 1
      XTRIM s MINID = 3-1 => 1
      XRANGE s - + => [["4-0", ["a", "4"]]]
      XTRIM s MAXLEN 0 => 1
      EXISTS s => 1
      XTRIM none MAXLEN 0 => 0
    `,
  ],
  [
    'approximate trimming removes whole nodes, up to a limit',
    `
      XADD s 1 a 1
      XADD s 2 a 2
      XADD s 3 a 3
      XADD s 4 a 4
      XADD s 5 a 5
      XTRIM s MAXLEN ~ 4 => 0
      XTRIM s MAXLEN ~ 2 LIMIT 1 => 0
      XTRIM s MAXLEN ~ 2 LIMIT 3 => 2
      XTRIM s MINID ~ 5 LIMIT 0 => 2
      XRANGE s - + => [["5-0", ["a", "5"]]]
      XADD s MAXLEN ~ 1 6 a 6 => "6-0"
      XLEN s => 2
      XADD s MAXLEN = 1 7 a 7 => "7-0"
      XRANGE s - + => [["7-0", ["a", "7"]]]
      XADD s MINID 8 8 a 8 => "8-0"
      XLEN s => 1
      XADD s MAXLEN 0 9 a 9 => "9-0"
      XLEN s => 0
    `,
    { config: { 'stream-node-max-entries': '2' } },
  ],
  [
    'nodes are as many as the directives say',
    `
      XADD s 1 a 1
      XADD s 2 a 2
      XADD s 3 a 3
      XINFO STREAM s => {"length": 3, "radix-tree-keys": 2, "radix-tree-nodes": <integer>,
      => "last-generated-id": "3-0", "max-deleted-entry-id": "0-0", "entries-added": 3,
      => "recorded-first-entry-id": "1-0", "groups": 0, "first-entry": ["1-0", ["a", "1"]],
      => "last-entry": ["3-0", ["a", "3"]]}
      CONFIG SET stream-node-max-entries 100 stream-node-max-bytes 1 => +OK
      XADD s 4 a 4
      XADD s 5 a 5
      XTRIM s MAXLEN ~ 1 => 4
    `,
    { config: { 'stream-node-max-entries': '2', 'stream-node-max-bytes': '4096' } },
  ],
  [
    'options of trimming exclude or need each other',
    `
      XTRIM s MAXLEN 1 MINID 1 => ${INCOMPATIBLE}
      XADD s MINID 1 MAXLEN 1 1 a b => ${INCOMPATIBLE}
      XTRIM s MAXLEN -1 => -ERR The MAXLEN argument must be >= 0.
      XTRIM s MAXLEN x => ${NOT_INTEGER}
      XTRIM s MAXLEN ~ => ${NOT_INTEGER}
      XTRIM s MINID x => ${BAD_ID}
      XTRIM s MAXLEN ~ 1 LIMIT -1 => -ERR The LIMIT argument must be >= 0.
      XTRIM s MAXLEN ~ 1 LIMIT x => ${NOT_INTEGER}
      XTRIM s MAXLEN 1 LIMIT 5
      => -ERR syntax error, LIMIT cannot be used without the special ~ option
      XTRIM s LIMIT 5
      => -ERR syntax error, LIMIT cannot be used without specifying a trimming strategy
      XTRIM s LIMIT 0 => -ERR syntax error, XTRIM must be called with a trimming strategy
      XADD s LIMIT 5 1 a b
      => -ERR syntax error, LIMIT cannot be used without specifying a trimming strategy
      XTRIM s FOO 1 => ${SYNTAX}
      XTRIM s MAXLEN 1 FOO => ${SYNTAX}
      EXISTS s => 0
    `,
  ],
  // --- The last id ---
  [
    'XSETID sets the last id and the counters',
    `
      XADD s 1 a 1
      XSETID s 5-5 => +OK
      XADD s 5-5 a 1 => ${TOO_SMALL}
      XADD s 5-* a 1 => "5-6"
      XSETID s 9-0 ENTRIESADDED 100 MAXDELETEDID 7-7 => +OK
      XINFO STREAM s => {"length": 2, "radix-tree-keys": 1, "radix-tree-nodes": 2,
      => "last-generated-id": "9-0", "max-deleted-entry-id": "7-7", "entries-added": 100,
      => "recorded-first-entry-id": "1-0", "groups": 0, "first-entry": ["1-0", ["a", "1"]],
      => "last-entry": ["5-6", ["a", "1"]]}
    `,
  ],
  [
    'XSETID refuses what contradicts the stream',
    `
      XSETID s 1 => -ERR no such key
      XADD s 5 a 1
      XSETID s 4 => -ERR The ID specified in XSETID is smaller than the target stream top item
      XSETID s 6 ENTRIESADDED 0
      => -ERR The entries_added specified in XSETID is smaller than the target stream length
      XSETID s 6 ENTRIESADDED -1 => -ERR entries_added must be positive
      XSETID s 6 ENTRIESADDED x => ${NOT_INTEGER}
      XSETID s 6 MAXDELETEDID 7
      => -ERR The ID specified in XSETID is smaller than the provided max_deleted_entry_id
      XSETID s x => ${BAD_ID}
      XSETID s 6 FOO => ${SYNTAX}
      XSETID s 6 MAXDELETEDID => ${SYNTAX}
    `,
  ],
  [
    'XSETID keeps the last id above what was deleted',
    `
      XADD s 5 a 1
      XDEL s 5
      XSETID s 4
      => -ERR The ID specified in XSETID is smaller than current max_deleted_entry_id
    `,
    { since: '7.2' },
  ],
  // --- The key ---
  [
    'streams are copied, renamed and expire as other values do',
    `
      XADD s 1 a 1
      XADD s 2 b 2
      XGROUP CREATE s g 0 => +OK
      XREADGROUP GROUP g c COUNT 1 STREAMS s >
      COPY s t => 1
      XDEL s 1 => 1
      XRANGE t - + => [["1-0", ["a", "1"]], ["2-0", ["b", "2"]]]
      XPENDING t g => [1, "1-0", "1-0", [["c", "1"]]]
      XADD t 3 c 3
      XLEN s => 1
      RENAME t u => +OK
      XLEN u => 3
      PEXPIRE u 1
      sleep 10
      EXISTS u => 0
      SET s x
      GET s => "x"
      MEMORY USAGE s => <integer>
    `,
  ],
  [
    'keyspace notifications tell what happened to a stream',
    async ({ connect, run }) => {
      const a = await connect('a');
      await run(`
        @a PSUBSCRIBE __key* => >["psubscribe", "__key*", 1]
        CONFIG SET notify-keyspace-events Kt
        XADD s 1 a 1
        XADD s MAXLEN 1 2 a 1
        XTRIM s MAXLEN 5
        XGROUP CREATE s g 0
        XREADGROUP GROUP g c STREAMS s >
        XACK s g 2
        XGROUP CREATECONSUMER s g d
        XCLAIM s g e 0 2
        XGROUP SETID s g 0
        XGROUP DELCONSUMER s g d
        XGROUP DESTROY s g
        XDEL s 1 2
        XSETID s 9
        XTRIM s MAXLEN 0
        XGROUP CREATE t g 0 MKSTREAM
        XINFO STREAM s
      `);
      const expected = [
        ...['xadd', 'xadd', 'xtrim', 'xgroup-create', 'xgroup-createconsumer'],
        ...['xgroup-createconsumer', 'xgroup-createconsumer', 'xgroup-setid'],
        ...['xgroup-delconsumer', 'xgroup-destroy', 'xdel', 'xsetid'],
      ];
      for (const event of expected) {
        expect(await message(a)).toBe(`["pmessage", "__key*", "__keyspace@0__:s", "${event}"]`);
      }
      expect(await message(a)).toBe('["pmessage", "__key*", "__keyspace@0__:t", "xgroup-create"]');
      await run('CONFIG SET notify-keyspace-events ""');
    },
    { since: '7.2' },
  ],
]);
