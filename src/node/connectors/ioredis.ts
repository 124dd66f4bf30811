// ioredis without a socket: what its option `Connector` takes.
//
//   new Redis({ Connector: db.connector })

import type { OpenLink } from '../../embedded/link.ts';
import { LinkStream } from './link_stream.ts';

/**
 * ioredis declares its connectors as a class with private parts, which nothing but that class itself can be assigned
 * to, and it is not ours to import. `never` can be given where it is asked for.
 */
export type IoredisConnector = never;

/** Makes a connector class: each instance serves one client, and opens a connection for each time it connects. */
export function ioredisConnector(open: OpenLink): IoredisConnector {
  class RespiteConnector {
    private stream: LinkStream | undefined;

    /** What a Sentinel says of a server: there is none. */
    check(): boolean {
      return true;
    }

    async connect(): Promise<LinkStream> {
      this.stream = new LinkStream(open);
      return this.stream;
    }

    disconnect(): void {
      this.stream?.end();
    }
  }
  return RespiteConnector as IoredisConnector;
}
