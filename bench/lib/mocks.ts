// Packages that programs are tested with today, from a folder of their own: bench/mocks.

import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import type { Redis } from 'ioredis';
import { REPOSITORY } from './processes.ts';

const FOLDER = path.join(REPOSITORY, 'bench/mocks');

/** As much of redis-memory-server as is used here. */
export interface MemoryServer {
  getPort(): Promise<number>;
  stop(): Promise<boolean>;
}

export interface Mocks {
  readonly RedisMock: new () => Redis;
  readonly RedisMemoryServer: { create(options: object): Promise<MemoryServer> };
  /** Version of a package of that folder. */
  version(name: string): string;
}

/** Throws when they are not installed. */
export function loadMocks(): Mocks {
  if (!existsSync(path.join(FOLDER, 'node_modules'))) {
    throw new Error('first: npm install --prefix bench/mocks --ignore-scripts');
  }
  const require = createRequire(path.join(FOLDER, 'package.json'));
  return {
    RedisMock: require('ioredis-mock') as Mocks['RedisMock'],
    RedisMemoryServer: (require('redis-memory-server') as Mocks).RedisMemoryServer,
    version: (name) => (require(`${name}/package.json`) as { version: string }).version,
  };
}
