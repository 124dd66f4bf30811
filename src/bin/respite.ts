#!/usr/bin/env node
// respite: the command line tool beside the server.

import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { runProgram } from '../cli/program.ts';
import { Core } from '../core/core.ts';
import { loadCoreModule } from '../core/load.node.ts';
import { Engine } from '../engine.ts';
import { ownIdentity } from '../persistence/process_identity.node.ts';
import { NodeStorage } from '../storage/node_storage.node.ts';

/** Beside dist/src; or in dist, when the sources are run as they are. */
function playgroundFolder(): string {
  const folder = fileURLToPath(new URL('../../web', import.meta.url));
  return existsSync(folder) ? folder : fileURLToPath(new URL('../../dist/web', import.meta.url));
}

/** Ctrl-C, for work that would go on for ever; other work is ended by the signal itself. */
function stopSignal(): AbortSignal {
  const stop = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => stop.abort());
  return stop.signal;
}

process.exitCode = await runProgram(process.argv.slice(2), {
  storage: new NodeStorage(),
  streams: { input: process.stdin, output: process.stdout, error: process.stderr },
  environment: process.env,
  identity: ownIdentity(),
  createEngine: (databases) => new Engine(new Core(loadCoreModule(), { databases })),
  now: Date.now,
  playgroundFolder: playgroundFolder(),
  stopSignal,
});
