// The page's side of a store in a worker.

import { RespiteError } from '../embedded/errors.ts';
import type { LinkHandlers, LinkOptions } from '../embedded/link.ts';
import { randomId } from '../util/random_id.ts';
import type { WasmSource } from './load_core.ts';
import { compileCore } from './load_core.ts';
import type { StoreOptions } from './options.ts';
import { noticedError, openPortLink, type PortLink } from './port_link.ts';
import type { StoreHome } from './store_home.ts';
import {
  ALIVE_ID,
  FIRST_ID,
  type WorkerAnswer,
  type WorkerRequest,
  type WorkerStart,
} from './worker_messages.ts';

interface Waiting {
  resolve(result: Uint8Array | undefined): void;
  reject(error: Error): void;
}

/** Omits from each member of a union. */
type Unnumbered<T> = T extends { readonly id: number } ? Omit<T, 'id'> : never;

class WorkerHome implements StoreHome {
  private readonly worker: Worker;
  private readonly channel = new MessageChannel();
  private readonly control: MessagePort;
  private readonly isOwn: boolean;
  private readonly waiting = new Map<number, Waiting>();
  private readonly links = new Set<PortLink>();
  private nextId = FIRST_ID;
  private onAlive: (() => void) | undefined;
  private failure: RespiteError | undefined;
  private readonly watching = new AbortController();

  constructor(worker: Worker, isOwn: boolean) {
    this.worker = worker;
    this.isOwn = isOwn;
    worker.addEventListener('error', this.onError);
    this.control = this.channel.port1;
    this.control.onmessage = ({ data }: MessageEvent<WorkerAnswer>) => this.settle(data);
  }

  private readonly onError = (event: ErrorEvent): void => {
    const reason = event.message || 'its program could not be loaded';
    this.fail(new RespiteError('CRASHED', `The worker of the store failed: ${reason}`));
  };

  async open(options: StoreOptions, wasm: WasmSource | undefined): Promise<void> {
    const isAddress = typeof wasm === 'string' || wasm instanceof URL;
    // What cannot be sent to a worker is compiled here: a module can.
    const module = wasm === undefined || isAddress ? wasm : await compileCore(wasm);
    const start: WorkerStart = {
      respite: 'start',
      port: this.channel.port2,
      wasm:
        module instanceof URL ? module.href : (module as WebAssembly.Module | string | undefined),
    };
    this.worker.postMessage(start, [start.port]);
    const lock = `respite-worker-${randomId()}`;
    this.onAlive = () => this.watch(lock);
    await this.ask({ type: 'open', lock, options });
  }

  /** Nobody else tells that a worker was ended: the lock that it holds becomes free. */
  private watch(lock: string): void {
    const { signal } = this.watching;
    navigator.locks
      ?.request(lock, { signal }, () => {
        this.fail(new RespiteError('CRASHED', 'The worker of the store was ended'));
      })
      ?.catch(() => {});
  }

  readonly openLink = (handlers: LinkHandlers, options: LinkOptions): PortLink => {
    if (this.failure !== undefined) throw this.failure;
    const { port1, port2 } = new MessageChannel();
    const link = openPortLink(port1, {
      onData: (bytes) => handlers.onData(bytes),
      onClose: (reason) => {
        this.links.delete(link);
        handlers.onClose(reason);
      },
    });
    this.links.add(link);
    this.control.postMessage({ type: 'connect', port: port2, options } satisfies WorkerRequest, [
      port2,
    ]);
    return {
      ...link,
      close: () => {
        this.links.delete(link);
        link.close();
      },
    };
  };

  async export(): Promise<Uint8Array> {
    return (await this.ask({ type: 'export' })) ?? new Uint8Array(0);
  }

  async close(): Promise<void> {
    try {
      await this.ask({ type: 'close' });
    } finally {
      this.fail(new RespiteError('CLOSED', 'The store is closed'));
      if (this.isOwn) this.worker.terminate();
    }
  }

  /** Ends a worker that never had a store. */
  discard(): void {
    this.fail(new RespiteError('CLOSED', 'The store is closed'));
    if (this.isOwn) this.worker.terminate();
  }

  private ask(request: Unnumbered<WorkerRequest>): Promise<Uint8Array | undefined> {
    if (this.failure !== undefined) return Promise.reject(this.failure);
    const id = this.nextId;
    this.nextId += 1;
    return new Promise((resolve, reject) => {
      this.waiting.set(id, { resolve, reject });
      this.control.postMessage({ ...request, id });
    });
  }

  private settle(answer: WorkerAnswer): void {
    if (answer.id === ALIVE_ID) this.onAlive?.();
    const waiting = this.waiting.get(answer.id);
    this.waiting.delete(answer.id);
    if ('error' in answer) waiting?.reject(noticedError(answer.error));
    else waiting?.resolve(answer.result);
  }

  /** Nothing comes from the worker any more. */
  private fail(error: RespiteError): void {
    if (this.failure !== undefined) return;
    this.failure = error;
    this.watching.abort();
    this.worker.removeEventListener('error', this.onError);
    this.control.close();
    for (const { reject } of this.waiting.values()) reject(error);
    this.waiting.clear();
    for (const link of [...this.links]) link.fail(error);
    this.links.clear();
  }
}

/** Opens a store in `worker`; `isOwn`: it ends with the store. Throws what `openStore` throws. */
export async function openInWorker(
  worker: Worker,
  isOwn: boolean,
  options: StoreOptions,
  wasm: WasmSource | undefined,
): Promise<StoreHome> {
  const home = new WorkerHome(worker, isOwn);
  try {
    await home.open(options, wasm);
    return home;
  } catch (error) {
    home.discard();
    throw error;
  }
}
