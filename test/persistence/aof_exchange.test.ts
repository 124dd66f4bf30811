// The append-only directory moves between real redis-server and this one: what one wrote the other loads,
// with the same digest, and goes on with.
//
// A seeded run of commands of all types, with expiries, transactions and what chance decides, goes to a
// server; in the middle it rewrites its log, or not.

import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, describe, expect, it } from 'vitest';
import { command } from '../support/aof_server.ts';
import type { Argument } from '../support/arguments.ts';
import { replyText } from '../support/engine_client.ts';
import { Random } from '../support/random.ts';
import { showReply } from '../support/reply_notation.ts';
import { RespClient } from '../support/resp_client.ts';
import {
  realRedisAvailable,
  runServer,
  type ServerKind,
  startServer,
  type TestServer,
} from '../support/server.ts';

const COMMANDS = 3000;
const KEYS = 60;

const dirs: string[] = [];
afterEach(() => {
  for (const dir of dirs.splice(0)) rmSync(dir, { recursive: true, force: true });
});

function newDir(): string {
  const dir = mkdtempSync(path.join(tmpdir(), 'respite-aof-'));
  dirs.push(dir);
  return dir;
}

const serverArgs = (dir: string, ...more: string[]) => [
  ...['--dir', dir, '--appendonly', 'yes', '--enable-debug-command', 'yes'],
  ...['--auto-aof-rewrite-percentage', '0', ...more],
];

function start(kind: ServerKind, dir: string, ...more: string[]): Promise<TestServer> {
  return startServer({ kind, args: serverArgs(dir, ...more) });
}

function randomCommand(random: Random): Argument[] {
  const key = (type: string) => `${type}:${random.below(KEYS)}`;
  const word = () => random.text(random.between(1, 12), 'abcdef0123456789');
  const number = () => String(random.between(-1000, 1000));
  return random.pick<() => Argument[]>([
    () => ['SET', key('s'), word()],
    () => ['SET', key('s'), word(), 'EX', '100000'],
    () => ['SET', key('short'), word(), 'PX', '5'],
    () => ['GETEX', key('s'), 'PERSIST'],
    () => ['GETDEL', key('s')],
    () => ['APPEND', key('s'), word()],
    () => ['INCRBY', key('n'), number()],
    () => ['INCRBYFLOAT', key('f'), `${number()}.25`],
    () => ['SETRANGE', key('s'), random.below(100), word()],
    () => ['SETBIT', key('bits'), random.below(1000), 1],
    () => ['RPUSH', key('l'), word(), word(), word()],
    () => ['LPOP', key('l'), '2'],
    () => ['LMOVE', key('l'), key('l'), 'LEFT', 'RIGHT'],
    () => ['BLPOP', key('l'), key('l'), '0.001'],
    () => ['LINSERT', key('l'), 'BEFORE', word(), word()],
    () => ['SADD', key('set'), word(), number(), number()],
    () => ['SPOP', key('set'), '2'],
    () => ['SMOVE', key('set'), key('set'), number()],
    () => ['SUNIONSTORE', key('set'), key('set'), key('set')],
    () => ['ZADD', key('z'), number(), word(), number(), word()],
    () => ['ZINCRBY', key('z'), '1.5', word()],
    () => ['ZPOPMIN', key('z')],
    () => ['ZREMRANGEBYSCORE', key('z'), '0', '100'],
    () => ['HSET', key('h'), word(), word(), number(), word()],
    () => ['HINCRBYFLOAT', key('hn'), number(), '0.5'],
    () => ['HDEL', key('h'), number()],
    () => ['XADD', key('x'), 'MAXLEN', '~', '50', '*', word(), word()],
    () => ['XGROUP', 'CREATE', key('x'), 'g', '0', 'MKSTREAM'],
    () => ['XREADGROUP', 'GROUP', 'g', 'c', 'COUNT', '2', 'STREAMS', key('x'), '>'],
    () => ['XTRIM', key('x'), 'MAXLEN', '20'],
    () => ['PFADD', key('hll'), word(), word()],
    () => ['GEOADD', key('geo'), '13.361389', '38.115556', word()],
    () => ['EXPIRE', key('s'), '100000'],
    () => ['PEXPIREAT', key('l'), '4000000000000'],
    () => ['DEL', key('set'), key('h')],
    () => ['COPY', key('z'), key('copy'), 'REPLACE'],
    () => ['RENAME', key('l'), key('l')],
    () => ['SORT', key('set'), 'ALPHA', 'STORE', key('sorted')],
    () => ['SELECT', random.below(3)],
  ])();
}

async function work(client: RespClient, random: Random, commands: number): Promise<void> {
  for (let i = 0; i < commands; i += 20) {
    const batch: Argument[][] = Array.from({ length: 20 }, () => randomCommand(random));
    const isTransaction = random.oneIn(4);
    await client.pipeline(isTransaction ? [['MULTI'], ...batch, ['EXEC']] : batch);
  }
  await client.pipeline([['SELECT', 0]]);
}

async function rewrite(client: RespClient): Promise<void> {
  await client.call('BGREWRITEAOF');
  for (;;) {
    const info = await client.call('INFO', 'persistence');
    if (replyText(info).includes('aof_rewrite_in_progress:0')) return;
    await sleep(20);
  }
}

/** The digest, when keys that were about to expire have done so. */
async function digest(client: RespClient): Promise<string> {
  await sleep(30);
  for (let i = 0; i < 3; i++) {
    await client.call('SELECT', i);
    // Looks at every key.
    await client.call('SORT', 'none', 'BY', 'nosort');
    for (let k = 0; k < KEYS; k++) await client.call('EXISTS', `short:${k}`);
  }
  await client.call('SELECT', 0);
  return showReply(await client.call('DEBUG', 'DIGEST'));
}

interface Case {
  from: ServerKind;
  to: ServerKind;
  rewrites: boolean;
  args: string[];
}

const cases: Case[] = [
  { from: 'redis', to: 'respite', rewrites: false, args: [] },
  { from: 'redis', to: 'respite', rewrites: true, args: [] },
  { from: 'redis', to: 'respite', rewrites: true, args: ['--aof-use-rdb-preamble', 'no'] },
  { from: 'redis', to: 'respite', rewrites: true, args: ['--aof-timestamp-enabled', 'yes'] },
  { from: 'respite', to: 'redis', rewrites: false, args: [] },
  { from: 'respite', to: 'redis', rewrites: true, args: [] },
  { from: 'respite', to: 'redis', rewrites: true, args: ['--aof-timestamp-enabled', 'yes'] },
  { from: 'respite', to: 'redis', rewrites: true, args: ['--appendfsync', 'always'] },
  { from: 'respite', to: 'redis', rewrites: true, args: ['--aof-use-rdb-preamble', 'no'] },
  { from: 'respite', to: 'respite', rewrites: true, args: ['--appendfsync', 'no'] },
];

describe.skipIf(!realRedisAvailable())('append-only files', () => {
  it.each(cases)('of $from are loaded by $to (rewritten: $rewrites, $args)', async (each) => {
    const random = Random.fresh();
    const dir = newDir();
    const writer = await start(each.from, dir, ...each.args);
    const client = await RespClient.connect({ port: writer.port });
    await work(client, random, COMMANDS / 2);
    if (each.rewrites) await rewrite(client);
    await work(client, random, COMMANDS / 2);
    const written = await digest(client);
    await client.close();
    expect(await writer.stop()).toBe(0);

    const reader = await start(each.to, dir);
    const other = await RespClient.connect({ port: reader.port });
    expect(await digest(other), `seed ${random.seed}\n${reader.stdout()}`).toBe(written);
    expect(reader.stdout()).not.toContain('CRITICAL');
    // The reader goes on with the files, and the writer takes them back.
    await work(other, random, 500);
    if (each.rewrites) await rewrite(other);
    await work(other, random, 500);
    const more = await digest(other);
    await other.close();
    expect(await reader.stop()).toBe(0);
    const again = await start(each.from, dir);
    const last = await RespClient.connect({ port: again.port });
    expect(await digest(last), `seed ${random.seed}\n${again.stdout()}`).toBe(more);
    await last.close();
    await again.stop();
  });
});

describe('a server', () => {
  const incr = 'appendonlydir/appendonly.aof.1.incr.aof';

  async function dirWith(log: string): Promise<string> {
    const dir = newDir();
    const first = await start('respite', dir);
    await first.stop();
    writeFileSync(path.join(dir, incr), log);
    return dir;
  }

  it.each([
    [`${command('SET', 'a', '1')}!!!`, /Bad file format reading the append only file/],
    [command('bla', 'foo'), /Unknown command 'bla' reading the append only file/],
  ])('ends with its last line saying what is wrong with the log: %j', async (log, message) => {
    const dir = await dirWith(log);
    const { code, output } = await runServer({
      kind: 'respite',
      args: ['--port', '0', ...serverArgs(dir)],
    });
    expect(code).toBe(1);
    expect(output.trimEnd().split('\n').at(-1)).toMatch(message);
  });

  it('does not share its directory with another one', async () => {
    const dir = newDir();
    const first = await start('respite', dir);
    const { code, output } = await runServer({
      kind: 'respite',
      args: ['--port', '0', ...serverArgs(dir)],
    });
    expect(code).toBe(1);
    expect(output).toMatch(
      new RegExp(`data directory \\S+ is in use by process ${first.pid} on \\S+ since `),
    );
    first.kill('SIGKILL');
    await first.exited;
    const second = await start('respite', dir);
    expect(await second.stop()).toBe(0);
    expect(readdirSync(dir)).toEqual(['appendonlydir']);
  });

  it('turns its log on while it serves, and loads it again when told to', async () => {
    const dir = newDir();
    const server = await startServer({
      kind: 'respite',
      args: ['--dir', dir, '--enable-debug-command', 'yes'],
    });
    const client = await RespClient.connect({ port: server.port });
    await client.call('SET', 'a', '1');
    expect(showReply(await client.call('CONFIG', 'SET', 'appendonly', 'yes'))).toBe('+OK');
    await client.call('SET', 'b', '2');
    const before = await digest(client);
    expect(showReply(await client.call('WAITAOF', 1, 0, 0))).toBe('[1, 0]');
    expect(showReply(await client.call('DEBUG', 'LOADAOF'))).toBe('+OK');
    expect(await digest(client)).toBe(before);
    expect(readFileSync(path.join(dir, incr), 'latin1')).toContain(command('SET', 'b', '2'));
    await client.close();
    await server.stop();
  });

  it('acknowledges nothing that a kill could take back, with appendfsync always', async () => {
    const dir = newDir();
    const server = await start('respite', dir, '--appendfsync', 'always');
    const clients = await Promise.all(
      Array.from({ length: 8 }, () => RespClient.connect({ port: server.port })),
    );
    const acknowledged = clients.map(() => 0);
    const running = clients.map(async (client, i) => {
      try {
        for (;;) {
          await client.call('INCR', `n:${i}`);
          acknowledged[i]! += 1;
        }
      } catch {
        // The server was killed.
      }
    });
    await sleep(300);
    server.kill('SIGKILL');
    await Promise.all(running);
    await server.exited;
    const again = await start('respite', dir);
    const client = await RespClient.connect({ port: again.port });
    for (const [i, count] of acknowledged.entries()) {
      const found = Number(showReply(await client.call('GET', `n:${i}`)).replaceAll('"', ''));
      expect(found).toBeGreaterThanOrEqual(count);
      expect(count).toBeGreaterThan(0);
    }
    await client.close();
    await again.stop();
  });
});
