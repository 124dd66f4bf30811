// Rounds of a batch: heads of commands that are known already, and members that are touched ahead, change
// nothing about what commands do.

import { describe, expect, it } from 'vitest';
import * as abi from '../../assembly/abi.ts';
import { encodeCommand } from '../support/arguments.ts';
import { InProcessClient, newEngine } from '../support/in_process.ts';
import { Random } from '../support/random.ts';

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

describe('pipelines', () => {
  it('tell repeated commands from those that only begin alike', () => {
    const client = new InProcessClient(newEngine());
    const set = '*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$1\r\n1\r\n';
    const get = '*2\r\n$3\r\nGET\r\n$1\r\nk\r\n';
    const wrong = "-ERR wrong number of arguments for 'get' command\r\n";
    const unknown = "-ERR unknown command 'GEX', with args beginning with: 'k' \r\n";
    const one = bulk('1');
    const exchange = client.feed(
      `${set}${set}${set.replace('SET', 'sEt')}${get}GET k\r\n${get}` +
        `*3\r\n$3\r\nGET\r\n$1\r\nk\r\n$1\r\nk\r\n${get}*1\r\n$3\r\nGET\r\n` +
        `${get.replace('GET', 'GEX')}${get}${get.slice(0, -1)}`,
    );
    expect(text(exchange)).toBe(
      `${'+OK\r\n'.repeat(3)}${one.repeat(3)}${wrong}${one}${wrong}${unknown}${one}`,
    );
    expect(text(client.feed(`\n${get.slice(0, 13)}`))).toBe(one);
    expect(text(client.feed(get.slice(13)))).toBe(one);
    expect(text(client.feed(get + get.replace('*2', '*02')))).toBe(
      `${one}-ERR Protocol error: invalid multibulk length\r\n closed`,
    );
  });

  it("find a container's subcommands each time", () => {
    const client = new InProcessClient(newEngine());
    client.feed(command('SET', 'k', 'v'));
    const encoding = command('OBJECT', 'ENCODING', 'k');
    const refcount = command('OBJECT', 'REFCOUNT', 'k');
    expect(text(client.feed(encoding + refcount + encoding))).toBe(
      `${bulk('embstr')}:1\r\n${bulk('embstr')}`,
    );
  });

  it('know a command by its new name only, once it is renamed', () => {
    const engine = newEngine();
    const client = new InProcessClient(engine);
    const get = command('GET', 'k');
    expect(text(client.feed(get + get))).toBe('$-1\r\n$-1\r\n');
    const { core } = engine;
    const scratch = core.word(abi.ABI_SCRATCH);
    core.bytes.set(Buffer.from('getgot'), scratch);
    expect(core.exports.renameCommand(scratch, 3, scratch + 3, 3)).toBe(1);
    expect(text(client.feed(get + command('GOT', 'k')))).toBe(
      "-ERR unknown command 'GET', with args beginning with: 'k' \r\n$-1\r\n",
    );
  });
});

describe('commands on members of large collections', () => {
  it('do the same in pipelines as one by one', () => {
    const random = Random.fresh();
    const member = () => `member:${random.below(2000)}`;
    const key = () => random.pick(['set', 'hash', 'zset', 'string', 'none', 'key']);
    const next = () =>
      random.pick([
        () => command('SADD', random.pick(['set', key()]), member(), member()),
        () => command('SADD', 'set', ...Array.from({ length: 40 }, member)),
        () => command('SREM', 'set', member()),
        () => command('SMOVE', 'set', key(), member()),
        () => command('SISMEMBER', key(), member()),
        () => command('HSET', random.pick(['hash', key()]), member(), '1', member(), '2'),
        () => command('HDEL', 'hash', member(), member()),
        () => command('HGET', key(), member()),
        () =>
          command('ZADD', random.pick(['zset', key()]), 'GT', 'CH', `${random.below(9)}`, member()),
        () => command('ZADD', 'zset', `${random.below(9)}`, member()),
        () => command('ZSCORE', key(), member()),
        () => command('ZREM', 'zset', member()),
        () => command('DEL', key()),
        () => command('SET', 'string', member()),
        () => command(random.pick(['SADD', 'HSET', 'HGET', 'ZADD', 'SMOVE']), ...key()),
        () => command(random.pick(['SADD', 'HSET', 'HGET', 'ZADD'])),
      ])();
    const fill = ['SADD set', 'HSET hash', 'ZADD zset'].map((head) => {
      const each = Array.from({ length: 1000 }, (_, i) =>
        head.startsWith('S')
          ? [`member:${i}`]
          : head.startsWith('H')
            ? [`member:${i}`, 'v']
            : ['1', `member:${i}`],
      );
      return command(...head.split(' '), ...each.flat());
    });
    const piped = new InProcessClient(newEngine());
    const single = new InProcessClient(newEngine());
    for (let round = 0; round < 40; round++) {
      const commands = [...fill, ...Array.from({ length: random.between(2, 200) }, next)];
      const alone = commands.map((one) => text(single.feed(one))).join('');
      expect(text(piped.feed(commands.join(''))), `seed ${random.seed}`).toBe(alone);
    }
  });
});
