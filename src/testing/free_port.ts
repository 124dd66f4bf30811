// A TCP port that nobody listens on.

import { createServer } from 'node:net';
import { RespiteError } from '../embedded/errors.ts';

/**
 * One of the system's choice. Somebody else may take it until it is used. Throws RespiteError BAD_OPTION for a host
 * that is not here.
 */
export function freePort(host: string): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', (cause) => {
      const text = `There is no port to be had at ${host}: ${cause.message}`;
      reject(new RespiteError('BAD_OPTION', text, { cause }));
    });
    server.listen(0, host, () => {
      const address = server.address();
      const port = typeof address === 'object' && address !== null ? address.port : 0;
      server.close(() => resolve(port));
    });
  });
}
