// A connection of a tab, wherever the engine is just now, or is going to be.
//
//   waiting: what is sent is kept ──attach──> the engine in this tab
//            │                    ──asked, "ready"──> the leader, over a channel
//            └ a leader that goes before it was ready changes nothing: the next one is asked
//
// Once bytes may have gone to a leader they are never sent again: when that one goes, the connection ends
// with CONNECTION_LOST, since nobody knows what became of them.

import type { Link, LinkHandlers, LinkOptions, OpenLink } from '../../embedded/link.ts';
import { type EndNotice, noticedError, openPortLink, type PortLink } from '../port_link.ts';
import { channelName, type Ready } from './messages.ts';

const ROOM_BYTES_MIN = 1024;

export class TabLink implements Link {
  readonly id: string;
  readonly options: LinkOptions;
  private readonly handlers: LinkHandlers;
  private readonly onEnd: (link: TabLink) => void;
  /** The leader that was asked last. */
  asked: string | undefined;
  private channel: BroadcastChannel | undefined;
  private target: Link | undefined;
  private remote: PortLink | undefined;
  private room_: Uint8Array = new Uint8Array(0);
  private waiting: Uint8Array[] = [];
  private isEnded = false;

  constructor(
    id: string,
    handlers: LinkHandlers,
    options: LinkOptions,
    onEnd: (link: TabLink) => void,
  ) {
    this.id = id;
    this.options = options;
    this.onEnd = onEnd;
    this.handlers = {
      onData: (bytes) => handlers.onData(bytes),
      onClose: (reason) => this.end(() => handlers.onClose(reason)),
    };
  }

  // --- Link ---

  room(length: number): Uint8Array {
    if (this.target !== undefined) return this.target.room(length);
    if (this.room_.length < length) this.room_ = new Uint8Array(Math.max(length, ROOM_BYTES_MIN));
    return this.room_;
  }

  send(length: number): void {
    if (this.target !== undefined) this.target.send(length);
    else if (!this.isEnded) this.waiting.push(this.room_.slice(0, length));
  }

  close(): void {
    this.end(() => {
      this.target?.close();
      this.channel?.close();
    });
  }

  // --- Where it goes ---

  /** The engine is in this tab now. Does nothing for a connection that has gone to a leader. */
  attach(openLink: OpenLink): void {
    if (this.target !== undefined || this.isEnded) return;
    this.channel?.close();
    try {
      this.connected(openLink(this.handlers, this.options));
    } catch (error) {
      this.fail(error as Error);
    }
  }

  /** Listens for a leader that is being asked. */
  listen(store: string, leader: string): void {
    this.asked = leader;
    if (this.channel !== undefined) return;
    const channel = new BroadcastChannel(channelName(store, this.id));
    this.channel = channel;
    channel.onmessage = ({ data }: MessageEvent<Ready | EndNotice | null>) => {
      // The end of a connection that this one never was.
      if (data === null) return;
      if ('code' in data) {
        this.fail(noticedError(data));
        return;
      }
      // One that is gone may have said so with its last breath.
      if (data.ready !== this.asked) return;
      this.remote = openPortLink(channel, this.handlers);
      this.connected(this.remote);
    };
  }

  /** The leader is gone, or another one: a connection that went there ends, and no word of it counts any more. */
  lose(reason: Error): void {
    this.asked = undefined;
    this.remote?.fail(reason);
  }

  /** Ends a connection wherever it is. */
  fail(reason: Error): void {
    if (this.isEnded) return;
    const { target, remote } = this;
    if (remote !== undefined) {
      remote.fail(reason);
      return;
    }
    target?.close();
    this.channel?.close();
    this.handlers.onClose(reason);
  }

  private connected(target: Link): void {
    if (this.isEnded) return;
    this.target = target;
    for (const bytes of this.waiting.splice(0)) {
      target.room(bytes.length).set(bytes);
      target.send(bytes.length);
    }
  }

  private end(action: () => void): void {
    if (this.isEnded) return;
    this.isEnded = true;
    this.waiting = [];
    this.onEnd(this);
    action();
  }
}
