// Requests and replies of one link, matched in their order.
//
//   send(commands) ─> link ─> decoder ─> the oldest request that waits
//                                 └────> pushes, and replies nobody waits for (MONITOR) ─> onMessage
//
// When the link ends, every request that waits fails, and so does every later one.

import { RespiteError } from './errors.ts';
import type { Link, OpenLink } from './link.ts';
import type { CommandArg, Reply } from './reply.ts';
import { ReplyDecoder } from './reply_decoder.ts';
import { requestBound, writeRequest } from './request_encoder.ts';

/** Who waits for replies. */
export interface Waiting {
  /** Replies that are still to come. */
  left: number;
  readonly wantsBuffers: boolean;
  /** One call for each command that was sent. */
  onReply(reply: Reply): void;
  /** No reply comes any more. */
  onFailure(error: Error): void;
}

export interface ConnectionHandlers {
  /** A push, or a reply that no request waits for. */
  onMessage?(message: Reply): void;
  /** It has ended, and not by `close`. */
  onEnd?(error: Error): void;
  /** Whether messages have bytes in place of texts. */
  readonly wantsBuffers?: boolean | undefined;
}

export class Connection {
  private readonly link: Link;
  private readonly handlers: ConnectionHandlers;
  private readonly decoder: ReplyDecoder;
  /** Requests by age from `first` on; what is before it has its replies. */
  private requests: Waiting[] = [];
  private first = 0;
  private ended: Error | undefined;

  constructor(open: OpenLink, handlers: ConnectionHandlers = {}) {
    this.handlers = handlers;
    this.decoder = new ReplyDecoder({
      wantsBuffers: () =>
        this.requests[this.first]?.wantsBuffers ?? this.handlers.wantsBuffers ?? false,
      onReply: (reply) => this.settle(reply),
      onPush: (message) => this.handlers.onMessage?.(message),
    });
    this.link = open(
      {
        onData: (bytes) => this.receive(bytes),
        onClose: (reason) => this.lose(reason),
      },
      { resp: 3 },
    );
  }

  /** Whether nothing can be sent any more. */
  get isEnded(): boolean {
    return this.ended !== undefined;
  }

  /** Sends commands together. Throws BAD_OPTION, and sends nothing, when an argument is none. */
  send(commands: readonly (readonly CommandArg[])[], waiting: Waiting): void {
    if (this.ended !== undefined) {
      waiting.onFailure(this.ended);
      return;
    }
    this.write(commands, waiting);
  }

  /** As `send`, for one command. */
  sendOne(command: readonly CommandArg[], waiting: Waiting): void {
    if (this.ended !== undefined) {
      waiting.onFailure(this.ended);
      return;
    }
    const room = this.link.room(requestBound(command));
    this.dispatch(writeRequest(room, 0, command), waiting);
  }

  /** Sends commands that have been encoded, as many as `waiting` waits for. */
  sendEncoded(requests: Uint8Array, waiting: Waiting): void {
    if (this.ended !== undefined) {
      waiting.onFailure(this.ended);
      return;
    }
    this.link.room(requests.length).set(requests);
    this.dispatch(requests.length, waiting);
  }

  /** Sends a command whose outcome comes as messages. */
  post(command: readonly CommandArg[], onFailure: (error: Error) => void): void {
    if (this.ended !== undefined) onFailure(this.ended);
    else this.write([command]);
  }

  /** Ends the connection; what waits for replies fails with `reason`. */
  close(reason: Error): void {
    if (this.ended !== undefined) return;
    this.link.close();
    this.fail(reason);
  }

  /** The same, but not by its owner, who is told. */
  abort(reason: Error): void {
    if (this.ended !== undefined) return;
    this.close(reason);
    this.handlers.onEnd?.(reason);
  }

  private write(commands: readonly (readonly CommandArg[])[], request?: Waiting): void {
    let bound = 0;
    for (const command of commands) bound += requestBound(command);
    const room = this.link.room(bound);
    let length = 0;
    for (const command of commands) length = writeRequest(room, length, command);
    if (request === undefined) this.link.send(length);
    else this.dispatch(length, request);
  }

  private dispatch(length: number, waiting: Waiting): void {
    // Replies may come while it is sent.
    this.requests.push(waiting);
    try {
      this.link.send(length);
    } catch (error) {
      // No reply comes, and the next one is somebody else's.
      const at = this.requests.lastIndexOf(waiting);
      if (at >= this.first) this.requests.splice(at, 1);
      throw error;
    }
  }

  private receive(bytes: Uint8Array): void {
    if (this.ended !== undefined) return;
    try {
      this.decoder.push(bytes);
    } catch (error) {
      this.abort(error as Error);
    }
  }

  private settle(reply: Reply): void {
    const request = this.requests[this.first];
    if (request === undefined) {
      this.handlers.onMessage?.(reply);
      return;
    }
    request.left -= 1;
    if (request.left === 0) this.shift();
    request.onReply(reply);
  }

  private shift(): void {
    if (this.requests.length === 1) {
      this.requests.pop();
      return;
    }
    this.first += 1;
    if (this.first === this.requests.length) {
      this.requests = [];
      this.first = 0;
    } else if (this.first >= FORGET_AFTER) {
      this.requests = this.requests.slice(this.first);
      this.first = 0;
    }
  }

  private lose(reason?: Error): void {
    this.abort(
      reason ?? new RespiteError('CONNECTION_LOST', 'The connection to the store was closed'),
    );
  }

  private fail(error: Error): void {
    this.ended = error;
    const waiting = this.requests.slice(this.first);
    this.requests = [];
    this.first = 0;
    for (const request of waiting) request.onFailure(error);
  }
}

/** Requests that have their replies are forgotten, this many at a time. */
const FORGET_AFTER = 1024;
