// A backend in a worker, for those who cannot have it themselves.
//
//   page: PortBackend ──{ id, call, args }──> worker: serveBackend ──> OpfsBackend
//                     <──{ id, value | error }──
//
// The worker begins with { id: 0 } once the files are open, or with the error. Before that, { id: -1 } tells that
// it holds the lock by which its end is noticed (alive.ts). A worker that ends by itself takes the backend with it:
// what is asked fails with STORAGE from then on, and the store has to come to its end, so that another tab gets it.

import { RespiteError, type RespiteErrorCode } from '../../embedded/errors.ts';
import { holdLock, newLockName, whenFree } from '../alive.ts';
import { Deferred } from '../deferred.ts';
import { startedWorker } from '../part.ts';
import type { Backend } from './backend.ts';

/** The end of a channel, or a worker. */
export interface Port {
  postMessage(message: unknown, transfer?: Transferable[]): void;
  onmessage: ((event: MessageEvent) => void) | null;
}

type Call = Exclude<keyof Backend, 'ended'>;

interface Request {
  readonly id: number;
  readonly call: Call;
  readonly args: readonly unknown[];
}

interface Answer {
  readonly id: number;
  readonly value?: unknown;
  readonly error?: { readonly code: string; readonly message: string };
}

const OPENED = 0;
/** Not an answer: the worker holds its lock. */
export const ALIVE = -1;

/** The first message to the worker. */
export interface FilesWorkerStart {
  readonly store: string;
  readonly lock: string;
}

/** In the worker: tells the page, which watches the lock from then on. */
export function showAlive(port: Port, lock: string): void {
  holdLock(lock, () => port.postMessage({ id: ALIVE } satisfies Answer));
}

/** In the page: starts a worker that has the files. Throws NOT_LOADED, and what opening them throws. */
export async function openInFilesWorker(store: string, start: () => Worker): Promise<Backend> {
  const worker = startedWorker(start);
  const lock = newLockName();
  const backend = new PortBackend(worker as Port, () => worker.terminate(), lock);
  worker.onerror = (event) => {
    event.preventDefault();
    backend.fail(
      event.message
        ? new RespiteError('STORAGE', `The worker that has the files failed: ${event.message}`)
        : new RespiteError('NOT_LOADED', 'The worker for files could not be loaded'),
    );
  };
  try {
    worker.postMessage({ store, lock } satisfies FilesWorkerStart);
    await backend.opened();
    return backend;
  } catch (error) {
    worker.terminate();
    throw error;
  }
}

/** In the worker: opens a backend and does what comes over the port. */
export async function serveBackend(port: Port, open: () => Promise<Backend>): Promise<void> {
  const answer = async (id: number, run: () => Promise<unknown>) => {
    try {
      const value = await run();
      port.postMessage({ id, value });
    } catch (error) {
      const { code, message } = error as RespiteError;
      port.postMessage({ id, error: { code: code ?? 'STORAGE', message } });
    }
  };
  let backend: Backend | undefined;
  await answer(OPENED, async () => {
    backend = await open();
  });
  port.onmessage = ({ data }: MessageEvent<Request>) => {
    const opened = backend;
    if (opened === undefined) return;
    const method = opened[data.call] as (...args: unknown[]) => Promise<unknown>;
    void answer(data.id, () => method.apply(opened, [...data.args]));
  };
}

export class PortBackend implements Backend {
  private readonly port: Port;
  private readonly onClose: () => void;
  private nextId = OPENED + 1;
  private readonly waiting = new Map<
    number,
    { resolve: (value: never) => void; reject: (error: Error) => void }
  >();
  private failure: RespiteError | undefined;
  private readonly failed = new Deferred<RespiteError>();
  readonly ended = this.failed.promise;
  private readonly watching = new AbortController();

  /** `onClose` ends the worker; `lock` is what it holds while it lives. */
  constructor(port: Port, onClose: () => void, lock: string) {
    this.port = port;
    this.onClose = onClose;
    port.onmessage = ({ data }: MessageEvent<Answer>) => {
      if (data.id === ALIVE) this.watch(lock);
      const waiting = this.waiting.get(data.id);
      this.waiting.delete(data.id);
      if (data.error === undefined) waiting?.resolve(data.value as never);
      else {
        const { code, message } = data.error;
        waiting?.reject(new RespiteError(code as RespiteErrorCode, message));
      }
    };
  }

  private watch(lock: string): void {
    whenFree(lock, this.watching.signal, () =>
      this.fail(new RespiteError('STORAGE', 'The worker that has the files was ended')),
    );
  }

  /** Resolves once the files are open. */
  opened(): Promise<void> {
    return this.answerTo(OPENED);
  }

  /** The worker has failed: nothing is answered any more. */
  fail(error: RespiteError): void {
    if (this.failure !== undefined) return;
    // Who has the store hears of its end before those whose calls fail for it.
    this.failed.resolve(error);
    this.end(error);
  }

  private end(error: RespiteError): void {
    this.failure ??= error;
    this.watching.abort();
    for (const { reject } of this.waiting.values()) reject(error);
    this.waiting.clear();
  }

  list(): Promise<Map<string, number>> {
    return this.call('list');
  }

  read(name: string, position: number, length: number): Promise<Uint8Array> {
    return this.call('read', name, position, length);
  }

  write(name: string, position: number, bytes: Uint8Array, isDurable: boolean): Promise<void> {
    return this.call('write', name, position, bytes, isDurable);
  }

  remove(name: string): Promise<void> {
    return this.call('remove', name);
  }

  async close(): Promise<void> {
    try {
      // The files of a worker that has failed are free when it ends.
      if (this.failure === undefined) await this.call('close');
    } finally {
      this.end(new RespiteError('CLOSED', 'The files are closed'));
      this.onClose();
    }
  }

  private call<T>(call: Call, ...args: readonly unknown[]): Promise<T> {
    if (this.failure !== undefined) return Promise.reject(this.failure);
    const id = this.nextId++;
    const answer = this.answerTo<T>(id);
    this.port.postMessage({ id, call, args });
    return answer;
  }

  private answerTo<T>(id: number): Promise<T> {
    return new Promise((resolve, reject) => {
      this.waiting.set(id, { resolve, reject });
    });
  }
}
