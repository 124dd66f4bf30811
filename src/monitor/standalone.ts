// ROLE of a server that does not replicate: a primary without replicas.

import type { HostCommands } from '../host_command.ts';

export function registerStandalone(commands: HostCommands): void {
  commands.register('role', ({ reply }) => {
    reply.array(3).bulk('master').integer(0).array(0);
  });
}
