// One connection to a store, as bytes in RESP: an engine in this thread, in a worker, in another tab.
//
//   request ─> room, send ─> [ engine | port | channel ] ─> onData ─> replies and pushes
//
// - `send` takes the request before it returns. An engine in this thread answers during the call.
// - `onData` comes in the middle of the engine's work: nothing may be sent there, over any connection. A
//   program's own connections (`connect`) hear of it later, and may.
// - `onClose` comes at most once, not for `close`, and there is no `onData` behind either of them.

export interface LinkHandlers {
  /** `bytes` end anywhere, and are valid only during the call, unless who opens the connection says more. */
  onData(bytes: Uint8Array): void;
  /** The other side has ended the connection. */
  onClose(reason?: Error): void;
}

export interface Link {
  /** At least `length` bytes to write a request to, valid until the next call of anything. */
  room(length: number): Uint8Array;
  /** Sends the first `length` bytes of the room. Ignored once the connection is closed. */
  send(length: number): void;
  close(): void;
}

export interface LinkOptions {
  /** Version of RESP to begin with. */
  readonly resp: 2 | 3;
}

/** Makes a new connection. Throws RespiteError when there is no memory for it. */
export type OpenLink = (handlers: LinkHandlers, options: LinkOptions) => Link;
