// COMMAND and its subcommands: replies byte by byte in both protocols, and errors. The lines about
// commands that redis-server 7.0 knows too are also asked of a real one.

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  builtInCommands,
  type CommandDirectory,
  registerCommandCommands,
} from '../../src/commands/command_command.ts';
import { allCommands } from '../../src/commands/index.ts';
import { HostCommands } from '../../src/host_command.ts';
import { callHostCommand } from '../support/host_call.ts';
import { showReply } from '../support/reply_notation.ts';
import { RespClient } from '../support/resp_client.ts';
import { decodeAll } from '../support/resp_decoder.ts';
import { realRedisAvailable, startServer } from '../support/server.ts';

function registered(directory?: CommandDirectory): HostCommands {
  const commands = new HostCommands();
  registerCommandCommands(commands, directory);
  return commands;
}

const commands = registered();

async function raw(resp: 2 | 3, line: string, from = commands): Promise<string> {
  const args = line.split(' ');
  const name = args.slice(0, 2).join('|').toLowerCase();
  return (await callHostCommand(from, name, args, { resp })).toString('latin1');
}

async function shown(line: string, from = commands): Promise<string> {
  return showReply(decodeAll(Buffer.from(await raw(2, line, from), 'latin1'))[0]!);
}

/** What a real server answers the same, whatever commands it has; each is asked in RESP2 and RESP3. */
const SAME_AS_REDIS = [
  'COMMAND INFO get',
  'COMMAND INFO GET mget nosuch config|get CONFIG|GET',
  'COMMAND INFO get| get|x |get config|nosuch config|get|x',
  'COMMAND INFO object|encoding memory|usage rename copy del',
  'COMMAND DOCS nosuch',
  'COMMAND GETKEYS GET k',
  'COMMAND GETKEYS get k extra',
  'COMMAND GETKEYS mset a 1 b 2',
  'COMMAND GETKEYS mset a 1 b',
  'COMMAND GETKEYS mget a b c',
  'COMMAND GETKEYS bitop and d a b',
  'COMMAND GETKEYS object encoding k',
  'COMMAND GETKEYS OBJECT HELP x',
  'COMMAND GETKEYS object nosuch k',
  'COMMAND GETKEYS memory usage k samples 5',
  'COMMAND GETKEYS config get x',
  'COMMAND GETKEYS ping x',
  'COMMAND GETKEYS nosuch x',
  'COMMAND GETKEYS get|x y',
  'COMMAND GETKEYSANDFLAGS set k v',
  'COMMAND GETKEYSANDFLAGS set k v GeT',
  'COMMAND GETKEYSANDFLAGS set get v',
  'COMMAND GETKEYSANDFLAGS set k get',
  'COMMAND GETKEYSANDFLAGS rename a b',
  'COMMAND GETKEYSANDFLAGS copy a b',
  'COMMAND GETKEYSANDFLAGS bitfield k get u8 0',
  'COMMAND GETKEYSANDFLAGS bitfield k get u8 0 set u8 0 1',
  'COMMAND GETKEYSANDFLAGS bitfield k overflow sat get u8 0',
  'COMMAND GETKEYSANDFLAGS bitfield k get u8',
  'COMMAND GETKEYSANDFLAGS bitfield k overflow',
  'COMMAND GETKEYSANDFLAGS lcs a b len',
  'COMMAND LIST FILTERBY',
  'COMMAND LIST FILTERBY module',
  'COMMAND LIST FILTERBY nosuch x',
  'COMMAND LIST FILTER pattern x',
  'COMMAND LIST FILTERBY pattern xyz* x',
  'COMMAND LIST FILTERBY pattern nosuch*',
  'COMMAND LIST filterBY ACLCAT nosuch',
  'COMMAND LIST FILTERBY ACLCAT @string',
  'COMMAND LIST FILTERBY MODULE nosuch',
  'COMMAND LIST FILTERBY PATTERN GETRANG?',
  'COMMAND LIST FILTERBY PATTERN config|re[w]*',
];

describe.skipIf(!realRedisAvailable())('like a real server', () => {
  let client: RespClient;

  beforeAll(async () => {
    client = await RespClient.connect(await startServer({ kind: 'redis' }));
  });

  afterAll(() => client.close());

  for (const resp of [2, 3] as const) {
    it.each(SAME_AS_REDIS)(`answers in RESP${resp}: %s`, async (line) => {
      await client.call('HELLO', resp);
      const { bytes } = await client.callRaw(line.split(' '));
      expect(await raw(resp, line)).toBe(bytes.toString('latin1'));
    });
  }
});

describe('COMMAND', () => {
  it('without arguments describes every top-level command, as COMMAND INFO does', async () => {
    const everything = (await callHostCommand(commands, 'command', ['COMMAND'])).toString();
    expect(await raw(2, 'COMMAND INFO')).toBe(everything);
    const top = allCommands().filter((command) => command.parent === undefined);
    expect(everything.startsWith(`*${top.length}\r\n*10\r\n$6\r\nappend\r\n:3\r\n`)).toBe(true);
    expect(await raw(2, 'COMMAND COUNT')).toBe(`:${top.length}\r\n`);
  });

  it('describes subcommands inside their parent', async () => {
    const reply = await shown('COMMAND INFO config');
    expect(reply).toMatch(
      /^\[\["config", -2, \[\], 0, 0, 0, \[\+"@slow"\], \[\], \[\], \[\["config\|get"/,
    );
    expect(reply.match(/"config\|\w+"/g)).toEqual([
      '"config|get"',
      '"config|help"',
      '"config|resetstat"',
      '"config|rewrite"',
      '"config|set"',
    ]);
  });

  it('reports a count of keys as a keynum search and the command as one of movable keys', async () => {
    expect(await shown('COMMAND INFO msetex')).toBe(
      '[["msetex", -4, [+"write", +"denyoom", +"movablekeys"], 0, 0, 0, ' +
        '[+"@write", +"@string", +"@slow"], ' +
        '["request_policy:multi_shard", "response_policy:all_succeeded"], ' +
        '[["flags", [+"OW", +"update"], "begin_search", ["type", "index", "spec", ["index", 1]], ' +
        '"find_keys", ["type", "keynum", "spec", ' +
        '["keynumidx", 0, "firstkey", 1, "keystep", 2]]]], []]]',
    );
  });

  it('hides the flags that Redis hides', async () => {
    const reply = await shown('COMMAND INFO debug');
    expect(reply).toContain('[+"admin", +"noscript", +"loading", +"stale"]');
  });
});

describe('COMMAND DOCS', () => {
  it('is a map of maps in RESP3 and flat arrays in RESP2', async () => {
    const docs = await raw(3, 'COMMAND DOCS getdel');
    expect(docs.startsWith('%1\r\n$6\r\ngetdel\r\n%5\r\n$7\r\nsummary\r\n')).toBe(true);
    expect(docs.endsWith('$14\r\nkey_spec_index\r\n:0\r\n')).toBe(true);
    const flat = await raw(2, 'COMMAND DOCS getdel');
    expect(flat.startsWith('*2\r\n$6\r\ngetdel\r\n*10\r\n$7\r\nsummary\r\n')).toBe(true);
  });

  it('gives deprecation, history and nested arguments in the order of Redis', async () => {
    expect(await shown('COMMAND DOCS setex')).toBe(
      '["setex", ["summary", "Sets a string that expires after a number of seconds.", ' +
        '"since", "2.0.0", "group", "string", "complexity", "O(1)", ' +
        '"doc_flags", [+"deprecated"], "deprecated_since", "2.6.12", ' +
        '"replaced_by", "`SET` with the `EX` option", "arguments", [' +
        '["name", "key", "type", "key", "display_text", "key", "key_spec_index", 0], ' +
        '["name", "seconds", "type", "integer", "display_text", "seconds"], ' +
        '["name", "value", "type", "string", "display_text", "value"]]]]',
    );
    expect(await shown('COMMAND DOCS flushdb')).toContain(
      '"history", [["4.0.0", "Modifier `ASYNC`."], ["6.2.0", "Modifier `SYNC`."]], "arguments", ' +
        '[["name", "flush-type", "type", "oneof", "flags", [+"optional"], "arguments", [' +
        '["name", "async", "type", "pure-token", "display_text", "async", "token", "ASYNC", ' +
        '"since", "4.0.0"], ["name", "sync", "type", "pure-token", "display_text", "sync", ' +
        '"token", "SYNC", "since", "6.2.0"]]]]',
    );
  });

  it('leaves out what does not exist and repeats what is asked twice', async () => {
    const one = await raw(2, 'COMMAND DOCS ping');
    const two = await raw(2, 'COMMAND DOCS ping nosuch PING');
    expect(two).toBe(`*4\r\n${one.slice(4)}${one.slice(4)}`);
  });

  it('without names documents every command', async () => {
    const reply = decodeAll(Buffer.from(await raw(3, 'COMMAND DOCS'), 'latin1'))[0]!;
    const top = allCommands().filter((command) => command.parent === undefined);
    expect(reply.kind === 'map' && reply.entries.length).toBe(top.length);
  });
});

describe('COMMAND LIST', () => {
  it('lists commands and subcommands', async () => {
    const reply = decodeAll(Buffer.from(await raw(2, 'COMMAND LIST'), 'latin1'))[0]!;
    const names = reply.kind === 'array' ? reply.items.map(showReply) : [];
    expect(names.sort()).toEqual(
      allCommands()
        .map(({ fullName }) => `"${fullName}"`)
        .sort(),
    );
  });

  it('filters by ACL category, in any case', async () => {
    const expected = allCommands()
      .filter(({ categories }) => categories.includes('bitmap'))
      .map(({ fullName }) => `"${fullName}"`);
    expect(expected.length).toBe(7);
    expect(await shown('COMMAND LIST FILTERBY ACLCAT BitMap')).toBe(`[${expected.join(', ')}]`);
  });

  it('filters by pattern, in any case', async () => {
    expect(await shown('COMMAND LIST FILTERBY PATTERN GET*')).toBe(
      '["get", "getbit", "getdel", "getex", "getrange", "getset"]',
    );
  });
});

describe('COMMAND GETKEYS', () => {
  it('finds the keys that a count announces', async () => {
    expect(await shown('COMMAND GETKEYS msetex 2 a 1 b 2 NX')).toBe('["a", "b"]');
    const invalid = '-ERR Invalid arguments specified for command';
    expect(await shown('COMMAND GETKEYS msetex 3 a 1 b 2')).toBe(invalid);
    expect(await shown('COMMAND GETKEYS msetex 0 a 1')).toBe(invalid);
    expect(await shown('COMMAND GETKEYS msetex -1 a 1')).toBe(invalid);
    expect(await shown('COMMAND GETKEYS msetex x a 1')).toBe(invalid);
    expect(await shown('COMMAND GETKEYS msetex 99999999999999999999 a 1')).toBe(invalid);
  });

  it('refuses what has the wrong number of arguments', async () => {
    const wrong = '-ERR Invalid number of arguments specified for command';
    expect(await shown('COMMAND GETKEYS get')).toBe(wrong);
    expect(await shown('COMMAND GETKEYS get a b')).toBe(wrong);
    expect(await shown('COMMAND GETKEYS object encoding')).toBe(wrong);
    expect(await shown('COMMAND GETKEYS mset a')).toBe(wrong);
  });

  it('refuses a container without its subcommand', async () => {
    expect(await shown('COMMAND GETKEYS object')).toBe('-ERR The command has no key arguments');
  });

  it('tells that DELEX reads only under a condition', async () => {
    expect(await shown('COMMAND GETKEYSANDFLAGS delex k')).toBe('[["k", [+"RM", +"delete"]]]');
    expect(await shown('COMMAND GETKEYSANDFLAGS delex k IFEQ v')).toBe(
      '[["k", [+"RW", +"access", +"delete"]]]',
    );
  });
});

describe('COMMAND HELP', () => {
  it('lists the subcommands between headline and HELP', async () => {
    const reply = await raw(2, 'COMMAND HELP');
    const headline = 'COMMAND <subcommand> [<arg> [value] [opt] ...]. Subcommands are:';
    expect(reply.startsWith(`*21\r\n+${headline}\r\n+(no subcommand)\r\n`)).toBe(true);
    expect(reply.endsWith('\r\n+HELP\r\n+    Print this help.\r\n')).toBe(true);
    for (const { spec } of allCommands().find(({ fullName }) => fullName === 'command')!
      .subcommands)
      expect(reply).toMatch(new RegExp(`^\\+${spec.name.toUpperCase()}( .*)?$`, 'm'));
  });
});

describe('a directory of other names', () => {
  const get = builtInCommands.find('get')!;
  const renamed = registered({
    topLevel: () => [get],
    find: (name, subcommand) => (name === 'fetch' && subcommand === undefined ? get : undefined),
  });

  it('decides which commands exist and how they are called', async () => {
    expect(await shown('COMMAND COUNT', renamed)).toBe('1');
    expect(await shown('COMMAND LIST', renamed)).toBe('["get"]');
    expect(await shown('COMMAND INFO get', renamed)).toBe('[nil]');
    expect(await shown('COMMAND GETKEYS fetch k', renamed)).toBe('["k"]');
  });
});
