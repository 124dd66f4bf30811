// The worker's side of a store in a worker.

import { RespiteError } from '../embedded/errors.ts';
import { holdLock } from './alive.ts';
import type { WasmSource } from './load_core.ts';
import { openStore } from './open.ts';
import { errorNotice, servePort } from './port_link.ts';
import type { StoreHome } from './store_home.ts';
import {
  ALIVE_ID,
  ENDED_ID,
  STARTED_ID,
  type WorkerAnswer,
  type WorkerRequest,
  type WorkerStart,
} from './worker_messages.ts';

/** What is needed of a worker's global scope. */
interface WorkerScope {
  addEventListener(type: 'message', listener: (event: MessageEvent<unknown>) => void): void;
}

/** Serves the page. `wasm`: where the module is, when the page does not say. */
export function serveWorker(scope: WorkerScope, wasm: WasmSource): void {
  let opening: Promise<StoreHome> | undefined;

  const home = () => {
    if (opening === undefined) throw new RespiteError('CLOSED', 'The store is closed');
    return opening;
  };

  /** Tells that a store has come to an end by itself. */
  const watch = (opened: StoreHome, answer: (message: WorkerAnswer) => void) => {
    const mine = opening;
    void opened.ended.then(async (reason) => {
      await opened.close().catch(() => {});
      if (opening === mine) opening = undefined;
      answer({ id: ENDED_ID, error: errorNotice(reason) });
    });
  };

  const run = async (
    request: Exclude<WorkerRequest, { type: 'connect' }>,
    found: WorkerStart['wasm'],
    answer: (message: WorkerAnswer) => void,
  ) => {
    switch (request.type) {
      case 'open':
        if (opening !== undefined) {
          throw new RespiteError('BAD_OPTION', 'This worker has a store already');
        }
        opening = openStore(request.options, found ?? wasm);
        // The next one may try again.
        opening.catch(() => {
          opening = undefined;
        });
        watch(await opening, answer);
        return undefined;
      case 'export':
        return (await home()).export();
      case 'close': {
        const closing = await home();
        opening = undefined;
        await closing.close();
        return undefined;
      }
    }
  };

  const serve = ({ port: control, wasm: found, lock }: WorkerStart) => {
    const answer = (message: WorkerAnswer) => control.postMessage(message);
    answer({ id: STARTED_ID, result: undefined });
    holdLock(lock, () => answer({ id: ALIVE_ID, result: undefined }));
    control.onmessage = ({ data: request }: MessageEvent<WorkerRequest>) => {
      if (request.type === 'connect') {
        const { port, options } = request;
        Promise.resolve()
          .then(home)
          .then(({ openLink }) => servePort(port, openLink, options))
          .catch((error: unknown) => port.postMessage(errorNotice(error)));
        return;
      }
      const { id } = request;
      run(request, found, answer).then(
        (result) => answer({ id, result }),
        (error: unknown) => answer({ id, error: errorNotice(error) }),
      );
    };
  };

  scope.addEventListener('message', ({ data }) => {
    if (isStart(data)) serve(data);
  });
}

function isStart(data: unknown): data is WorkerStart {
  return typeof data === 'object' && data !== null && 'respite' in data && 'port' in data;
}
