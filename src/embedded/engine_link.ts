// A connection to an engine in this thread, without sockets and without a registry of clients.

import * as abi from '../../assembly/abi.ts';
import type { Engine } from '../engine.ts';
import { RespiteError } from './errors.ts';
import type { Link, LinkHandlers, LinkOptions } from './link.ts';

/** Input that does not fit the engine's region is put together here; kept up to this size. */
const KEPT_ROOM_BYTES = 1 << 20;

/** Room for requests: the engine's input region, or a buffer for what does not fit. */
export class RequestRoom {
  private readonly engine: Engine;
  private large: Uint8Array = new Uint8Array(0);
  private isLarge = false;

  constructor(engine: Engine) {
    this.engine = engine;
  }

  take(length: number): Uint8Array {
    this.isLarge = length > abi.INPUT_BYTES;
    if (!this.isLarge) return this.engine.input();
    if (this.large.length < length) this.large = new Uint8Array(length);
    return this.large;
  }

  /** Hands the first `length` bytes of the room to `run`, in pieces that lie in the input region. */
  forEachPiece(length: number, run: (length: number) => void): void {
    if (!this.isLarge) {
      run(length);
      return;
    }
    const { large } = this;
    // A reply may lead to the next request.
    this.large = new Uint8Array(0);
    for (let at = 0; at < length; at += abi.INPUT_BYTES) {
      const piece = large.subarray(at, Math.min(at + abi.INPUT_BYTES, length));
      this.engine.input().set(piece);
      run(piece.length);
    }
    if (large.length <= KEPT_ROOM_BYTES) this.large = large;
  }
}

export function openEngineLink(
  engine: Engine,
  handlers: LinkHandlers,
  { resp }: LinkOptions,
  address = '127.0.0.1:0',
): Link {
  let isClosed = false;
  const end = () => {
    if (isClosed) return;
    isClosed = true;
    // The engine may be in the middle of this client's batch.
    queueMicrotask(() => {
      client?.close();
      handlers.onClose();
    });
  };
  const client = engine.connect(
    {
      write: (bytes) => {
        if (!isClosed) handlers.onData(bytes);
      },
      end,
      destroy: end,
    },
    address,
    true,
  );
  if (client === undefined) {
    throw new RespiteError('NO_MEMORY', 'There is no memory for another connection');
  }
  engine.core.data.setUint32(client.ptr + abi.CONN_RESP, resp, true);
  const room = new RequestRoom(engine);
  return {
    room: (length) => room.take(length),
    send: (length) => {
      if (!isClosed) room.forEachPiece(length, (piece) => client.run(piece));
    },
    close: () => {
      if (isClosed) return;
      isClosed = true;
      client.close();
    },
  };
}
