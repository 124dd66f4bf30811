// What a page and the worker with its store tell each other. Connections have ports of their own, see
// port_link.ts.

import type { LinkOptions } from '../embedded/link.ts';
import type { StoreOptions } from './options.ts';

/** From the page. Each gets one answer, but for `connect`. */
export type WorkerRequest =
  | {
      readonly type: 'open';
      readonly id: number;
      readonly options: StoreOptions;
      /** The compiled module, or its address; undefined: beside the worker's program. */
      readonly wasm: WebAssembly.Module | string | undefined;
    }
  | { readonly type: 'export' | 'close'; readonly id: number }
  | { readonly type: 'connect'; readonly port: MessagePort; readonly options: LinkOptions };

export type WorkerAnswer =
  | { readonly id: number; readonly result: Uint8Array | undefined }
  | { readonly id: number; readonly error: { readonly code: string; readonly message: string } };
