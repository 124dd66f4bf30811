// The program of the worker that the bundle in one file starts: the page sends the module.

import { RespiteError } from '../embedded/errors.ts';
import { serveWorker } from './worker_host.ts';

const missing = Promise.reject(
  new RespiteError('NOT_LOADED', 'The page has not sent the module to its worker'),
);
missing.catch(() => {});
serveWorker(globalThis as never, missing);
