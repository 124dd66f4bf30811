// The sockets the server listens on: one per `bind` address for TCP, and a Unix socket.
//
//   settings --open/change--> [ 127.0.0.1:6379 ] [ ::1:6379 ] [ /run/respite.sock ]
//                                      |  transport.attach: connections go to `onConnection`
//
// Rules, as Redis has them:
// - `*` and `::*` are all IPv4 and all IPv6 addresses; an address with a colon is IPv6 and never
//   takes IPv4 connections; anything else is an IPv4 address or a name that has one.
// - An address that cannot be bound fails the whole, unless it is marked optional with `-` and is
//   not an address of this machine, or its protocol is not supported here. Every failure is logged.
// - Port 0 or an empty `bind` means no TCP.
// - Address reuse is always on.
//
// Differences: on a change of port or addresses at run time, sockets that both the old and the new
// settings have stay open, and a failed change leaves the old ones open. A stale file at the Unix
// socket's path is removed only when it is a socket, so that a mistyped path cannot cost a data file.

import { lookup } from 'node:dns/promises';
import { chmodSync, existsSync, lstatSync, readFileSync, unlinkSync } from 'node:fs';
import { createServer, type ListenOptions, type Server } from 'node:net';
import { dirname } from 'node:path';
import { reasonOf } from '../util/reason_of.ts';
import { errorCode, systemErrorText, systemErrorTextOfCode } from '../util/system_error.ts';
import type { Connection, Session, Transport } from './transport.ts';

/** Bytes of a socket address's path field. */
const UNIX_PATH_BYTES_MAX = 108;
const SOMAXCONN_PATH = '/proc/sys/net/core/somaxconn';

/** Errors that only say that this machine does not have the protocol. */
const UNSUPPORTED = new Set(['ENOPROTOOPT', 'EPROTONOSUPPORT', 'ESOCKTNOSUPPORT', 'EAFNOSUPPORT']);

/** Read when it is used, so one settings object can be kept and changed. */
export interface ListenerSettings {
  /** 0 for no TCP. */
  readonly port: number;
  /** As the directive has them: `*`, `-::*`, `127.0.0.1`, `-::1`, a host name. */
  readonly bind: readonly string[];
  readonly tcpBacklog: number;
  /** Path, empty for none. */
  readonly unixSocket: string;
  /** File mode of the Unix socket, 0 to leave it to the umask. */
  readonly unixSocketPerm: number;
  /** 0 for none. */
  readonly keepAliveSeconds: number;
}

export interface ListenerHandlers {
  onConnection(connection: Connection): Session;
  /** A line for the log at the given level, without a line end. */
  log(level: 'verbose' | 'notice' | 'warning', line: string): void;
}

/**
 * Listening failed; everything that had been opened for it is closed again. The reasons are in the
 * log; `message` is the line to log before the process exits.
 */
export class ListenError extends Error {
  override readonly name = 'ListenError';
  readonly code = 'ERR_LISTEN';
}

interface TcpSocket {
  /** The `bind` entry without its `-`, and the port: what the socket was opened for. */
  readonly address: string;
  readonly port: number;
  readonly server: Server;
}

export class Listener {
  private readonly transport: Transport;
  private readonly settings: ListenerSettings;
  private readonly handlers: ListenerHandlers;
  private tcpSockets: TcpSocket[] = [];
  private unixServer: Server | undefined;
  private isReferenced = true;
  private unixPath = '';
  /** What the open TCP sockets were opened from, for INFO. */
  private openBind: readonly string[] = [];

  /** Opens nothing yet. `settings` is kept and read again by `updateTcp`. */
  constructor(transport: Transport, settings: ListenerSettings, handlers: ListenerHandlers) {
    this.transport = transport;
    this.settings = settings;
    this.handlers = handlers;
  }

  /** Number of sockets listened on; a server with none has nothing to do. */
  get socketCount(): number {
    return this.tcpSockets.length + (this.unixServer === undefined ? 0 : 1);
  }

  /** Opens every socket of the settings. Throws ListenError. */
  async open(): Promise<void> {
    await this.updateTcp();
    if (this.settings.unixSocket === '') return;
    try {
      await this.openUnix(this.settings.unixSocket);
    } catch (error) {
      this.close();
      throw error;
    }
  }

  /**
   * Makes the TCP sockets what port and bind of the settings say now: opens what is missing, closes
   * what is no longer wanted. On ListenError the sockets are as before.
   */
  async updateTcp(): Promise<void> {
    const { port } = this.settings;
    const bind = port === 0 ? [] : [...this.settings.bind];
    const wanted = bind.map((entry) => withoutMark(entry));
    const isWanted = (socket: TcpSocket): boolean =>
      socket.port === port && wanted.includes(socket.address);
    const kept = this.tcpSockets.filter(isWanted);
    const dropped = this.tcpSockets.filter((socket) => !isWanted(socket));
    // First, because an old address may be in the way of a wider new one on the same port.
    for (const socket of dropped) closeServer(socket.server);
    const opened: TcpSocket[] = [];
    try {
      for (const entry of bind) {
        if (kept.some((socket) => socket.address === withoutMark(entry))) continue;
        const socket = await this.openTcp(entry, port);
        if (socket !== null) opened.push(socket);
      }
    } catch (error) {
      for (const socket of opened) closeServer(socket.server);
      this.tcpSockets = [...kept, ...(await this.reopen(dropped))];
      throw error;
    }
    this.tcpSockets = [...kept, ...opened];
    this.openBind = bind;
  }

  /** Stops listening; connections stay. The Unix socket's file is removed. */
  close(): void {
    for (const socket of this.tcpSockets) closeServer(socket.server);
    this.tcpSockets = [];
    this.openBind = [];
    if (this.unixServer === undefined) return;
    this.handlers.log('notice', 'Removing the unix socket file.');
    closeServer(this.unixServer);
    this.unixServer = undefined;
  }

  /** Whether listening alone keeps the process alive; it does unless told otherwise. */
  ref(): void {
    this.setReferenced(true);
  }

  unref(): void {
    this.setReferenced(false);
  }

  /** The `listenerN:` lines of INFO server. */
  infoLines(): string[] {
    const lines: string[] = [];
    if (this.tcpSockets.length > 0) {
      const bind = this.openBind.slice(0, this.tcpSockets.length).map((entry) => `,bind=${entry}`);
      lines.push(`listener0:name=tcp${bind.join('')},port=${this.tcpSockets[0]?.port}`);
    }
    if (this.unixServer !== undefined) {
      lines.push(`listener1:name=unix,bind=${this.unixPath}`);
    }
    return lines;
  }

  /** Opens one `bind` entry; null when it may be left out. Throws ListenError. */
  private async openTcp(entry: string, port: number): Promise<TcpSocket | null> {
    const address = withoutMark(entry);
    const isIpv6 = address.includes(':');
    try {
      const host = await resolveAddress(address, isIpv6);
      const server = await this.listen({
        host,
        port,
        backlog: this.settings.tcpBacklog,
        ipv6Only: isIpv6,
      });
      return { address, port, server };
    } catch (error) {
      const code = errorCode(error);
      const text = isLookupError(error)
        ? systemErrorText(error)
        : `bind: ${systemErrorText(error)}`;
      this.handlers.log(
        'warning',
        `Warning: Could not create server TCP listening socket ${address}:${port}: ${text}`,
      );
      if (entry.startsWith('-') && code === 'EADDRNOTAVAIL') return null;
      if (UNSUPPORTED.has(code)) return null;
      throw new ListenError(`Failed listening on port ${port} (tcp), aborting.`);
    }
  }

  private async openUnix(path: string): Promise<void> {
    try {
      const length = Buffer.byteLength(path);
      if (length >= UNIX_PATH_BYTES_MAX) {
        throw new Error(
          `unix socket path too long (${length}), must be under ${UNIX_PATH_BYTES_MAX}`,
        );
      }
      removeStaleSocket(path);
      this.unixServer = await this.listen({ path, backlog: this.settings.tcpBacklog });
      this.unixPath = path;
    } catch (error) {
      throw new ListenError(`Failed opening Unix socket: ${unixErrorText(error, path)}`);
    }
  }

  private listen(options: ListenOptions): Promise<Server> {
    const server = createServer();
    const { settings } = this;
    this.transport.attach(server, {
      accept: settings,
      ...(options.path === undefined ? {} : { unixSocketPath: options.path }),
      onConnection: (connection) => this.handlers.onConnection(connection),
      onAcceptError: (name) => {
        const text = `Accepting client connection: accept: ${systemErrorTextOfCode(name)}`;
        this.handlers.log('warning', text);
      },
    });
    return new Promise((resolve, reject) => {
      server.once('error', reject);
      server.once('listening', () => {
        server.off('error', reject);
        // From now on an error concerns one connection; the transport reports those.
        server.on('error', () => {});
        if (!this.isReferenced) server.unref();
        resolve(server);
      });
      server.listen(options);
      // The socket is bound by now, unless it failed, and nobody was accepted yet.
      if (options.path !== undefined && server.listening && settings.unixSocketPerm !== 0) {
        chmodSync(options.path, settings.unixSocketPerm);
      }
    });
  }

  /** Opens sockets again that were closed for a change that failed; one that cannot be is lost. */
  private async reopen(sockets: readonly TcpSocket[]): Promise<TcpSocket[]> {
    const reopened: TcpSocket[] = [];
    for (const { address, port } of sockets) {
      try {
        const socket = await this.openTcp(address, port);
        if (socket !== null) reopened.push(socket);
      } catch {
        // Logged, and the failure that led here is reported.
      }
    }
    return reopened;
  }

  private setReferenced(isReferenced: boolean): void {
    this.isReferenced = isReferenced;
    const servers = this.tcpSockets.map((socket) => socket.server);
    if (this.unixServer !== undefined) servers.push(this.unixServer);
    for (const server of servers) {
      if (isReferenced) server.ref();
      else server.unref();
    }
  }
}

/** The warning Redis starts with when the system caps the backlog below `tcpBacklog`, else null. */
export function tcpBacklogWarning(tcpBacklog: number): string | null {
  let systemMax: number;
  try {
    systemMax = Number.parseInt(readFileSync(SOMAXCONN_PATH, 'utf8'), 10);
  } catch {
    return null; // not Linux
  }
  if (!(systemMax > 0 && systemMax < tcpBacklog)) return null;
  return (
    `WARNING: The TCP backlog setting of ${tcpBacklog} cannot be enforced because ` +
    `${SOMAXCONN_PATH} is set to the lower value of ${systemMax}.`
  );
}

function withoutMark(entry: string): string {
  return entry.startsWith('-') ? entry.slice(1) : entry;
}

/** The numeric address to bind for a `bind` address. */
async function resolveAddress(address: string, isIpv6: boolean): Promise<string> {
  if (isIpv6) return address === '::*' ? '::' : address;
  if (address === '*') return '0.0.0.0';
  return (await lookup(address, { family: 4 })).address;
}

function isLookupError(error: unknown): boolean {
  return error instanceof Error && 'syscall' in error && error.syscall === 'getaddrinfo';
}

function unixErrorText(error: unknown, path: string): string {
  const code = errorCode(error);
  if (code === '') return reasonOf(error);
  // libuv says EACCES for a directory that does not exist, as Windows would.
  const isMissing = code === 'EACCES' && !existsSync(dirname(path));
  return `bind: ${isMissing ? systemErrorTextOfCode('ENOENT') : systemErrorText(error)}`;
}

/** The transport may still count connections, so the close is not waited for. */
function closeServer(server: Server): void {
  server.close();
}

function removeStaleSocket(path: string): void {
  try {
    if (lstatSync(path).isSocket()) unlinkSync(path);
  } catch {
    // Nothing there, or not ours to remove: binding will tell.
  }
}
