// SUBSCRIBE and its relatives, PUBLISH, PUBSUB, keyspace notifications.

import { expect } from 'vitest';
import { family } from '../support/family.ts';
import { showReply } from '../support/reply_notation.ts';
import type { RespClient } from '../support/resp_client.ts';

/** The next message a listener gets, as its texts and numbers. */
async function message(client: RespClient): Promise<string> {
  return showReply((await client.read()).reply).replace(/^>/, '');
}

family('publish and subscribe', [
  [
    'a message goes to everyone who listens to its channel',
    async ({ client, connect, run }) => {
      const a = await connect('a');
      const b = await connect('b');
      await run(`
        @a SUBSCRIBE news => >["subscribe", "news", 1]
        @b SUBSCRIBE news => >["subscribe", "news", 1]
        PUBLISH news hello => 2
        PUBLISH other hello => 0
      `);
      expect(await message(a)).toBe('["message", "news", "hello"]');
      expect(await message(b)).toBe('["message", "news", "hello"]');
      await run('@a UNSUBSCRIBE news => >["unsubscribe", "news", 0]\nPUBLISH news again => 1');
      expect(await message(b)).toBe('["message", "news", "again"]');
      expect(client.isOpen).toBe(true);
    },
  ],
  [
    'a pattern hears all channels it matches, besides a subscription to the channel itself',
    async ({ connect, run }) => {
      const a = await connect('a');
      await run(`
        @a PSUBSCRIBE n?ws* => >["psubscribe", "n?ws*", 1]
        @a SUBSCRIBE news => >["subscribe", "news", 2]
        PUBLISH news x => 2
        PUBLISH nows.today y => 1
      `);
      expect(await message(a)).toBe('["message", "news", "x"]');
      expect(await message(a)).toBe('["pmessage", "n?ws*", "news", "x"]');
      expect(await message(a)).toBe('["pmessage", "n?ws*", "nows.today", "y"]');
      await run('@a PUNSUBSCRIBE => >["punsubscribe", "n?ws*", 1]\nPUBLISH nows.today z => 0');
    },
  ],
  [
    'leaving without a subscription is confirmed, too',
    `
      UNSUBSCRIBE => >["unsubscribe", nil, 0]
      PUNSUBSCRIBE => >["punsubscribe", nil, 0]
      SUNSUBSCRIBE => >["sunsubscribe", nil, 0]
      UNSUBSCRIBE none => >["unsubscribe", "none", 0]
    `,
  ],
  [
    'shard channels are a world of their own',
    async ({ connect, run }) => {
      const a = await connect('a');
      await run(`
        @a SSUBSCRIBE news => >["ssubscribe", "news", 1]
        @a SUBSCRIBE news => >["subscribe", "news", 1]
        PUBLISH news x => 1
        SPUBLISH news y => 1
      `);
      expect(await message(a)).toBe('["message", "news", "x"]');
      expect(await message(a)).toBe('["smessage", "news", "y"]');
      await run('@a SUNSUBSCRIBE news => >["sunsubscribe", "news", 0]\nSPUBLISH news z => 0');
    },
  ],
  [
    'PUBSUB tells who listens to what',
    `
      @a SUBSCRIBE alpha => >["subscribe", "alpha", 1]
      @b SUBSCRIBE alpha => >["subscribe", "alpha", 1]
      @b SSUBSCRIBE shard => >["ssubscribe", "shard", 1]
      @b PSUBSCRIBE x* => >["psubscribe", "x*", 2]
      PUBSUB CHANNELS => ["alpha"]
      PUBSUB CHANNELS a* => ["alpha"]
      PUBSUB CHANNELS b* => []
      PUBSUB NUMSUB => []
      PUBSUB NUMSUB alpha beta => ["alpha", 2, "beta", 0]
      PUBSUB NUMPAT => 1
      PUBSUB SHARDCHANNELS => ["shard"]
      PUBSUB SHARDNUMSUB shard alpha => ["shard", 1, "alpha", 0]
      PUBSUB HELP => [/^PUBSUB <subcommand>/, ...]
      PUBSUB NOSUCH => /^ERR unknown subcommand 'NOSUCH'/
      PUBLISH => -ERR wrong number of arguments for 'publish' command
      SUBSCRIBE => -ERR wrong number of arguments for 'subscribe' command
    `,
  ],
  [
    'a listener may do little else in RESP2',
    `
      SUBSCRIBE c => >["subscribe", "c", 1]
      GET k => /^ERR Can't execute 'get': only /
      PING => ["pong", ""]
      PING hi => ["pong", "hi"]
      RESET => +RESET
      PING => +PONG
    `,
    { resp: 2 },
  ],
  [
    'a listener may do anything in RESP3',
    `
      SUBSCRIBE c => >["subscribe", "c", 1]
      GET k => nil
      PING => +PONG
    `,
    { resp: 3 },
  ],
  [
    'CLIENT REPLY OFF does not silence messages',
    async ({ client, run }) => {
      await run('CLIENT REPLY OFF => nothing');
      client.send('PING\r\nSUBSCRIBE c\r\nPING\r\n');
      expect(await message(client)).toBe('["subscribe", "c", 1]');
      await run('@b PUBLISH c x => 1');
      expect(await message(client)).toBe('["message", "c", "x"]');
    },
  ],
]);

family('keyspace notifications', [
  [
    'tell of the key and of the event, as far as asked for',
    async ({ connect, run }) => {
      const a = await connect('a');
      await run(`
        @a PSUBSCRIBE __key* => >["psubscribe", "__key*", 1]
        SET k 1
        CONFIG SET notify-keyspace-events KEA
        SET k 1
        INCR k
        EXPIRE k 100
        DEL k
        CONFIG SET notify-keyspace-events E$
        APPEND l x
        DEL l
      `);
      const expected = [
        ['__keyspace@0__:k', 'set'],
        ['__keyevent@0__:set', 'k'],
        ['__keyspace@0__:k', 'incrby'],
        ['__keyevent@0__:incrby', 'k'],
        ['__keyspace@0__:k', 'expire'],
        ['__keyevent@0__:expire', 'k'],
        ['__keyspace@0__:k', 'del'],
        ['__keyevent@0__:del', 'k'],
        ['__keyevent@0__:append', 'l'],
      ];
      for (const [channel, text] of expected) {
        expect(await message(a)).toBe(`["pmessage", "__key*", "${channel}", "${text}"]`);
      }
      await run('CONFIG SET notify-keyspace-events ""');
    },
  ],
  [
    'tell of a key that expires',
    async ({ connect, run }) => {
      const a = await connect('a');
      await run(`
        CONFIG SET notify-keyspace-events Ex
        @a SUBSCRIBE __keyevent@0__:expired => >["subscribe", "__keyevent@0__:expired", 1]
        SET k 1 PX 5
        sleep 20
        EXISTS k => 0
      `);
      expect(await message(a)).toBe('["message", "__keyevent@0__:expired", "k"]');
      await run('CONFIG SET notify-keyspace-events ""');
    },
  ],
  [
    'tell of keys that come into being, before what was done to them',
    async ({ connect, run }) => {
      const a = await connect('a');
      await run(`
        @a PSUBSCRIBE __keyevent* => >["psubscribe", "__keyevent*", 1]
        CONFIG SET notify-keyspace-events En$lszhg
        SET k 1
        SET k 2
        RPUSH l a
        RPUSH l b
        SADD s a
        HSET h f 1
        ZADD z 1 a
        RENAME k m
        RENAME s m
        COPY m k
        MSET k 1 n 1
        MOVE n 1
        SINTERSTORE x m m
      `);
      const expected = [
        ['new', 'k'],
        ['set', 'k'],
        ['set', 'k'],
        ['new', 'l'],
        ['rpush', 'l'],
        ['rpush', 'l'],
        ['new', 's'],
        ['sadd', 's'],
        ['new', 'h'],
        ['hset', 'h'],
        ['new', 'z'],
        ['zadd', 'z'],
        ['new', 'm'],
        ['rename_from', 'k'],
        ['rename_to', 'm'],
        ['new', 'm'],
        ['rename_from', 's'],
        ['rename_to', 'm'],
        ['new', 'k'],
        ['copy_to', 'k'],
        ['set', 'k'],
        ['new', 'n'],
        ['set', 'n'],
      ];
      for (const [event, key] of expected) {
        const channel = `__keyevent@0__:${event}`;
        expect(await message(a)).toBe(`["pmessage", "__keyevent*", "${channel}", "${key}"]`);
      }
      expect(await message(a)).toContain('"__keyevent@1__:new", "n"');
      expect(await message(a)).toContain('"__keyevent@0__:move_from", "n"');
      expect(await message(a)).toContain('"__keyevent@1__:move_to", "n"');
      expect(await message(a)).toContain('"__keyevent@0__:new", "x"');
      expect(await message(a)).toContain('"__keyevent@0__:sinterstore", "x"');
      await run('CONFIG SET notify-keyspace-events ""');
    },
    { since: '7.0.1' },
  ],
  [
    'tell of keys that were looked for in vain, for reading only',
    async ({ connect, run }) => {
      const a = await connect('a');
      await run(`
        SET there 1
        @a PSUBSCRIBE __keyevent* => >["psubscribe", "__keyevent*", 1]
        CONFIG SET notify-keyspace-events Em
        GET a => nil
        EXISTS b there b => 1
        TTL c => -2
        TYPE d => +none
        OBJECT ENCODING e => nil
        GETSET f 1 => nil
        DEL g => 0
        MGET h there => [nil, "1"]
        SET i 1 GET => nil
        SISMEMBER j x => 0
      `);
      for (const key of ['a', 'b', 'b', 'c', 'd', 'f', 'h', 'i', 'j']) {
        expect(await message(a)).toBe(
          `["pmessage", "__keyevent*", "__keyevent@0__:keymiss", "${key}"]`,
        );
      }
      await run('CONFIG SET notify-keyspace-events ""\n@a PING => <any>');
    },
  ],
]);
