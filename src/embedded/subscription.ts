// Published messages, and the lines of MONITOR, as async iterables. Each has a connection of its own.

import { Connection } from './connection.ts';
import { ReplyError, RespiteError } from './errors.ts';
import type { OpenLink } from './link.ts';
import { MessageQueue } from './message_queue.ts';
import type { Reply } from './reply.ts';

export interface Message {
  readonly channel: string;
  readonly message: string;
  /** The pattern it came by; absent for subscriptions to channels. */
  readonly pattern?: string;
}

/** A kind of subscription: its commands, and the name of its pushes. */
interface Kind {
  readonly subscribe: string;
  readonly unsubscribe: string;
  readonly message: string;
}

const KINDS = {
  channel: { subscribe: 'SUBSCRIBE', unsubscribe: 'UNSUBSCRIBE', message: 'message' },
  pattern: { subscribe: 'PSUBSCRIBE', unsubscribe: 'PUNSUBSCRIBE', message: 'pmessage' },
  shard: { subscribe: 'SSUBSCRIBE', unsubscribe: 'SUNSUBSCRIBE', message: 'smessage' },
} as const satisfies Record<string, Kind>;

export type SubscriptionKind = keyof typeof KINDS;

interface Confirmation {
  left: number;
  resolve(): void;
  reject(error: Error): void;
}

/** About what a message holds besides its text. */
const MESSAGE_OVERHEAD_BYTES = 64;

export class Subscription implements AsyncIterableIterator<Message, undefined>, AsyncDisposable {
  private readonly kind: Kind;
  private readonly connection: Connection;
  private readonly queue: MessageQueue<Message>;
  private readonly onClose: (subscription: Subscription) => void;
  /** Calls of subscribe and unsubscribe that wait for the server's word on each channel. */
  private readonly confirmations: Confirmation[] = [];

  constructor(
    open: OpenLink,
    kind: SubscriptionKind,
    onClose: (subscription: Subscription) => void,
  ) {
    this.kind = KINDS[kind];
    this.onClose = onClose;
    this.queue = new MessageQueue(() => void this.close());
    this.connection = new Connection(open, {
      onMessage: (message) => this.receive(message),
      onEnd: (error) => this.end(error),
    });
  }

  /** Subscribes to more channels (or patterns); resolves once their messages come. */
  subscribe(...channels: string[]): Promise<void> {
    return this.change(this.kind.subscribe, channels);
  }

  /** Leaves channels; without any, all of them. The iteration goes on until `close`. */
  unsubscribe(...channels: string[]): Promise<void> {
    return this.change(this.kind.unsubscribe, channels);
  }

  /** Ends the subscription; the iteration ends behind what has been received. */
  close(): Promise<void> {
    this.connection.close(new RespiteError('CLOSED', 'The subscription was closed'));
    this.end();
    return Promise.resolve();
  }

  next(): Promise<IteratorResult<Message, undefined>> {
    return this.queue.next();
  }

  return(): Promise<IteratorResult<Message, undefined>> {
    return this.queue.return();
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  private change(command: string, channels: readonly string[]): Promise<void> {
    return new Promise((resolve, reject) => {
      const confirmation = { left: Math.max(channels.length, 1), resolve, reject };
      this.confirmations.push(confirmation);
      // Pushes confirm it; only an error comes as a reply.
      this.connection.post([command, ...channels], reject);
    });
  }

  private receive(reply: Reply): void {
    if (reply instanceof ReplyError) {
      this.confirmations.shift()?.reject(reply);
      return;
    }
    if (!Array.isArray(reply)) return;
    const [name, ...rest] = reply;
    if (name === this.kind.message) {
      const isPattern = rest.length === 3;
      const [channel, message] = (isPattern ? rest.slice(1) : rest) as [string, string];
      const size = (channel.length + message.length) * 2 + MESSAGE_OVERHEAD_BYTES;
      const pattern = isPattern ? { pattern: rest[0] as string } : {};
      this.queue.put({ channel, message, ...pattern }, size);
      return;
    }
    this.confirm();
  }

  private confirm(): void {
    const [first] = this.confirmations;
    if (first === undefined) return;
    first.left -= 1;
    if (first.left > 0) return;
    this.confirmations.shift();
    first.resolve();
  }

  private end(error?: Error): void {
    const reason = error ?? new RespiteError('CLOSED', 'The subscription was closed');
    for (const each of this.confirmations.splice(0)) each.reject(reason);
    this.queue.end(error);
    this.onClose(this);
  }
}

/** The commands that run, as MONITOR tells them: one line each. */
export class Monitor implements AsyncIterableIterator<string, undefined>, AsyncDisposable {
  private readonly connection: Connection;
  private readonly queue: MessageQueue<string>;
  private readonly onClose: (monitor: Monitor) => void;

  constructor(open: OpenLink, onClose: (monitor: Monitor) => void) {
    this.onClose = onClose;
    this.queue = new MessageQueue(() => void this.close());
    this.connection = new Connection(open, {
      onMessage: (line) => {
        if (typeof line === 'string') this.queue.put(line, line.length * 2);
      },
      onEnd: (error) => this.end(error),
    });
  }

  /** Resolves when commands are told from then on. */
  start(): Promise<void> {
    return new Promise((resolve, reject) => {
      this.connection.send([['MONITOR']], {
        left: 1,
        wantsBuffers: false,
        onReply: (reply) => (reply instanceof ReplyError ? reject(reply) : resolve()),
        onFailure: reject,
      });
    });
  }

  close(): Promise<void> {
    this.connection.close(new RespiteError('CLOSED', 'The monitor was closed'));
    this.end();
    return Promise.resolve();
  }

  next(): Promise<IteratorResult<string, undefined>> {
    return this.queue.next();
  }

  return(): Promise<IteratorResult<string, undefined>> {
    return this.queue.return();
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  private end(error?: Error): void {
    this.queue.end(error);
    this.onClose(this);
  }
}
