// `node:fs` and `node:path` for tests that run in a page: there are no files.

import { NotInPage } from './server.ts';

export function readFileSync(): never {
  throw new NotInPage('files');
}

export default { join: (...parts: string[]) => parts.join('/') };
