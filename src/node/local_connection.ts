// A connection from the program that the store is part of: a client like others, with no socket.
//
//   Link.send ─> input region ─> session.onData ─> engine ─> Connection.write ─> LinkHandlers.onData

import { RequestRoom } from '../embedded/engine_link.ts';
import { RespiteError } from '../embedded/errors.ts';
import type { Link, LinkHandlers, LinkOptions } from '../embedded/link.ts';
import type { Session } from '../net/connection.ts';
import { InternalConnection } from '../net/internal_connection.ts';
import type { Server } from '../server.ts';

class LocalConnection extends InternalConnection {
  readonly resp: 2 | 3;
  session: Session | undefined;
  private readonly handlers: LinkHandlers;
  private isClosed = false;

  constructor(handlers: LinkHandlers, resp: 2 | 3) {
    super();
    this.handlers = handlers;
    this.resp = resp;
  }

  get isOpen(): boolean {
    return !this.isClosed;
  }

  write(bytes: Uint8Array): void {
    if (!this.isClosed) this.handlers.onData(bytes);
  }

  end(): void {
    this.finish(() => this.handlers.onClose());
  }

  destroy(): void {
    this.end();
  }

  /** Closed by the program. */
  close(): void {
    this.finish(() => {});
  }

  private finish(tell: () => void): void {
    if (this.isClosed) return;
    this.isClosed = true;
    // Never during a call to the connection.
    queueMicrotask(() => {
      this.session?.onClose(false);
      tell();
    });
  }
}

/** Connects the program to a server of its own. Throws RespiteError when there is no memory for it. */
export function openLocalLink(
  server: Pick<Server, 'engine' | 'accept'>,
  handlers: LinkHandlers,
  { resp }: LinkOptions,
): Link {
  const connection = new LocalConnection(handlers, resp);
  const session = server.accept(connection);
  if (!connection.isOpen) {
    throw new RespiteError('NO_MEMORY', 'There is no memory for another connection');
  }
  connection.session = session;
  const room = new RequestRoom(server.engine);
  return {
    room: (length) => room.take(length),
    send: (length) => {
      room.forEachPiece(length, (piece) => {
        if (connection.isOpen) session.onData(piece);
      });
    },
    close: () => connection.close(),
  };
}
