// What a store in a browser keeps its data in: a few named files, of which each store has its own.
//
//   opfs_backend.ts       files of the origin's private file system
//   port_backend.ts       the same, owned by a worker
//   indexeddb_backend.ts  records of a database
//
// Every call is asynchronous, and calls for one file take effect in their order. What a crash leaves of
// a file is what it was after its last durable write, followed by any first part of later writes; of the
// names, any of those that came or went since then. Nothing here is atomic: what makes the change from one
// set of files to the next so is the manifest (manifest.ts), and what finds the end of a log is its
// frames (frames.ts).
//
// Errors are RespiteErrors: QUOTA when the origin may keep no more, LOCKED when somebody else has the
// files, STORAGE for all else.

import { RespiteError } from '../../embedded/errors.ts';

export interface Backend {
  /**
   * Resolves when it has come to an end by itself, never otherwise: no call can succeed any more, and only another
   * backend can have the files. Absent where no such thing is known.
   */
  readonly ended?: Promise<RespiteError>;
  /** Names of the files that are there, and their lengths. */
  list(): Promise<Map<string, number>>;
  /** The bytes from a position on, as many as there are, `length` at most. */
  read(name: string, position: number, length: number): Promise<Uint8Array>;
  /**
   * Puts bytes at a position up to which the file is filled; it ends behind them. A file that is not there
   * is made. Durable: with everything that was written to it before. The bytes must not change before
   * the promise settles; a failure may leave any first part of them.
   */
  write(name: string, position: number, bytes: Uint8Array, isDurable: boolean): Promise<void>;
  /** A file that is not there is no error. */
  remove(name: string): Promise<void>;
  /** Gives the files free for others. Nothing else may be called behind it. */
  close(): Promise<void>;
}

export type BackendName = 'opfs' | 'indexeddb';

/** The browser's error as one of ours. */
export function storageError(error: unknown, doing: string): RespiteError {
  if (error instanceof RespiteError) return error;
  const { name, message } = error instanceof Error ? error : new Error(String(error));
  if (name === 'QuotaExceededError') {
    return new RespiteError(
      'QUOTA',
      `The browser gives this site no more room, for ${doing}: free some, or ask for more with navigator.storage.persist()`,
      { cause: error },
    );
  }
  if (name === 'NoModificationAllowedError') {
    return new RespiteError('LOCKED', `Somebody else has the files of the store, for ${doing}`, {
      cause: error,
    });
  }
  return new RespiteError('STORAGE', `The browser's storage failed, for ${doing}: ${message}`, {
    cause: error,
  });
}
