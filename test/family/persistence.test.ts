// SAVE, BGSAVE, REPLCONF, SYNC, PSYNC and BACKUP.

import net from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect } from 'vitest';
import { family } from '../support/family.ts';
import type { RespClient } from '../support/resp_client.ts';

const READ_TIMEOUT_MS = 20_000;

/** What a server sends for the last of `lines`, until `isWhole`; the others are replied to with OK. */
function receive(port: number, lines: string[], isWhole: (bytes: Buffer) => boolean) {
  return new Promise<Buffer>((resolve, reject) => {
    let bytes = Buffer.alloc(0);
    const left = [...lines];
    const sendNext = () => socket.write(`${left.shift()}\r\n`);
    const socket = net.connect(port, '127.0.0.1', sendNext);
    const end = (error?: Error) => {
      clearTimeout(timer);
      socket.destroy();
      if (error) reject(error);
      else resolve(bytes);
    };
    const timer = setTimeout(
      () => end(new Error(`incomplete: ${JSON.stringify(bytes.toString('latin1'))}`)),
      READ_TIMEOUT_MS,
    );
    socket.on('data', (chunk: Buffer) => {
      bytes = Buffer.concat([bytes, chunk]);
      if (left.length > 0 && bytes.toString() === '+OK\r\n') {
        bytes = Buffer.alloc(0);
        sendNext();
      } else if (isWhole(bytes)) end();
    });
    socket.on('error', end);
  });
}

/** The snapshot in an answer of the form with a mark, undefined while it is not whole. */
function markedSnapshot(bytes: Buffer): Buffer | undefined {
  const head = /\$EOF:([0-9a-zA-Z]{40})\r\n/.exec(bytes.toString('latin1'));
  if (!head) return undefined;
  const rest = bytes.subarray(head.index + head[0].length);
  const end = rest.lastIndexOf(head[1]!);
  return end >= 0 && end === rest.length - head[1]!.length ? rest.subarray(0, end) : undefined;
}

/** The same for the form with a length. */
function countedSnapshot(bytes: Buffer): Buffer | undefined {
  const head = /^(?:\+.*\r\n)?\n*\$(\d+)\r\n/.exec(bytes.toString('latin1'));
  if (!head) return undefined;
  const rest = bytes.subarray(head[0].length);
  return rest.length >= Number(head[1]) ? rest.subarray(0, Number(head[1])) : undefined;
}

/** A whole snapshot, by its first and last bytes. */
function expectSnapshot(bytes: Buffer | undefined): string {
  const text = bytes?.toString('latin1') ?? '';
  expect(text).toMatch(/^REDIS00\d\d/);
  expect(text.slice('REDIS0000'.length)).toMatch(/^..redis-ver/s);
  expect(text.at(-9)).toBe('\xff');
  return text;
}

async function info(client: RespClient): Promise<string> {
  const reply = await client.call('INFO', 'persistence');
  return 'bytes' in reply ? reply.bytes.toString() : '';
}

async function savesBegun(client: RespClient): Promise<number> {
  return Number(/rdb_saves:(\d+)/.exec(await info(client))?.[1] ?? 0);
}

/** Waits until a save that was scheduled has begun and is over. */
async function savedInBackground(client: RespClient, before: number): Promise<void> {
  const deadline = Date.now() + READ_TIMEOUT_MS;
  const isOver = async () =>
    (await savesBegun(client)) > before && (await info(client)).includes('bgsave_in_progress:0');
  while (!(await isOver())) {
    if (Date.now() > deadline) throw new Error(`no save: ${await info(client)}`);
    await sleep(10);
  }
}

family('snapshots', [
  [
    'SAVE replies when the data are on the disk, BGSAVE when it has begun',
    `
      SET k v
      eventually SAVE => +OK
      SAVE x => -ERR wrong number of arguments for 'save' command
      BGSAVE x => -ERR syntax error
      BGSAVE schedule x => -ERR syntax error
      BGSAVE => +Background saving started
      eventually BGSAVE SCHEDULE => +Background saving started
      eventually SAVE => +OK
    `,
  ],
  [
    'in a transaction BGSAVE is scheduled and SAVE is not allowed',
    async ({ client, run }) => {
      await run('eventually SAVE => +OK');
      const before = await savesBegun(client);
      await run(`
        MULTI
        BGSAVE => +QUEUED
        EXEC => [+"Background saving scheduled"]
        MULTI
        SAVE => -ERR Command not allowed inside a transaction
        EXEC => -EXECABORT Transaction discarded because of previous errors.
      `);
      await savedInBackground(client, before);
    },
  ],
  [
    'a second save in the background is refused while one runs',
    async ({ client, run }) => {
      await run(`
        DEBUG POPULATE 200
        CONFIG SET rdb-key-save-delay 100000
        eventually BGSAVE => +Background saving started
        BGSAVE => -ERR Background save already in progress
        BGSAVE SCHEDULE => -ERR Background save already in progress
        SAVE => -ERR Background save already in progress
        MULTI
        BGSAVE
        EXEC => [-"ERR Background save already in progress"]
      `);
      expect(await info(client)).toMatch(/rdb_bgsave_in_progress:1\r\n/);
      // It is over at once, although it would have taken 20 seconds.
      await run('FLUSHALL\nCONFIG SET rdb-key-save-delay 0\neventually SAVE => +OK');
      expect(await info(client)).toMatch(/rdb_bgsave_in_progress:0\r\n/);
      expect(await info(client)).toMatch(/rdb_last_bgsave_status:ok\r\n/);
    },
  ],
  [
    'BGREWRITEAOF begins, and a save waits for it when it is told to',
    async ({ client, run }) => {
      await run(`
        eventually BGREWRITEAOF => +Background append only file rewriting started
        BGREWRITEAOF x => -ERR wrong number of arguments for 'bgrewriteaof' command
        eventually SAVE => +OK
      `);
      const before = await savesBegun(client);
      await run(`
        DEBUG POPULATE 200
        CONFIG SET rdb-key-save-delay 100000
        eventually BGREWRITEAOF => +Background append only file rewriting started
        BGREWRITEAOF => -ERR Background append only file rewriting already in progress
        BGSAVE
        => -ERR Another child process is active (AOF?): can't BGSAVE right now. Use BGSAVE SCHEDULE in
        => order to schedule a BGSAVE whenever possible.
        BGSAVE SCHEDULE => +Background saving scheduled
        # Turning the log on and off ends the rewrite.
        CONFIG SET rdb-key-save-delay 0
        CONFIG SET appendonly yes
        CONFIG SET appendonly no
      `);
      await savedInBackground(client, before);
    },
  ],
  [
    'REPLCONF takes what it knows in pairs',
    `
      REPLCONF => +OK
      REPLCONF capa => -ERR syntax error
      REPLCONF capa eof capa psync2 capa nosuch => +OK
      REPLCONF RDB-ONLY 1 => +OK
      REPLCONF rdb-only 2 => <error>
      REPLCONF rdb-only x => <error>
      REPLCONF rdb-filter-only functions => +OK
      REPLCONF rdb-filter-only keys => -ERR Unsupported rdb-filter-only option: keys
      REPLCONF ip-address 127.0.0.1 => +OK
      REPLCONF nosuch 1 => -ERR Unrecognized REPLCONF option: nosuch
      REPLCONF listening-port x => -ERR value is not an integer or out of range
    `,
  ],
  [
    'SYNC and PSYNC take no further part in a transaction',
    `
      MULTI
      SYNC => -ERR Command not allowed inside a transaction
      PSYNC ? -1 => -ERR Command not allowed inside a transaction
      DISCARD
      PSYNC ? => -ERR wrong number of arguments for 'psync' command
      SYNC x => -ERR wrong number of arguments for 'sync' command
    `,
  ],
  [
    'SYNC sends a snapshot, between marks to who knows them',
    async ({ server, run }) => {
      await run('CONFIG SET repl-diskless-sync-delay 0\nSET the-key the-value');
      const marked = await receive(server.port, ['REPLCONF capa eof rdb-only 1', 'SYNC'], (bytes) =>
        Boolean(markedSnapshot(bytes)),
      );
      expect(expectSnapshot(markedSnapshot(marked))).toContain('the-key');
      const counted = await receive(server.port, ['SYNC'], (bytes) =>
        Boolean(countedSnapshot(bytes)),
      );
      expect(expectSnapshot(countedSnapshot(counted))).toContain('the-key');
    },
  ],
  [
    'PSYNC tells the history that the snapshot belongs to',
    async ({ server, run }) => {
      await run('CONFIG SET repl-diskless-sync-delay 0\nSET the-key the-value');
      const answer = await receive(server.port, ['PSYNC ? -1'], (bytes) =>
        Boolean(countedSnapshot(bytes)),
      );
      expect(answer.toString('latin1')).toMatch(/^\+FULLRESYNC [0-9a-f]{40} \d+\r\n/);
      expect(expectSnapshot(countedSnapshot(answer))).toContain('the-key');
    },
  ],
  [
    'a snapshot of nothing but functions has no keys',
    async ({ server, run }) => {
      await run('CONFIG SET repl-diskless-sync-delay 0\nSET the-key the-value');
      const answer = await receive(
        server.port,
        ['REPLCONF capa eof rdb-only 1 rdb-filter-only functions', 'SYNC'],
        (bytes) => Boolean(markedSnapshot(bytes)),
      );
      expect(expectSnapshot(markedSnapshot(answer))).not.toContain('the-key');
      const refused = await receive(
        server.port,
        ['REPLCONF rdb-filter-only functions', 'SYNC'],
        (bytes) => bytes.includes('-ERR'),
      );
      expect(refused.toString()).toBe('-ERR Filtered replica requires EOF capability\r\n');
    },
  ],
]);

family('backups', [
  [
    'BACKUP goes from idle over START, SEAL and CLEANUP back to idle',
    `
      BACKUP STATUS => {"state": "idle", "error": "", "start_time": "0", "end_time": "0"}
      BACKUP LIST => []
      SET k v
      eventually BACKUP START => +OK
      BACKUP START => -ERR a backup is already in progress
      eventually BACKUP SEAL => +OK
      BACKUP STATUS => {"state": "sealed", "error": "", "start_time": /^1\\d+$/, "end_time": /^1\\d+$/}
      BACKUP LIST => [/backupdir.appendonly.aof.\\d+.base.rdb$/, /incr.aof$/, /appendonly.aof.manifest$/]
      BACKUP CLEANUP => +OK
      BACKUP LIST => []
      BACKUP STATUS => {"state": "idle", "error": "", "start_time": "0", "end_time": "0"}
    `,
    { since: '8.10.0' },
  ],
  [
    'BACKUP ABORT ends a backup that is not sealed, and another one may begin',
    `
      BACKUP ABORT => <error>
      eventually BACKUP START => +OK
      BACKUP ABORT => +OK
      BACKUP STATUS => {"state": "failed", "error": <bulk>, "start_time": /^1\\d+$/, "end_time": "0"}
      BACKUP LIST => []
      eventually BACKUP START => +OK
      BACKUP ABORT => +OK
      BACKUP CLEANUP => +OK
      BACKUP CLEANUP => <error>
    `,
    { since: '8.10.0' },
  ],
  [
    'BACKUP takes no arguments, and has HELP',
    `
      BACKUP SEAL => <error>
      BACKUP SEAL x => -ERR wrong number of arguments for 'backup|seal' command
      BACKUP x => -ERR unknown subcommand 'x'. Try BACKUP HELP.
      BACKUP HELP => [+"BACKUP <subcommand> [<arg> [value] [opt] ...]. Subcommands are:", ...]
    `,
    { since: '8.10.0' },
  ],
]);
