// What comes over a connection of its own without being asked for, as an async iterable.

import { Connection } from './connection.ts';
import { RespiteError } from './errors.ts';
import type { OpenLink } from './link.ts';
import { MessageQueue } from './message_queue.ts';
import type { Reply } from './reply.ts';

export interface MessageStreamOptions {
  /** "subscription": what was closed, in the error for who still asks it for something. */
  readonly what: string;
  onClose(): void;
  /** Bulk strings of what comes as bytes. */
  readonly buffers?: boolean | undefined;
}

export abstract class MessageStream<T>
  implements AsyncIterableIterator<T, undefined>, AsyncDisposable
{
  protected readonly connection: Connection;
  protected readonly queue: MessageQueue<T>;
  private readonly options: MessageStreamOptions;

  constructor(open: OpenLink, options: MessageStreamOptions) {
    this.options = options;
    this.queue = new MessageQueue(() => void this.close());
    this.connection = new Connection(open, {
      onMessage: (message) => this.receive(message),
      onEnd: (error) => this.end(error),
      wantsBuffers: options.buffers,
    });
  }

  /** Ends it; the iteration ends behind what has been received. */
  close(): Promise<void> {
    this.connection.close(this.closedError());
    this.end();
    return Promise.resolve();
  }

  /** The store has come to its end: so does the iteration, with an error. */
  fail(reason: Error): void {
    this.connection.abort(reason);
  }

  next(): Promise<IteratorResult<T, undefined>> {
    return this.queue.next();
  }

  return(): Promise<IteratorResult<T, undefined>> {
    return this.queue.return();
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  protected abstract receive(message: Reply): void;

  protected end(error?: Error): void {
    this.queue.end(error);
    this.options.onClose();
  }

  protected closedError(): RespiteError {
    return new RespiteError('CLOSED', `The ${this.options.what} was closed`);
  }
}
