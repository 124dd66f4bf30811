// ROLE and LASTSAVE of a server that neither replicates nor saves: a primary without replicas, whose
// last save is its start, as in a Redis that has not saved yet.

import type { HostCommands } from '../host_command.ts';

export function registerStandalone(commands: HostCommands, startedAtMs: number): void {
  commands.register('role', ({ reply }) => {
    reply.array(3).bulk('master').integer(0).array(0);
  });
  commands.register('lastsave', ({ reply }) => {
    reply.integer(Math.floor(startedAtMs / 1000));
  });
}
