// Bytes in, bytes out: what protocol transcripts and the parser fuzzer send, cut into pieces.
//
// Over TCP each input gets a connection of its own. A round trip of a second connection after every
// piece makes sure that the server has read one piece before the next is sent, and, after the last,
// that it has had the chance to answer and to close. Then our side is ended, which every server
// answers by closing.

import net from 'node:net';
import { setTimeout as delay, setImmediate } from 'node:timers/promises';
import { type Address, RespClient } from './resp_client.ts';

export interface Exchange {
  readonly reply: Buffer;
  /** The server ended the connection before we ended our side. */
  readonly closed: boolean;
}

export type Pieces = readonly Uint8Array[];

export interface Wire {
  /**
   * Sends the inputs, all at the same time, each over its own connection; results in their order.
   * `isEndExpected`: give the server time to close before saying that it does not.
   */
  exchange(inputs: readonly Pieces[], isEndExpected?: boolean): Promise<Exchange[]>;
  close(): Promise<void>;
}

const END_TIMEOUT_MS = 10_000;
/**
 * What a server surely takes with one read. Were more on its way when the server closes, the
 * connection would be reset, and the reply before that lost with it.
 */
const READ_BYTES = 16_384;
/** Round trips after the last piece: one to have it read, more to have the answer written. */
const SETTLING_ROUND_TRIPS = 3;

class WireConnection {
  private readonly socket: net.Socket;
  private readonly chunks: Buffer[] = [];
  private readonly gone: Promise<void>;
  /** Settles when the other side ended, however. */
  private readonly ended: Promise<void>;
  private endedByServer = false;
  private endedByUs = false;

  private constructor(socket: net.Socket) {
    this.socket = socket;
    socket.setNoDelay(true);
    socket.on('data', (chunk: Buffer) => this.chunks.push(chunk));
    let tellEnd = () => {};
    this.ended = new Promise((resolve) => {
      tellEnd = resolve;
    });
    const ended = () => {
      if (!this.endedByUs) this.endedByServer = true;
      tellEnd();
    };
    // A connection that is reset, with input of ours unread, has ended too.
    socket.on('error', ended);
    socket.on('end', ended);
    this.gone = new Promise((resolve) => {
      socket.once('close', () => {
        ended();
        resolve();
      });
    });
  }

  static open(address: Address): Promise<WireConnection> {
    const target = 'path' in address ? address : { host: '127.0.0.1', ...address };
    return new Promise((resolve, reject) => {
      const socket = net.connect({ ...target, allowHalfOpen: true });
      socket.once('error', reject);
      socket.once('connect', () => {
        socket.off('error', reject);
        resolve(new WireConnection(socket));
      });
    });
  }

  send(bytes: Uint8Array | undefined): void {
    if (bytes?.length && !this.endedByServer) this.socket.write(bytes);
  }

  async finish(isEndExpected: boolean): Promise<Exchange> {
    // How long a close takes to arrive is nobody's promise, unlike the order of replies.
    if (isEndExpected && !this.endedByServer)
      await Promise.race([this.ended, delay(END_TIMEOUT_MS)]);
    const closed = this.endedByServer;
    this.endedByUs = true;
    this.socket.end();
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<never>((_, reject) => {
      timer = globalThis.setTimeout(() => {
        this.socket.destroy();
        reject(new Error('the server does not close a connection whose other side has ended'));
      }, END_TIMEOUT_MS);
    });
    try {
      await Promise.race([this.gone, late]);
    } finally {
      clearTimeout(timer);
    }
    return { reply: Buffer.concat(this.chunks), closed };
  }
}

function readable(piece: Uint8Array): Uint8Array[] {
  const parts: Uint8Array[] = [];
  for (let at = 0; at < piece.length; at += READ_BYTES) {
    parts.push(piece.subarray(at, at + READ_BYTES));
  }
  return parts;
}

export class TcpWire implements Wire {
  private readonly address: Address;
  private readonly control: RespClient;

  private constructor(address: Address, control: RespClient) {
    this.address = address;
    this.control = control;
  }

  /** `password` is for the second connection only. */
  static async open(address: Address, password?: string): Promise<TcpWire> {
    const control = await RespClient.connect(address);
    if (password !== undefined) await control.call('AUTH', password);
    return new TcpWire(address, control);
  }

  async exchange(inputs: readonly Pieces[], isEndExpected = false): Promise<Exchange[]> {
    const connections = await Promise.all(inputs.map(() => WireConnection.open(this.address)));
    const sent = inputs.map((pieces) => pieces.flatMap(readable));
    const most = Math.max(0, ...sent.map((pieces) => pieces.length));
    for (let i = 0; i < most; i++) {
      for (const [at, connection] of connections.entries()) connection.send(sent[at]?.[i]);
      await this.roundTrips(1);
    }
    await this.roundTrips(SETTLING_ROUND_TRIPS);
    return Promise.all(connections.map((connection) => connection.finish(isEndExpected)));
  }

  private async roundTrips(count: number): Promise<void> {
    for (let i = 0; i < count; i++) {
      // Lets what was written leave this process first.
      await setImmediate();
      await this.control.call('PING');
    }
    await setImmediate();
  }

  close(): Promise<void> {
    return this.control.close();
  }
}
