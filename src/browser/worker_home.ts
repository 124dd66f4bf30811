// The page's side of a store in a worker.
//
// One of the store's own is waited for as long as its program takes to come: when that cannot be had, the browser
// says so. A worker that somebody else has made may run another program, which never answers, and looks like one
// that is still on its way. So it has START_MS_MAX; but once it has sent anything at all its program is there, which
// answers within ANSWER_MS_MAX or is another one.

import { RespiteError } from '../embedded/errors.ts';
import type { LinkHandlers, LinkOptions } from '../embedded/link.ts';
import { newLockName, whenFree } from './alive.ts';
import { Deferred } from './deferred.ts';
import type { WasmSource } from './load_core.ts';
import { compileCore } from './load_core.ts';
import type { StoreOptions } from './options.ts';
import { noticedError, openPortLink, type PortLink } from './port_link.ts';
import type { StoreHome } from './store_home.ts';
import {
  ALIVE_ID,
  ENDED_ID,
  FIRST_ID,
  STARTED_ID,
  type WorkerAnswer,
  type WorkerRequest,
  type WorkerStart,
} from './worker_messages.ts';

interface Waiting {
  resolve(result: Uint8Array | undefined): void;
  reject(error: Error): void;
}

/** How long a worker that somebody else has made may be silent from the start on: networks are slow. */
const START_MS_MAX = 120_000;
/** How long it may take to answer when its program runs. */
const ANSWER_MS_MAX = 10_000;

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
  private readonly lock = newLockName();
  private isStarted = false;
  private readonly end = new Deferred<RespiteError>();
  readonly ended = this.end.promise;
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
    const reason = event.message ? `: ${event.message}` : '';
    if (this.isStarted) {
      // One that somebody else has made goes on: its store must not.
      this.ask({ type: 'close' }).catch(() => {});
      this.fail(new RespiteError('CRASHED', `The worker of the store failed${reason}`));
    } else {
      this.fail(
        new RespiteError('NOT_LOADED', `The worker's program could not be loaded${reason}`),
      );
    }
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
      lock: this.lock,
    };
    this.worker.postMessage(start, [start.port]);
    await this.started();
    await this.ask({ type: 'open', options });
  }

  /** Resolves when the worker has answered the start. */
  private async started(): Promise<void> {
    const stopLimits = this.isOwn ? () => {} : this.limitStart();
    try {
      await this.answerTo(STARTED_ID);
      this.isStarted = true;
    } finally {
      stopLimits();
    }
  }

  /** Refuses a worker that does not answer. Returns what ends that. */
  private limitStart(): () => void {
    const { worker } = this;
    const refuseSilent = () =>
      this.fail(
        new RespiteError(
          'NOT_LOADED',
          `The worker has not answered for ${START_MS_MAX / 1000} seconds: its program has not come yet, or is not respite/browser/worker`,
        ),
      );
    const refuseOther = () =>
      this.fail(
        new RespiteError(
          'BAD_OPTION',
          'The worker does not run the program respite/browser/worker',
        ),
      );
    let timer = setTimeout(refuseSilent, START_MS_MAX);
    const runs = new AbortController();
    const onSign = () => {
      runs.abort();
      clearTimeout(timer);
      timer = setTimeout(refuseOther, ANSWER_MS_MAX);
    };
    for (const sign of ['message', 'messageerror'] as const) {
      worker.addEventListener(sign, onSign, { signal: runs.signal });
    }
    return () => {
      runs.abort();
      clearTimeout(timer);
    };
  }

  /** Nobody else tells that a worker was ended: the lock that it holds becomes free. */
  private watch(): void {
    whenFree(this.lock, this.watching.signal, () =>
      this.fail(new RespiteError('CRASHED', 'The worker of the store was ended')),
    );
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
    if (this.failure !== undefined) return;
    try {
      await this.ask({ type: 'close' });
    } finally {
      this.discard();
    }
  }

  /** Ends a worker that has no store. */
  discard(): void {
    this.fail(new RespiteError('CLOSED', 'The store is closed'));
  }

  private ask(request: Unnumbered<WorkerRequest>): Promise<Uint8Array | undefined> {
    if (this.failure !== undefined) return Promise.reject(this.failure);
    const id = this.nextId;
    this.nextId += 1;
    const answer = this.answerTo(id);
    this.control.postMessage({ ...request, id });
    return answer;
  }

  private answerTo(id: number): Promise<Uint8Array | undefined> {
    return new Promise((resolve, reject) => {
      this.waiting.set(id, { resolve, reject });
    });
  }

  private settle(answer: WorkerAnswer): void {
    if (answer.id === ALIVE_ID) this.watch();
    if (answer.id === ENDED_ID && 'error' in answer) this.fail(noticedError(answer.error));
    const waiting = this.waiting.get(answer.id);
    this.waiting.delete(answer.id);
    if ('error' in answer) waiting?.reject(noticedError(answer.error));
    else waiting?.resolve(answer.result);
  }

  /** Nothing comes from the worker any more; one of the store's own ends. */
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
    if (this.isOwn) this.worker.terminate();
    this.end.resolve(error);
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
