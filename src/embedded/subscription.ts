// Published messages, and the lines of MONITOR, as async iterables. Each has a connection of its own.

import { ReplyError } from './errors.ts';
import type { OpenLink } from './link.ts';
import { MessageStream } from './message_stream.ts';
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

export class Subscription extends MessageStream<Message> {
  private readonly kind: Kind;
  /** Calls of subscribe and unsubscribe that wait for the server's word on each channel. */
  private readonly confirmations: Confirmation[] = [];

  constructor(open: OpenLink, kind: SubscriptionKind, onClose: (subscription: object) => void) {
    super(open, { what: 'subscription', onClose });
    this.kind = KINDS[kind];
  }

  /** Subscribes to more channels (or patterns); resolves once their messages come. */
  subscribe(...channels: string[]): Promise<void> {
    return this.change(this.kind.subscribe, channels);
  }

  /** Leaves channels; without any, all of them. The iteration goes on until `close`. */
  unsubscribe(...channels: string[]): Promise<void> {
    return this.change(this.kind.unsubscribe, channels);
  }

  private change(command: string, channels: readonly string[]): Promise<void> {
    return new Promise((resolve, reject) => {
      const confirmation = { left: Math.max(channels.length, 1), resolve, reject };
      this.confirmations.push(confirmation);
      // Pushes confirm it; only an error comes as a reply.
      this.connection.post([command, ...channels], reject);
    });
  }

  protected receive(reply: Reply): void {
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

  protected override end(error?: Error): void {
    const reason = error ?? this.closedError();
    for (const each of this.confirmations.splice(0)) each.reject(reason);
    super.end(error);
  }
}

/** The commands that run, as MONITOR tells them: one line each. */
export class Monitor extends MessageStream<string> {
  constructor(open: OpenLink, onClose: (monitor: object) => void) {
    super(open, { what: 'monitor', onClose });
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

  protected receive(line: Reply): void {
    if (typeof line === 'string') this.queue.put(line, line.length * 2);
  }
}
