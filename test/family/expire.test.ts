// Expiry: the EXPIRE family with its conditions, TTL and EXPIRETIME, PERSIST, lazy and active expiry.

import { expect } from 'vitest';
import { family } from '../support/family.ts';

const NOT_INTEGER = '-ERR value is not an integer or out of range';

family('expiry', [
  [
    'the four EXPIRE commands set it, the TTL and EXPIRETIME commands tell it',
    `
      SET k v
      TTL k => -1
      PTTL k => -1
      EXPIRETIME k => -1
      PEXPIRETIME k => -1
      EXPIRE k 100 => 1
      TTL k => <99..100>
      PTTL k => <99000..100000>
      PEXPIRE k 100500 => 1
      PTTL k => <99000..100500>
      EXPIREAT k 33177117420 => 1
      EXPIRETIME k => 33177117420
      PEXPIRETIME k => 33177117420000
      PEXPIREAT k 33177117420999 => 1
      PEXPIRETIME k => 33177117420999
      EXPIRETIME k => 33177117421
      GET k => "v"
    `,
  ],
  [
    'a missing key has no expiry to set or tell',
    `
      EXPIRE k 100 => 0
      PEXPIRE k 100 => 0
      EXPIREAT k 33177117420 => 0
      PEXPIREAT k 33177117420000 => 0
      PERSIST k => 0
      TTL k => -2
      PTTL k => -2
      EXPIRETIME k => -2
      PEXPIRETIME k => -2
    `,
  ],
  [
    'TTL rounds to the nearest second',
    `
      SET k v PX 1400
      TTL k => 1
      SET k v PX 10900
      TTL k => 11
    `,
  ],
  [
    'an expiry now or in the past deletes the key at once',
    `
      MSET a 1 b 1 c 1 d 1 e 1
      EXPIRE a 0 => 1
      EXPIRE b -1 => 1
      EXPIREAT c 1 => 1
      PEXPIREAT d 0 => 1
      PEXPIRE e -9223372036854775807 => 1
      SET e 1
      PEXPIREAT e -9223372036854775808 => 1
      EXISTS a b c d e => 0
      DBSIZE => 0
    `,
  ],
  [
    'PERSIST drops the expiry',
    `
      SET k v
      PERSIST k => 0
      EXPIRE k 100
      PERSIST k => 1
      TTL k => -1
      PERSIST k => 0
      PERSIST => -ERR wrong number of arguments for 'persist' command
    `,
  ],

  // --- Conditions ---
  [
    'NX sets only where there is no expiry, XX only where there is one',
    `
      SET k v
      EXPIRE k 100 XX => 0
      TTL k => -1
      EXPIRE k 100 NX => 1
      EXPIRE k 200 nx => 0
      TTL k => <99..100>
      EXPIRE k 200 xx => 1
      TTL k => <199..200>
    `,
  ],
  [
    'GT only lengthens and LT only shortens; no expiry counts as for ever',
    `
      SET k v
      PEXPIREAT k 33177117420000 GT => 0
      TTL k => -1
      PEXPIREAT k 33177117420000 LT => 1
      PEXPIREAT k 33177117420000 LT => 0
      PEXPIREAT k 33177117420000 GT => 0
      PEXPIREAT k 33177117420001 LT => 0
      PEXPIREAT k 33177117420001 GT => 1
      PEXPIREAT k 33177117420000 GT => 0
      PEXPIREAT k 33177117420000 LT => 1
      PEXPIRETIME k => 33177117420000
    `,
  ],
  [
    'XX goes together with GT or LT',
    `
      SET k v
      EXPIRE k 100 XX LT => 0
      EXPIRE k 100 XX GT => 0
      EXPIRE k 100
      EXPIRE k 200 XX GT => 1
      EXPIRE k 100 LT XX => 1
      EXPIRE k 50 LT LT => 1
      TTL k => <49..50>
    `,
  ],
  [
    'a condition that holds back also holds back a time in the past',
    `
      SET k v
      EXPIRE k -1 XX => 0
      EXPIRE k -1 GT => 0
      EXISTS k => 1
      EXPIRE k -1 LT => 1
      EXISTS k => 0
    `,
  ],
  [
    'conditions that exclude each other are refused',
    `
      SET k v
      EXPIRE k 1 NX XX
      => -ERR NX and XX, GT or LT options at the same time are not compatible
      EXPIRE k 1 NX GT
      => -ERR NX and XX, GT or LT options at the same time are not compatible
      EXPIRE k 1 LT NX
      => -ERR NX and XX, GT or LT options at the same time are not compatible
      EXPIRE k 1 GT LT
      => -ERR GT and LT options at the same time are not compatible
      EXPIRE k 1 NX XX GT LT
      => -ERR NX and XX, GT or LT options at the same time are not compatible
      EXPIRE k 1 NOSUCH => -ERR Unsupported option NOSUCH
      EXPIRE k 1 nx NoSuch => -ERR Unsupported option NoSuch
      PEXPIREAT none 1 NOSUCH => -ERR Unsupported option NOSUCH
      TTL k => -1
    `,
  ],
  [
    'times that are no integers or overflow are refused, also for missing keys',
    `
      SET k v
      EXPIRE k x => ${NOT_INTEGER}
      EXPIRE k 1.5 => ${NOT_INTEGER}
      EXPIRE k "" => ${NOT_INTEGER}
      EXPIRE none x => ${NOT_INTEGER}
      EXPIRE k 9223372036854775807 => -ERR invalid expire time in 'expire' command
      EXPIRE k 9223372036854775 => -ERR invalid expire time in 'expire' command
      EXPIRE k -9223372036854775808 => -ERR invalid expire time in 'expire' command
      EXPIRE none 9223372036854775807 => -ERR invalid expire time in 'expire' command
      EXPIREAT k 9223372036854775807 => -ERR invalid expire time in 'expireat' command
      EXPIREAT k 9223372036854775 => 1
      PEXPIRE k 9223372036854775807 => -ERR invalid expire time in 'pexpire' command
      PEXPIREAT k 9223372036854775807 => 1
      PEXPIRETIME k => 9223372036854775807
      PTTL k => <9220000000000000000..9223372036854775807>
      PEXPIREAT k 9223372036854775808 => ${NOT_INTEGER}
      EXPIRE k x NOSUCH => -ERR Unsupported option NOSUCH
    `,
  ],
  [
    'wrong numbers of arguments',
    `
      EXPIRE k => -ERR wrong number of arguments for 'expire' command
      PEXPIRE k => -ERR wrong number of arguments for 'pexpire' command
      EXPIREAT k => -ERR wrong number of arguments for 'expireat' command
      PEXPIREAT k => -ERR wrong number of arguments for 'pexpireat' command
      TTL => -ERR wrong number of arguments for 'ttl' command
      PTTL a b => -ERR wrong number of arguments for 'pttl' command
      EXPIRETIME => -ERR wrong number of arguments for 'expiretime' command
      PEXPIRETIME => -ERR wrong number of arguments for 'pexpiretime' command
    `,
  ],

  // --- Lazy and active expiry ---
  [
    'an expired key is gone for every command, without active expiry too',
    `
      DEBUG SET-ACTIVE-EXPIRE 0
      MSET a 1 b 1 c 1 d 1 e 1 f 1 g 1 h 1
      PEXPIRE a 1
      PEXPIRE b 1
      PEXPIRE c 1
      PEXPIRE d 1
      PEXPIRE e 1
      PEXPIRE f 1
      PEXPIRE g 1
      PEXPIRE h 1
      sleep 5
      DBSIZE => 8
      GET a => nil
      EXISTS b => 0
      TYPE c => +none
      TTL d => -2
      APPEND e x => 1
      TTL e => -1
      INCR f => 1
      DEL g => 0
      RENAME h x => -ERR no such key
      DBSIZE => 2
      DEBUG SET-ACTIVE-EXPIRE 1
    `,
  ],
  [
    'active expiry removes keys that nobody asks for',
    `
      SET a 1 PX 1
      SET b 1 PX 1
      SET c 1
      eventually DBSIZE => 1
    `,
  ],
  [
    'INFO counts the keys with an expiry',
    async ({ client, run }) => {
      await run('MSET a 1 b 2 c 3');
      await run('EXPIRE a 1000');
      await run('EXPIRE b 1000');
      const info = await client.call('INFO', 'keyspace');
      if (!('bytes' in info)) throw new Error(info.kind);
      expect(info.bytes.toString()).toMatch(/^# Keyspace\r\ndb0:keys=3,expires=2,avg_ttl=\d+/);
    },
  ],
  [
    'many keys expire while the server goes on answering',
    async ({ client, run }) => {
      const commands: string[][] = [];
      for (let i = 0; i < 5000; i++) commands.push(['SET', `k${i}`, 'v', 'PX', '20']);
      commands.push(['SET', 'stays', 'v']);
      await client.pipeline(commands);
      await run('eventually DBSIZE => 1');
      await run('KEYS * => ["stays"]');
    },
  ],
]);
