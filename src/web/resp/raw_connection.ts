// A connection to the store whose replies are kept as they were sent.
//
// Replies are matched with requests by order. What no request waits for goes to `onMessage`: pushes in RESP3,
// messages to subscribers in RESP2, and the lines of MONITOR.

import type { Link, OpenLink } from '../../embedded/link.ts';
import { requestBound, writeRequest } from '../../embedded/request_encoder.ts';
import { type RawReply, RawReplyReader } from './raw_reply.ts';

export interface RawConnectionHandlers {
  onMessage(message: RawReply): void;
  /** The other side has ended the connection, or sent what is not RESP. */
  onEnd(reason: Error): void;
}

interface Waiting {
  readonly name: string;
  /** Messages that answer the request instead of a reply: the name they bear, and how many are to come. */
  readonly confirmation: string | undefined;
  left: number;
  onReply(reply: RawReply): void;
  resolve(reply: RawReply | undefined): void;
  reject(reason: Error): void;
}

const CONFIRMED = /^[ps]?(un)?subscribe$/;
const OF_SHARDS = /^s(un)?subscribe$/;
const PUBSUB = /(message|subscribe)$/;

const decoder = new TextDecoder();

export class RawConnection {
  private readonly link: Link;
  private readonly handlers: RawConnectionHandlers;
  private readonly reader = new RawReplyReader((reply) => this.settle(reply));
  private waiting: Waiting[] = [];
  /** Channels and patterns; shard channels are counted for themselves. */
  private subscriptions = 0;
  private shardSubscriptions = 0;
  private isClosed = false;

  constructor(open: OpenLink, resp: 2 | 3, handlers: RawConnectionHandlers) {
    this.handlers = handlers;
    this.link = open(
      {
        onData: (bytes) => this.receive(bytes),
        onClose: (reason) => this.end(reason ?? new Error('The connection was closed')),
      },
      { resp },
    );
  }

  /** Whether nothing can be sent any more. */
  get isEnded(): boolean {
    return this.isClosed;
  }

  /** Whether it is subscribed to anything. */
  get isSubscribed(): boolean {
    return this.subscriptions > 0 || this.shardSubscriptions > 0;
  }

  /**
   * Resolves to the reply; to undefined when messages were the answer (SUBSCRIBE), which went to `onMessage`.
   * `onReply` is called before anything that came behind the reply is handed over.
   */
  send(
    words: readonly Uint8Array[],
    onReply: (reply: RawReply) => void = () => undefined,
  ): Promise<RawReply | undefined> {
    return new Promise((resolve, reject) => {
      if (this.isClosed) {
        reject(new Error('The connection is closed'));
        return;
      }
      const name = decoder.decode(words[0]).toLowerCase();
      const confirmation = CONFIRMED.test(name) ? name : undefined;
      const left = confirmation === undefined ? 1 : Math.max(1, words.length - 1);
      this.waiting.push({ name, confirmation, left, onReply, resolve, reject });
      const room = this.link.room(requestBound(words));
      this.link.send(writeRequest(room, 0, words));
    });
  }

  /** Ends the connection; what waits for a reply fails. */
  close(): void {
    if (this.isClosed) return;
    this.link.close();
    this.fail(new Error('The connection was closed'));
  }

  private receive(bytes: Uint8Array): void {
    if (this.isClosed) return;
    try {
      this.reader.push(bytes);
    } catch (error) {
      this.link.close();
      this.end(error as Error);
    }
  }

  private settle(reply: RawReply): void {
    const [next] = this.waiting;
    const event = this.eventOf(reply, next);
    if (event === undefined && next !== undefined) {
      this.waiting.shift();
      if (next.name === 'reset' && reply.kind === 'status' && reply.text === 'RESET') {
        this.subscriptions = 0;
        this.shardSubscriptions = 0;
      }
      next.onReply(reply);
      next.resolve(reply);
      return;
    }
    if (event?.count !== undefined) {
      if (OF_SHARDS.test(event.name)) this.shardSubscriptions = event.count;
      else this.subscriptions = event.count;
    }
    this.handlers.onMessage(reply);
    if (next === undefined || event === undefined || event.name !== next.confirmation) return;
    next.left -= 1;
    if (next.left > 0) return;
    this.waiting.shift();
    next.resolve(undefined);
  }

  /** What a message is about; undefined when it is a reply. In RESP2 only the state of the connection tells. */
  private eventOf(
    reply: RawReply,
    next: Waiting | undefined,
  ): { name: string; count?: number } | undefined {
    const isPush = reply.kind === 'push';
    if (!isPush && reply.kind !== 'array') return undefined;
    if (!isPush && !this.isSubscribed && next?.confirmation === undefined) return undefined;
    const [first, , third] = reply.items;
    const name = first?.kind === 'bulk' ? decoder.decode(first.bytes) : '';
    if (reply.items.length < 3 || !PUBSUB.test(name)) return isPush ? { name } : undefined;
    return CONFIRMED.test(name) && third?.kind === 'integer'
      ? { name, count: Number(third.text) }
      : { name };
  }

  private end(reason: Error): void {
    if (this.isClosed) return;
    this.fail(reason);
    this.handlers.onEnd(reason);
  }

  private fail(reason: Error): void {
    this.isClosed = true;
    const waiting = this.waiting;
    this.waiting = [];
    for (const each of waiting) each.reject(reason);
  }
}
