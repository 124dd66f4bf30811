// A connection from the program that the store is part of: a client like others, with no socket.
//
//   Link.send ─> input region ─> session.onData ─> engine ─> Connection.write ─> LinkHandlers.onData

import { RequestRoom } from '../embedded/engine_link.ts';
import { RespiteError } from '../embedded/errors.ts';
import type { Link, LinkHandlers, LinkOptions } from '../embedded/link.ts';
import type { Session } from '../net/connection.ts';
import { InternalConnection } from '../net/internal_connection.ts';
import type { Server } from '../server.ts';

/** Calls of sessions and of handlers that are under way, of all connections: a session may not end in one. */
let calls = 0;

function inCall(run: () => void): void {
  calls++;
  try {
    run();
  } finally {
    calls--;
  }
}

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
    if (!this.isClosed) inCall(() => this.handlers.onData(bytes));
  }

  end(): void {
    if (this.isClosed) return;
    this.isClosed = true;
    // Never during a call to the connection.
    queueMicrotask(() => {
      this.session?.onClose(false);
      this.handlers.onClose();
    });
  }

  destroy(): void {
    this.end();
  }

  /** Closed by the program. What it waits for is taken back at once: the next command is not to serve it. */
  close(): void {
    if (this.isClosed) return;
    this.isClosed = true;
    if (calls === 0) this.session?.onClose(false);
    else queueMicrotask(() => this.session?.onClose(false));
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
        if (connection.isOpen) inCall(() => session.onData(piece));
      });
    },
    close: () => connection.close(),
  };
}
