// `respite/browser/worker`: the program of a worker that has a store, for the option `worker`.

import { serveWorker } from './browser/worker_host.ts';

serveWorker(globalThis as never, new URL('./respite.browser.wasm', import.meta.url));
