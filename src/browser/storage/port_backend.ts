// A backend in a worker, for those who cannot have it themselves.
//
//   page: PortBackend ──{ id, call, args }──> worker: serveBackend ──> OpfsBackend
//                     <──{ id, value | error }──
//
// The worker begins with { id: 0, value } once the files are open, or with the error.

import { RespiteError, type RespiteErrorCode } from '../../embedded/errors.ts';
import type { Backend } from './backend.ts';

/** The end of a channel, or a worker. */
export interface Port {
  postMessage(message: unknown, transfer?: Transferable[]): void;
  onmessage: ((event: MessageEvent) => void) | null;
}

type Call = keyof Backend;

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
  private failure: Error | undefined;

  /** `onClose` ends the worker. */
  constructor(port: Port, onClose: () => void) {
    this.port = port;
    this.onClose = onClose;
    port.onmessage = ({ data }: MessageEvent<Answer>) => {
      const waiting = this.waiting.get(data.id);
      this.waiting.delete(data.id);
      if (data.error === undefined) waiting?.resolve(data.value as never);
      else {
        const { code, message } = data.error;
        waiting?.reject(new RespiteError(code as RespiteErrorCode, message));
      }
    };
  }

  /** Resolves once the files are open. */
  opened(): Promise<void> {
    return this.answerTo(OPENED);
  }

  /** The worker has failed: nothing is answered any more. */
  fail(error: Error): void {
    this.failure ??= error;
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
      await this.call('close');
    } finally {
      this.fail(new RespiteError('CLOSED', 'The files are closed'));
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
