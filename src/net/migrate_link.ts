// Connections to the servers that MIGRATE sends keys to.
//
// They are kept for some seconds, because keys are rarely migrated alone. A target is used by one
// transfer at a time; every write of a piece and every line that is read has the time limit of the
// command.

import net from 'node:net';

const CACHED_MAX = 64;
const CACHED_MS = 10_000;
const SWEEP_MS = 1000;
const PIECE_BYTES = 64 * 1024;
/** No answer to the commands sent is longer. */
const LINE_BYTES_MAX = 64 * 1024;
const LINE_FEED = 10;

/** What went wrong with a connection: while doing what, and whether only time ran out. */
export class LinkError extends Error {
  readonly during: 'connecting' | 'writing' | 'reading';
  readonly timedOut: boolean;

  constructor(during: 'connecting' | 'writing' | 'reading', timedOut: boolean) {
    super(`${during} failed`);
    this.during = during;
    this.timedOut = timedOut;
  }
}

/** A connection to one target. */
export class MigrateLink {
  /** Database that is selected there; -1 when that is not known. */
  database = -1;
  lastUsedMs = 0;
  private readonly socket: net.Socket;
  private received: Buffer = Buffer.alloc(0);
  /** Called when bytes come, and when the connection ends. */
  private wake: (() => void) | undefined;

  private constructor(socket: net.Socket) {
    this.socket = socket;
    socket.setNoDelay(true);
    socket.on('data', (bytes) => {
      this.received = Buffer.concat([this.received, bytes]);
      this.wake?.();
    });
    socket.on('error', () => {}); // 'close' follows
    socket.on('close', () => this.wake?.());
  }

  static connect(host: string, port: number, timeoutMs: number): Promise<MigrateLink> {
    return new Promise((resolve, reject) => {
      const socket = new net.Socket();
      const fail = (error: LinkError) => {
        clearTimeout(timer);
        socket.destroy();
        reject(error);
      };
      const timer = setTimeout(() => fail(new LinkError('connecting', true)), timeoutMs);
      // Redis learns only when it writes that nobody listens; names it looks up before.
      socket.once('error', (error: NodeJS.ErrnoException) =>
        fail(new LinkError(error.syscall === 'getaddrinfo' ? 'connecting' : 'writing', false)),
      );
      socket.once('connect', () => {
        clearTimeout(timer);
        socket.removeAllListeners('error');
        resolve(new MigrateLink(socket));
      });
      if (port < 0 || port > 65535) fail(new LinkError('connecting', false));
      else socket.connect({ host, port });
    });
  }

  get isOpen(): boolean {
    return !this.socket.destroyed && !this.socket.readableEnded;
  }

  close(): void {
    this.socket.destroy();
  }

  async write(bytes: Uint8Array, timeoutMs: number): Promise<void> {
    for (let at = 0; at < bytes.length; at += PIECE_BYTES) {
      await this.writePiece(bytes.subarray(at, at + PIECE_BYTES), timeoutMs);
    }
  }

  private writePiece(bytes: Uint8Array, timeoutMs: number): Promise<void> {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => reject(new LinkError('writing', true)), timeoutMs);
      this.socket.write(bytes, (error) => {
        clearTimeout(timer);
        if (error) reject(new LinkError('writing', false));
        else resolve();
      });
    });
  }

  /** The next line, without its end. */
  async readLine(timeoutMs: number): Promise<string> {
    let end = this.received.indexOf(LINE_FEED);
    while (end < 0) {
      if (!this.isOpen || this.received.length > LINE_BYTES_MAX) {
        throw new LinkError('reading', false);
      }
      await this.waitForBytes(timeoutMs);
      end = this.received.indexOf(LINE_FEED);
    }
    const line = this.received.subarray(0, end).toString('latin1').replace(/\r$/, '');
    this.received = this.received.subarray(end + 1);
    return line;
  }

  private waitForBytes(timeoutMs: number): Promise<void> {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        this.wake = undefined;
        reject(new LinkError('reading', true));
      }, timeoutMs);
      this.wake = () => {
        clearTimeout(timer);
        this.wake = undefined;
        resolve();
      };
    });
  }
}

/** Connections by target. */
export class MigrateLinks {
  private readonly links = new Map<string, MigrateLink>();
  private readonly now: () => number;
  private timer: NodeJS.Timeout | undefined;

  constructor(now: () => number) {
    this.now = now;
  }

  get size(): number {
    return this.links.size;
  }

  /** The connection to a target, which may have been used before. */
  async get(host: string, port: number, timeoutMs: number): Promise<MigrateLink> {
    const name = `${host}:${port}`;
    const known = this.links.get(name);
    if (known?.isOpen) {
      known.lastUsedMs = this.now();
      return known;
    }
    this.drop(host, port);
    const link = await MigrateLink.connect(host, port, timeoutMs);
    // One that nobody has used for long goes first; Redis drops any.
    const [oldest] = this.links.keys();
    if (this.links.size >= CACHED_MAX && oldest !== undefined) this.close(oldest);
    link.lastUsedMs = this.now();
    this.links.set(name, link);
    this.timer ??= setInterval(() => this.sweep(), SWEEP_MS).unref();
    return link;
  }

  drop(host: string, port: number): void {
    this.close(`${host}:${port}`);
  }

  /** Closes all, for the server's end. */
  stop(): void {
    for (const name of [...this.links.keys()]) this.close(name);
  }

  private close(name: string): void {
    this.links.get(name)?.close();
    this.links.delete(name);
    if (this.links.size > 0) return;
    clearInterval(this.timer);
    this.timer = undefined;
  }

  private sweep(): void {
    for (const [name, link] of this.links) {
      if (this.now() - link.lastUsedMs > CACHED_MS) this.close(name);
    }
  }
}
