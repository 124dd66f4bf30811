#!/usr/bin/env node
// respite: the command line tool beside the server.

import { runProgram } from '../cli/program.ts';
import { Core } from '../core/core.ts';
import { loadCoreModule } from '../core/load.node.ts';
import { Engine } from '../engine.ts';
import { ownIdentity } from '../persistence/process_identity.node.ts';
import { NodeStorage } from '../storage/node_storage.node.ts';

process.exitCode = await runProgram(process.argv.slice(2), {
  storage: new NodeStorage(),
  streams: { input: process.stdin, output: process.stdout, error: process.stderr },
  environment: process.env,
  identity: ownIdentity(),
  createEngine: (databases) => new Engine(new Core(loadCoreModule(), { databases })),
  now: Date.now,
});
