// Batches: pipelines over many rounds, commands of the host in the middle of them, clients that want
// no replies or watch others, memory that runs out, and a core that fails.
//
// Host commands are registered by the tests: INFO answers at once, LOLWUT when the test says so.

import { describe, expect, it } from 'vitest';
import * as abi from '../../assembly/abi.ts';
import { allCommands } from '../../src/commands/index.ts';
import { CoreCrash, type Engine } from '../../src/engine.ts';
import { CommandError, type HostCall } from '../../src/host_command.ts';
import { encodeCommand } from '../support/arguments.ts';
import {
  InProcessClient,
  newEngine,
  newForgetfulEngine,
  usedBytes,
} from '../support/in_process.ts';
import { Random } from '../support/random.ts';

const ids = new Map(allCommands().map((command) => [command.fullName, command.id]));

function command(...words: string[]): string {
  return encodeCommand(words).toString('latin1');
}

function bulk(text: string): string {
  return `$${text.length}\r\n${text}\r\n`;
}

/** What came back, as text. */
function text({ reply, closed }: { reply: Buffer; closed: boolean }): string {
  return `${reply.toString('latin1')}${closed ? ' closed' : ''}`;
}

function setFlag(client: InProcessClient, flag: number, on = true): void {
  const { flags } = client.client;
  client.client.flags = on ? flags | flag : flags & ~flag;
}

/** The figures of INFO commandstats for a command. */
function stats(engine: Engine, name: string) {
  const { core } = engine;
  const at = core.word(abi.ABI_CMD_STATS) + (ids.get(name) ?? Number.NaN) * abi.CMDSTAT_BYTES;
  return {
    calls: Number(core.data.getBigUint64(at + abi.CMDSTAT_CALLS, true)),
    rejected: Number(core.data.getBigUint64(at + abi.CMDSTAT_REJECTED, true)),
    failed: Number(core.data.getBigUint64(at + abi.CMDSTAT_FAILED, true)),
  };
}

/** INFO answers with its argument at once; an argument of "fail" is an error. */
function withInfo(engine: Engine): Engine {
  engine.commands.register('info', ({ args, reply }) => {
    const word = args[1]?.toString() ?? '';
    if (word === 'fail') throw new CommandError('ERR as asked');
    reply.bulk(`info ${word}`);
  });
  return engine;
}

/** LOLWUT answers when one of the returned functions is called, the oldest first. */
function withLolwut(engine: Engine): { call: HostCall; settle: (error?: Error) => void }[] {
  const pending: { call: HostCall; settle: (error?: Error) => void }[] = [];
  engine.commands.register(
    'lolwut',
    (call) =>
      new Promise((resolve, reject) => {
        const settle = (error?: Error) => {
          if (error) reject(error);
          else {
            call.reply.bulk(`late ${call.args[1] ?? ''}`);
            resolve();
          }
        };
        pending.push({ call, settle });
      }),
  );
  return pending;
}

/** Lets what waits for settled promises happen. */
function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

describe('pipelines', () => {
  it('run in order over many rounds', () => {
    const client = new InProcessClient(newEngine());
    const count = 5000;
    const sent: string[] = [];
    const back: string[] = [];
    for (let i = 0; i < count; i++) {
      sent.push(command('SET', `k${i % 50}`, `${i}`), command('GET', `k${(i * 7) % 50}`));
      // The newest i' <= i with i' % 50 equal to the key's number.
      const wanted = (i * 7) % 50;
      const last = i - ((((i - wanted) % 50) + 50) % 50);
      back.push('+OK\r\n', last < 0 ? '$-1\r\n' : bulk(`${last}`));
    }
    expect(text(client.feed(sent.join('')))).toBe(back.join(''));
  });

  it('hand out long replies in portions, in the middle of a round, too', () => {
    const engine = newForgetfulEngine();
    const sizes: number[] = [];
    const client = new InProcessClient(engine, true, (bytes) => sizes.push(bytes.length));
    const value = 'v'.repeat(300_000);
    client.feed(command('SET', 'key', value));
    const before = usedBytes(engine);
    sizes.length = 0;
    const { reply } = client.feed(command('GET', 'key').repeat(100));
    expect(reply.toString('latin1') === bulk(value).repeat(100)).toBe(true);
    expect(Math.max(...sizes)).toBeLessThan(1048576 + 2 * value.length);
    expect(usedBytes(engine)).toBe(before);
  });

  it('keep the order of long replies and what comes behind them', () => {
    const client = new InProcessClient(withInfo(newEngine()));
    const value = 'v'.repeat(700_000);
    const sent = `${command('GET', 'key')}INFO a\r\nPING\r\n${command('GET', 'nokey')}`.repeat(40);
    client.feed(command('SET', 'key', value));
    const expected = `${bulk(value)}${bulk('info a')}+PONG\r\n$-1\r\n`.repeat(40);
    expect(client.feed(`${sent}*1\r\n!`).reply.toString('latin1') === expected).toBe(true);
    expect(text(client.feed('\r\n'))).toContain("expected '$', got '!'");
  });

  it('end with QUIT, which is answered, and nothing behind it runs', () => {
    const engine = newEngine();
    const client = new InProcessClient(engine);
    expect(text(client.feed('PING\r\nQUIT\r\nSET key v\r\n'))).toBe('+PONG\r\n+OK\r\n closed');
    expect(text(new InProcessClient(engine).feed('EXISTS key\r\n'))).toBe(':0\r\n');
  });

  it('end with a protocol error, behind the replies of the commands before it', () => {
    const sent = `${'PING\r\n'.repeat(100)}*1\r\n$-1\r\nPING\r\n`;
    expect(text(new InProcessClient(newEngine()).feed(sent))).toBe(
      `${'+PONG\r\n'.repeat(100)}-ERR Protocol error: invalid bulk length\r\n closed`,
    );
  });

  it('are not read any more once their end is announced', () => {
    const engine = newEngine();
    const written: string[] = [];
    let ends = 0;
    // An output that closes late, as a socket does.
    const client = engine.connect(
      {
        write: (bytes) => written.push(Buffer.from(bytes).toString()),
        end: () => ends++,
        destroy: () => {},
      },
      '127.0.0.1:1',
      true,
    );
    client?.execute(Buffer.from('QUIT\r\n'));
    client?.execute(Buffer.from('SET key v\r\n*1\r\n$4\r\nPI'));
    client?.execute(Buffer.from('NG\r\n'));
    expect(written).toEqual(['+OK\r\n']);
    expect(ends).toBe(1);
    expect(text(new InProcessClient(engine).feed('EXISTS key\r\n'))).toBe(':0\r\n');
  });

  it('of random commands do not depend on how they are cut', async () => {
    const random = Random.fresh();
    const words = [
      'PING',
      'INFO x',
      'LOLWUT y',
      'MULTI',
      'EXEC',
      'DISCARD',
      'WATCH a',
      'INFO fail',
    ];
    const next = () => {
      const key = random.pick(['a', 'b', 'c']);
      const forms = [
        `${random.pick(words)}\r\n`,
        command('SET', key, random.text(random.below(40), 'xyz')),
        command('APPEND', key, random.text(3, '0123456789')),
        command('INCR', key),
        command('GET', key),
        command('SELECT', `${random.below(3)}`),
        command('GET'),
        command('NOSUCH', key),
      ];
      return random.pick(forms);
    };
    for (let round = 0; round < 60; round++) {
      const stream = Buffer.from(Array.from({ length: random.between(1, 80) }, next).join(''));
      const outcomes: string[] = [];
      for (const parts of [1, 2, 9]) {
        const engine = withInfo(newEngine());
        const pending = withLolwut(engine);
        const client = new InProcessClient(engine);
        const cuts = Array.from({ length: parts - 1 }, () => random.below(stream.length + 1));
        let from = 0;
        for (const to of [...cuts.sort((a, b) => a - b), stream.length]) {
          client.send(stream.subarray(from, to));
          from = to;
          if (random.oneIn(2)) continue;
          pending.shift()?.settle();
          await turn();
        }
        while (pending.length > 0) {
          pending.shift()?.settle();
          await turn();
        }
        outcomes.push(text(client.received()));
      }
      expect(outcomes[1], `seed ${random.seed}: ${stream}`).toBe(outcomes[0]);
      expect(outcomes[2], `seed ${random.seed}: ${stream}`).toBe(outcomes[0]);
    }
  });
});

describe('host commands that answer at once', () => {
  it('run between the commands around them', () => {
    const client = new InProcessClient(withInfo(newEngine()));
    const sent = 'SET k 1\r\nINFO a\r\nINCR k\r\nINFO b\r\nINFO fail\r\nGET k\r\n';
    expect(text(client.feed(sent))).toBe(
      `+OK\r\n${bulk('info a')}:2\r\n${bulk('info b')}-ERR as asked\r\n$1\r\n2\r\n`,
    );
  });

  it('that nobody registered are answered with an error', () => {
    const client = new InProcessClient(newEngine());
    expect(text(client.feed('PING\r\nINFO\r\nPING\r\n'))).toBe(
      "+PONG\r\n-ERR the command 'info' is not available here\r\n+PONG\r\n",
    );
  });

  it('that throw something else are answered, and the owner hears of it', () => {
    const heard: unknown[] = [];
    const engine = newEngine({}, { onHandlerError: (name, error) => heard.push([name, error]) });
    const error = new TypeError('a bug');
    engine.commands.register('info', ({ reply }) => {
      reply.bulk('half a reply');
      throw error;
    });
    const client = new InProcessClient(engine);
    expect(text(client.feed('INFO\r\nPING\r\n'))).toBe(
      "-ERR internal error in 'info'\r\n+PONG\r\n",
    );
    expect(heard).toEqual([['info', error]]);
  });

  it('may close their own client: nothing more runs, nothing is sent', () => {
    const engine = newForgetfulEngine();
    const other = new InProcessClient(engine);
    const before = usedBytes(engine);
    const client = new InProcessClient(engine);
    engine.commands.register('info', () => client.close());
    expect(text(client.feed('SET a 1\r\nINFO\r\nSET b 1\r\n'))).toBe(' closed');
    expect(text(other.feed('EXISTS a b\r\n'))).toBe(':1\r\n');
    expect(stats(engine, 'set').calls).toBe(1);
    expect(stats(engine, 'info').calls).toBe(1);
    expect(text(other.feed('DEL a\r\n'))).toBe(':1\r\n');
    expect(usedBytes(engine)).toBe(before);
  });

  it('may close other clients, also in a pipeline of many', () => {
    const engine = newEngine();
    const client = new InProcessClient(engine);
    const others = Array.from({ length: 10 }, () => new InProcessClient(engine));
    for (const other of others) other.send(Buffer.from('*1\r\n$4\r\nPI'));
    engine.commands.register('info', ({ reply }) => {
      others.pop()?.close();
      reply.ok();
    });
    expect(text(client.feed('INFO\r\nPING\r\n'.repeat(12)))).toBe('+OK\r\n+PONG\r\n'.repeat(12));
    expect(engine.clients.size).toBe(1);
  });

  it('may have their client end behind the reply', () => {
    const engine = newEngine();
    const client = new InProcessClient(engine);
    engine.commands.register('info', ({ reply }) => {
      setFlag(client, abi.CLIENT_CLOSE_AFTER_REPLY);
      reply.bulk('bye');
    });
    expect(text(client.feed('PING\r\nINFO\r\nSET a 1\r\n'))).toBe(`+PONG\r\n${bulk('bye')} closed`);
    expect(text(new InProcessClient(engine).feed('EXISTS a\r\n'))).toBe(':0\r\n');
  });

  it('cannot run commands themselves', () => {
    const engine = newEngine();
    const other = new InProcessClient(engine);
    engine.commands.register('info', ({ reply }) => {
      expect(() => other.feed('PING\r\n')).toThrow('a host command cannot run other commands');
      reply.ok();
    });
    expect(text(new InProcessClient(engine).feed('INFO\r\nPING\r\n'))).toBe('+OK\r\n+PONG\r\n');
  });

  it('change the database and mode that the commands behind them run in', () => {
    const engine = newEngine();
    const client = new InProcessClient(engine);
    engine.commands.register('info', ({ reply }) => {
      engine.core.data.setUint32(client.client.ptr + abi.CONN_DB, 5, true);
      engine.core.data.setUint32(client.client.ptr + abi.CONN_RESP, 3, true);
      reply.ok();
    });
    const sent = 'SET a zero\r\nINFO\r\nGET a\r\nSET a five\r\nSELECT 0\r\nGET a\r\n';
    expect(text(client.feed(sent))).toBe('+OK\r\n+OK\r\n_\r\n+OK\r\n+OK\r\n$4\r\nzero\r\n');
  });

  it('run inside transactions', () => {
    const engine = withInfo(newEngine());
    const client = new InProcessClient(engine);
    const sent = 'MULTI\r\nSET a 1\r\nINFO x\r\nINFO fail\r\nINCR a\r\nEXEC\r\nPING\r\n';
    expect(text(client.feed(sent))).toBe(
      `${'+OK\r\n'}${'+QUEUED\r\n'.repeat(4)}*4\r\n+OK\r\n${bulk('info x')}-ERR as asked\r\n:2\r\n+PONG\r\n`,
    );
    expect(stats(engine, 'info')).toEqual({ calls: 2, rejected: 0, failed: 1 });
    expect(stats(engine, 'exec')).toEqual({ calls: 1, rejected: 0, failed: 0 });
  });
});

describe('host commands that take their time', () => {
  it('hold back what their client sent behind them, in order, and nobody else', async () => {
    const engine = newEngine();
    const pending = withLolwut(engine);
    const client = new InProcessClient(engine);
    const other = new InProcessClient(engine);
    expect(text(client.feed('SET a 1\r\nLOLWUT x\r\nINCR a\r\nLOLWUT y\r\nGET a\r\n'))).toBe(
      '+OK\r\n',
    );
    expect(text(client.feed('INCR a\r\n*2\r\n$3\r\nGET\r\n$1'))).toBe('');
    expect(text(other.feed('GET a\r\nINCR a\r\n'))).toBe('$1\r\n1\r\n:2\r\n');
    expect(pending.length).toBe(1);
    pending[0]?.settle();
    await turn();
    expect(text(client.received())).toBe(`${bulk('late x')}:3\r\n`);
    expect(text(client.feed('\r\na\r\n'))).toBe('');
    expect(pending.length).toBe(2);
    pending[1]?.settle();
    await turn();
    expect(text(client.received())).toBe(`${bulk('late y')}$1\r\n3\r\n:4\r\n$1\r\n4\r\n`);
  });

  it('that are rejected are answered with the error', async () => {
    const heard: string[] = [];
    const engine = newEngine({}, { onHandlerError: (_, error) => heard.push(`${error}`) });
    const pending = withLolwut(engine);
    const client = new InProcessClient(engine);
    client.send(Buffer.from('LOLWUT\r\nLOLWUT\r\nPING\r\n'));
    pending[0]?.settle(new CommandError('ERR no'));
    await turn();
    pending[1]?.settle(new Error('a bug'));
    await turn();
    expect(text(client.received())).toBe("-ERR no\r\n-ERR internal error in 'lolwut'\r\n+PONG\r\n");
    expect(heard).toEqual(['Error: a bug']);
  });

  it('count as calls when they are answered, failures and errors included', async () => {
    const engine = newEngine();
    const pending = withLolwut(engine);
    const client = new InProcessClient(engine);
    client.send(Buffer.from('LOLWUT\r\nLOLWUT\r\n'));
    expect(stats(engine, 'lolwut').calls).toBe(0);
    pending[0]?.settle();
    await turn();
    pending[1]?.settle(new CommandError('ERR no'));
    await turn();
    expect(stats(engine, 'lolwut')).toEqual({ calls: 2, rejected: 0, failed: 1 });
    expect(engine.core.stat(abi.STAT_COMMANDS)).toBe(2);
    expect(engine.core.stat(abi.STAT_ERROR_REPLIES)).toBe(1);
  });

  it('may be left behind by their client', async () => {
    const engine = newForgetfulEngine();
    const pending = withLolwut(engine);
    const other = new InProcessClient(engine);
    const before = usedBytes(engine);
    const client = new InProcessClient(engine);
    client.send(Buffer.from('LOLWUT\r\nSET a 1\r\n'));
    client.close();
    // Its block is free to be taken by another.
    const next = new InProcessClient(engine);
    pending[0]?.settle();
    await turn();
    expect(text(next.feed('EXISTS a\r\n'))).toBe(':0\r\n');
    next.close();
    expect(text(client.received())).toBe(' closed');
    expect(usedBytes(engine)).toBe(before);
    expect(text(other.feed('PING\r\n'))).toBe('+PONG\r\n');
  });

  it('may close their client themselves before they answer', async () => {
    const engine = newEngine();
    const client = new InProcessClient(engine);
    engine.commands.register('lolwut', async () => {
      client.close();
      await turn();
      throw new Error('nobody is waiting for this');
    });
    expect(text(client.feed('LOLWUT\r\nPING\r\n'))).toBe(' closed');
    await turn();
    await turn();
    expect(text(new InProcessClient(engine).feed('PING\r\n'))).toBe('+PONG\r\n');
  });

  it('keep everything of a long pipeline, and take it up in linear time', async () => {
    const engine = newForgetfulEngine();
    engine.commands.register('lolwut', async ({ reply }) => void reply.ok());
    const client = new InProcessClient(engine);
    const before = usedBytes(engine);
    // Four megabytes wait in the query, and every command of them is suspended.
    const count = 20_000;
    client.send(Buffer.from(`LOLWUT ${'x'.repeat(200)}\r\n`.repeat(count)));
    while (stats(engine, 'lolwut').calls < count) await turn();
    expect(client.received().reply.length).toBe(5 * count);
    expect(usedBytes(engine)).toBe(before);
  });

  it('run inside transactions, whose other commands wait for them', async () => {
    const engine = withInfo(newEngine());
    const pending = withLolwut(engine);
    const client = new InProcessClient(engine);
    const sent =
      'MULTI\r\nSET a 1\r\nLOLWUT x\r\nINFO y\r\nINCR a\r\nLOLWUT z\r\nEXEC\r\nGET a\r\n';
    client.send(Buffer.from(sent));
    client.received();
    pending[0]?.settle();
    await turn();
    pending[1]?.settle();
    await turn();
    expect(text(client.received())).toBe(
      `${bulk('late x')}${bulk('info y')}:2\r\n${bulk('late z')}$1\r\n2\r\n`,
    );
    expect(stats(engine, 'exec').calls).toBe(1);
    expect(stats(engine, 'lolwut').calls).toBe(2);
    expect(text(client.feed('PING\r\n'))).toBe('+PONG\r\n');
  });

  it('may be under way for many clients at the same time', async () => {
    const engine = newEngine();
    const pending = withLolwut(engine);
    const clients = Array.from({ length: 50 }, () => new InProcessClient(engine));
    for (const [i, client] of clients.entries()) {
      client.send(Buffer.from(`LOLWUT ${i}\r\nECHO ${i}\r\n`));
    }
    const random = Random.fresh();
    while (pending.length > 0) {
      pending.splice(random.below(pending.length), 1)[0]?.settle();
      if (random.oneIn(3)) await turn();
    }
    await turn();
    for (const [i, client] of clients.entries()) {
      expect(text(client.received()), `seed ${random.seed}`).toBe(
        `${bulk(`late ${i}`)}${bulk(`${i}`)}`,
      );
    }
  });
});

describe('clients that want no replies', () => {
  it('get none while REPLY is OFF, and their commands run', () => {
    const engine = withInfo(newEngine());
    const client = new InProcessClient(engine);
    setFlag(client, abi.CLIENT_REPLY_OFF);
    expect(
      text(client.feed('SET a 1\r\nNOSUCH\r\nINFO\r\nGET\r\nMULTI\r\nINCR a\r\nEXEC\r\n')),
    ).toBe('');
    setFlag(client, abi.CLIENT_REPLY_OFF, false);
    expect(text(client.feed('GET a\r\n'))).toBe('$1\r\n2\r\n');
    expect(engine.core.stat(abi.STAT_ERROR_REPLIES)).toBe(2);
  });

  it.each(['PING', 'NOSUCH', 'GET', 'INFO x'])('skip the reply of %s alone', (skipped) => {
    const engine = withInfo(newEngine());
    const client = new InProcessClient(engine);
    engine.commands.register('client|reply', () => setFlag(client, abi.CLIENT_REPLY_SKIP_NEXT));
    const sent = `PING\r\nCLIENT REPLY SKIP\r\n${skipped}\r\nECHO a\r\n`;
    expect(text(client.feed(sent.repeat(2)))).toBe('+PONG\r\n$1\r\na\r\n'.repeat(2));
    expect(client.client.flags & (abi.CLIENT_REPLY_SKIP | abi.CLIENT_REPLY_SKIP_NEXT)).toBe(0);
  });

  it('hear of themselves again from the command that turns replies on', () => {
    const engine = newEngine();
    const client = new InProcessClient(engine);
    engine.commands.register('client|reply', ({ args, reply }) => {
      const on = args[2]?.toString() === 'ON';
      setFlag(client, abi.CLIENT_REPLY_OFF, !on);
      if (on) reply.ok();
    });
    const sent = 'PING\r\nCLIENT REPLY OFF\r\nPING\r\nCLIENT REPLY ON\r\nECHO a\r\n';
    expect(text(client.feed(sent))).toBe('+PONG\r\n+OK\r\n$1\r\na\r\n');
  });

  it('get no late reply either', async () => {
    const engine = newEngine();
    const pending = withLolwut(engine);
    const client = new InProcessClient(engine);
    setFlag(client, abi.CLIENT_REPLY_SKIP);
    client.send(Buffer.from('LOLWUT\r\nECHO a\r\n'));
    pending[0]?.settle();
    await turn();
    expect(text(client.received())).toBe('$1\r\na\r\n');
    setFlag(client, abi.CLIENT_REPLY_OFF);
    client.send(Buffer.from('MULTI\r\nPING\r\nLOLWUT\r\nPING\r\nEXEC\r\nPING\r\n'));
    pending[1]?.settle();
    await turn();
    expect(text(client.received())).toBe('');
  });

  it('are closed for a protocol error without a word', () => {
    const client = new InProcessClient(newEngine());
    setFlag(client, abi.CLIENT_REPLY_OFF);
    expect(text(client.feed('PING\r\n*1\r\n$-1\r\n'))).toBe(' closed');
  });
});

describe('paused clients', () => {
  function pausing(): { engine: Engine; guard: (bits: number) => void } {
    const engine = newEngine();
    const guard = (bits: number) => engine.core.exports.setConfig(abi.CFG_GUARDS, bits);
    return { engine, guard };
  }

  it('wait, and go on in order', () => {
    const { engine, guard } = pausing();
    const client = new InProcessClient(engine);
    guard(abi.GUARD_PAUSE_ALL);
    expect(text(client.feed('SET a 1\r\nGET a\r\n*1\r\n$4\r\nPI'))).toBe('');
    expect(text(client.feed('NG\r\nINCR a\r\n'))).toBe('');
    guard(0);
    engine.resumePaused();
    expect(text(client.received())).toBe('+OK\r\n$1\r\n1\r\n+PONG\r\n:2\r\n');
  });

  it('read while only writes are paused', () => {
    const { engine, guard } = pausing();
    const client = new InProcessClient(engine);
    client.feed('SET a 1\r\n');
    guard(abi.GUARD_PAUSE_WRITE);
    expect(text(client.feed('GET a\r\nINCR a\r\nGET a\r\n'))).toBe('$1\r\n1\r\n');
    expect(text(new InProcessClient(engine).feed('MULTI\r\nGET a\r\nINCR a\r\nEXEC\r\n'))).toBe(
      '+OK\r\n+QUEUED\r\n',
    );
    guard(0);
    engine.resumePaused();
    expect(text(client.received())).toBe(':2\r\n$1\r\n2\r\n');
  });

  it('hear at once what is wrong with a command', () => {
    const { engine, guard } = pausing();
    guard(abi.GUARD_PAUSE_ALL);
    const client = new InProcessClient(engine);
    expect(text(client.feed('NOSUCH\r\nGET\r\nPING\r\n'))).toBe(
      "-ERR unknown command 'NOSUCH', with args beginning with: \r\n" +
        "-ERR wrong number of arguments for 'get' command\r\n",
    );
  });

  it('may be let go by a host command, behind its own batch', () => {
    const { engine, guard } = pausing();
    const held = new InProcessClient(engine);
    const client = new InProcessClient(engine);
    guard(abi.GUARD_PAUSE_WRITE);
    held.send(Buffer.from('SET a held\r\n'));
    engine.commands.register('info', ({ reply }) => {
      guard(0);
      engine.resumePaused();
      reply.ok();
    });
    expect(text(client.feed('INFO\r\nGET a\r\nSET a own\r\n'))).toBe('+OK\r\n$-1\r\n+OK\r\n');
    expect(text(held.received())).toBe('+OK\r\n');
    expect(text(client.feed('GET a\r\n'))).toBe('$4\r\nheld\r\n');
  });

  it('may be closed meanwhile', () => {
    const { engine, guard } = pausing();
    const client = new InProcessClient(engine);
    guard(abi.GUARD_PAUSE_ALL);
    client.send(Buffer.from('SET a 1\r\n'));
    client.close();
    guard(0);
    engine.resumePaused();
    expect(text(new InProcessClient(engine).feed('EXISTS a\r\n'))).toBe(':0\r\n');
  });
});

describe('monitors', () => {
  const LINE = /^\+(\d+\.\d{6}) \[(\d+) ([^ \]]+)\] (.*)$/;

  /** What a monitor was shown, without the times. */
  function seen(monitor: InProcessClient): string[] {
    const lines = monitor.received().reply.toString('latin1').split('\r\n').slice(0, -1);
    return lines.map((line) => {
      const [, , db, address, words] = LINE.exec(line) ?? [];
      return words === undefined ? line : `${db} ${address} ${words}`;
    });
  }

  it('are shown every command behind its execution', () => {
    const engine = withInfo(newEngine());
    const monitor = new InProcessClient(engine);
    expect(text(monitor.feed('MONITOR\r\n'))).toBe('+OK\r\n');
    const client = new InProcessClient(engine);
    client.feed(
      `SET a "x\\x00\\xff\\"\\\\"\r\nSELECT 3\r\n${command('get', 'a\r\n\t\x07\x08')}INFO\r\n`,
    );
    expect(seen(monitor)).toEqual([
      '0 127.0.0.1:1 "SET" "a" "x\\x00\\xff\\"\\\\"',
      '3 127.0.0.1:1 "SELECT" "3"',
      '3 127.0.0.1:1 "get" "a\\r\\n\\t\\a\\b"',
      '3 127.0.0.1:1 "INFO"',
    ]);
  });

  it('are shown neither refused nor administrative commands', () => {
    const engine = newEngine();
    engine.commands.register('config|get', ({ reply }) => void reply.array(0));
    const monitor = new InProcessClient(engine);
    monitor.feed('MONITOR\r\n');
    new InProcessClient(engine).feed('NOSUCH\r\nGET\r\nCONFIG GET x\r\nPING\r\n');
    expect(seen(monitor)).toEqual(['0 127.0.0.1:1 "PING"']);
  });

  it('are shown what a transaction ran when it ran, and EXEC behind it', () => {
    const engine = newEngine();
    const monitor = new InProcessClient(engine);
    monitor.feed('MONITOR\r\n');
    const client = new InProcessClient(engine);
    client.feed('MULTI\r\nSET a b\r\n');
    expect(seen(monitor)).toEqual(['0 127.0.0.1:1 "MULTI"']);
    client.feed('GET a\r\nEXEC\r\n');
    expect(seen(monitor).map((line) => line.split(' ').slice(2).join(' '))).toEqual([
      '"SET" "a" "b"',
      '"GET" "a"',
      '"EXEC"',
    ]);
  });

  it('see their own commands behind the replies', () => {
    const monitor = new InProcessClient(newEngine());
    monitor.feed('MONITOR\r\n');
    monitor.send(Buffer.from('PING\r\nECHO a\r\n'));
    expect(seen(monitor)).toEqual([
      '+PONG',
      '0 127.0.0.1:1 "PING"',
      '$1',
      'a',
      '0 127.0.0.1:1 "ECHO" "a"',
    ]);
  });

  it('are not told of secrets', () => {
    const engine = newEngine();
    engine.commands.register('auth', ({ reply }) => {
      engine.core.exports.redactArgument(1);
      reply.ok();
    });
    const monitor = new InProcessClient(engine);
    monitor.feed('MONITOR\r\n');
    new InProcessClient(engine).feed('AUTH secret\r\n');
    expect(seen(monitor)).toEqual(['0 127.0.0.1:1 "AUTH" "(redacted)"']);
  });

  it('may not use keys, and stop being monitors with RESET', () => {
    const engine = newEngine();
    const monitor = new InProcessClient(engine);
    monitor.feed('MONITOR\r\n');
    const error = "-ERR Replica can't interact with the keyspace\r\n";
    expect(text(monitor.feed('GET a\r\nSET a b\r\n'))).toBe(error.repeat(2));
    monitor.feed('RESET\r\n');
    new InProcessClient(engine).feed('SET a b\r\n');
    expect(text(monitor.feed('GET a\r\n'))).toBe('$1\r\nb\r\n');
  });

  it('may be many, and go away while others are written to', () => {
    const engine = newForgetfulEngine();
    const client = new InProcessClient(engine);
    client.feed('PING\r\n');
    const before = usedBytes(engine);
    const monitors = Array.from({ length: 20 }, () => new InProcessClient(engine));
    for (const monitor of monitors) monitor.feed('MONITOR\r\n');
    // The first to hear of it takes five others along.
    const first = new InProcessClient(engine, true, () => {
      for (const monitor of monitors.splice(5, 5)) monitor.close();
    });
    first.feed('MONITOR\r\n');
    client.feed('PING\r\n');
    client.feed('PING\r\n');
    for (const monitor of monitors) expect(seen(monitor).length).toBeGreaterThan(0);
    for (const monitor of [first, ...monitors]) monitor.close();
    expect(text(client.feed('PING\r\n'))).toBe('+PONG\r\n');
    expect(usedBytes(engine)).toBe(before);
  });

  it('are shown late commands at once', async () => {
    const engine = newEngine();
    const pending = withLolwut(engine);
    const monitor = new InProcessClient(engine);
    monitor.feed('MONITOR\r\n');
    new InProcessClient(engine).feed('LOLWUT x\r\nPING\r\n');
    expect(seen(monitor)).toEqual(['0 127.0.0.1:1 "LOLWUT" "x"']);
    pending[0]?.settle();
    await turn();
    expect(seen(monitor)).toEqual(['0 127.0.0.1:1 "PING"']);
  });
});

describe('statistics', () => {
  it('count calls, failures and refusals as Redis does', () => {
    const engine = withInfo(newEngine());
    const client = new InProcessClient(engine);
    client.feed(
      'SET a x\r\nGET a\r\nGET a\r\nINCR a\r\nGET\r\nNOSUCH\r\nINFO\r\nINFO fail\r\nCONFIG nosuch\r\n' +
        'CONFIG\r\nMULTI\r\nGET a\r\nINCR a\r\nEXEC\r\n',
    );
    expect(stats(engine, 'set')).toEqual({ calls: 1, rejected: 0, failed: 0 });
    expect(stats(engine, 'get')).toEqual({ calls: 3, rejected: 1, failed: 0 });
    expect(stats(engine, 'incr')).toEqual({ calls: 2, rejected: 0, failed: 2 });
    expect(stats(engine, 'info')).toEqual({ calls: 2, rejected: 0, failed: 1 });
    expect(stats(engine, 'config')).toEqual({ calls: 0, rejected: 1, failed: 0 });
    expect(stats(engine, 'exec')).toEqual({ calls: 1, rejected: 0, failed: 0 });
    expect(engine.core.stat(abi.STAT_ERROR_REPLIES)).toBe(7);
  });

  it('count one error for an EXEC that is refused', () => {
    const engine = newEngine();
    const client = new InProcessClient(engine);
    client.feed('MULTI\r\nSET a b\r\n');
    engine.core.exports.setConfig(abi.CFG_MAXMEMORY, 1);
    expect(text(client.feed('EXEC\r\n'))).toBe(
      "-EXECABORT Transaction discarded because of: OOM command not allowed when used memory > 'maxmemory'.\r\n",
    );
    engine.core.exports.setConfig(abi.CFG_MAXMEMORY, 0);
    expect(text(client.feed('MULTI\r\nEXEC now\r\nEXEC\r\n'))).toBe(
      "+OK\r\n-EXECABORT Transaction discarded because of: wrong number of arguments for 'exec' command\r\n-ERR EXEC without MULTI\r\n",
    );
    expect(stats(engine, 'exec')).toEqual({ calls: 1, rejected: 2, failed: 1 });
    expect(engine.core.stat(abi.STAT_ERROR_REPLIES)).toBe(3);
  });

  it('show a host command everything that ran before it in its pipeline, and not itself', () => {
    const engine = newEngine();
    const seen: number[][] = [];
    engine.commands.register('info', ({ reply }) => {
      seen.push([
        stats(engine, 'ping').calls,
        stats(engine, 'info').calls,
        engine.core.stat(abi.STAT_COMMANDS),
      ]);
      reply.ok();
    });
    new InProcessClient(engine).feed('PING\r\nPING\r\nINFO\r\nPING\r\nINFO\r\n');
    expect(seen).toEqual([
      [2, 0, 2],
      [3, 1, 4],
    ]);
  });

  it('tell the slow log of every command when it asks for all, in order', () => {
    const engine = newEngine();
    engine.core.exports.setConfig(abi.CFG_SLOWLOG_SLOWER_US, 0);
    const client = new InProcessClient(engine);
    client.feed('PING\r\nECHO a\r\nNOSUCH\r\nGET k\r\n');
    expect(text(client.feed('SLOWLOG LEN\r\n'))).toBe(':3\r\n');
    const entries = text(client.feed('SLOWLOG GET 4\r\n'));
    const names = ['SLOWLOG', 'GET', 'ECHO', 'PING'];
    const places = names.map((name) => entries.indexOf(bulk(name)));
    expect(places).toEqual([...places].sort((a, b) => a - b));
    expect(Math.min(...places)).toBeGreaterThan(0);
    engine.core.exports.setConfig(abi.CFG_SLOWLOG_MAX_LEN, 0);
    client.feed('PING\r\nPING\r\n');
    expect(text(client.feed('SLOWLOG LEN\r\n'))).toBe(':0\r\n');
  });

  it('know the last command of a client, whatever became of it', () => {
    const engine = withInfo(newEngine());
    const client = new InProcessClient(engine);
    const last = () => engine.core.data.getUint32(client.client.ptr + abi.CONN_LAST_CMD, true) | 0;
    expect(last()).toBe(-1);
    for (const [sent, id] of [
      ['PING', ids.get('ping')],
      ['GET', ids.get('get')],
      ['NOSUCH', -1],
      ['INFO', ids.get('info')],
    ] as const) {
      client.feed(`${sent}\r\n`);
      expect(last()).toBe(id);
    }
  });
});

describe('memory that runs out', () => {
  const MEGABYTE = 1048576;
  const OOM = /^-OOM [^\r]*\r\n$/;

  /** An engine full of data, and how many keys fitted. */
  function fullEngine(): { engine: Engine; client: InProcessClient; keys: number } {
    const engine = newForgetfulEngine({ memoryLimitBytes: 32 * MEGABYTE });
    const client = new InProcessClient(engine);
    const value = 'v'.repeat(10_000);
    let keys = 0;
    while (text(client.feed(command('SET', `key:${keys}`, value))) === '+OK\r\n') keys++;
    return { engine, client, keys };
  }

  it('is an error reply for what needs more, and nothing else', () => {
    const { client, keys } = fullEngine();
    expect(keys).toBeGreaterThan(500);
    expect(text(client.feed(command('SET', 'another', 'v')))).toMatch(OOM);
    expect(text(client.feed(command('APPEND', 'key:1', 'v'.repeat(100_000))))).toMatch(OOM);
    expect(text(client.feed(`STRLEN key:1\r\nDBSIZE\r\nPING\r\n`))).toBe(
      `:10000\r\n:${keys}\r\n+PONG\r\n`,
    );
  });

  it('leaves room to connect and to delete, after which writing works again', () => {
    const { engine, client, keys } = fullEngine();
    const clients = Array.from({ length: 200 }, () => new InProcessClient(engine));
    for (const [i, other] of clients.entries()) {
      const bytes = command('DEL', `key:${i}`);
      other.send(Buffer.from(bytes.slice(0, 9)));
      expect(text(other.feed(bytes.slice(9)))).toBe(':1\r\n');
    }
    expect(text(client.feed(`SET another v\r\nDBSIZE\r\n`))).toBe(`+OK\r\n:${keys - 199}\r\n`);
  });

  it('leaves nothing half done', () => {
    const { client, keys } = fullEngine();
    const pairs = Array.from({ length: 20 }, (_, i) => [`new:${i}`, 'w'.repeat(10_000)]).flat();
    expect(text(client.feed(command('MSET', ...pairs)))).toMatch(OOM);
    expect(text(client.feed(command('SETRANGE', 'key:2', '400000', 'x')))).toMatch(OOM);
    expect(text(client.feed(command('COPY', 'key:3', 'copy')))).toMatch(OOM);
    expect(text(client.feed(`DBSIZE\r\nSTRLEN key:2\r\nEXISTS copy\r\n`))).toBe(
      `:${keys}\r\n:10000\r\n:0\r\n`,
    );
  });

  it('keeps a large value out and the next small one in', () => {
    const engine = newForgetfulEngine({ memoryLimitBytes: 32 * MEGABYTE });
    const client = new InProcessClient(engine);
    for (const size of [20, 18, 16, 14, 12, 10]) {
      // Its bytes have to be taken in before there is a value to store them in.
      const other = new InProcessClient(engine);
      const { reply, closed } = other.feed(command('SET', 'big', 'v'.repeat(size * MEGABYTE)));
      // Twice its bytes do not fit into the largest of these sizes.
      expect(closed || OOM.test(reply.toString())).toBe(size > 13);
      other.close();
      expect(text(client.feed('SET small v\r\nGETDEL small\r\nDEL big\r\n'))).toBe(
        `+OK\r\n$1\r\nv\r\n:${size > 13 ? 0 : 1}\r\n`,
      );
    }
  });

  it('closes a client whose reply has no room, and nobody else', () => {
    const reasons: number[] = [];
    const engine = newForgetfulEngine(
      { memoryLimitBytes: 32 * MEGABYTE },
      { onDisconnect: (_, reason) => reasons.push(reason) },
    );
    const client = new InProcessClient(engine);
    client.feed(command('SET', 'key', 'v'.repeat(3 * MEGABYTE)));
    const before = usedBytes(engine);
    const greedy = new InProcessClient(engine);
    expect(text(greedy.feed(command('MGET', ...Array(20).fill('key'))))).toBe(' closed');
    expect(reasons).toEqual([abi.CLOSE_NO_MEMORY]);
    expect(usedBytes(engine)).toBe(before);
    expect(text(client.feed('STRLEN key\r\n'))).toBe(`:${3 * MEGABYTE}\r\n`);
  });

  it('closes a client whose input has no room, and nobody else', () => {
    const engine = newForgetfulEngine({ memoryLimitBytes: 32 * MEGABYTE });
    const client = new InProcessClient(engine);
    client.send(Buffer.from('*1\r\n$4\r\nPI'));
    const before = usedBytes(engine);
    const greedy = new InProcessClient(engine);
    expect(text(greedy.feed(command('ECHO', 'v'.repeat(40 * MEGABYTE))))).toBe(' closed');
    expect(usedBytes(engine)).toBe(before);
    expect(text(client.feed('NG\r\n'))).toBe('+PONG\r\n');
  });

  it('refuses arguments by the million where they cannot be held', () => {
    const engine = newForgetfulEngine({ memoryLimitBytes: 32 * MEGABYTE });
    const before = usedBytes(engine);
    const greedy = new InProcessClient(engine);
    const bytes = Buffer.from(`*3000001\r\n$3\r\nDEL\r\n${'$1\r\nk\r\n'.repeat(3_000_000)}`);
    expect(text(greedy.feed(bytes))).toBe(' closed');
    // The records of some thousand arguments are kept, for the next such command.
    expect(usedBytes(engine) - before).toBeLessThan(16_384 * abi.ARG_BYTES);
    expect(text(new InProcessClient(engine).feed('PING\r\n'))).toBe('+PONG\r\n');
  });

  it('does not keep a transaction from ending', () => {
    const { client } = fullEngine();
    expect(text(client.feed('MULTI\r\nSET a b\r\nEXEC\r\n'))).toMatch(
      /^\+OK\r\n-OOM [^\r]*\r\n-EXECABORT Transaction discarded because of previous errors.\r\n$/,
    );
    expect(text(client.feed('GET nokey\r\n'))).toBe('$-1\r\n');
  });

  it('never lets a reply of one client reach another', () => {
    const engine = newForgetfulEngine({ memoryLimitBytes: 32 * MEGABYTE });
    const blocked = new InProcessClient(engine);
    engine.commands.register('lolwut', () => new Promise(() => {}));
    blocked.send(Buffer.from('LOLWUT\r\n'));
    const greedy = new InProcessClient(engine);
    greedy.feed(command('SET', 'key', 'v'.repeat(3 * MEGABYTE)));
    greedy.feed(`PING\r\n${command('MGET', ...Array(20).fill('key'))}`);
    expect(text(blocked.feed('PING\r\n'))).toBe('');
  });

  it('with maxmemory refuses by that first', () => {
    const engine = newEngine();
    const client = new InProcessClient(engine);
    client.feed('SET key v\r\n');
    engine.core.exports.setConfig(abi.CFG_MAXMEMORY, 1);
    const error = "-OOM command not allowed when used memory > 'maxmemory'.\r\n";
    expect(text(client.feed('SET a b\r\nGET key\r\nMULTI\r\nGET key\r\nEXEC\r\n'))).toBe(
      `${error}$1\r\nv\r\n+OK\r\n${error}-EXECABORT Transaction discarded because of previous errors.\r\n`,
    );
    engine.core.exports.setConfig(abi.CFG_MAXMEMORY, 0);
    expect(text(client.feed('SET a b\r\n'))).toBe('+OK\r\n');
    expect(stats(engine, 'set')).toEqual({ calls: 2, rejected: 1, failed: 0 });
  });
});

describe('a core that fails', () => {
  /** Makes the next command of the client read what is not there. */
  function breakClient(engine: Engine, { client }: InProcessClient): void {
    engine.core.data.setUint32(client.ptr + abi.CONN_QUERY_PTR, 0xf0000000, true);
    engine.core.data.setUint32(client.ptr + abi.CONN_QUERY_LEN, 64, true);
    engine.core.data.setUint32(client.ptr + abi.CONN_QUERY_CAP, 1000, true);
  }

  it('is reported once, and every later call throws the same', async () => {
    const reported: CoreCrash[] = [];
    const engine = newEngine({}, { onCrash: (crash) => reported.push(crash) });
    const pending = withLolwut(engine);
    const client = new InProcessClient(engine);
    const other = new InProcessClient(engine);
    other.send(Buffer.from('LOLWUT\r\n'));
    client.feed('GET a\r\n');
    breakClient(engine, client);
    expect(() => client.feed('SET a b\r\n')).toThrow(CoreCrash);
    expect(reported.length).toBe(1);
    const [crash] = reported;
    expect(crash?.code).toBe('CORE_CRASH');
    expect(crash?.cause).toBeInstanceOf(WebAssembly.RuntimeError);
    for (const call of [
      () => other.feed('PING\r\n'),
      () => engine.cron(1000),
      () => engine.resume(client.client),
      () => new InProcessClient(engine),
    ]) {
      expect(call).toThrow(crash);
    }
    pending[0]?.settle();
    await turn();
    expect(text(other.received())).toBe('');
    client.close();
    other.close();
    expect(engine.clients.size).toBe(0);
    expect(reported.length).toBe(1);
  });

  it('names the command that was running', () => {
    const reported: CoreCrash[] = [];
    const engine = newEngine({}, { onCrash: (crash) => reported.push(crash) });
    engine.commands.register('info', () => {
      engine.core.exports.setConfig(1e9, 0);
    });
    const client = new InProcessClient(engine);
    expect(() => client.feed('PING\r\nINFO\r\n')).toThrow(/the core failed in 'info' at .*index/);
    expect(reported.length).toBe(1);
    expect(reported[0]?.place).toMatch(/^assembly\/index.ts:\d+$/);
  });

  it('also counts as one when a late host command brings it about', async () => {
    const reported: CoreCrash[] = [];
    const engine = newEngine({}, { onCrash: (crash) => reported.push(crash) });
    engine.commands.register('lolwut', async () => {
      await turn();
      engine.core.exports.setConfig(1e9, 0);
    });
    const client = new InProcessClient(engine);
    client.send(Buffer.from('LOLWUT\r\n'));
    await turn();
    await turn();
    expect(reported.length).toBe(1);
    expect(() => client.feed('PING\r\n')).toThrow(reported[0]);
  });

  it('is told apart from an output that throws', () => {
    const engine = newEngine();
    const client = new InProcessClient(engine, true, () => {
      throw new Error('the socket is gone');
    });
    expect(() => client.feed('PING\r\n')).toThrow('the socket is gone');
    expect(text(new InProcessClient(engine).feed('PING\r\n'))).toBe('+PONG\r\n');
  });
});
