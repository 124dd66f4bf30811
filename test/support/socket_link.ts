// A link over TCP, so that what is made for the embedded store can be tried with a real server.

import net from 'node:net';
import type { LinkHandlers, LinkOptions, OpenLink } from '../../src/embedded/link.ts';
import { RespDecoder } from './resp_decoder.ts';

/** Connections begin in RESP2, as a server has them. `close` ends all of them. */
export function socketLinks(port: number): { open: OpenLink; close(): void } {
  const sockets = new Set<net.Socket>();
  const open = (handlers: LinkHandlers, { resp }: LinkOptions) => {
    const socket = net.connect(port, '127.0.0.1');
    sockets.add(socket);
    let greeting = resp === 3 ? new RespDecoder() : undefined;
    if (resp === 3) socket.write('HELLO 3\r\n');
    let room = Buffer.alloc(0);
    let isClosed = false;
    socket.on('data', (bytes: Buffer) => {
      if (isClosed) return;
      if (greeting === undefined) {
        handlers.onData(bytes);
        return;
      }
      greeting.push(bytes);
      if (greeting.next() === null) return;
      const rest = greeting.rest();
      greeting = undefined;
      if (rest.length > 0) handlers.onData(rest);
    });
    socket.on('error', () => {});
    socket.on('close', () => {
      sockets.delete(socket);
      if (!isClosed) handlers.onClose();
    });
    return {
      room: (length: number) => {
        room = Buffer.alloc(length);
        return room;
      },
      send: (length: number) => {
        socket.write(room.subarray(0, length));
      },
      close: () => {
        isClosed = true;
        socket.destroy();
      },
    };
  };
  return {
    open,
    close: () => {
      for (const socket of sockets) socket.destroy();
    },
  };
}
