#!/usr/bin/env node
// respite: the command line tool beside the server.

import { runProgram } from '../cli/program.ts';
import { Core } from '../core/core.ts';
import { loadCoreModule } from '../core/load.node.ts';
import { Engine } from '../engine.ts';
import { NodeStorage } from '../storage/node_storage.node.ts';
import { errorCode } from '../util/system_error.ts';

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    // Somebody else's process may not be signalled, but is there.
    return errorCode(error) === 'EPERM';
  }
}

process.exitCode = await runProgram(process.argv.slice(2), {
  storage: new NodeStorage(),
  streams: { input: process.stdin, output: process.stdout, error: process.stderr },
  environment: process.env,
  pid: process.pid,
  isRunning,
  createEngine: (databases) => new Engine(new Core(loadCoreModule(), { databases })),
  now: Date.now,
});
