// `node:net` for tests that run in a page: a connection to a store of server.ts, in the form of a socket.

import type { Link } from '../../../src/embedded/link.ts';
import { NotInPage, storeAt } from './server.ts';

type Listener = (...args: never[]) => void;

class PageSocket {
  private readonly listeners = new Map<string, Listener[]>();
  private link: Link | undefined;
  private isEnded = false;

  constructor(port: number) {
    queueMicrotask(() => this.connect(port));
  }

  private connect(port: number): void {
    try {
      this.link = storeAt(port).connect(
        {
          onData: (bytes) => this.emit('data', Buffer.from(bytes)),
          onClose: () => this.close(),
        },
        { resp: 2 },
      );
      this.emit('connect');
    } catch (error) {
      this.emit('error', error);
    }
  }

  on(event: string, listener: Listener): this {
    this.listeners.set(event, [...(this.listeners.get(event) ?? []), listener]);
    return this;
  }

  once(event: string, listener: Listener): this {
    const first = (...args: never[]) => {
      this.off(event, first);
      listener(...args);
    };
    return this.on(event, first);
  }

  off(event: string, listener: Listener): this {
    const left = (this.listeners.get(event) ?? []).filter((each) => each !== listener);
    this.listeners.set(event, left);
    return this;
  }

  private emit(event: string, ...args: unknown[]): void {
    for (const listener of this.listeners.get(event) ?? []) listener(...(args as never[]));
  }

  write(bytes: Uint8Array | string): void {
    if (this.isEnded || this.link === undefined) return;
    const sent = typeof bytes === 'string' ? Buffer.from(bytes) : bytes;
    this.link.room(sent.length).set(sent);
    this.link.send(sent.length);
  }

  end(): void {
    this.link?.close();
    this.close();
  }

  destroy(): void {
    this.end();
  }

  private close(): void {
    if (this.isEnded) return;
    this.isEnded = true;
    queueMicrotask(() => this.emit('close'));
  }

  setNoDelay(): void {}

  pause(): void {
    throw new NotInPage('a socket that piles up what nobody reads');
  }

  resume(): void {}
}

export function connect({ port }: { port: number }): PageSocket {
  return new PageSocket(port);
}

export default { connect };
