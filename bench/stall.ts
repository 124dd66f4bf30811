// Only the stall section: the longest gap between served PINGs while something big goes on.

import { main } from './lib/main.ts';

await main(['stall']);
