// A connection to the server that a backup is taken from: commands with small replies, and the stream of
// a snapshot.

import net from 'node:net';
import { systemErrorText } from '../util/system_error.ts';
import { BackupError } from './backup_error.ts';

export type ServerAddress =
  | { readonly host: string; readonly port: number }
  | { readonly path: string };

export interface Credentials {
  readonly user?: string | undefined;
  readonly password?: string | undefined;
}

export type LinkReply = string | number | null | readonly LinkReply[];

const CONNECT_MS = 10_000;
/** A server that prepares a snapshot sends line breaks meanwhile. */
const SILENCE_MS = 60_000;
const LINE_BYTES_MAX = 1 << 20;

export function addressText(address: ServerAddress): string {
  if ('path' in address) return address.path;
  const host = address.host.includes(':') ? `[${address.host}]` : address.host;
  return `${host}:${address.port}`;
}

/** An error reply. */
export class ReplyError extends BackupError {}

export class ServerLink {
  private readonly socket: net.Socket;
  private readonly name: string;
  private readonly chunks: AsyncIterator<Buffer>;
  private unread: Buffer = Buffer.alloc(0);

  private constructor(socket: net.Socket, name: string) {
    this.socket = socket;
    this.name = name;
    this.chunks = socket[Symbol.asyncIterator]();
    socket.setTimeout(SILENCE_MS, () => {
      socket.destroy(new BackupError(`${name} has said nothing for ${SILENCE_MS / 1000} seconds`));
    });
  }

  /** Connects and authenticates. Throws BackupError. */
  static async connect(
    address: ServerAddress,
    { user, password }: Credentials,
  ): Promise<ServerLink> {
    const name = addressText(address);
    const socket = await connect(address, name);
    const link = new ServerLink(socket, name);
    try {
      if (password !== undefined) {
        await link.call('AUTH', ...(user === undefined ? [] : [user]), password);
      }
    } catch (error) {
      link.close();
      throw error;
    }
    return link;
  }

  close(): void {
    this.socket.destroy();
  }

  /** Throws ReplyError when the reply is an error. */
  async call(...args: string[]): Promise<LinkReply> {
    this.send(...args);
    return this.reply();
  }

  send(...args: string[]): void {
    const parts = args.map((arg) => `$${Buffer.byteLength(arg)}\r\n${arg}\r\n`);
    this.socket.write(`*${args.length}\r\n${parts.join('')}`);
  }

  private async reply(): Promise<LinkReply> {
    const line = await this.line();
    const rest = line.slice(1);
    switch (line[0]) {
      case '+':
        return rest;
      case '-':
        throw new ReplyError(`${this.name} says: ${rest}`);
      case ':':
        return Number(rest);
      case '$': {
        const length = Number(rest);
        if (length < 0) return null;
        const text = (await this.bytes(length)).toString();
        await this.bytes(2);
        return text;
      }
      case '*': {
        const items: LinkReply[] = [];
        for (let left = Number(rest); left > 0; left--) items.push(await this.reply());
        return items;
      }
      default:
        throw new BackupError(`${this.name} does not speak the Redis protocol`);
    }
  }

  /** The next line, without its end. */
  async line(): Promise<string> {
    for (;;) {
      const end = this.unread.indexOf(10);
      if (end >= 0) {
        const line = this.unread.toString('latin1', 0, end).replace(/\r$/, '');
        this.unread = this.unread.subarray(end + 1);
        return line;
      }
      if (this.unread.length > LINE_BYTES_MAX) {
        throw new BackupError(`${this.name} does not speak the Redis protocol`);
      }
      await this.more();
    }
  }

  private async bytes(count: number): Promise<Buffer> {
    while (this.unread.length < count) await this.more();
    const bytes = this.unread.subarray(0, count);
    this.unread = this.unread.subarray(count);
    return bytes;
  }

  /** What has arrived, at least one byte. */
  async available(): Promise<Buffer> {
    if (this.unread.length === 0) await this.more();
    const bytes = this.unread;
    this.unread = Buffer.alloc(0);
    return bytes;
  }

  private async more(): Promise<void> {
    let next: IteratorResult<Buffer>;
    try {
      next = await this.chunks.next();
    } catch (error) {
      if (error instanceof BackupError) throw error;
      throw new BackupError(
        `The connection to ${this.name} broke: ${systemErrorText(error)}`,
        error,
      );
    }
    if (next.done === true) throw new BackupError(`${this.name} closed the connection`);
    this.unread = this.unread.length === 0 ? next.value : Buffer.concat([this.unread, next.value]);
  }
}

function connect(address: ServerAddress, name: string): Promise<net.Socket> {
  return new Promise((resolve, reject) => {
    const socket = net.connect('path' in address ? { path: address.path } : { ...address });
    const fail = (reason: string) => {
      socket.destroy();
      reject(new BackupError(`Can't connect to ${name}: ${reason}`));
    };
    const timer = setTimeout(() => fail('Connection timed out'), CONNECT_MS);
    socket.once('error', (error) => {
      clearTimeout(timer);
      fail(systemErrorText(error));
    });
    socket.once('connect', () => {
      clearTimeout(timer);
      socket.removeAllListeners('error');
      socket.on('error', () => {}); // who reads learns of it
      resolve(socket);
    });
  });
}

/** Fields of INFO; empty when the user may not ask. */
export async function readInfo(link: ServerLink, section: string): Promise<Map<string, string>> {
  try {
    const text = String(await link.call('INFO', section));
    return new Map(
      [...text.matchAll(/^(\w+):(.*?)\r?$/gm)].map(([, key, value]) => [key!, value!]),
    );
  } catch (error) {
    if (error instanceof ReplyError) return new Map();
    throw error;
  }
}
