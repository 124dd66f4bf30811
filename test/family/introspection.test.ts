// COMMAND and its subcommands.

import { expect } from 'vitest';
import { family } from '../support/family.ts';
import type { Reply } from '../support/resp_decoder.ts';

const GET_INFO =
  '["get", 2, ~[+"readonly", +"fast"], 1, 1, 1, ~[+"@read", +"@string", +"@fast"], ~[], ' +
  '~[{"flags": ~[+"RO", +"access"], ' +
  '"begin_search": {"type": "index", "spec": {"index": 1}}, ' +
  '"find_keys": {"type": "range", "spec": {"lastkey": 0, "keystep": 1, "limit": 0}}}], ~[]]';

function items(reply: Reply | undefined): Reply[] {
  if (!reply || !('items' in reply)) throw new Error('no aggregate');
  return reply.items;
}

function string(reply: Reply | undefined): string {
  if (reply?.kind === 'bulk') return reply.bytes.toString();
  if (reply?.kind === 'simple') return reply.text;
  throw new Error(`no string: ${reply?.kind}`);
}

family('COMMAND', [
  [
    'COMMAND INFO tells arity, flags, keys, categories, hints, key specifications, subcommands',
    `
      COMMAND INFO get => [${GET_INFO}]
      COMMAND INFO nosuch GET => [nil, ${GET_INFO}]
      COMMAND INFO object|encoding
      => [["object|encoding", 3, ~[+"readonly"], 2, 2, 1, ~[+"@keyspace", +"@read", +"@slow"],
      => ~["nondeterministic_output"],
      => ~[{"flags": ~[+"RO"], "begin_search": {"type": "index", "spec": {"index": 2}},
      => "find_keys": {"type": "range", "spec": {"lastkey": 0, "keystep": 1, "limit": 0}}}],
      => ~[]]]
      COMMAND INFO mset
      => [["mset", -3, ~[+"write", +"denyoom"], 1, -1, 2, ~[+"@write", +"@string", +"@slow"],
      => ~["request_policy:multi_shard", "response_policy:all_succeeded"],
      => ~[{"flags": ~[+"OW", +"update"], "begin_search": {"type": "index", "spec": {"index": 1}},
      => "find_keys": {"type": "range", "spec": {"lastkey": -1, "keystep": 2, "limit": 0}}}],
      => ~[]]]
    `,
  ],
  [
    'COMMAND COUNT, COMMAND, COMMAND INFO and COMMAND LIST agree',
    async ({ client }) => {
      const count = await client.call('COMMAND', 'COUNT');
      const all = items(await client.call('COMMAND'));
      const info = items(await client.call('COMMAND', 'INFO'));
      const names = items(await client.call('COMMAND', 'LIST')).map(string);
      expect(count).toEqual({ kind: 'integer', value: BigInt(all.length) });
      expect(info.length).toBe(all.length);
      const described = all.map((entry) => string(items(entry)[0]));
      const top = names.filter((name) => !name.includes('|'));
      expect(new Set(top)).toEqual(new Set(described));
      for (const entry of all) {
        const [name, arity, flags, , , , categories] = items(entry);
        expect(arity?.kind, string(name)).toBe('integer');
        expect(flags?.kind, string(name)).toBe(flags?.kind === 'set' ? 'set' : 'array');
        expect(items(categories).length, string(name)).toBeGreaterThan(0);
      }
    },
  ],
  [
    'COMMAND LIST filters by pattern, category and module',
    `
      COMMAND LIST FILTERBY PATTERN setb* => ["setbit"]
      COMMAND LIST FILTERBY PATTERN nosuch* => []
      COMMAND LIST FILTERBY ACLCAT nosuch => []
      COMMAND LIST FILTERBY ACLCAT bitmap
      => any-order["bitcount", "bitfield", "bitfield_ro", "bitop", "bitpos", "getbit", "setbit"]
      COMMAND LIST FILTERBY MODULE nosuch => []
      COMMAND LIST filterby pattern client|getn* => ["client|getname"]
      COMMAND LIST FILTERBY NOSUCH x => -ERR syntax error
      COMMAND LIST FILTERBY PATTERN => -ERR syntax error
      COMMAND LIST x => -ERR syntax error
    `,
  ],
  [
    'COMMAND GETKEYS finds the keys of a command',
    `
      COMMAND GETKEYS SET a b => ["a"]
      COMMAND GETKEYS MSET a 1 b 2 c 3 => ["a", "b", "c"]
      COMMAND GETKEYS MGET a b a => ["a", "b", "a"]
      COMMAND GETKEYS DEL a => ["a"]
      COMMAND GETKEYS RENAME a b => ["a", "b"]
      COMMAND GETKEYS BITOP AND d a b => ["d", "a", "b"]
      COMMAND GETKEYS OBJECT ENCODING k => ["k"]
      COMMAND GETKEYS MEMORY USAGE k => ["k"]
      COMMAND GETKEYS LCS a b => ["a", "b"]
      COMMAND GETKEYS BITFIELD k GET u8 0 => ["k"]
      COMMAND GETKEYS nosuch a => -ERR Invalid command specified
      COMMAND GETKEYS SET a => -ERR Invalid number of arguments specified for command
      COMMAND GETKEYS => -ERR wrong number of arguments for 'command|getkeys' command
      COMMAND GETKEYS ECHO x => -ERR The command has no key arguments
    `,
  ],
  [
    'COMMAND GETKEYS of commands without keys or arguments',
    `
      COMMAND GETKEYS PING => -ERR The command has no key arguments
      COMMAND GETKEYS GET => -ERR Invalid number of arguments specified for command
      COMMAND GETKEYSANDFLAGS PING => -ERR The command has no key arguments
    `,
    { since: '7.2' },
  ],
  [
    'COMMAND GETKEYSANDFLAGS also tells what the command does to each key',
    `
      COMMAND GETKEYSANDFLAGS GET a => [["a", ~[+"RO", +"access"]]]
      COMMAND GETKEYSANDFLAGS DEL a b => [["a", ~[+"RM", +"delete"]], ["b", ~[+"RM", +"delete"]]]
      COMMAND GETKEYSANDFLAGS COPY a b => [["a", ~[+"RO", +"access"]], ["b", ~[+"OW", +"update"]]]
      COMMAND GETKEYSANDFLAGS SET a b => [["a", ~[+"OW", +"update"]]]
      COMMAND GETKEYSANDFLAGS SET a b GET => [["a", ~[+"RW", +"access", +"update"]]]
      COMMAND GETKEYSANDFLAGS BITFIELD a GET u8 0 => [["a", ~[+"RO", +"access"]]]
      COMMAND GETKEYSANDFLAGS BITFIELD a SET u8 0 1 => [["a", ~[+"RW", +"access", +"update"]]]
    `,
  ],
  [
    'COMMAND DOCS describes commands by name',
    async ({ client, run, resp }) => {
      await run('COMMAND DOCS nosuch => {}');
      const docs = await client.call('COMMAND', 'DOCS', 'get', 'SET');
      const flat =
        docs.kind === 'map' ? docs.entries.flat() : docs.kind === 'array' ? docs.items : [];
      expect(docs.kind).toBe(resp === 3 ? 'map' : 'array');
      expect([string(flat[0]), string(flat[2])].sort()).toEqual(['get', 'set']);
      const about = flat[1];
      const fields = about?.kind === 'map' ? about.entries.flat() : items(about);
      const names = fields.filter((_, i) => i % 2 === 0).map(string);
      expect(names.slice(0, 4)).toEqual(['summary', 'since', 'group', 'complexity']);
      expect(names).toContain('arguments');
    },
  ],
  [
    'COMMAND refuses what it does not know',
    `
      COMMAND NOSUCH => -ERR unknown subcommand 'NOSUCH'. Try COMMAND HELP.
      COMMAND COUNT x => -ERR wrong number of arguments for 'command|count' command
      COMMAND HELP
      => [+"COMMAND <subcommand> [<arg> [value] [opt] ...]. Subcommands are:", ...]
    `,
  ],
]);
