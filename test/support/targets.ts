// What the family tests and transcripts run against.
//
//   direct   respite-server over TCP, direct transport
//   stream   respite-server over TCP, stream transport
//   redis    real redis-server, the oracle: a test that it fails is a wrong test
//
//   core     the engine in the process of the test, where a test has no need of a server
//
// RESPITE_TARGETS=redis,direct selects some of them; RESPITE_REDIS_SERVER names another binary.

import { RESPITE } from './releases.ts';
import { realRedisAvailable, realRedisVersion, type ServerKind } from './server.ts';

export { isOlder } from './releases.ts';

export interface Target {
  readonly name: string;
  readonly kind: ServerKind;
  readonly args: readonly string[];
  /** Release whose commands and options it has: gates sentences that say `since`. */
  readonly commands: string;
  /** Release it behaves as where two differ: gates sentences that say `before`. */
  readonly behaviour: string;
  readonly available: boolean;
}

/** Some sentences look behind the scenes, or stop the clock of the server. */
const DEBUG = ['--enable-debug-command', 'yes'];

function allTargets(): Target[] {
  const respite = { kind: 'respite' as const, ...RESPITE, available: true };
  const version = realRedisVersion() ?? '7.0.15';
  return [
    { ...respite, name: 'direct', args: ['--transport', 'direct', ...DEBUG] },
    { ...respite, name: 'stream', args: ['--transport', 'stream', ...DEBUG] },
    {
      name: 'redis',
      kind: 'redis',
      args: DEBUG,
      commands: version,
      behaviour: version,
      available: realRedisAvailable(),
    },
  ];
}

function wantedNames(): string[] | undefined {
  return process.env.RESPITE_TARGETS?.split(',').filter(Boolean);
}

/** Whether tests that can run without a server are to do so. */
export function coreSelected(): boolean {
  return wantedNames()?.includes('core') ?? true;
}

export function selectedTargets(): Target[] {
  const all = allTargets();
  const wanted = wantedNames()?.filter((name) => name !== 'core');
  if (!wanted) return all;
  return wanted.map((name) => {
    const found = all.find((target) => target.name === name);
    if (!found) throw new Error(`RESPITE_TARGETS: no target is called ${name}`);
    return found;
  });
}
