// MULTI, EXEC, DISCARD, WATCH and UNWATCH.

import { expect } from 'vitest';
import { family } from '../support/family.ts';

family('transactions', [
  [
    'MULTI queues commands and EXEC runs them in order',
    `
      MULTI => +OK
      SET k 1 => +QUEUED
      INCR k => +QUEUED
      GET k => +QUEUED
      @b GET k => nil
      EXEC => [+"OK", 2, "2"]
      GET k => "2"
      MULTI
      EXEC => []
    `,
  ],
  [
    'a command that fails while it runs does not stop the others',
    `
      MULTI => +OK
      SET k x => +QUEUED
      INCR k => +QUEUED
      APPEND k y => +QUEUED
      EXEC => [+"OK", -"ERR value is not an integer or out of range", 2]
    `,
  ],
  [
    'a command that cannot be queued makes EXEC refuse',
    `
      MULTI => +OK
      SET k 1 => +QUEUED
      nosuch => /^ERR unknown command 'nosuch'/
      EXEC => -EXECABORT Transaction discarded because of previous errors.
      EXISTS k => 0
      MULTI => +OK
      GET => -ERR wrong number of arguments for 'get' command
      SET k 1 => +QUEUED
      EXEC => -EXECABORT Transaction discarded because of previous errors.
      EXISTS k => 0
      MULTI => +OK
      EXEC => []
    `,
  ],
  [
    'DISCARD forgets what was queued',
    `
      MULTI => +OK
      SET k 1 => +QUEUED
      DISCARD => +OK
      EXISTS k => 0
      DISCARD => -ERR DISCARD without MULTI
      EXEC => -ERR EXEC without MULTI
    `,
  ],
  [
    'MULTI inside MULTI and WATCH inside MULTI are refused, the transaction goes on',
    `
      MULTI => +OK
      MULTI => -ERR MULTI calls can not be nested
      WATCH k => -ERR WATCH inside MULTI is not allowed
      SET k 1 => +QUEUED
      EXEC => [+"OK"]
      GET k => "1"
    `,
  ],
  [
    'a watched key that changed makes EXEC reply null',
    `
      SET k 1
      WATCH k => +OK
      @b SET k 2 => +OK
      MULTI => +OK
      SET k 3 => +QUEUED
      EXEC => nil-array
      GET k => "2"
      # EXEC ended the watch.
      MULTI
      SET k 3
      EXEC => [+"OK"]
    `,
  ],
  [
    'a watched key that stayed as it was lets EXEC run',
    `
      SET k 1
      WATCH k other => +OK
      @b GET k => "1"
      @b SET unwatched 1
      MULTI
      SET k 3
      EXEC => [+"OK"]
    `,
  ],
  [
    'own changes count, and so do creation, deletion and expiry',
    `
      WATCH k => +OK
      SET k 1
      MULTI
      EXEC => nil-array
      WATCH none => +OK
      @b SET none 1
      MULTI
      EXEC => nil-array
      WATCH k => +OK
      @b DEL k => 1
      MULTI
      EXEC => nil-array
      WATCH gone => +OK
      @b DEL gone => 0
      MULTI
      EXEC => []
    `,
  ],
  [
    'FLUSHALL and SWAPDB touch watched keys',
    `
      SET k 1
      WATCH k => +OK
      @b FLUSHALL
      MULTI
      EXEC => nil-array
      SET k 1
      WATCH k => +OK
      @b SWAPDB 0 1
      MULTI
      EXEC => nil-array
      WATCH nothing => +OK
      @b FLUSHALL
      MULTI
      EXEC => []
    `,
  ],
  [
    'a watched key that expires makes EXEC reply null',
    `
      SET k 1 PX 20
      WATCH k => +OK
      eventually EXISTS k => 0
      MULTI
      EXEC => nil-array
    `,
  ],
  [
    'UNWATCH and DISCARD forget what is watched',
    `
      WATCH k => +OK
      @b SET k 1
      UNWATCH => +OK
      MULTI
      EXEC => []
      WATCH k => +OK
      @b SET k 2
      MULTI
      DISCARD => +OK
      MULTI
      EXEC => []
      UNWATCH => +OK
    `,
  ],
  [
    'SELECT inside a transaction holds after it',
    `
      MULTI
      SELECT 5 => +QUEUED
      SET k five => +QUEUED
      EXEC => [+"OK", +"OK"]
      GET k => "five"
      SELECT 0
      GET k => nil
    `,
  ],
  [
    'RESET ends a transaction, QUIT too',
    `
      MULTI
      SET k 1 => +QUEUED
      RESET => +RESET
      EXISTS k => 0
      EXEC => -ERR EXEC without MULTI
      MULTI => +OK
      SET k 1 => +QUEUED
      QUIT => +OK
      closed
      @b EXISTS k => 0
    `,
  ],
  [
    'wrong numbers of arguments',
    `
      MULTI x => -ERR wrong number of arguments for 'multi' command
      EXEC x
      => -EXECABORT Transaction discarded because of: wrong number of arguments for 'exec' command
      DISCARD x => -ERR wrong number of arguments for 'discard' command
      WATCH => -ERR wrong number of arguments for 'watch' command
      UNWATCH x => -ERR wrong number of arguments for 'unwatch' command
    `,
  ],
  [
    'CLIENT INFO shows the length of the transaction',
    async ({ client, run }) => {
      await run('MULTI\nSET k 1 => +QUEUED\nCLIENT INFO => +QUEUED\nGET k => +QUEUED');
      const reply = await client.call('EXEC');
      const info = reply.kind === 'array' ? reply.items[1] : undefined;
      expect(info && 'bytes' in info && info.bytes.toString()).toMatch(/ flags=x .* multi=3 /);
    },
  ],
]);
