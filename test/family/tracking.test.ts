// CLIENT TRACKING, CACHING, TRACKINGINFO, GETREDIR, and the messages about keys that changed.

import { expect } from 'vitest';
import { type Context, family } from '../support/family.ts';
import { showReply } from '../support/reply_notation.ts';
import type { RespClient } from '../support/resp_client.ts';

async function message(client: RespClient): Promise<string> {
  return showReply((await client.read()).reply).replace(/^>/, '');
}

async function idOf(client: RespClient): Promise<string> {
  const reply = await client.call('CLIENT', 'ID');
  return showReply(reply);
}

/** What the connection is told next is the answer to its PING: no message came before. */
async function expectSilence(client: RespClient): Promise<void> {
  expect(showReply(await client.call('PING'))).toMatch(/^\+PONG|\["pong", ""\]/);
}

/** A connection that gets the messages of others, whatever the protocol. */
async function listener({ connect, run }: Context): Promise<{ client: RespClient; id: string }> {
  const client = await connect('listener');
  const id = await idOf(client);
  await run(
    '@listener SUBSCRIBE __redis__:invalidate => >["subscribe", "__redis__:invalidate", 1]',
  );
  return { client, id };
}

/** A message in the form in which the listener gets it. */
function invalid(resp: 2 | 3, keys: string): string {
  return resp === 3 ? `["invalidate", ${keys}]` : `["message", "__redis__:invalidate", ${keys}]`;
}

family('client-side caching', [
  [
    'a key that was read is reported once when it changes',
    async ({ client, run }) => {
      await run(`
        SET k 1
        CLIENT TRACKING ON
        GET k => "1"
        @b SET k 2
      `);
      expect(await message(client)).toBe('["invalidate", ["k"]]');
      await run('@b SET k 3\n@b SET other 1');
      await expectSilence(client);
      await run('GET k => "3"\n@b DEL k');
      expect(await message(client)).toBe('["invalidate", ["k"]]');
    },
    { resp: 3 },
  ],
  [
    'keys count in all databases alike, and the absence of a key can be cached',
    async ({ client, run }) => {
      await run(`
        CLIENT TRACKING ON
        MGET a b => [nil, nil]
        @b SELECT 3
        @b SET b 1
      `);
      expect(await message(client)).toBe('["invalidate", ["b"]]');
    },
    { resp: 3 },
  ],
  [
    'commands that count their keys have them all noted',
    async ({ client, run }) => {
      await run(`
        CLIENT TRACKING ON
        SINTERCARD 2 s1 s2 LIMIT 1 => 0
        ZUNION 2 z1 z2 => []
        @b SADD s1 x
        @b ZADD z2 1 x
        @b SADD s2 x
        @b SET 2 x
      `);
      expect(await message(client)).toBe('["invalidate", ["s1"]]');
      expect(await message(client)).toBe('["invalidate", ["z2"]]');
      expect(await message(client)).toBe('["invalidate", ["s2"]]');
      await expectSilence(client);
    },
    { resp: 3 },
  ],
  [
    'commands that write have nothing noted, even when they read',
    async ({ client, run }) => {
      await run(`
        SET k 1
        CLIENT TRACKING ON
        GETSET k 2 => "1"
        INCR k => 3
        @b SET k 2
      `);
      await expectSilence(client);
    },
    { resp: 3 },
  ],
  [
    'what a client does itself is reported behind its reply',
    async ({ client, run }) => {
      await run('HSET h f 1\nCLIENT TRACKING ON\nHGET h f => "1"\nHDEL h f => 1');
      expect(await message(client)).toBe('["invalidate", ["h"]]');
    },
    { resp: 3 },
  ],
  [
    'and behind the transaction it belongs to',
    async ({ client, run }) => {
      await run(`
        MSET a 1 b 1
        CLIENT TRACKING ON
        MGET a b => ["1", "1"]
        MULTI
        INCR b => +QUEUED
        INCR a => +QUEUED
        GET b => +QUEUED
        EXEC => [2, 2, "2"]
      `);
      expect(await message(client)).toBe('["invalidate", ["b"]]');
      expect(await message(client)).toBe('["invalidate", ["a"]]');
      await run('@b SET b 3');
      expect(await message(client)).toBe('["invalidate", ["b"]]');
    },
    { resp: 3 },
  ],
  [
    'in a pipeline every report is behind its own command',
    async ({ client, run }) => {
      await run('CLIENT TRACKING ON');
      client.send('GET k\r\nSET k 1\r\nGET k\r\nPING\r\nAPPEND k 2\r\nPING\r\n');
      const seen: string[] = [];
      for (let i = 0; i < 8; i++) seen.push(showReply((await client.read()).reply));
      expect(seen).toEqual([
        'nil',
        '+OK',
        '>["invalidate", ["k"]]',
        '"1"',
        '+PONG',
        '2',
        '>["invalidate", ["k"]]',
        '+PONG',
      ]);
    },
    { resp: 3 },
  ],
  [
    'the messages can go to another client',
    async (context) => {
      const { run, resp } = context;
      const to = await listener(context);
      await run(`
        CLIENT TRACKING ON REDIRECT ${to.id}
        CLIENT GETREDIR => ${to.id}
        MSET a 1 b 1
        MGET a b => ["1", "1"]
        @b SET b 2
        @b DEL a => 1
      `);
      expect(await message(to.client)).toBe(invalid(resp, '["b"]'));
      expect(await message(to.client)).toBe(invalid(resp, '["a"]'));
    },
  ],
  [
    'a RESP2 client that is sent messages has to listen to their channel',
    async ({ connect, run }) => {
      const b = await connect('b');
      await run(`CLIENT TRACKING ON REDIRECT ${await idOf(b)}\nGET k => nil\nSET k 1`);
      await expectSilence(b);
    },
    { resp: 2 },
  ],
  [
    'NOLOOP leaves out what the client does itself',
    async (context) => {
      const { run, resp } = context;
      const to = await listener(context);
      await run(`
        CLIENT TRACKING ON REDIRECT ${to.id} NOLOOP
        MGET a b c => [nil, nil, nil]
        @b SET a 1
        SET b 1
        @b SET c 1
        @b SET b 2
      `);
      expect(await message(to.client)).toBe(invalid(resp, '["a"]'));
      expect(await message(to.client)).toBe(invalid(resp, '["c"]'));
      await expectSilence(to.client);
    },
  ],
  [
    'OPTIN notes only what CLIENT CACHING YES announces, a transaction as a whole',
    async (context) => {
      const { run, resp } = context;
      const to = await listener(context);
      await run(`
        CLIENT TRACKING ON REDIRECT ${to.id} OPTIN
        GET a => nil
        CLIENT CACHING YES
        GET b => nil
        GET c => nil
        CLIENT CACHING YES
        MULTI
        GET d => +QUEUED
        GET e => +QUEUED
        EXEC => [nil, nil]
        GET f => nil
        @b MSET a 1 b 1 c 1 d 1 e 1 f 1
      `);
      expect(await message(to.client)).toBe(invalid(resp, '["b"]'));
      expect(await message(to.client)).toBe(invalid(resp, '["d"]'));
      expect(await message(to.client)).toBe(invalid(resp, '["e"]'));
      await expectSilence(to.client);
    },
  ],
  [
    'OPTOUT notes all but what CLIENT CACHING NO announces',
    async (context) => {
      const { run, resp } = context;
      const to = await listener(context);
      await run(`
        CLIENT TRACKING ON REDIRECT ${to.id} OPTOUT
        CLIENT CACHING NO
        GET a => nil
        GET b => nil
        CLIENT CACHING NO
        GET => -ERR wrong number of arguments for 'get' command
        GET c => nil
        @b MSET a 1 b 1 c 1
      `);
      expect(await message(to.client)).toBe(invalid(resp, '["b"]'));
      expect(await message(to.client)).toBe(invalid(resp, '["c"]'));
      await expectSilence(to.client);
    },
  ],
  [
    'broadcasting reports all keys under the prefixes, sorted, a message per prefix',
    async (context) => {
      const { run, resp } = context;
      const to = await listener(context);
      await run(`
        CLIENT TRACKING ON REDIRECT ${to.id} BCAST PREFIX y: PREFIX x PREFIX z:
        @b MSET y:2 1 y:1 1 a 1 x 1 xx 1 y:2 2 z 1
        @b INCR z:
        @b DEL nothing => 0
      `);
      expect(await message(to.client)).toBe(invalid(resp, '["x", "xx"]'));
      expect(await message(to.client)).toBe(invalid(resp, '["y:1", "y:2"]'));
      expect(await message(to.client)).toBe(invalid(resp, '["z:"]'));
      await run(`CLIENT TRACKING ON BCAST REDIRECT ${to.id} PREFIX a\n@b SET a 1`);
      expect(await message(to.client)).toBe(invalid(resp, '["a"]'));
      await run('CLIENT TRACKING OFF\n@b SET a 2');
      await expectSilence(to.client);
    },
  ],
  [
    'broadcasting without prefixes reports everything, NOLOOP but for own changes',
    async (context) => {
      const { run, resp } = context;
      const to = await listener(context);
      await run(`
        CLIENT TRACKING ON REDIRECT ${to.id} BCAST NOLOOP
        MSET a 1 b 1
        @b MSET b 2 c 1
        @c CLIENT TRACKING ON REDIRECT ${to.id} BCAST
        @c SET d 1
      `);
      expect(await message(to.client)).toBe(invalid(resp, '["b", "c"]'));
      expect(await message(to.client)).toBe(invalid(resp, '["d"]'));
      expect(await message(to.client)).toBe(invalid(resp, '["d"]'));
    },
  ],
  [
    'FLUSHALL and FLUSHDB make everything out of date',
    async (context) => {
      const { run, resp } = context;
      const to = await listener(context);
      await run(`
        CLIENT TRACKING ON REDIRECT ${to.id}
        GET a => nil
        @b FLUSHALL
        @b SET a 1
        @b FLUSHDB
      `);
      expect(await message(to.client)).toBe(invalid(resp, 'nil'));
      expect(await message(to.client)).toBe(invalid(resp, 'nil'));
      await expectSilence(to.client);
    },
  ],
  [
    'a key that expires has changed',
    async (context) => {
      const { run, resp } = context;
      const to = await listener(context);
      await run(`
        SET k 1 PX 20
        CLIENT TRACKING ON REDIRECT ${to.id}
        GET k => "1"
        sleep 40
        @b GET k => nil
      `);
      expect(await message(to.client)).toBe(invalid(resp, '["k"]'));
    },
  ],
  [
    'a client that switches its mode is not told of what it read before',
    async ({ client, run }) => {
      await run(`
        CLIENT TRACKING ON
        GET k => nil
        CLIENT TRACKING OFF
        CLIENT TRACKING ON BCAST PREFIX other
        @b SET k 1
      `);
      await expectSilence(client);
    },
    { resp: 3 },
  ],
  [
    'but one that turns tracking off and on again is',
    async ({ client, run }) => {
      await run(`
        CLIENT TRACKING ON
        GET k => nil
        CLIENT TRACKING OFF
        CLIENT TRACKING ON
        @b SET k 1
      `);
      expect(await message(client)).toBe('["invalidate", ["k"]]');
    },
    { resp: 3 },
  ],
  [
    'RESET ends tracking',
    async ({ client, run }) => {
      await run(`
        CLIENT TRACKING ON BCAST
        RESET => +RESET
        HELLO 3
        CLIENT GETREDIR => -1
        @b SET k 1
      `);
      await expectSilence(client);
    },
    { resp: 3 },
  ],
  [
    'a client is told when the one that gets its messages is gone',
    async ({ client, connect, run }) => {
      const b = await connect('b');
      const id = await idOf(b);
      await run(`CLIENT TRACKING ON REDIRECT ${id}\nGET k => nil\n@b QUIT => +OK\n@b closed`);
      await run('@c SET k 1');
      expect(await message(client)).toBe(`["tracking-redir-broken", ${id}]`);
      expect(showReply(await client.call('CLIENT', 'TRACKINGINFO'))).toContain('broken_redirect');
      expect(showReply(await client.call('CLIENT', 'INFO'))).toMatch(
        new RegExp(` flags=tR .* redir=${id} `),
      );
    },
    { resp: 3 },
  ],
  [
    'CLIENT REPLY OFF does not silence messages',
    async ({ client, run }) => {
      await run('CLIENT TRACKING ON\nGET k => nil\nCLIENT REPLY OFF => nothing');
      client.send('GET k\r\n');
      await run('@b SET k 1');
      expect(await message(client)).toBe('["invalidate", ["k"]]');
    },
    { resp: 3 },
  ],
  [
    'the table holds no more keys than tracking-table-max-keys',
    async (context) => {
      const { run, resp } = context;
      const to = await listener(context);
      await run(`
        CLIENT TRACKING ON REDIRECT ${to.id}
        MGET a b c d => [nil, nil, nil, nil]
        CONFIG SET tracking-table-max-keys 2
        PING => +PONG
      `);
      const dropped = [await message(to.client), await message(to.client)];
      const left = 'abcd'.split('').filter((key) => !dropped.includes(invalid(resp, `["${key}"]`)));
      expect(left).toHaveLength(2);
      await run(`@b MSET a 1 b 1 c 1 d 1`);
      const told = [await message(to.client), await message(to.client)];
      expect(told).toEqual(left.map((key) => invalid(resp, `["${key}"]`)));
      await expectSilence(to.client);
    },
    { config: { 'tracking-table-max-keys': '1000000' } },
  ],
  [
    'INFO counts clients, keys, clients of keys, and prefixes',
    `
      CLIENT TRACKING ON
      MGET a b c => [nil, nil, nil]
      @b CLIENT TRACKING ON
      @b GET b => nil
      @b GET b => nil
      @c CLIENT TRACKING ON BCAST PREFIX x PREFIX y
      @d CLIENT TRACKING ON BCAST PREFIX x
      @e INFO clients => /tracking_clients:4\\r/
      @e INFO stats => /tracking_total_keys:3\\r\\ntracking_total_items:4\\r\\ntracking_total_prefixes:2\\r/
      @e SET b 1
      @e INFO stats => /tracking_total_keys:2\\r\\ntracking_total_items:2\\r/
      @e FLUSHALL
      @e INFO stats => /tracking_total_keys:0\\r\\ntracking_total_items:0\\r\\ntracking_total_prefixes:2\\r/
      @c CLIENT INFO => /flags=tB /
      @e CLIENT INFO => /flags=N .* redir=-1 /
      @b CLIENT INFO => /flags=t .* redir=0 /
    `,
    { resp: 2 },
  ],
  [
    'CLIENT TRACKINGINFO describes the modes',
    `
      CLIENT TRACKINGINFO => {"flags": ~["off"], "redirect": -1, "prefixes": []}
      CLIENT GETREDIR => -1
      CLIENT TRACKING ON NOLOOP
      CLIENT TRACKINGINFO => {"flags": ~["on", "noloop"], "redirect": 0, "prefixes": []}
      CLIENT GETREDIR => 0
      CLIENT TRACKING ON OPTIN
      CLIENT CACHING YES
      CLIENT TRACKINGINFO => {"flags": ~["on", "optin", "caching-yes"], "redirect": 0, "prefixes": []}
      PING => +PONG
      CLIENT TRACKINGINFO => {"flags": ~["on", "optin"], "redirect": 0, "prefixes": []}
      CLIENT TRACKING OFF
      CLIENT TRACKING ON OPTOUT
      CLIENT CACHING NO
      CLIENT TRACKINGINFO => {"flags": ~["on", "optout", "caching-no"], "redirect": 0, "prefixes": []}
      CLIENT TRACKING OFF
      CLIENT TRACKING ON BCAST PREFIX foo PREFIX bar
      CLIENT TRACKINGINFO => {"flags": ~["on", "bcast"], "redirect": 0, "prefixes": ["bar", "foo"]}
      CLIENT TRACKING ON BCAST
      CLIENT TRACKINGINFO => {"flags": ~["on", "bcast"], "redirect": 0, "prefixes": ["", "bar", "foo"]}
      CLIENT TRACKING OFF
      CLIENT TRACKINGINFO => {"flags": ~["off"], "redirect": -1, "prefixes": []}
    `,
  ],
  [
    'options that do not go together are errors',
    `
      CLIENT TRACKING => -ERR wrong number of arguments for 'client|tracking' command
      CLIENT TRACKING maybe => -ERR syntax error
      CLIENT TRACKING ON nonsense => -ERR syntax error
      CLIENT TRACKING ON REDIRECT => -ERR syntax error
      CLIENT TRACKING ON PREFIX => -ERR syntax error
      CLIENT TRACKING ON REDIRECT x => -ERR value is not an integer or out of range
      CLIENT TRACKING ON REDIRECT 0 => -ERR The client ID you want redirect to does not exist
      CLIENT TRACKING ON REDIRECT -1 => -ERR The client ID you want redirect to does not exist
      CLIENT TRACKING ON REDIRECT 99999999 => -ERR The client ID you want redirect to does not exist
      CLIENT TRACKING ON PREFIX a => -ERR PREFIX option requires BCAST mode to be enabled
      CLIENT TRACKING ON BCAST OPTIN => -ERR OPTIN and OPTOUT are not compatible with BCAST
      CLIENT TRACKING ON BCAST OPTOUT => -ERR OPTIN and OPTOUT are not compatible with BCAST
      CLIENT TRACKING ON OPTIN OPTOUT => -ERR You can't specify both OPTIN mode and OPTOUT mode
      CLIENT CACHING YES => -ERR CLIENT CACHING can be called only when the client is in tracking mode with OPTIN or OPTOUT mode enabled
      CLIENT CACHING => -ERR wrong number of arguments for 'client|caching' command
      CLIENT TRACKING ON OPTIN
      CLIENT CACHING NO => -ERR CLIENT CACHING NO is only valid when tracking is enabled in OPTOUT mode.
      CLIENT CACHING maybe => -ERR syntax error
      CLIENT TRACKING ON OPTOUT
        => -ERR You can't switch OPTIN/OPTOUT mode before disabling tracking for this client, and then re-enabling it with a different mode.
      CLIENT TRACKING ON BCAST
        => -ERR You can't switch BCAST mode on/off before disabling tracking for this client, and then re-enabling it with a different mode.
      CLIENT TRACKING ON
      CLIENT TRACKING ON OPTOUT
      CLIENT CACHING YES => -ERR CLIENT CACHING YES is only valid when tracking is enabled in OPTIN mode.
      CLIENT TRACKING off whatever => -ERR syntax error
      CLIENT TRACKING off NOLOOP
      CLIENT TRACKINGINFO extra => -ERR wrong number of arguments for 'client|trackinginfo' command
    `,
  ],
  [
    'a client cannot redirect to two others',
    async ({ client, run }) => {
      const id = await idOf(client);
      await run(`
        CLIENT TRACKING ON REDIRECT ${id} REDIRECT ${id}
          => -ERR A client can only redirect to a single other client
        CLIENT TRACKING ON REDIRECT ${id}
        CLIENT GETREDIR => ${id}
      `);
    },
  ],
  [
    'prefixes of a client must not overlap',
    `
      CLIENT TRACKING ON BCAST PREFIX FOOBAR PREFIX FOO
        => -ERR Prefix 'FOOBAR' overlaps with another provided prefix 'FOO'. Prefixes for a single client must not overlap.
      CLIENT TRACKING ON BCAST PREFIX FOO PREFIX FOOBAR
        => -ERR Prefix 'FOO' overlaps with another provided prefix 'FOOBAR'. Prefixes for a single client must not overlap.
      CLIENT TRACKINGINFO => {"flags": ~["off"], "redirect": -1, "prefixes": []}
      CLIENT TRACKING ON BCAST PREFIX FOO PREFIX BAR
      CLIENT TRACKING ON BCAST PREFIX FO
        => -ERR Prefix 'FO' overlaps with an existing prefix 'FOO'. Prefixes for a single client must not overlap.
      CLIENT TRACKING ON BCAST PREFIX BARB
        => -ERR Prefix 'BARB' overlaps with an existing prefix 'BAR'. Prefixes for a single client must not overlap.
      CLIENT TRACKING ON BCAST PREFIX BAZ
    `,
  ],
]);

family('client-side caching and memory', [
  [
    'what eviction removes is reported before the reply of the command that needed the memory',
    async ({ client, run }) => {
      await run(`
        CLIENT TRACKING ON
        SET volatile x EX 1000
        GET volatile => "x"
        SETBIT big 1600000 0 => 0
        CONFIG SET maxmemory-policy volatile-random
        CONFIG SET maxmemory 1000
      `);
      client.send('GETBIT big 0\r\n');
      expect(await message(client)).toBe('["invalidate", ["volatile"]]');
      expect(showReply((await client.read()).reply)).toBe('0');
      client.send('MULTI\r\n');
      expect(showReply((await client.read()).reply)).toBe('+OK');
    },
    { resp: 3, config: { maxmemory: '0', 'maxmemory-policy': 'noeviction' } },
  ],
]);
