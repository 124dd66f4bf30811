// What a page and the worker with its store tell each other, over a port that the page makes; so the
// worker's other messages are nobody's business here. Connections have ports of their own, see port_link.ts.

import type { LinkOptions } from '../embedded/link.ts';
import type { StoreOptions } from './options.ts';

/** The only message to the worker itself. */
export interface WorkerStart {
  readonly respite: 'start';
  readonly port: MessagePort;
  /**
   * The compiled module, or its address; undefined: beside the worker's program. Here, because a module
   * does not go through ports of a page that has no origin, as files on disk.
   */
  readonly wasm: WebAssembly.Module | string | undefined;
  /** Name of a lock that the worker is to hold as long as it lives. */
  readonly lock: string;
}

/** From the page. Each gets one answer, but for `connect`. */
export type WorkerRequest =
  | {
      readonly type: 'open';
      readonly id: number;
      readonly options: StoreOptions;
    }
  | { readonly type: 'export' | 'close'; readonly id: number }
  | { readonly type: 'connect'; readonly port: MessagePort; readonly options: LinkOptions };

/** Answers the start. */
export const STARTED_ID = 0;
/** Answers nothing: the worker holds its lock. */
export const ALIVE_ID = 1;
/** Answers nothing: the store has come to an end by itself, and left nothing; the error says why. */
export const ENDED_ID = 2;
/** The first number of a request. */
export const FIRST_ID = 3;

export type WorkerAnswer =
  | { readonly id: number; readonly result: Uint8Array | undefined }
  | { readonly id: number; readonly error: { readonly code: string; readonly message: string } };
