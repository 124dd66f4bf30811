// The worker's side of a store in a worker.

import { RespiteError } from '../embedded/errors.ts';
import type { WasmSource } from './load_core.ts';
import { openStore } from './open.ts';
import { errorNotice, servePort } from './port_link.ts';
import type { StoreHome } from './store_home.ts';
import type { WorkerAnswer, WorkerRequest } from './worker_messages.ts';

/** What of a worker's global scope is needed. */
interface WorkerScope {
  onmessage: ((event: MessageEvent<WorkerRequest>) => void) | null;
  postMessage(message: WorkerAnswer, transfer: Transferable[]): void;
}

/** Serves the page. `wasm`: where the module is, when the page does not say. */
export function serveWorker(scope: WorkerScope, wasm: WasmSource): void {
  let opening: Promise<StoreHome> | undefined;

  const home = () => {
    if (opening === undefined) throw new RespiteError('CLOSED', 'The store is closed');
    return opening;
  };

  const run = async (request: Exclude<WorkerRequest, { type: 'connect' }>) => {
    switch (request.type) {
      case 'open':
        if (opening !== undefined) {
          throw new RespiteError('BAD_OPTION', 'This worker has a store already');
        }
        opening = openStore(request.options, request.wasm ?? wasm);
        // The next one may try again.
        opening.catch(() => {
          opening = undefined;
        });
        await opening;
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

  scope.onmessage = ({ data: request }) => {
    if (request.type === 'connect') {
      const { port, options } = request;
      Promise.resolve()
        .then(home)
        .then(({ openLink }) => servePort(port, openLink, options))
        .catch((error: unknown) => port.postMessage(errorNotice(error)));
      return;
    }
    const { id } = request;
    run(request).then(
      (result) => scope.postMessage({ id, result }, result === undefined ? [] : [result.buffer]),
      (error: unknown) => scope.postMessage({ id, error: errorNotice(error) }, []),
    );
  };
}
