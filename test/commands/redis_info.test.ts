// The records against a real redis-server: what COMMAND INFO and COMMAND DOCS report must be the
// same, but for texts (ours are our own) and for what changed between that release and 7.2.

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { registerCommandCommands } from '../../src/commands/command_command.ts';
import { allCommands } from '../../src/commands/index.ts';
import { HostCommands } from '../../src/host_command.ts';
import { callHostCommand } from '../support/host_call.ts';
import { showReply } from '../support/reply_notation.ts';
import { RespClient } from '../support/resp_client.ts';
import { decodeAll, type Reply } from '../support/resp_decoder.ts';
import { realRedisAvailable, realRedisVersion, startServer } from '../support/server.ts';
import { isOlder } from '../support/targets.ts';

/** Hints (command tips) that 7.2 added or took away. */
const HINTS_CHANGED_IN_7_2 = new Set([
  'client|setname',
  'config|resetstat',
  'config|rewrite',
  'latency|reset',
  'msetnx',
  'randomkey',
  'scan',
]);

/** Arity -4 in 7.0, of ZRANK and ZREVRANK 3. */
const ARITY_CHANGED_IN_7_2 = new Set([
  'command|getkeys',
  'command|getkeysandflags',
  'pfdebug',
  'zrank',
  'zrevrank',
]);

/** Arguments whose names or nesting 7.2 changed, or that a later release extended. */
const ARGUMENTS_CHANGED = new Set([
  'bitcount',
  'bitfield',
  'bitfield_ro',
  'bitop',
  'bitpos',
  'client|kill',
  'client|list',
  'client|reply',
  'client|unblock',
  'command|getkeys',
  'command|getkeysandflags',
  'config|get',
  'config|set',
  'flushall',
  'flushdb',
  'geoadd',
  'geohash',
  'geopos',
  'georadius',
  'georadius_ro',
  'georadiusbymember',
  'georadiusbymember_ro',
  'geosearch',
  'geosearchstore',
  'hello',
  'hmset',
  'hscan',
  'hset',
  'lcs',
  'migrate',
  'mset',
  'msetnx',
  'pfmerge',
  'set',
  'shutdown',
  'sort',
  'sort_ro',
  'xadd',
  'xclaim',
  'xgroup|create',
  'xgroup|createconsumer',
  'xgroup|delconsumer',
  'xgroup|destroy',
  'xgroup|setid',
  'xinfo|consumers',
  'xinfo|stream',
  'xreadgroup',
  'xsetid',
  'xtrim',
  'zadd',
  'zinter',
  'zinterstore',
  'zrange',
  'zrangebylex',
  'zrangebyscore',
  'zrangestore',
  'zrank',
  'zrevrangebylex',
  'zrevrangebyscore',
  'zrevrank',
  'zunion',
  'zunionstore',
]);

/** Deprecated, or dated otherwise, since 7.2. */
const DATES_CHANGED_IN_7_2 = new Set(['client|pause', 'psetex', 'quit', 'setex', 'setnx']);

/** Scripts may call commands that block since 7.2. */
const NO_SCRIPT_BEFORE_7_2 = /\+"noscript", (?=\+"blocking")/;

/** Told to be blocking, which they always were, by newer releases. */
const BLOCKING_SINCE_8_0 = new Set(['wait']);

const TEXTS = ['summary', 'complexity', 'history', 'replaced_by', 'notes', 'display_text'];

const commands = new HostCommands();
registerCommandCommands(commands);
const version = realRedisAvailable() ? (realRedisVersion() ?? '') : '';
const before72 = isOlder(version, '7.2');

function keyText([key]: [Reply, Reply]): string {
  return key.kind === 'bulk' ? key.bytes.toString() : '';
}

/** The reply without texts and without the given fields of its maps. */
function without(reply: Reply, fields: readonly string[]): Reply {
  switch (reply.kind) {
    case 'map':
      return {
        kind: 'map',
        entries: reply.entries
          .filter((entry) => !fields.includes(keyText(entry)))
          .map(([key, value]) => [key, without(value, fields)]),
      };
    case 'array':
    case 'set':
      return { kind: reply.kind, items: reply.items.map((item) => without(item, fields)) };
    case 'bulk':
      // 7.0 joins the words of argument names with underscores.
      return { kind: 'bulk', bytes: Buffer.from(reply.bytes.toString().replaceAll('_', '-')) };
    default:
      return reply;
  }
}

function onlyItem(reply: Reply): Reply {
  if (reply.kind !== 'array' || reply.items.length !== 1) throw new Error(showReply(reply));
  return reply.items[0]!;
}

async function ours(...args: string[]): Promise<Reply> {
  const name = `command|${args[0]!.toLowerCase()}`;
  return decodeAll(await callHostCommand(commands, name, ['COMMAND', ...args], { resp: 3 }))[0]!;
}

// Fields of a reply to COMMAND INFO, by position.
const ARITY = 1;
const FLAGS = 2;
const CATEGORIES = 6;
const HINTS = 7;
const SUBCOMMANDS = 9;

describe.skipIf(version === '')('compared with a real server', () => {
  let client: RespClient;
  const shared: string[] = [];

  beforeAll(async () => {
    const { port } = await startServer({ kind: 'redis' });
    client = await RespClient.connect({ port });
    await client.call('HELLO', 3);
    for (const { fullName, spec } of allCommands()) {
      const info = onlyItem(await client.call('COMMAND', 'INFO', fullName));
      if (info.kind !== 'null') shared.push(fullName);
      // What the real server does not know must be newer than it is.
      else expect(isOlder(version, spec.since), fullName).toBe(true);
    }
  });

  afterAll(() => client.close());

  it('most commands are known to both', () => {
    expect(shared.length).toBeGreaterThan(100);
  });

  it('COMMAND INFO reports the same', async () => {
    for (const fullName of shared) {
      const theirs = onlyItem(without(await client.call('COMMAND', 'INFO', fullName), TEXTS));
      const mine = onlyItem(without(await ours('INFO', fullName), TEXTS));
      if (theirs.kind !== 'array' || mine.kind !== 'array') throw new Error(fullName);
      const skipped = [SUBCOMMANDS];
      if (before72 && HINTS_CHANGED_IN_7_2.has(fullName)) skipped.push(HINTS);
      if (before72 && ARITY_CHANGED_IN_7_2.has(fullName)) skipped.push(ARITY);
      if (before72 && BLOCKING_SINCE_8_0.has(fullName)) skipped.push(FLAGS, CATEGORIES);
      const shown = (items: readonly Reply[]) =>
        items
          .filter((_, i) => !skipped.includes(i))
          .map((item) => showReply(item).replace(before72 ? NO_SCRIPT_BEFORE_7_2 : '', ''));
      expect(shown(mine.items)).toEqual(shown(theirs.items));
      expect(mine.items[SUBCOMMANDS]!.kind, fullName).toBe(theirs.items[SUBCOMMANDS]!.kind);
    }
  });

  it('COMMAND DOCS reports the same fields and arguments', async () => {
    for (const fullName of shared) {
      const skipped = [...TEXTS, 'subcommands'];
      if (ARGUMENTS_CHANGED.has(fullName)) skipped.push('arguments');
      if (before72 && DATES_CHANGED_IN_7_2.has(fullName))
        skipped.push('since', 'doc_flags', 'deprecated_since');
      const theirs = without(await client.call('COMMAND', 'DOCS', fullName), skipped);
      const mine = without(await ours('DOCS', fullName), skipped);
      expect(showReply(mine)).toBe(showReply(theirs));
    }
  });

  it('COMMAND DOCS has texts exactly where the real server has them', async () => {
    for (const fullName of shared) {
      const names = (reply: Reply) => {
        if (reply.kind !== 'map') throw new Error(showReply(reply));
        const docs = reply.entries[0]![1];
        if (docs.kind !== 'map') throw new Error(showReply(docs));
        return docs.entries
          .map(keyText)
          .filter((name) => name === 'summary' || name === 'complexity');
      };
      const theirs = names(await client.call('COMMAND', 'DOCS', fullName));
      expect(names(await ours('DOCS', fullName)), fullName).toEqual(theirs);
    }
  });
});
