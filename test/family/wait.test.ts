// WAIT and WAITAOF. There are no replicas; the append-only file is turned on where a sentence needs it.

import { expect } from 'vitest';
import { family } from '../support/family.ts';
import { showReply } from '../support/reply_notation.ts';

const NOT_INTEGER = '-ERR value is not an integer or out of range';
const NO_LOG = '-ERR WAITAOF cannot be used when numlocal is set but appendonly is disabled.';

family('clients that wait for their changes to be safe', [
  [
    'WAIT does not wait for nobody',
    `
      WAIT 0 0 => 0
      WAIT 0 1000 => 0
      WAIT -1 0 => 0
    `,
  ],
  [
    'WAIT for replicas that are not there takes as long as it may',
    `
      SET a 1
      WAIT 1 10 => 0
      @b blocks WAIT 1 0
      eventually INFO clients => /blocked_clients:1/
      eventually INFO clients => /clients_in_timeout_table:0/
      @c blocks WAIT 1 100000
      INFO clients => /clients_in_timeout_table:1/
    `,
  ],
  [
    'WAIT does not wait in a transaction',
    `
      MULTI
      WAIT 1 0 => +QUEUED
      EXEC => [0]
    `,
  ],
  [
    'WAIT needs two integers',
    `
      WAIT x 0 => ${NOT_INTEGER}
      WAIT 1 x => -ERR timeout is not an integer or out of range
      WAIT 1 -1 => -ERR timeout is negative
      WAIT 1 => -ERR wrong number of arguments for 'wait' command
    `,
  ],
  [
    'the time that WAIT may take is limited',
    'WAIT 1 9223372036854775807 => -ERR timeout is out of range',
    { since: '7.2' },
  ],
  [
    'CLIENT UNBLOCK ends WAIT',
    async ({ connect, run }) => {
      const b = await connect('b');
      const id = showReply(await b.call('CLIENT', 'ID'));
      await run(`
        @b blocks WAIT 1 0
        CLIENT UNBLOCK ${id} => 1
        @b gets => 0
        @b blocks WAIT 1 0
        CLIENT UNBLOCK ${id} ERROR => 1
        @b gets => -UNBLOCKED client unblocked via CLIENT UNBLOCK
        @b PING => +PONG
        eventually INFO clients => /blocked_clients:0/
      `);
    },
  ],
  [
    'a client that waits may leave',
    async ({ connect, run }) => {
      const b = await connect('b');
      await run('@b blocks WAIT 1 0');
      b.close();
      await run('eventually INFO clients => /blocked_clients:0/');
    },
  ],
  [
    'WAITAOF refuses to wait for a log that is not there',
    `
      WAITAOF 1 0 0 => ${NO_LOG}
      WAITAOF 0 0 0 => [0, 0]
    `,
    { since: '7.2' },
  ],
  [
    'WAITAOF needs three integers',
    `
      WAITAOF x 0 0 => ${NOT_INTEGER}
      WAITAOF 2 0 0 => -ERR value is out of range, value must between 0 and 1
      WAITAOF -1 0 0 => -ERR value is out of range, value must between 0 and 1
      WAITAOF 0 x 0 => ${NOT_INTEGER}
      WAITAOF 0 -1 0 => -ERR value is out of range, must be positive
      WAITAOF 0 0 x => -ERR timeout is not an integer or out of range
      WAITAOF 0 0 -1 => -ERR timeout is negative
      WAITAOF 0 0 => -ERR wrong number of arguments for 'waitaof' command
    `,
    { since: '7.2' },
  ],
  [
    'WAITAOF waits until what the client changed is on the disk',
    async ({ run, client }) => {
      await run(`
        CONFIG SET appendonly yes
        SET a 1
        WAITAOF 1 0 0 => [1, 0]
        WAITAOF 1 0 0 => [1, 0]
        CONFIG SET appendfsync no
        SET a 2
        WAITAOF 1 0 20 => [0, 0]
        WAITAOF 0 1 20 => [0, 0]
        @b WAITAOF 1 0 0 => [1, 0]
        MULTI
        SET a 3
        WAITAOF 1 0 0 => +QUEUED
        EXEC => [+"OK", [0, 0]]
        CONFIG SET appendfsync always
        SET a 4
        WAITAOF 1 0 0 => [1, 0]
        WAITAOF 1 1 20 => [1, 0]
        CONFIG SET appendfsync everysec
        SET a 5
        WAITAOF 1 0 0 => [1, 0]
      `);
      expect(showReply(await client.call('CONFIG', 'SET', 'appendonly', 'no'))).toBe('+OK');
    },
    { since: '7.2', config: { appendfsync: 'everysec' } },
  ],
  [
    'WAITAOF ends with an error when the log is turned off',
    `
      CONFIG SET appendonly yes
      CONFIG SET appendfsync no
      @b SET a 1
      @b blocks WAITAOF 1 0 0
      CONFIG SET appendonly no
      @b gets => ${NO_LOG}
    `,
    { since: '7.2', config: { appendfsync: 'everysec' } },
  ],
]);
