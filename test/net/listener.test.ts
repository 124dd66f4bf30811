import { once } from 'node:events';
import {
  chmodSync,
  existsSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { type AddressInfo, connect, createServer, type Server } from 'node:net';
import { networkInterfaces, tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { chooseTransport } from '../../src/net/choose.ts';
import {
  ListenError,
  Listener,
  type ListenerSettings,
  tcpBacklogWarning,
} from '../../src/net/listener.ts';
import { systemErrorText, systemErrorTextOfCode } from '../../src/util/system_error.ts';
import { MovingRegion, readAll, TRANSPORTS } from './harness.ts';

const HAS_IPV6 = Object.values(networkInterfaces())
  .flat()
  .some((entry) => entry?.address === '::1');
/** Reserved for documentation, so no machine has it. */
const FOREIGN_IPV4 = '198.51.100.77';

async function takePort(host = '127.0.0.1'): Promise<[Server, number]> {
  const server = createServer().listen(0, host);
  await once(server, 'listening');
  return [server, (server.address() as AddressInfo).port];
}

async function freePort(): Promise<number> {
  const [server, port] = await takePort();
  server.close();
  await once(server, 'close');
  return port;
}

describe.each(TRANSPORTS)('listener on the %s transport', (name) => {
  let directory: string;
  let listener: Listener;
  let settings: { -readonly [Key in keyof ListenerSettings]: ListenerSettings[Key] };
  let log: string[];
  const blockers: Server[] = [];

  beforeEach(async () => {
    directory = mkdtempSync(join(tmpdir(), 'respite-listener-'));
    log = [];
    settings = {
      port: await freePort(),
      bind: ['127.0.0.1'],
      tcpBacklog: 511,
      unixSocket: '',
      unixSocketPerm: 0,
      keepAliveSeconds: 300,
    };
    listener = new Listener(await chooseTransport(name, new MovingRegion()), settings, {
      log: (level, line) => log.push(`${level} ${line}`),
      onConnection: (connection) => {
        connection.write(Buffer.from(`hello on ${connection.localAddress}`));
        connection.end();
        return { onData() {}, onDrain() {}, onClose() {} };
      },
    });
  });
  afterEach(() => {
    listener.close();
    for (const blocker of blockers.splice(0)) blocker.close();
    rmSync(directory, { recursive: true, force: true });
  });

  const greeting = async (target: { host: string; port: number } | { path: string }) => {
    const client = connect(target);
    client.on('error', () => {});
    return (await readAll(client)).toString();
  };
  const blockPort = async (host?: string): Promise<number> => {
    const [server, port] = await takePort(host);
    blockers.push(server);
    return port;
  };

  it('listens on each address of bind', async () => {
    settings.bind = ['127.0.0.1', '127.0.0.2'];
    await listener.open();
    const { port } = settings;
    expect(listener.socketCount).toBe(2);
    expect(await greeting({ host: '127.0.0.1', port })).toBe('hello on 127.0.0.1');
    expect(await greeting({ host: '127.0.0.2', port })).toBe('hello on 127.0.0.2');
    expect(await greeting({ host: '127.0.0.3', port })).toBe('');
    expect(listener.infoLines()).toEqual([
      `listener0:name=tcp,bind=127.0.0.1,bind=127.0.0.2,port=${port}`,
    ]);
    expect(log).toEqual([]);
  });

  it.runIf(HAS_IPV6)('keeps IPv4 and IPv6 apart under `* -::*`', async () => {
    settings.bind = ['*', '-::*'];
    await listener.open();
    const { port } = settings;
    expect(listener.socketCount).toBe(2);
    expect(await greeting({ host: '127.0.0.1', port })).toBe('hello on 127.0.0.1');
    expect(await greeting({ host: '::1', port })).toBe('hello on ::1');
  });

  it.runIf(HAS_IPV6)('takes no IPv4 connection on an IPv6 address', async () => {
    settings.bind = ['::*'];
    await listener.open();
    expect(await greeting({ host: '127.0.0.1', port: settings.port })).toBe('');
    expect(await greeting({ host: '::1', port: settings.port })).toBe('hello on ::1');
  });

  it('resolves a host name to its IPv4 address', async () => {
    settings.bind = ['localhost'];
    await listener.open();
    expect(await greeting({ host: '127.0.0.1', port: settings.port })).toBe('hello on 127.0.0.1');
  });

  it('opens nothing for port 0 or an empty bind', async () => {
    settings.port = 0;
    await listener.open();
    expect(listener.socketCount).toBe(0);
    settings.port = await freePort();
    settings.bind = [];
    await listener.updateTcp();
    expect(listener.socketCount).toBe(0);
    expect(listener.infoLines()).toEqual([]);
  });

  it('refuses a taken port with the words Redis has for it', async () => {
    settings.port = await blockPort('0.0.0.0');
    settings.bind = ['*', '-::*'];
    await expect(listener.open()).rejects.toThrow(
      new ListenError(`Failed listening on port ${settings.port} (tcp), aborting.`),
    );
    expect(log).toEqual([
      'warning Warning: Could not create server TCP listening socket ' +
        `*:${settings.port}: bind: Address already in use`,
    ]);
    expect(listener.socketCount).toBe(0);
  });

  it('closes what it had opened when a later address fails', async () => {
    settings.bind = ['127.0.0.1', FOREIGN_IPV4];
    await expect(listener.open()).rejects.toThrow(ListenError);
    expect(log).toEqual([
      'warning Warning: Could not create server TCP listening socket ' +
        `${FOREIGN_IPV4}:${settings.port}: bind: Cannot assign requested address`,
    ]);
    expect(await greeting({ host: '127.0.0.1', port: settings.port })).toBe('');
  });

  it('does without an optional address that the machine does not have', async () => {
    settings.bind = ['127.0.0.1', `-${FOREIGN_IPV4}`];
    await listener.open();
    expect(listener.socketCount).toBe(1);
    expect(log.length).toBe(1);
  });

  it('does not excuse a taken port for an optional address', async () => {
    settings.port = await blockPort();
    settings.bind = ['-127.0.0.1'];
    await expect(listener.open()).rejects.toThrow(ListenError);
  });

  it('refuses a name that does not resolve', async () => {
    settings.bind = ['no-such-host.invalid'];
    await expect(listener.open()).rejects.toThrow(ListenError);
    expect(log[0]).toMatch(
      /listening socket no-such-host\.invalid:\d+: (Name or service not known|Temporary failure)/,
    );
  });

  it('changes its port at run time', async () => {
    await listener.open();
    const oldPort = settings.port;
    settings.port = await freePort();
    await listener.updateTcp();
    expect(await greeting({ host: '127.0.0.1', port: settings.port })).toBe('hello on 127.0.0.1');
    expect(await greeting({ host: '127.0.0.1', port: oldPort })).toBe('');
    settings.port = 0;
    await listener.updateTcp();
    expect(listener.socketCount).toBe(0);
  });

  it('changes its addresses at run time, to wider and narrower ones', async () => {
    await listener.open();
    const { port } = settings;
    settings.bind = ['*'];
    await listener.updateTcp();
    expect(await greeting({ host: '127.0.0.2', port })).toBe('hello on 127.0.0.2');
    settings.bind = ['127.0.0.1'];
    await listener.updateTcp();
    expect(await greeting({ host: '127.0.0.2', port })).toBe('');
    expect(await greeting({ host: '127.0.0.1', port })).toBe('hello on 127.0.0.1');
  });

  it('stays as it was when a change fails', async () => {
    settings.bind = ['127.0.0.1', '127.0.0.2'];
    await listener.open();
    const oldPort = settings.port;
    settings.port = await blockPort();
    await expect(listener.updateTcp()).rejects.toThrow(ListenError);
    expect(await greeting({ host: '127.0.0.1', port: oldPort })).toBe('hello on 127.0.0.1');
    expect(await greeting({ host: '127.0.0.2', port: oldPort })).toBe('hello on 127.0.0.2');
    settings.port = oldPort;
    settings.bind = ['127.0.0.1', FOREIGN_IPV4];
    await expect(listener.updateTcp()).rejects.toThrow(ListenError);
    expect(listener.socketCount).toBe(2);
    expect(await greeting({ host: '127.0.0.2', port: oldPort })).toBe('hello on 127.0.0.2');
  });

  it('accepts again on the port it has just closed', async () => {
    await listener.open();
    await greeting({ host: '127.0.0.1', port: settings.port });
    listener.close();
    await listener.open();
    expect(await greeting({ host: '127.0.0.1', port: settings.port })).toBe('hello on 127.0.0.1');
  });

  it('listens on a Unix socket with the wanted mode and removes it at the end', async () => {
    const path = join(directory, 'r.sock');
    settings.unixSocket = path;
    settings.unixSocketPerm = 0o640;
    await listener.open();
    expect(statSync(path).mode & 0o777).toBe(0o640);
    expect(await greeting({ path })).toBe(`hello on ${path}`);
    expect(listener.socketCount).toBe(2);
    expect(listener.infoLines()[1]).toBe(`listener1:name=unix,bind=${path}`);
    listener.close();
    expect(existsSync(path)).toBe(false);
    expect(log).toEqual(['notice Removing the unix socket file.']);
  });

  it('replaces the socket file of a server that crashed', async () => {
    const path = join(directory, 'r.sock');
    const stale = createServer().listen(path);
    await once(stale, 'listening');
    blockers.push(stale);
    settings.unixSocket = path;
    await listener.open();
    expect(await greeting({ path })).toBe(`hello on ${path}`);
  });

  it('does not touch an ordinary file at the path of the Unix socket', async () => {
    const path = join(directory, 'dump.rdb');
    writeFileSync(path, 'data');
    chmodSync(path, 0o600);
    settings.unixSocket = path;
    settings.unixSocketPerm = 0o777;
    await expect(listener.open()).rejects.toThrow(
      new ListenError('Failed opening Unix socket: bind: Address already in use'),
    );
    expect(readFileSync(path, 'utf8')).toBe('data');
    expect(statSync(path).mode & 0o777).toBe(0o600);
    // All or nothing.
    expect(listener.socketCount).toBe(0);
    expect(await greeting({ host: '127.0.0.1', port: settings.port })).toBe('');
  });

  it('refuses a path that no socket address holds, and one in no directory', async () => {
    settings.unixSocket = join(directory, 'x'.repeat(100));
    const length = settings.unixSocket.length;
    await expect(listener.open()).rejects.toThrow(
      `Failed opening Unix socket: unix socket path too long (${length}), must be under 108`,
    );
    settings.unixSocket = join(directory, 'missing', 'r.sock');
    await expect(listener.open()).rejects.toThrow(
      'Failed opening Unix socket: bind: No such file or directory',
    );
  });
});

describe('texts of the listener', () => {
  it('warns only when the system caps the backlog', () => {
    expect(tcpBacklogWarning(1)).toBeNull();
    const warning = tcpBacklogWarning(1e9);
    if (existsSync('/proc/sys/net/core/somaxconn')) {
      expect(warning).toMatch(/^WARNING: The TCP backlog setting of 1000000000 cannot be enforced/);
    } else {
      expect(warning).toBeNull();
    }
  });

  it('has the words of the C library for system errors', () => {
    expect(systemErrorTextOfCode('EADDRINUSE')).toBe('Address already in use');
    expect(systemErrorTextOfCode('EMFILE')).toBe('Too many open files');
    expect(systemErrorTextOfCode('EPIPE')).toBe('Broken pipe');
    expect(systemErrorTextOfCode('EWHATEVER')).toBe('Unknown error EWHATEVER');
    const error = Object.assign(new Error('ENOTFOUND'), { code: 'ENOTFOUND' });
    expect(systemErrorText(error)).toBe('Name or service not known');
  });
});
