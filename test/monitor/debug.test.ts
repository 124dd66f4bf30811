// DEBUG: digests and sizes against a live server, the other subcommands by what they do.

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { CONN_RESP } from '../../assembly/abi.ts';
import { blockThread } from '../../src/monitor/debug.ts';
import { EngineTestClient, replyText } from '../support/engine_client.ts';
import { Random } from '../support/random.ts';
import { RespClient } from '../support/resp_client.ts';
import { realRedisAvailable, startServer, type TestServer } from '../support/server.ts';
import { createMonitor } from './monitor_fixture.ts';

const UNKNOWN = (name: string) =>
  `ERR unknown subcommand or wrong number of arguments for '${name}'. Try DEBUG HELP.`;

/** Values that differ in encoding, length, and how well they compress. */
function randomValue(random: Random): Uint8Array {
  switch (random.below(6)) {
    case 0:
      return Buffer.from(String(random.between(-1000, 100_000)));
    case 1:
      return Buffer.from(String(BigInt.asIntN(64, random.u64())));
    case 2:
      return random.bytes(random.below(60));
    case 3:
      return random.bytes(random.below(3000));
    case 4:
      return Buffer.from(random.text(random.below(2000), 'ab'));
    default:
      return Buffer.from('0123456789 '.repeat(random.below(40)));
  }
}

describe.skipIf(!realRedisAvailable())('compared with a live server', () => {
  let server: TestServer;
  let real: RespClient;

  beforeAll(async () => {
    server = await startServer({ kind: 'redis', args: ['--enable-debug-command', 'yes'] });
    real = await RespClient.connect({ port: server.port });
  });

  afterAll(async () => {
    await real.close();
    await server.stop();
  });

  it('DIGEST and DIGEST-VALUE agree on random data in several databases', async () => {
    const random = Random.fresh();
    const { client } = createMonitor();
    await real.call('flushall');
    expect(await client.text('debug', 'digest')).toBe('0'.repeat(40));
    for (let round = 0; round < 4; round++) {
      const database = random.pick([0, 0, 3, 9]);
      const commands: (string | Uint8Array)[][] = [['select', String(database)]];
      for (let i = 0; i < 100; i++) {
        const key = random.chance(0.5) ? `key:${random.below(50)}` : random.bytes(random.below(30));
        commands.push(['set', key, randomValue(random)]);
        if (random.chance(0.3)) commands.push(['expire', key, '100000']);
        if (random.chance(0.1)) commands.push(['append', key, 'x']);
      }
      await real.pipeline(commands);
      for (const command of commands) await client.call(...command);
      const seed = `seed ${random.seed}`;
      const expected = replyText(await real.call('debug', 'digest'));
      expect(await client.text('debug', 'digest'), seed).toBe(expected);
      const keys = commands.flatMap(([name, key]) => (name === 'set' ? [key!] : []));
      const values = await real.call('debug', 'digest-value', ...keys, 'no such key');
      expect(await client.call('debug', 'digest-value', ...keys, 'no such key'), seed).toEqual(
        values,
      );
    }
  });

  it('OBJECT reports the same encoding and the same length in an RDB file', async () => {
    const random = Random.fresh();
    const { client } = createMonitor();
    const facts = (text: string) => /encoding:\w+ serializedlength:\d+/.exec(text)?.[0] ?? text;
    for (let i = 0; i < 200; i++) {
      const value = randomValue(random);
      await real.call('set', 'key', value);
      await client.call('set', 'key', value);
      const expected = facts(replyText(await real.call('debug', 'object', 'key')));
      const found = facts(await client.text('debug', 'object', 'key'));
      expect(found, `seed ${random.seed}, ${value.length} bytes`).toBe(expected);
    }
  });

  it('POPULATE makes the same keys', async () => {
    for (const args of [['10'], ['20', 'prefix'], ['15', 'key', '3'], ['12', 'big', '100']]) {
      const { client } = createMonitor();
      await real.pipeline([['flushall'], ['select', '0']]);
      for (const target of [real, client]) {
        await target.call('set', 'key:7', 'was there');
        await target.call('debug', 'populate', ...args);
      }
      const expected = replyText(await real.call('debug', 'digest'));
      expect(await client.text('debug', 'digest'), args.join(' ')).toBe(expected);
    }
  });

  it('PROTOCOL replies the same for every type in both protocols', async () => {
    const types = ['string', 'integer', 'bignum', 'null', 'array', 'set', 'map', 'attrib', 'push'];
    types.push('verbatim', 'true', 'false', 'nosuch');
    for (const resp of [2, 3]) {
      const { engine, client } = createMonitor();
      await real.call('hello', String(resp));
      engine.core.data.setUint32(client.client.ptr + CONN_RESP, resp, true);
      for (const type of types) {
        const expected = await real.callRaw(['debug', 'protocol', type]);
        const found = await client.callRaw(['debug', 'protocol', type.toUpperCase()]);
        expect(found.bytes.toString(), `${type} ${resp}`).toBe(expected.bytes.toString());
        if (resp !== 3 || type !== 'push') continue;
        // A reply follows the push.
        expect((await client.read()).bytes).toEqual((await real.read()).bytes);
      }
    }
    await real.call('hello', '2');
  });

  it('errors are the same', async () => {
    const { client } = createMonitor();
    await client.call('set', 'key', 'value');
    await client.call('set', 'int', '12');
    await real.call('flushall');
    await real.call('set', 'key', 'value');
    await real.call('set', 'int', '12');
    const commands = [
      ...['', 'nosuch', 'sleep', 'sleep 1 2', 'digest x', 'object', 'object none', 'sdslen none'],
      ...['sdslen int', 'listpack key', 'listpack none', 'quicklist key', 'quicklist key 1 2'],
      ...['htstats', 'htstats x', 'htstats 16', 'htstats -1', 'htstats-key key', 'populate'],
      ...['populate x', 'populate -1', 'populate 1 k x', 'populate 1 k -1', 'populate 1 k 1 1'],
      ...['quicklist-packed-threshold 5x', 'quicklist-packed-threshold 4gb', 'reload x'],
      ...['quicklist-packed-threshold -1', 'replybuffer x 1', 'replybuffer resizing'],
      ...[
        'replybuffer peak-reset-time x',
        'client-eviction',
        'clusterlink kill to x',
        'pause-cron',
      ],
      ...[
        'drop-cluster-packet-filter x',
        'set-active-expire',
        'log',
        'leak',
        'restart x',
        'help x',
      ],
    ];
    for (const line of commands) {
      const args = line === '' ? [] : line.split(' ');
      const expected = await real.call('debug', ...args);
      expect(expected.kind, line).toBe('error');
      expect(await client.call('debug', ...args), line).toEqual(expected);
    }
  });
});

describe('POPULATE', () => {
  it('fills values with zero bytes to their size and cuts longer ones', async () => {
    const { client } = createMonitor();
    await client.call('debug', 'populate', '2', 'wide', '10');
    await client.call('debug', 'populate', '1', 'thin', '3');
    expect(await client.text('get', 'wide:1')).toBe('value:1\0\0\0');
    expect(await client.text('get', 'thin:0')).toBe('val');
  });

  it('works in the selected database and leaves it selected', async () => {
    const { engine, client } = createMonitor();
    await client.call('select', '4');
    await client.call('debug', 'populate', '100');
    await client.call('set', 'after', 'x');
    expect(engine.core.exports.databaseKeys(4)).toBe(101);
    expect(engine.core.exports.databaseKeys(0)).toBe(0);
  });

  it('counts as no change to be saved', async () => {
    const { client } = createMonitor();
    await client.call('debug', 'populate', '100');
    expect(await client.text('info', 'persistence')).toContain('changes_since_last_save:0\r\n');
  });

  it('replies with an error when memory is exhausted, and the rest goes on', async () => {
    const { client } = createMonitor({ memoryLimitBytes: 16 * 1024 * 1024 });
    const error = await client.text('debug', 'populate', '1000000', 'k', '100');
    expect(error).toMatch(/^OOM /);
    expect(await client.text('get', 'k:0')).toMatch(/^value:0/);
    expect(await client.text('debug', 'populate', '999999999999', 'k')).toMatch(/^OOM /);
  });

  it('takes keys of any length', async () => {
    const { client } = createMonitor();
    const prefix = 'p'.repeat(100_000);
    await client.call('debug', 'populate', '2', prefix);
    expect(await client.text('get', `${prefix}:1`)).toBe('value:1');
    expect(await client.text('debug', 'object', `${prefix}:1`)).toContain('encoding:embstr');
  });
});

describe('HTSTATS', () => {
  it('tells how the table of a database is filled', async () => {
    const { client } = createMonitor();
    await client.call('debug', 'populate', '1000');
    await client.call('expire', 'key:1', '1000');
    const brief = await client.text('debug', 'htstats', '0');
    expect(brief).toMatch(
      /^\[Dictionary HT\]\nHash table 0 stats \(main hash table\):\n table size: \d+\n number of elements: 1000\n\[Expires HT\]/,
    );
    expect(brief).toMatch(/number of elements: 1\n$/);
    const full = await client.text('debug', 'htstats', '0', 'FULL');
    const chains = [...full.split('[Expires HT]')[0]!.matchAll(/^ {3}(\d+): (\d+) \(/gm)];
    const entries = chains.reduce(
      (sum, [, length, count]) => sum + Number(length) * Number(count),
      0,
    );
    expect(entries).toBe(1000);
    expect(await client.text('debug', 'htstats', '1')).toContain('No stats available for empty');
  });
});

describe('switches', () => {
  it('SET-ACTIVE-EXPIRE stops and starts the deletion of expired keys', async () => {
    const { engine, client, state } = createMonitor();
    await client.call('debug', 'set-active-expire', '0');
    await client.call('set', 'key', 'value');
    await client.call('pexpire', 'key', '10');
    state.nowMs += 1000;
    engine.cron(1000);
    expect(engine.core.exports.databaseKeys(0)).toBe(1);
    expect(await client.text('debug', 'object', 'key')).toMatch(/^Value at:0x/);
    await client.call('debug', 'set-active-expire', '1');
    engine.cron(1000);
    expect(engine.core.exports.databaseKeys(0)).toBe(0);
  });

  it('set the flags that others read', async () => {
    const { client, state } = createMonitor();
    const { flags } = state;
    const set = async (...args: string[]) => expect(await client.text('debug', ...args)).toBe('OK');
    await set('pause-cron', '1');
    await set('set-disable-deny-scripts', '1');
    await set('set-skip-checksum-validation', '1');
    await set('dict-resizing', '0');
    await set('quicklist-packed-threshold', '10kb');
    await set('replybuffer', 'resizing', '0');
    await set('replybuffer', 'peak-reset-time', '100');
    await set('drop-cluster-packet-filter', '3');
    expect(flags).toMatchObject({
      cronPaused: true,
      denyScriptsDisabled: true,
      skipChecksumValidation: true,
      dictResizing: false,
      quicklistPackedThresholdBytes: 10240,
      replyBufferResizing: false,
      replyBufferPeakResetMs: 100,
      clusterDropPacketFilter: 3,
    });
    await set('quicklist-packed-threshold', '0');
    await set('replybuffer', 'peak-reset-time', 'never');
    expect(flags).toMatchObject({
      quicklistPackedThresholdBytes: 1 << 30,
      replyBufferPeakResetMs: -1,
    });
    await set('replybuffer', 'peak-reset-time', 'RESET');
    expect(flags.replyBufferPeakResetMs).toBe(5000);
  });
});

describe('what ends the process', () => {
  it('is told to the hook', async () => {
    const { client, state } = createMonitor();
    const { crashes, log } = state;
    for (const name of ['segfault', 'panic', 'assert', 'oom']) await client.call('debug', name);
    expect(crashes).toMatchObject([
      { kind: 'signal', signal: 'SIGSEGV', number: 11 },
      { kind: 'panic', message: 'DEBUG PANIC called at Unix time 1700000123' },
      { kind: 'assertion', expression: '1 == 2' },
      { kind: 'panic', message: expect.stringContaining('OUT OF MEMORY') },
    ]);
    expect(log).toEqual([expect.stringMatching(/^Out Of Memory allocating \d+ bytes!$/)]);
  });

  it('RESTART fails with an error where the process cannot be replaced', async () => {
    const { client, state } = createMonitor();
    const { log } = state;
    const failed = 'ERR failed to restart the server. Check server logs.';
    expect(await client.text('debug', 'restart', '-5')).toBe(failed);
    expect(await client.text('debug', 'crash-and-recover', '20')).toBe(failed);
    expect(log).toEqual(['restart true 0', 'restart false 20']);
  });
});

describe('other subcommands', () => {
  it('SLEEP stops the thread for that many seconds', async () => {
    const { client, state } = createMonitor();
    const { sleeps } = state;
    for (const seconds of ['0.05', '2', '-1', 'x', '0', 'Infinity']) {
      expect(await client.text('debug', 'sleep', seconds)).toBe('OK');
    }
    expect(sleeps).toEqual([50, 2000]);
    const before = performance.now();
    blockThread(20);
    expect(performance.now() - before).toBeGreaterThan(19);
  });

  it('ERROR replies with the text as an error of one line', async () => {
    const { client } = createMonitor();
    expect(await client.call('debug', 'error', 'ERR it\r\nfailed')).toEqual({
      kind: 'error',
      text: 'ERR it  failed',
    });
    expect(await client.text('info', 'errorstats')).toContain('errorstat_ERR:count=1\r\n');
  });

  it('LOG, CHANGE-REPL-ID and CONFIG-REWRITE-FORCE-ALL reach the rest of the server', async () => {
    const { client, state } = createMonitor();
    const { log } = state;
    expect(await client.text('debug', 'LOG', 'a message')).toBe('OK');
    expect(await client.text('debug', 'change-repl-id')).toBe('OK');
    expect(log[0]).toBe('DEBUG LOG: a message');
    expect(log.at(-1)).toBe('changed');
    expect(await client.text('debug', 'config-rewrite-force-all')).toBe(
      'ERR CONFIG-REWRITE-FORCE-ALL failed: Permission denied',
    );
  });

  it('RELOAD and LOADAOF load again what the options say', async () => {
    const { client, state } = createMonitor();
    for (const options of [[], ['NOSAVE'], ['noflush', 'merge'], ['NoSave', 'MERGE', 'noflush']]) {
      expect(await client.text('debug', 'reload', ...options)).toBe('OK');
    }
    expect(state.reloads).toEqual([
      { saves: true, flushes: true, merges: false },
      { saves: false, flushes: true, merges: false },
      { saves: true, flushes: false, merges: true },
      { saves: false, flushes: false, merges: true },
    ]);
    expect(await client.text('debug', 'loadaof')).toBe('OK');
    state.reloadError = 'ERR it is broken';
    expect(await client.text('debug', 'reload')).toBe('ERR it is broken');
    expect(await client.text('debug', 'loadaof')).toBe('ERR it is broken');
    expect(await client.text('debug', 'reload', 'save')).toMatch(/^ERR DEBUG RELOAD only supports/);
  });

  it('LEAK takes memory that never comes back', async () => {
    const { engine, client, memory } = createMonitor();
    const before = memory.report().used;
    await client.call('debug', 'leak', 'x'.repeat(500_000));
    const other = new EngineTestClient(engine);
    await other.call('flushall');
    expect(memory.report().used - before).toBeGreaterThan(500_000);
  });

  it('STRINGMATCH-TEST, STRUCTSIZE and REPLICATE answer', async () => {
    const { client } = createMonitor();
    expect(await client.text('debug', 'stringmatch-test')).toMatch(/test passed$/);
    expect(await client.text('debug', 'structsize')).toMatch(/^bits:32 /);
    expect(await client.text('debug', 'replicate', 'set', 'a', 'b')).toBe('OK');
  });

  it('HELP lists every subcommand in order', async () => {
    const { client } = createMonitor();
    const reply = await client.call('debug', 'help');
    if (reply.kind !== 'array') throw new Error('not an array');
    const lines = reply.items.map(replyText);
    expect(lines[0]).toBe('DEBUG <subcommand> [<arg> [value] [opt] ...]. Subcommands are:');
    expect(lines.slice(-2)).toEqual(['HELP', '    Print this help.']);
    const names = lines.slice(1, -2).filter((line) => !line.startsWith(' '));
    expect(names).toEqual([...names].sort());
    const anyArguments =
      /DIGEST-VALUE|HTSTATS|REPLICATE|RELOAD|RESTART|RECOVER|SEGFAULT|PANIC|OOM|ASSERT/;
    for (const name of names) {
      const first = name.split(' ')[0]!;
      if (anyArguments.test(first)) continue;
      const args = 'too many arguments for it'.split(' ');
      expect(await client.text('debug', first, ...args)).toBe(UNKNOWN(first));
    }
  });

  it('names of properties that every object has are no subcommands', async () => {
    const { client } = createMonitor();
    for (const name of ['constructor', 'toString', '__proto__', '']) {
      expect(await client.text('debug', name)).toBe(UNKNOWN(name));
    }
  });
});
