// The benchmark: Respite against redis-server and valkey-server. `npm run bench -- --help`;
// bench/README.md says how it measures and what the figures mean.

import { main } from './lib/main.ts';

await main(['throughput', 'memory', 'stall', 'in_process']);
