// What the shared code finds in place of Node's globals when it is checked for browsers (tsconfig.json of
// this folder): a Buffer that has no more than the stand-in has.

import type { Buffer as BrowserBuffer } from './buffer_shim.ts';

declare global {
  var Buffer: typeof BrowserBuffer;
  type Buffer = BrowserBuffer;
  /** Not there: its absence is asked for. */
  var setImmediate: ((run: () => void) => void) | undefined;
}
