// Runs in every test file (vitest.config.ts, setupFiles): no server outlives the file that started it.

import { afterAll } from 'vitest';
import { stopAllServers } from './server.ts';

afterAll(stopAllServers);
