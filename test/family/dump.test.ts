// DUMP and RESTORE: options, errors, expiries, what listeners hear. Payloads of all encodings are in
// test/snapshot.

import { expect } from 'vitest';
import { quote } from '../support/arguments.ts';
import { type Context, family } from '../support/family.ts';
import { payload, plain, RDB, value } from '../support/rdb_payload.ts';
import { showReply } from '../support/reply_notation.ts';
import type { RespClient } from '../support/resp_client.ts';

const BYTES = payload(value(RDB.string, plain('x')), 6);
/** The string "x", as Redis of any version can read it. */
const X = quote(BYTES);

function changed(at: number): string {
  const bytes = Buffer.from(BYTES);
  bytes[at] = bytes[at]! ^ 1;
  return quote(bytes);
}

async function dump(client: RespClient, key: string): Promise<Buffer> {
  const reply = await client.call('DUMP', key);
  if (reply.kind !== 'bulk') throw new Error(showReply(reply));
  return Buffer.from(reply.bytes);
}

/** Makes a key, dumps it, restores it elsewhere, and compares what a command says of both. */
function roundTrip(make: string, look: string) {
  return async ({ client, run }: Context): Promise<void> => {
    await run(make);
    const bytes = await dump(client, 'k');
    expect(showReply(await client.call('RESTORE', 'copy', '0', bytes))).toBe('+OK');
    const ask = async (key: string) =>
      showReply(await client.call(...look.split(' ').map((word) => (word === 'KEY' ? key : word))));
    expect(await ask('copy')).toBe(await ask('k'));
    expect(showReply(await client.call('OBJECT', 'ENCODING', 'copy'))).toBe(
      showReply(await client.call('OBJECT', 'ENCODING', 'k')),
    );
  };
}

family('DUMP and RESTORE', [
  ['DUMP of a key that does not exist is nil', 'DUMP none => nil'],
  ['an integer', roundTrip('SET k 12345', 'GET KEY')],
  ['a string', roundTrip('SET k "hello world"', 'GET KEY')],
  ['a string that compresses', roundTrip(`SET k ${'ab'.repeat(3000)}`, 'GET KEY')],
  ['a list', roundTrip('RPUSH k a 1 b', 'LRANGE KEY 0 -1')],
  ['an intset', roundTrip('SADD k 3 1 2', 'SMEMBERS KEY')],
  ['a sorted set', roundTrip('ZADD k 1 a 2.5 b inf c', 'ZRANGE KEY 0 -1 WITHSCORES')],
  ['a hash', roundTrip('HSET k f v n 12', 'HGETALL KEY')],
  [
    'RESTORE makes a key that lives for ever with a TTL of 0',
    `
      RESTORE k 0 ${X} => +OK
      GET k => "x"
      TTL k => -1
      OBJECT ENCODING k => "embstr"
    `,
  ],
  [
    'RESTORE takes a TTL in milliseconds, with ABSTTL a time',
    `
      RESTORE k 100000000 ${X} => +OK
      TTL k => <99990..100000>
      RESTORE abs 4000000000000 ${X} ABSTTL => +OK
      PEXPIRETIME abs => 4000000000000
      RESTORE zero 0 ${X} ABSTTL => +OK
      TTL zero => -1
    `,
  ],
  [
    'RESTORE of what has expired makes no key, and takes away the one that is there',
    `
      RESTORE k 1 ${X} ABSTTL => +OK
      EXISTS k => 0
      SET k old
      RESTORE k 1 ${X} ABSTTL => -BUSYKEY Target key name already exists.
      RESTORE k 1 ${X} ABSTTL REPLACE => +OK
      EXISTS k => 0
    `,
  ],
  [
    'RESTORE does not touch a key that exists unless it may REPLACE',
    `
      RPUSH k a
      RESTORE k 0 ${X} => -BUSYKEY Target key name already exists.
      LRANGE k 0 -1 => ["a"]
      EXPIRE k 100
      RESTORE k 0 ${X} REPLACE => +OK
      GET k => "x"
      TTL k => -1
    `,
  ],
  [
    'RESTORE takes an idle time or a frequency, as the policy has it',
    `
      RESTORE k 0 ${X} IDLETIME 1000 => +OK
      OBJECT IDLETIME k => <1000..1010>
      RESTORE k 0 ${X} IDLETIME 0 REPLACE => +OK
      OBJECT IDLETIME k => <0..10>
      RESTORE k 0 ${X} FREQ 100 REPLACE => +OK
      OBJECT IDLETIME k => <0..10>
    `,
  ],
  [
    'RESTORE FREQ sets the counter',
    `
      RESTORE k 0 ${X} FREQ 100 => +OK
      OBJECT FREQ k => 100
      RESTORE j 0 ${X} IDLETIME 5 => +OK
      OBJECT FREQ j => 5
    `,
    { config: { 'maxmemory-policy': 'allkeys-lfu' } },
  ],
  [
    'RESTORE tells bad options',
    `
      RESTORE k 0 ${X} NONE => -ERR syntax error
      RESTORE k 0 ${X} IDLETIME => -ERR syntax error
      RESTORE k 0 ${X} FREQ => -ERR syntax error
      RESTORE k 0 ${X} IDLETIME 1 FREQ 1 => -ERR syntax error
      RESTORE k 0 ${X} FREQ 1 IDLETIME 1 => -ERR syntax error
      RESTORE k 0 ${X} IDLETIME -1 => -ERR Invalid IDLETIME value, must be >= 0
      RESTORE k 0 ${X} IDLETIME x => -ERR value is not an integer or out of range
      RESTORE k 0 ${X} FREQ -1 => -ERR Invalid FREQ value, must be >= 0 and <= 255
      RESTORE k 0 ${X} FREQ 256 => -ERR Invalid FREQ value, must be >= 0 and <= 255
      RESTORE k 0 ${X} FREQ x => -ERR value is not an integer or out of range
      RESTORE k -1 ${X} => -ERR Invalid TTL value, must be >= 0
      RESTORE k x ${X} => -ERR value is not an integer or out of range
      RESTORE k 0 => -ERR wrong number of arguments for 'restore' command
      EXISTS k => 0
    `,
  ],
  [
    'options are looked at before the key, the key before the TTL, the TTL before the payload',
    `
      SET k v
      RESTORE k -1 bad NONE => -ERR syntax error
      RESTORE k -1 bad => -BUSYKEY Target key name already exists.
      RESTORE k -1 bad REPLACE => -ERR Invalid TTL value, must be >= 0
      RESTORE k 0 bad REPLACE => -ERR DUMP payload version or checksum are wrong
      GET k => "v"
    `,
  ],
  [
    'a payload whose checksum is wrong, or that is too short, is refused',
    `
      RESTORE k 0 "" => -ERR DUMP payload version or checksum are wrong
      RESTORE k 0 123456789 => -ERR DUMP payload version or checksum are wrong
      RESTORE k 0 ${changed(2)} => -ERR DUMP payload version or checksum are wrong
      RESTORE k 0 ${changed(12)} => -ERR DUMP payload version or checksum are wrong
    `,
  ],
  [
    'a payload of a newer version is refused, one that holds no value too',
    async ({ client }) => {
      const body = value(RDB.string, plain('x'));
      const restore = async (bytes: Buffer) =>
        showReply(await client.call('RESTORE', 'k', '0', bytes));
      expect(await restore(payload(body, 13))).toBe(
        '-ERR DUMP payload version or checksum are wrong',
      );
      expect(await restore(payload(Buffer.from([99, 0])))).toBe('-ERR Bad data format');
      expect(await restore(payload(Buffer.from([RDB.list, 0])))).toBe('-ERR Bad data format');
    },
  ],
  [
    'RESTORE-ASKING is RESTORE for nodes of a cluster',
    `
      RESTORE-ASKING k 0 ${X} => +OK
      GET k => "x"
    `,
  ],
  [
    'RESTORE is announced',
    async ({ run, connect }) => {
      const listener = await connect('a');
      await run(`
        CONFIG SET notify-keyspace-events EA
        @a PSUBSCRIBE __key* => >["psubscribe", "__key*", 1]
        RESTORE k 0 ${X} => +OK
        RESTORE k 0 ${X} REPLACE => +OK
        RESTORE k 1 ${X} ABSTTL REPLACE => +OK
        RESTORE k 1 ${X} ABSTTL => +OK
        CONFIG SET notify-keyspace-events ""
      `);
      for (const event of ['restore', 'restore', 'del']) {
        expect(showReply((await listener.read()).reply)).toContain(
          `__keyevent@0__:${event}", "k"]`,
        );
      }
    },
  ],
  [
    'a transaction whose key is restored fails',
    `
      WATCH k
      @b RESTORE k 0 ${X} => +OK
      MULTI
      SET k v => +QUEUED
      EXEC => nil-array
      GET k => "x"
    `,
  ],
  [
    'MIGRATE has nothing to do for keys that do not exist',
    `
      MIGRATE 127.0.0.1 1 none 0 100 => +NOKEY
      MIGRATE 127.0.0.1 1 "" 0 100 COPY REPLACE KEYS none nil => +NOKEY
      MIGRATE 127.0.0.1 1 "" 0 100 KEYS => +NOKEY
    `,
  ],
  [
    'MIGRATE tells bad arguments, and where it cannot connect',
    `
      SET k v
      MIGRATE 127.0.0.1 1 k 0 => -ERR wrong number of arguments for 'migrate' command
      MIGRATE 127.0.0.1 1 k 0 100 FAST => -ERR syntax error
      MIGRATE 127.0.0.1 1 k 0 100 AUTH => -ERR syntax error
      MIGRATE 127.0.0.1 1 k 0 100 AUTH2 user => -ERR syntax error
      MIGRATE 127.0.0.1 1 k 0 100 KEYS k
        => -ERR When using MIGRATE KEYS option, the key argument must be set to the empty string
      MIGRATE 127.0.0.1 1 k 0 x => -ERR value is not an integer or out of range
      MIGRATE 127.0.0.1 1 k x 100 => -ERR value is not an integer or out of range
      MIGRATE 127.0.0.1 1 none 0 x => -ERR value is not an integer or out of range
      MIGRATE 127.0.0.1 1 k 0 100 => -IOERR error or timeout writing to target instance
      MIGRATE 127.0.0.1 none k 0 100 => -IOERR error or timeout writing to target instance
      MIGRATE no.such.host.invalid 1 k 0 100
        => -IOERR error or timeout connecting to the client
      GET k => "v"
      COMMAND GETKEYS MIGRATE host 1 k 0 100 => ["k"]
      COMMAND GETKEYS MIGRATE host 1 "" 0 100 AUTH keys KEYS a b => ["a", "b"]
    `,
  ],
]);
