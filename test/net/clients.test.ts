// Clients without sockets: admission, limits, CLIENT, AUTH and HELLO.

import { beforeEach, describe, expect, it, vi } from 'vitest';
import * as abi from '../../assembly/abi.ts';
import { MAX_CLIENTS_ERROR, PROTECTED_MODE_ERROR } from '../../src/net/clients.ts';
import { FakeConnection, Peer, TestServerSide } from './client_harness.ts';

const KIBIBYTE = 1024;
const NAME_ERROR = '-ERR Client names cannot contain spaces, newlines or special characters.\r\n';
const WRONGPASS = '-WRONGPASS invalid username-password pair or user is disabled.\r\n';

let server: TestServerSide;
beforeEach(() => {
  server = new TestServerSide();
});

/** The line of CLIENT INFO as a map. */
function infoOf(peer: Peer): Map<string, string> {
  const reply = peer.call('CLIENT', 'INFO');
  return fieldsOf(reply.slice(reply.indexOf('\n') + 1));
}

function fieldsOf(line: string): Map<string, string> {
  const pairs = line.trim().split(' ');
  return new Map(pairs.map((pair) => [pair.split('=', 1)[0]!, pair.slice(pair.indexOf('=') + 1)]));
}

/** Ids in the reply of CLIENT LIST. */
function idsOf(reply: string): number[] {
  return [...reply.matchAll(/^id=(\d+) /gm)].map((match) => Number(match[1]));
}

describe('admission', () => {
  it('refuses clients beyond maxclients, until one has left', () => {
    server.settings.maxClients = 2;
    const first = server.connect();
    server.connect();
    const refused = server.connect();
    expect(refused.connection.take()).toBe(MAX_CLIENTS_ERROR);
    expect(refused.connection.isEnded).toBe(true);
    expect(refused.send('PING\r\n')).toBe('');
    refused.close();
    expect(server.registry.counters).toMatchObject({ totalConnections: 2, rejectedConnections: 1 });
    first.close();
    expect(server.registry.size).toBe(1);
    expect(server.connect().call('PING')).toBe('+PONG\r\n');
  });

  it('refuses clients from elsewhere in protected mode, unless there is a password', () => {
    const elsewhere = { remoteAddress: '192.0.2.7', isLoopback: false };
    const refused = server.connect(elsewhere);
    expect(refused.connection.take()).toBe(PROTECTED_MODE_ERROR);
    expect(refused.connection.isEnded).toBe(true);
    server.requirepass = 'secret';
    expect(server.connect(elsewhere).call('PING')).toMatch(/^-NOAUTH /);
    server.requirepass = '';
    server.settings.protectedMode = false;
    expect(server.connect(elsewhere).call('PING')).toBe('+PONG\r\n');
  });

  it('says that the limit is reached before it speaks of protected mode', () => {
    server.settings.maxClients = 0;
    const refused = server.connect({ isLoopback: false });
    expect(refused.connection.take()).toBe(MAX_CLIENTS_ERROR);
  });

  it('logs who comes and who goes', () => {
    const peer = server.connect();
    peer.close();
    server.connect({ isUnixSocket: true, remoteAddress: '/s', localAddress: '/s' }).close();
    const broken = server.connect();
    broken.connection.errorName = 'ECONNRESET';
    broken.close(true);
    expect(server.log[0]).toBe('verbose Accepted 127.0.0.1:50000');
    expect(server.log[1]).toMatch(
      /^verbose Client closed connection id=1 addr=127\.0\.0\.1:50000 /,
    );
    expect(server.log[2]).toBe('verbose Accepted connection to /s');
    expect(server.log.at(-1)).toBe('verbose Reading from client: Connection reset by peer');
  });
});

describe('output buffer limits', () => {
  const big = 'x'.repeat(100 * KIBIBYTE);

  it('cut a client off for a reply beyond the hard limit, before it is sent', () => {
    server.settings.limits.normal = { hardBytes: 80 * KIBIBYTE, softBytes: 0, softSeconds: 0 };
    const peer = server.connect();
    expect(peer.call('ECHO', big)).toBe('');
    expect(peer.connection.isDestroyed).toBe(true);
    expect(server.registry.size).toBe(0);
    expect(server.registry.counters.outputLimitDisconnections).toBe(1);
    expect(server.log.at(-1)).toMatch(
      /^warning Client id=1 .* scheduled to be closed ASAP for overcoming of output buffer limits\.$/,
    );
    // What was under way when it was closed.
    expect(peer.send('PING\r\n')).toBe('');
    peer.close();
  });

  it('do not concern up to sixteen kibibytes with nothing before them', () => {
    server.settings.limits.normal = { hardBytes: 1, softBytes: 0, softSeconds: 0 };
    const peer = server.connect();
    expect(peer.call('ECHO', 'x'.repeat(16_000)).length).toBeGreaterThan(16_000);
    peer.connection.queuedBytes = 1;
    expect(peer.call('PING')).toBe('');
    expect(peer.connection.isDestroyed).toBe(true);
  });

  it('count what a turn produces in whole blocks', () => {
    server.settings.limits.normal = { hardBytes: 100_000, softBytes: 0, softSeconds: 0 };
    const blocks = (count: number) => 'x'.repeat(16_384 * count - 20);
    expect(server.connect().call('ECHO', blocks(6)).length).toBeGreaterThan(90_000);
    expect(server.connect().call('ECHO', `${blocks(6)}${'x'.repeat(40)}`)).toBe('');
  });

  it('stop the rest of a pipeline', () => {
    server.settings.limits.normal = { hardBytes: KIBIBYTE, softBytes: 0, softSeconds: 0 };
    const peer = server.connect();
    const other = server.connect();
    peer.connection.queuedBytes = 2 * KIBIBYTE;
    peer.send(`SET a 1\r\n${'PING\r\n'.repeat(10)}`);
    expect(peer.connection.isDestroyed).toBe(true);
    peer.send('SET a 2\r\n');
    expect(other.call('GET', 'a')).toBe('$1\r\n1\r\n');
  });

  it('give a client its seconds above the soft limit', () => {
    server.settings.limits.normal = { hardBytes: 0, softBytes: 50 * KIBIBYTE, softSeconds: 3 };
    const peer = server.connect();
    peer.call('ECHO', big);
    peer.connection.queuedBytes = 100 * KIBIBYTE;
    server.advance(1000);
    server.advance(2000);
    expect(peer.connection.isDestroyed).toBe(false);
    server.advance(1000);
    expect(peer.connection.isDestroyed).toBe(true);
    expect(server.log.at(-1)).toMatch(/ closed for overcoming of output buffer limits\.$/);
  });

  it('forget the seconds above the soft limit once the client caught up', () => {
    server.settings.limits.normal = { hardBytes: 0, softBytes: 50 * KIBIBYTE, softSeconds: 3 };
    const peer = server.connect();
    for (let round = 0; round < 3; round++) {
      peer.connection.queuedBytes = 100 * KIBIBYTE;
      server.advance(0);
      server.advance(3000);
      peer.connection.queuedBytes = round % 2 === 0 ? 0 : 10;
      server.advance(1000);
    }
    expect(peer.connection.isDestroyed).toBe(false);
  });

  it('are those of the client’s class', () => {
    server.settings.limits.pubsub = { hardBytes: 10, softBytes: 0, softSeconds: 0 };
    const normal = server.connect();
    const subscriber = server.connect();
    subscriber.client.block.setFlag(abi.CLIENT_PUBSUB, true);
    for (const peer of [normal, subscriber]) peer.connection.queuedBytes = 20;
    server.advance(100);
    expect(normal.connection.isDestroyed).toBe(false);
    expect(subscriber.connection.isDestroyed).toBe(true);
  });
});

describe('timeout', () => {
  it('closes clients that were idle for longer, and those alone', () => {
    server.settings.timeoutSeconds = 10;
    const idle = server.connect();
    const busy = server.connect();
    const exempt = [
      abi.CLIENT_REPLICA,
      abi.CLIENT_PRIMARY,
      abi.CLIENT_PUBSUB,
      abi.CLIENT_BLOCKED,
    ].map((flag) => {
      const peer = server.connect();
      peer.client.block.setFlag(flag, true);
      return peer;
    });
    server.advance(10_000);
    expect(idle.connection.isDestroyed).toBe(false);
    busy.call('PING');
    server.advance(1000);
    expect(idle.connection.isDestroyed).toBe(true);
    expect(busy.connection.isDestroyed).toBe(false);
    expect(exempt.some((peer) => peer.connection.isDestroyed)).toBe(false);
    expect(server.log.filter((line) => line === 'verbose Closing idle client').length).toBe(1);
  });

  it('looks at every client within ten ticks, however many there are', () => {
    const peers = Array.from({ length: 1003 }, () => server.connect());
    server.settings.timeoutSeconds = 1;
    server.advance(5000);
    expect(peers.every((peer) => peer.connection.isDestroyed)).toBe(true);
    expect(server.registry.size).toBe(0);
    server.advance(1000);
  });
});

describe('CLIENT LIST and INFO', () => {
  it('describe a client in one line', () => {
    const peer = server.connect();
    server.nowMs += 5000;
    peer.call('CLIENT', 'SETNAME', 'me');
    peer.call('CLIENT', 'SETINFO', 'LIB-NAME', 'lib');
    peer.call('CLIENT', 'SETINFO', 'lib-ver', '1.2');
    const line =
      'id=1 addr=127.0.0.1:50000 laddr=127.0.0.1:6379 fd=8 name=me age=5 idle=0 flags=N db=0 ' +
      'sub=0 psub=0 ssub=0 multi=-1 qbuf=26 qbuf-free=0 argv-mem=10 multi-mem=0 rbs=0 rbp=0 ' +
      'obl=0 oll=0 omem=0 tot-mem=# events=r cmd=client|info user=default redir=-1 resp=2 ' +
      'lib-name=lib lib-ver=1.2\n';
    const reply = peer.call('CLIENT', 'INFO').replace(/tot-mem=\d+/, 'tot-mem=#');
    expect(reply.slice(reply.indexOf('\n') + 1)).toBe(`${line}\r\n`);
  });

  it('are verbatim text in RESP3', () => {
    const peer = server.connect();
    peer.call('HELLO', '3');
    expect(peer.call('CLIENT', 'INFO')).toMatch(/^=\d+\r\ntxt:id=1 .* resp=3 .*\n\r\n$/);
    expect(peer.call('CLIENT', 'LIST')).toMatch(/^=\d+\r\ntxt:id=1 /);
  });

  it('show addresses as Redis does', () => {
    const six = server.connect({ remoteAddress: '::1', localAddress: 'fe80::1%eth0' });
    expect(infoOf(six).get('addr')).toBe('[::1]:50000');
    expect(infoOf(six).get('laddr')).toBe('[fe80::1%eth0]:6379');
    const path = '/run/r.sock';
    const unix = server.connect({
      isUnixSocket: true,
      remoteAddress: path,
      localAddress: path,
      remotePort: 0,
      localPort: 0,
    });
    expect(infoOf(unix).get('addr')).toBe('/run/r.sock:0');
    expect(infoOf(unix).get('laddr')).toBe('/run/r.sock:0');
    expect(infoOf(unix).get('flags')).toBe('U');
    const gone = server.connect({ remoteAddress: '', remotePort: 0 });
    expect(infoOf(gone).get('addr')).toBe('?:0');
  });

  it('show flags as letters in the order of Redis', () => {
    const peer = server.connect();
    const all =
      abi.CLIENT_PUBSUB |
      abi.CLIENT_MULTI |
      abi.CLIENT_TRACKING |
      abi.CLIENT_DIRTY_CAS |
      abi.CLIENT_UNIX_SOCKET |
      abi.CLIENT_READONLY |
      abi.CLIENT_NO_EVICT |
      abi.CLIENT_NO_TOUCH;
    const { block } = peer.client;
    const watcher = server.connect();
    const flags = () => {
      const id = String(peer.client.id);
      return fieldsOf(watcher.call('CLIENT', 'LIST', 'ID', id).split('\n')[1]!).get('flags');
    };
    expect(flags()).toBe('N');
    block.setFlag(all, true);
    expect(flags()).toBe('PxtdUreT');
    block.setFlag(all, false);
    block.setFlag(abi.CLIENT_MONITOR | abi.CLIENT_REPLICA, true);
    expect(flags()).toBe('O');
    block.setFlag(abi.CLIENT_MONITOR, false);
    expect(flags()).toBe('S');
    block.setFlag(abi.CLIENT_REPLICA, false);
    block.setFlag(abi.CLIENT_PRIMARY | abi.CLIENT_CLOSE_AFTER_REPLY, true);
    expect(flags()).toBe('Mc');
  });

  it('show what is queued, unfinished and idle of other clients', () => {
    const peer = server.connect();
    const watcher = server.connect();
    peer.send('*2\r\n$4\r\nECHO\r\n$100\r\nunfinished');
    Object.assign(peer.connection, { queuedBytes: 500, queuedBlocks: 2 });
    peer.connection.pause();
    server.nowMs += 7000;
    const fields = fieldsOf(watcher.call('CLIENT', 'LIST', 'ID', '1').split('\n')[1]!);
    expect(fields.get('cmd')).toBe('NULL');
    expect(fields.get('idle')).toBe('7');
    expect(fields.get('qbuf')).toBe('10');
    expect(fields.get('omem')).toBe('500');
    expect(fields.get('oll')).toBe('2');
    expect(fields.get('events')).toBe('w');
    expect(Number(fields.get('tot-mem'))).toBeGreaterThan(500);
    expect(server.registry.recentOutputBytesMax).toBe(0);
    server.advance(0);
    expect(server.registry.recentOutputBytesMax).toBe(500);
    expect(server.registry.recentInputBytesMax).toBeGreaterThanOrEqual(Number(fields.get('qbuf')));
    peer.connection.queuedBytes = 0;
    server.advance(9000);
    expect(server.registry.recentOutputBytesMax).toBe(0);
  });

  it('show the last command, and for the asking client the one it asks with', () => {
    const peer = server.connect();
    const watcher = server.connect();
    peer.call('get', 'k');
    const lines = watcher.call('CLIENT', 'LIST').split('\n');
    expect(fieldsOf(lines[1]!).get('cmd')).toBe('get');
    expect(fieldsOf(lines[2]!).get('cmd')).toBe('client|list');
  });

  it('list clients in the order they came, by type and by id', () => {
    const peers = Array.from({ length: 4 }, () => server.connect());
    peers[2]!.client.block.setFlag(abi.CLIENT_PUBSUB, true);
    const peer = peers[0]!;
    expect(idsOf(peer.call('CLIENT', 'LIST'))).toEqual([1, 2, 3, 4]);
    expect(idsOf(peer.call('CLIENT', 'LIST', 'TYPE', 'PubSub'))).toEqual([3]);
    expect(idsOf(peer.call('CLIENT', 'LIST', 'TYPE', 'normal'))).toEqual([1, 2, 4]);
    expect(idsOf(peer.call('CLIENT', 'LIST', 'ID', '4', '99', '2', '4'))).toEqual([4, 2, 4]);
    expect(peer.call('CLIENT', 'LIST', 'TYPE', 'slave')).toBe('$0\r\n\r\n');
    expect(peer.call('CLIENT', 'LIST', 'ID', '1', 'x')).toBe('-ERR Invalid client ID\r\n');
    expect(peer.call('CLIENT', 'LIST', 'TYPE', Buffer.from('q\xff\n\0z', 'latin1'))).toBe(
      "-ERR Unknown client type 'q\xff '\r\n",
    );
  });
});

describe('CLIENT KILL', () => {
  it('lets the reply of a client that kills itself out, and runs nothing behind it', () => {
    const peer = server.connect();
    const other = server.connect();
    const reply = peer.send('SET a 1\r\nCLIENT KILL ID 1 SKIPME no\r\nSET a 2\r\nPING\r\n');
    expect(reply).toBe('+OK\r\n:1\r\n');
    expect(peer.connection.isEnded).toBe(true);
    expect(other.call('GET', 'a')).toBe('$1\r\n1\r\n');
  });

  it('takes others out of the list at once, also with output that waits', () => {
    const peer = server.connect();
    const victims = [server.connect(), server.connect()];
    victims[0]!.connection.queuedBytes = 100;
    victims[1]!.send('*3\r\n$3\r\nSET\r\n');
    expect(peer.call('CLIENT', 'KILL', 'TYPE', 'normal')).toBe(':2\r\n');
    expect(victims.every((victim) => victim.connection.isDestroyed)).toBe(true);
    expect(idsOf(peer.call('CLIENT', 'LIST'))).toEqual([1]);
    expect(victims[1]!.send('$1\r\na\r\n$1\r\nb\r\n')).toBe('');
    for (const victim of victims) victim.close();
    expect(server.registry.size).toBe(1);
  });

  it('combines filters', () => {
    const peer = server.connect();
    server.connect({ remotePort: 1 });
    server.nowMs += 20_000;
    server.connect({ remotePort: 2, localPort: 7 });
    server.connect({ remotePort: 3, localPort: 7 });
    const kill = (...filters: string[]) => peer.call('CLIENT', 'KILL', ...filters);
    expect(kill('ADDR', '127.0.0.1:2', 'LADDR', '127.0.0.1:6379')).toBe(':0\r\n');
    expect(kill('ADDR', '127.0.0.1:2', 'LADDR', '127.0.0.1:7')).toBe(':1\r\n');
    expect(kill('maxage', '21')).toBe(':0\r\n');
    expect(kill('MAXAGE', '20')).toBe(':1\r\n');
    expect(kill('USER', 'default', 'LADDR', '127.0.0.1:7')).toBe(':1\r\n');
    expect(kill('MAXAGE', '20', 'SKIPME', 'no')).toBe(':1\r\n');
    expect(peer.connection.isEnded).toBe(true);
  });

  it('has the errors of Redis', () => {
    const peer = server.connect();
    const kill = (...filters: (string | Buffer)[]) => peer.call('CLIENT', 'KILL', ...filters);
    expect(kill('1.2.3.4:5')).toBe('-ERR No such client\r\n');
    expect(kill('ID', '0')).toBe('-ERR client-id should be greater than 0\r\n');
    expect(kill('ID', '9223372036854775808')).toBe('-ERR client-id should be greater than 0\r\n');
    expect(kill('MAXAGE', 'x')).toBe('-ERR maxage is not an integer or out of range\r\n');
    expect(kill('MAXAGE', '0')).toBe('-ERR maxage should be greater than 0\r\n');
    expect(kill('ID', '1', 'ADDR')).toBe('-ERR syntax error\r\n');
    expect(kill('USER', Buffer.from('\xe9', 'latin1'))).toBe("-ERR No such user '\xe9'\r\n");
    expect(server.registry.size).toBe(1);
  });
});

describe('names and library', () => {
  it('take printable text of any length', () => {
    const peer = server.connect();
    const set = (name: string) => peer.call('CLIENT', 'SETNAME', Buffer.from(name, 'latin1'));
    expect(set('!~')).toBe('+OK\r\n');
    expect(set('a b')).toBe(NAME_ERROR);
    expect(set('\x7f')).toBe(NAME_ERROR);
    expect(set('\xe9')).toBe(NAME_ERROR);
    expect(peer.call('CLIENT', 'GETNAME')).toBe('$2\r\n!~\r\n');
    expect(set('a\0b')).toBe(NAME_ERROR);
    expect(infoOf(peer).get('name')).toBe('!~');
    const long = 'n'.repeat(200_000);
    expect(set(long)).toBe('+OK\r\n');
    expect(peer.call('CLIENT', 'GETNAME')).toBe(`$200000\r\n${long}\r\n`);
    expect(set('')).toBe('+OK\r\n');
    expect(peer.call('CLIENT', 'GETNAME')).toBe('$-1\r\n');
    peer.call('HELLO', '3');
    expect(peer.call('CLIENT', 'GETNAME')).toBe('_\r\n');
  });

  it('report bad SETINFO with the option as it was written', () => {
    const peer = server.connect();
    const set = (...args: string[]) => peer.call('CLIENT', 'SETINFO', ...args);
    expect(set('Lib-Name', 'a b')).toBe(
      '-ERR Lib-Name cannot contain spaces, newlines or special characters.\r\n',
    );
    expect(set('LIB', 'x')).toBe("-ERR Unrecognized option 'LIB'\r\n");
    expect(set('LIB-NAME', 'x')).toBe('+OK\r\n');
    expect(set('LIB-NAME', '')).toBe('+OK\r\n');
    expect(infoOf(peer).get('lib-name')).toBe('');
  });
});

describe('CLIENT REPLY', () => {
  it('drops replies in the middle of a pipeline', () => {
    const peer = server.connect();
    expect(
      peer.send(
        'CLIENT REPLY SKIP\r\nECHO a\r\nECHO b\r\nCLIENT REPLY SKIP\r\nnosuch\r\nECHO c\r\n',
      ),
    ).toBe('$1\r\nb\r\n$1\r\nc\r\n');
    expect(peer.send('CLIENT REPLY OFF\r\nECHO a\r\nCLIENT ID\r\nCLIENT NOSUCH\r\n')).toBe('');
    expect(peer.send('CLIENT REPLY SKIP\r\nECHO a\r\n')).toBe('');
    expect(peer.send('CLIENT REPLY ON\r\nECHO b\r\n')).toBe('+OK\r\n$1\r\nb\r\n');
    expect(peer.call('CLIENT', 'REPLY', 'maybe')).toBe('-ERR syntax error\r\n');
  });
});

describe('CLIENT NO-TOUCH and NO-EVICT', () => {
  it('take effect for the commands behind them', () => {
    const peer = server.connect();
    expect(peer.send('CLIENT NO-TOUCH ON\r\nCLIENT NO-EVICT on\r\n')).toBe('+OK\r\n+OK\r\n');
    expect(infoOf(peer).get('flags')).toBe('eT');
    peer.call('CLIENT', 'NO-TOUCH', 'OFF');
    expect(infoOf(peer).get('flags')).toBe('e');
    expect(peer.call('CLIENT', 'NO-EVICT', 'x')).toBe('-ERR syntax error\r\n');
  });
});

describe('CLIENT PAUSE', () => {
  it('holds writes back, in order, and lets reads through', async () => {
    const admin = server.connect();
    const peer = server.connect();
    expect(admin.call('CLIENT', 'PAUSE', '60000', 'WRITE')).toBe('+OK\r\n');
    expect(peer.send('GET a\r\nSET a 1\r\nGET a\r\n')).toBe('$-1\r\n');
    expect(peer.send('SET a 2\r\n')).toBe('');
    expect(admin.call('GET', 'a')).toBe('$-1\r\n');
    expect(server.pause.mode).toBe('write');
    expect(server.pause.remainingMs).toBe(60_000);
    expect(admin.send('CLIENT UNPAUSE\r\nGET a\r\n')).toBe('+OK\r\n$-1\r\n');
    await server.settle();
    expect(peer.connection.take()).toBe('+OK\r\n$1\r\n1\r\n+OK\r\n');
    expect(admin.call('GET', 'a')).toBe('$1\r\n2\r\n');
    expect([server.pause.mode, server.pause.remainingMs]).toEqual(['none', 0]);
  });

  it('holds everything back, its own client’s commands too', async () => {
    const peer = server.connect();
    expect(peer.send('CLIENT PAUSE 60000\r\nPING\r\n')).toBe('+OK\r\n');
    const other = server.connect();
    expect(other.call('PING')).toBe('');
    server.pause.unpause();
    await server.settle();
    expect(peer.connection.take()).toBe('+PONG\r\n');
    expect(other.connection.take()).toBe('+PONG\r\n');
  });

  it('is never weakened or shortened by another pause', () => {
    const now = () => server.nowMs;
    server.pause.pause(now() + 10_000, 'all');
    server.pause.pause(now() + 60_000, 'write');
    expect([server.pause.mode, server.pause.remainingMs]).toEqual(['all', 60_000]);
    server.pause.pause(now() + 5000, 'all');
    expect(server.pause.remainingMs).toBe(60_000);
    server.pause.unpause();
    server.pause.pause(now() + 1000, 'write');
    server.pause.pause(now() + 500, 'all');
    expect([server.pause.mode, server.pause.remainingMs]).toEqual(['all', 1000]);
    server.pause.unpause();
  });

  it('ends by itself, even one longer than a timer can be', async () => {
    vi.useFakeTimers();
    try {
      const peer = server.connect();
      const wait = async (ms: number): Promise<void> => {
        server.nowMs += ms;
        await vi.advanceTimersByTimeAsync(ms);
      };
      const timerMax = 2 ** 31 - 1;
      expect(peer.call('CLIENT', 'PAUSE', String(timerMax + 1000))).toBe('+OK\r\n');
      expect(peer.call('PING')).toBe('');
      await wait(timerMax);
      expect(peer.connection.take()).toBe('');
      await wait(1000);
      expect(peer.connection.take()).toBe('+PONG\r\n');
    } finally {
      vi.useRealTimers();
    }
  });

  it('of no time pauses nothing', () => {
    const peer = server.connect();
    expect(peer.call('CLIENT', 'PAUSE', '0')).toBe('+OK\r\n');
    expect(peer.call('PING')).toBe('+PONG\r\n');
  });

  it('forgets a client that leaves while it is held back', async () => {
    const peer = server.connect();
    server.pause.pause(server.nowMs + 1000, 'all');
    peer.call('SET', 'a', '1');
    peer.close();
    server.pause.unpause();
    await server.settle();
    expect(server.connect().call('GET', 'a')).toBe('$-1\r\n');
  });

  it('refuses what is not a time or a mode', () => {
    const peer = server.connect();
    const pause = (...args: string[]) => peer.call('CLIENT', 'PAUSE', ...args);
    expect(pause('x')).toBe('-ERR timeout is not an integer or out of range\r\n');
    expect(pause('-1')).toBe('-ERR timeout is negative\r\n');
    expect(pause('9223372036854775807')).toBe('-ERR timeout is out of range\r\n');
    expect(pause('x', 'some')).toBe('-ERR CLIENT PAUSE mode must be WRITE or ALL\r\n');
    expect(pause('1', 'ALL', 'x')).toBe(
      "-ERR unknown subcommand or wrong number of arguments for 'PAUSE'. Try CLIENT HELP.\r\n",
    );
    expect(server.pause.mode).toBe('none');
  });
});

describe('CLIENT UNBLOCK and tracking', () => {
  it('answer for clients that neither wait nor track', () => {
    const peer = server.connect();
    const unblock = (...args: string[]) => peer.call('CLIENT', 'UNBLOCK', ...args);
    expect(unblock('1')).toBe(':0\r\n');
    expect(unblock('99', 'error')).toBe(':0\r\n');
    expect(unblock('x')).toBe('-ERR value is not an integer or out of range\r\n');
    expect(unblock('x', 'y')).toBe('-ERR CLIENT UNBLOCK reason should be TIMEOUT or ERROR\r\n');
    expect(peer.call('CLIENT', 'GETREDIR')).toBe(':-1\r\n');
    expect(peer.call('CLIENT', 'TRACKINGINFO')).toBe(
      '*6\r\n$5\r\nflags\r\n*1\r\n$3\r\noff\r\n$8\r\nredirect\r\n:-1\r\n$8\r\nprefixes\r\n*0\r\n',
    );
    peer.call('HELLO', '3');
    expect(peer.call('CLIENT', 'TRACKINGINFO')).toBe(
      '%3\r\n$5\r\nflags\r\n~1\r\n$3\r\noff\r\n$8\r\nredirect\r\n:-1\r\n$8\r\nprefixes\r\n*0\r\n',
    );
  });
});

describe('HELLO', () => {
  it('answers in the protocol it switches to, in the middle of a pipeline', () => {
    const peer = server.connect();
    const reply = peer.send('GET a\r\nHELLO 3 SETNAME me\r\nGET a\r\nHELLO 2\r\nGET a\r\n');
    expect(reply).toBe(
      '$-1\r\n' +
        '%7\r\n$6\r\nserver\r\n$5\r\nredis\r\n$7\r\nversion\r\n$5\r\n7.2.6\r\n$5\r\nproto\r\n:3\r\n' +
        '$2\r\nid\r\n:1\r\n$4\r\nmode\r\n$10\r\nstandalone\r\n$4\r\nrole\r\n$6\r\nmaster\r\n' +
        '$7\r\nmodules\r\n*0\r\n' +
        '_\r\n' +
        '*14\r\n$6\r\nserver\r\n$5\r\nredis\r\n$7\r\nversion\r\n$5\r\n7.2.6\r\n$5\r\nproto\r\n:2\r\n' +
        '$2\r\nid\r\n:1\r\n$4\r\nmode\r\n$10\r\nstandalone\r\n$4\r\nrole\r\n$6\r\nmaster\r\n' +
        '$7\r\nmodules\r\n*0\r\n' +
        '$-1\r\n',
    );
    expect(peer.call('CLIENT', 'GETNAME')).toBe('$2\r\nme\r\n');
  });

  it('changes nothing when it fails', () => {
    const peer = server.connect();
    expect(peer.call('HELLO', '3', 'SETNAME', 'you', 'AUTH', 'nobody', 'x')).toBe(WRONGPASS);
    expect(peer.call('HELLO', '3', 'SETNAME', 'you', 'SETNAME', 'a b')).toBe(NAME_ERROR);
    expect(peer.call('HELLO', '3', Buffer.from('opt\xff', 'latin1'))).toBe(
      "-ERR Syntax error in HELLO option 'opt\xff'\r\n",
    );
    expect(peer.call('HELLO', '9')).toBe('-NOPROTO unsupported protocol version\r\n');
    expect(peer.call('CLIENT', 'GETNAME')).toBe('$-1\r\n');
  });
});

describe('passwords', () => {
  const secret = Buffer.from('s\xe9cret', 'utf8');

  beforeEach(() => {
    server.requirepass = 's\xe9cret';
  });

  it('have to be right before anything else runs', () => {
    const peer = server.connect();
    expect(peer.call('GET', 'a')).toBe('-NOAUTH Authentication required.\r\n');
    expect(peer.call('AUTH', 'wrong')).toBe(WRONGPASS);
    expect(peer.call('HELLO', '3')).toMatch(/^-NOAUTH HELLO must be called with the client /);
    expect(peer.call('AUTH', secret)).toBe('+OK\r\n');
    expect(peer.call('GET', 'a')).toBe('$-1\r\n');
    // A later failure takes nothing away.
    expect(peer.call('AUTH', 'default', 'wrong')).toBe(WRONGPASS);
    expect(peer.call('AUTH', 'nobody', secret)).toBe(WRONGPASS);
    expect(peer.call('GET', 'a')).toBe('$-1\r\n');
  });

  it('open the rest of the pipeline that they came in', () => {
    const peer = server.connect();
    const hello = server.connect();
    const login = Buffer.concat([
      Buffer.from('GET a\r\nAUTH '),
      secret,
      Buffer.from('\r\nPING\r\n'),
    ]);
    expect(peer.send(login)).toBe('-NOAUTH Authentication required.\r\n+OK\r\n+PONG\r\n');
    expect(hello.call('HELLO', '3', 'AUTH', 'default', secret, 'SETNAME', 'me')).toMatch(/^%7\r\n/);
    expect(infoOf(hello).get('user')).toBe('default');
    expect(server.redacted).toEqual(['auth 1', 'hello 3', 'hello 4']);
  });

  it('that change leave clients alone that are in', () => {
    const peer = server.connect();
    peer.call('AUTH', secret);
    server.requirepass = 'other';
    expect(peer.call('PING')).toBe('+PONG\r\n');
    expect(server.connect().call('AUTH', secret)).toBe(WRONGPASS);
    server.requirepass = '';
    expect(server.connect().call('PING')).toBe('+PONG\r\n');
    expect(peer.call('AUTH', 'x')).toMatch(/^-ERR AUTH <password> called without any password /);
    expect(peer.call('AUTH', 'default', 'x')).toBe('+OK\r\n');
  });
});

describe('a client without a socket', () => {
  it('has the commands about itself and is not listed', () => {
    const written: Buffer[] = [];
    const output = {
      write: (bytes: Uint8Array) => void written.push(Buffer.from(bytes)),
      end() {},
      destroy() {},
    };
    const inProcess = server.engine.connect(output, '', true)!;
    const call = (line: string): string => {
      server.engine.input().set(Buffer.from(line));
      inProcess.run(line.length);
      return Buffer.concat(written.splice(0)).toString();
    };
    expect(call('CLIENT ID\r\n')).toBe(':1\r\n');
    expect(call('CLIENT SETNAME me\r\nCLIENT GETNAME\r\n')).toBe('+OK\r\n$2\r\nme\r\n');
    expect(call('CLIENT SETINFO LIB-NAME lib\r\n')).toBe('+OK\r\n');
    expect(call('CLIENT INFO\r\n')).toMatch(/id=1 addr=\?:0 laddr=\?:0 fd=-1 .* lib-name=lib /);
    expect(call('CLIENT LIST\r\n')).toBe('$0\r\n\r\n');
    expect(server.registry.size).toBe(0);
    expect(idsOf(new Peer(server, new FakeConnection()).call('CLIENT', 'LIST'))).toEqual([2]);
  });
});
