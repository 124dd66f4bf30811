// Only the in-process section: batches handed straight to the engine, without sockets.

import { main } from './lib/main.ts';

await main(['in_process']);
