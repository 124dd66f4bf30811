// Published messages, and the lines of MONITOR, as async iterables. Each has a connection of its own.

import { ReplyError } from './errors.ts';
import type { OpenLink } from './link.ts';
import { MessageStream } from './message_stream.ts';
import type { Reply } from './reply.ts';

export interface SubscriptionOptions {
  /** Messages as Uint8Array. Otherwise they are read as UTF-8. */
  readonly buffers?: boolean;
}

export interface Message<B extends string | Uint8Array = string> {
  readonly channel: string;
  readonly message: B;
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
  /** Channels to be confirmed; Infinity: all that there are. */
  left: number;
  resolve(): void;
  reject(error: Error): void;
}

/** About what a message holds besides its text. */
const MESSAGE_OVERHEAD_BYTES = 64;

const decoder = new TextDecoder();

function text(value: Reply | undefined): string {
  return value instanceof Uint8Array ? decoder.decode(value) : String(value);
}

export class Subscription<B extends string | Uint8Array = string> extends MessageStream<
  Message<B>
> {
  private readonly kind: Kind;
  /** Calls of subscribe and unsubscribe that wait for the server's word on each channel. */
  private readonly confirmations: Confirmation[] = [];

  constructor(
    open: OpenLink,
    kind: SubscriptionKind,
    onClose: () => void,
    { buffers }: SubscriptionOptions = {},
  ) {
    super(open, { what: 'subscription', onClose, buffers });
    this.kind = KINDS[kind];
  }

  /** Subscribes to more channels (or patterns); resolves once their messages come. */
  subscribe(...channels: string[]): Promise<void> {
    return this.change(this.kind.subscribe, channels, channels.length);
  }

  /** Leaves channels; without any, all of them. The iteration goes on until `close`. */
  unsubscribe(...channels: string[]): Promise<void> {
    return this.change(
      this.kind.unsubscribe,
      channels,
      channels.length || Number.POSITIVE_INFINITY,
    );
  }

  private change(command: string, channels: readonly string[], left: number): Promise<void> {
    return new Promise((resolve, reject) => {
      const confirmation = { left, resolve, reject };
      // Pushes confirm it, perhaps while it is sent; only an error comes as a reply.
      this.confirmations.push(confirmation);
      try {
        this.connection.post([command, ...channels], reject);
      } catch (error) {
        this.confirmations.splice(this.confirmations.lastIndexOf(confirmation), 1);
        throw error;
      }
    });
  }

  protected receive(reply: Reply): void {
    if (reply instanceof ReplyError) {
      this.confirmations.shift()?.reject(reply);
      return;
    }
    if (!Array.isArray(reply)) return;
    const [name, ...rest] = reply;
    if (text(name) === this.kind.message) {
      const message = rest.pop() as B;
      const channel = text(rest.pop());
      const size = (channel.length + message.length) * 2 + MESSAGE_OVERHEAD_BYTES;
      const pattern = rest.length > 0 ? { pattern: text(rest[0]) } : {};
      this.queue.put({ channel, message, ...pattern }, size);
      return;
    }
    this.confirm(rest[1] as number);
  }

  /** The server's word on one channel: `subscribed` is how many there are now. */
  private confirm(subscribed: number): void {
    const [first] = this.confirmations;
    if (first === undefined) return;
    first.left -= 1;
    const isLastOfAll = first.left === Number.POSITIVE_INFINITY && subscribed === 0;
    if (first.left > 0 && !isLastOfAll) return;
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
  constructor(open: OpenLink, onClose: () => void) {
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
