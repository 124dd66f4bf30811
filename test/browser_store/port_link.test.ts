// The engine's end of a connection over a port.

import { expect, it } from 'vitest';
import { servePort } from '../../src/browser/port_link.ts';
import { RespiteError } from '../../src/embedded/errors.ts';

it('a connection that cannot begin is told to both of its ends', () => {
  const told: unknown[] = [];
  const port = {
    postMessage: (message: unknown) => told.push(message),
    onmessage: null,
    close: () => told.push('closed'),
  };
  const refuse = () => {
    throw new RespiteError('CRASHED', 'the engine failed');
  };
  const end = servePort(port, refuse, { resp: 3 }, () => told.push('ended'));
  end();
  expect(told).toEqual([{ code: 'CRASHED', message: 'the engine failed' }, 'closed', 'ended']);
});
