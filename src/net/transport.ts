// What the server knows of the network: a transport turns a listening socket into connections, a
// connection moves bytes, a session is the server's side of one connection.
//
//   net.Server --attach--> Transport --accept--> Connection <--> Session (server)
//                                                    |
//                                    input region of the engine (linear memory)
//
// Two transports implement this: `stream` on public `net` streams, `direct` on the handles beneath
// them. Both keep these rules, and the tests run against both:
//
// - Input is put at the start of the transport's input region, then `onData(length)` is called; the
//   session consumes it during that call, because the next read of any connection overwrites it.
// - Bytes given to `write` may change as soon as it returns. What the kernel does not take at once
//   is copied, kept in order and sent as the peer reads.
// - `queuedBytes` is never stale: when it is above zero after a `write`, `onDrain` follows once it
//   has fallen to zero, unless the connection closes first.
// - End of input closes the connection, unsent output included, as Redis does: a peer that shuts
//   down its sending side has left.
// - `onClose` comes exactly once for every connection, and never during a call to the connection:
//   a session may destroy its connection in the middle of anything it does. After `end` or
//   `destroy` there is no `onData` and no `onDrain` any more.

import type { Server } from 'node:net';
import type { Connection, Session } from './connection.ts';

export type { Connection, Session } from './connection.ts';

export type TransportName = 'direct' | 'stream';

/** The part of linear memory that input is put into. */
export interface InputRegion {
  /** A view of the whole region: a new object whenever linear memory grew, else the same one. */
  view(): Uint8Array;
}

/** What new connections are made with; read at each accept, so a change needs no restart. */
export interface AcceptOptions {
  /** TCP keepalive idle time, 0 for none. */
  readonly keepAliveSeconds: number;
}

export interface AttachOptions {
  readonly accept: AcceptOptions;
  /** Path of the Unix socket this server listens on, absent for TCP. */
  readonly unixSocketPath?: string;
  /** Called for each new connection, before anything is read; it may already write, end or destroy. */
  readonly onConnection: (connection: Connection) => Session;
  /** A connection could not be accepted; `errorName` is a system error name ("EMFILE"). */
  readonly onAcceptError: (errorName: string) => void;
}

export interface Transport {
  readonly name: TransportName;
  /** Takes over `server`'s connections. Call it before `server.listen`. */
  attach(server: Server, options: AttachOptions): void;
}

/** What an address block tells of a peer on this machine, by Redis's rule for protected mode. */
export function isLoopbackAddress(address: string): boolean {
  return address.startsWith('127.') || address === '::1' || address.startsWith('::ffff:127.');
}
