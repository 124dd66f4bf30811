// The terminal's client against redis-cli: the same lines, to the same server, print the same bytes.
//
// redis-cli reads the lines from a pipe, as if they were typed, and shows replies as it does to a person
// (--no-raw). Before each of the two the server's data are made the same.

import { spawn } from 'node:child_process';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { TerminalSession } from '../../src/web/terminal/session.ts';
import { pageTurn } from '../../src/web/ui/turns.ts';
import { realRedisAvailable, startServer, type TestServer } from '../support/server.ts';
import { socketLinks } from '../support/socket_link.ts';

const available = realRedisAvailable();

let server: TestServer;
let links: ReturnType<typeof socketLinks>;

beforeAll(async () => {
  if (!available) return;
  server = await startServer({ kind: 'redis', args: ['--enable-debug-command', 'yes'] });
  links = socketLinks(server.port);
});

afterAll(async () => {
  links?.close();
  await server?.stop();
});

/** What redis-cli prints for the lines. */
function redisCli(lines: readonly string[]): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = spawn('redis-cli', ['--no-raw', '-p', String(server.port)], {
      env: { ...process.env, REDISCLI_HISTFILE: '/dev/null', REDISCLI_RCFILE: '/dev/null' },
    });
    let output = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      output += text;
    });
    child.once('error', reject);
    child.once('close', () => resolve(output));
    child.stdin.end(lines.map((line) => `${line}\n`).join(''));
  });
}

/** What the terminal prints for them. */
async function terminal(lines: readonly string[]): Promise<string> {
  let output = '';
  const session = new TerminalSession(links.open, {
    print: (text) => {
      output += text;
    },
    clear() {},
    onChange() {},
    setHints() {},
    rest: pageTurn,
  });
  for (const line of lines) await session.run(line);
  session.dispose();
  return output;
}

async function compare(lines: readonly string[]): Promise<string> {
  const reset = ['FLUSHALL', 'SCRIPT FLUSH', 'CONFIG RESETSTAT'];
  await redisCli(reset);
  const wanted = await redisCli(lines);
  await redisCli(reset);
  const printed = await terminal(lines);
  expect(printed).toBe(wanted);
  return printed;
}

const DATA = [
  'SET s "a\\x00b\\"\\\\\\n\\r\\t\\a\\b\\xff é"',
  'HSET h f1 v1 f2 "two words"',
  'RPUSH l 1 2 3 4 5 6 7 8 9 10 11',
  'SADD one x',
  'ZADD z 1 a 2.5 b -inf c',
  'XADD st 1-1 f v g w',
  'XADD st 2-1 f v',
  'XGROUP CREATE st gr 0',
  'GEOADD geo 13.361389 38.115556 Palermo',
  'PFADD hll a b',
];

const READS = [
  'GET s',
  'GET none',
  'STRLEN s',
  'HGETALL h',
  'HMGET h f1 none',
  'LRANGE l 0 -1',
  'LRANGE l 5 1',
  'SMEMBERS one',
  'ZRANGE z 0 -1 WITHSCORES',
  'ZSCORE z b',
  'ZRANDMEMBER z 0',
  'XRANGE st - +',
  'XREAD STREAMS st 0',
  'XREADGROUP GROUP gr me STREAMS st >',
  'XPENDING st gr',
  'XINFO GROUPS st',
  'XINFO STREAM st',
  'GEOPOS geo Palermo none',
  'GEOSEARCH geo FROMLONLAT 15 37 BYRADIUS 300 km ASC WITHCOORD WITHDIST',
  'MGET s none h',
  'TYPE z',
  'EXISTS s s none',
  'PTTL s',
  'COMMAND INFO get nothing',
  'COMMAND DOCS get',
  'COMMAND GETKEYSANDFLAGS SET a b',
  'CONFIG GET maxmemory*',
  'LCS s none IDX',
  'OBJECT HELP',
  'MEMORY DOCTOR',
  'LATENCY DOCTOR',
  'SLOWLOG GET',
  'ACL WHOAMI',
  'ACL GETUSER default',
  "EVAL \"return {1,{2,{3,'x'}},{},false,'y'}\" 0",
  'EVAL "return {ok=\'fine\'}" 0',
  'EVAL "return redis.error_reply(\'MY error\')" 0',
];

const PROTOCOL = [
  'string',
  'integer',
  'double',
  'null',
  'array',
  'set',
  'map',
  'verbatim',
  'true',
  'false',
].map((type) => `DEBUG PROTOCOL ${type}`);

describe.skipIf(!available)('the terminal prints what redis-cli prints', () => {
  it('for replies in RESP2', async () => {
    const printed = await compare([...DATA, ...READS, ...PROTOCOL]);
    expect(printed).toContain(' 9) "9"\n10) "10"\n');
  });

  it('for replies in RESP3', async () => {
    // The reply of HELLO names the connection.
    const printed = await compare(['ECHO first', ...DATA]);
    expect(printed).toContain('"first"');
    const lines = [...DATA, ...READS, ...PROTOCOL];
    const strip = (text: string) => text.slice(text.indexOf('(empty array)\n') + 14);
    await redisCli(['FLUSHALL', 'CONFIG RESETSTAT']);
    const wanted = await redisCli(['HELLO 3', ...lines]);
    await redisCli(['FLUSHALL', 'CONFIG RESETSTAT']);
    const shown = await terminal(['HELLO 3', ...lines]);
    expect(strip(shown)).toBe(strip(wanted));
    expect(wanted).toContain('1# "f1" => "v1"');
  });

  it('for errors', async () => {
    await compare([
      'NOSUCH',
      'GET',
      'SET a',
      'LPUSH l x',
      'GET l',
      'CONFIG NOSUCH',
      'EXPIRE l x',
      'XADD s 0-0 a b',
      'HELLO 9',
    ]);
  });

  it('for words in quotes', async () => {
    await compare([
      'ECHO "a b"',
      "ECHO 'a b'",
      'ECHO "\\x41\\x00\\n\\q\\""',
      "ECHO 'it\\'s \\n'",
      'ECHO a"b"',
      'ECHO "a"b',
      'ECHO "open',
      "ECHO 'open",
      'ECHO ""',
      'ECHO  \t spaced',
      'ECHO "\\xZZ\\x4"',
      'ECHO é',
      'SET "" empty',
      'GET ""',
      '',
      '   ',
    ]);
  });

  it('for transactions', async () => {
    await compare([
      'MULTI',
      'SET a 1',
      'INCR a',
      'GET a',
      'LPUSH a x',
      'EXEC',
      'MULTI',
      'NOSUCH',
      'EXEC',
      'MULTI',
      'DISCARD',
      'EXEC',
      'WATCH a',
      'SELECT 3',
      'MULTI',
      'EXEC',
      'DBSIZE',
    ]);
  });

  it('for commands that are repeated', async () => {
    await compare(['3 INCR n', '2 PING', 'GET n']);
  });

  it('for texts that are shown as they are', async () => {
    await compare(['CLIENT SETNAME x', 'INFO modules', 'DEBUG HTSTATS-KEY none']);
  });
});
