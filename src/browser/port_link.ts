// Connections over a MessagePort: the engine is in a worker, or in another tab.
//
//   page:    openPortLink(port, handlers)   a Link
//   engine:  servePort(port, openLink)      answers for it
//
// Each connection has a port of its own, and each message is what was sent at one go, as bytes that move
// over. `null` ends the connection; from the engine's side an EndNotice may tell why. A port does not
// tell when the other side has died: whoever owns it has to (the worker's owner, the tab's lock).

import { RespiteError, type RespiteErrorCode } from '../embedded/errors.ts';
import type { Link, LinkHandlers, LinkOptions, OpenLink } from '../embedded/link.ts';
import { copyBytes } from '../util/bytes.ts';
import { reasonOf } from '../util/reason_of.ts';

/** A port, or a channel that two have to themselves: what can be moved is copied there. */
export interface LinkPort {
  postMessage(message: unknown, transfer?: Transferable[]): void;
  onmessage: ((event: MessageEvent) => void) | null;
  close(): void;
}

/** Why the engine's side ended a connection. */
export interface EndNotice {
  readonly code: string;
  readonly message: string;
}

type PortMessage = Uint8Array | EndNotice | null;

const ROOM_BYTES_MIN = 4096;
/** A larger room is not kept. */
const ROOM_BYTES_KEPT = 1 << 20;

/** What can be told of an error over a port. */
export function errorNotice(error: unknown): EndNotice {
  const code = error instanceof RespiteError ? error.code : 'CONNECTION_LOST';
  return { code, message: reasonOf(error) };
}

/** The error that was told of. */
export function noticedError({ code, message }: EndNotice): RespiteError {
  return new RespiteError(code as RespiteErrorCode, message);
}

/** A link whose other end is served by `servePort`. */
export interface PortLink extends Link {
  /** The other side has died: ends the connection as if it had said so. */
  fail(reason: Error): void;
}

export function openPortLink(port: LinkPort, handlers: LinkHandlers): PortLink {
  let room = new Uint8Array(ROOM_BYTES_MIN);
  let isClosed = false;
  const finish = (reason?: Error) => {
    if (isClosed) return;
    isClosed = true;
    port.close();
    handlers.onClose(reason);
  };
  port.onmessage = ({ data }: MessageEvent<PortMessage>) => {
    if (isClosed) return;
    if (data instanceof Uint8Array) handlers.onData(data);
    else finish(data === null ? undefined : noticedError(data));
  };
  return {
    room: (length) => {
      if (room.length < length) room = new Uint8Array(Math.max(length, room.length * 2));
      return room;
    },
    send: (length) => {
      if (isClosed) return;
      const bytes = room.slice(0, length);
      if (room.length > ROOM_BYTES_KEPT) room = new Uint8Array(ROOM_BYTES_MIN);
      port.postMessage(bytes, [bytes.buffer]);
    },
    close: () => {
      if (isClosed) return;
      isClosed = true;
      port.postMessage(null);
      port.close();
    },
    fail: finish,
  };
}

/**
 * Makes the other end of a port a connection to the engine here. Returns what ends it from this side; `onEnd`
 * hears of its end in all other cases, also when it cannot even begin.
 */
export function servePort(
  port: LinkPort,
  openLink: OpenLink,
  options: LinkOptions,
  onEnd: () => void = () => {},
): () => void {
  let link: Link | undefined;
  const end = (notice: EndNotice | null) => {
    if (link === undefined) return;
    link = undefined;
    port.postMessage(notice);
    port.close();
    onEnd();
  };
  try {
    link = openLink(
      {
        // The bytes are valid only now.
        onData: (bytes) => {
          const copy = copyBytes(bytes);
          port.postMessage(copy, [copy.buffer]);
        },
        onClose: (reason) => end(reason === undefined ? null : errorNotice(reason)),
      },
      options,
    );
  } catch (error) {
    port.postMessage(errorNotice(error));
    port.close();
    onEnd();
    return () => {};
  }
  port.onmessage = ({ data }: MessageEvent<PortMessage>) => {
    if (link === undefined) return;
    if (data instanceof Uint8Array) {
      link.room(data.length).set(data);
      link.send(data.length);
      return;
    }
    const closing = link;
    link = undefined;
    closing.close();
    port.close();
    onEnd();
  };
  return () => {
    link?.close();
    end(null);
  };
}
