// Calls handlers of host commands without a server: the reply is what the handler wrote.

import { ReplyWriter } from '../../src/core/reply_writer.ts';
import { CommandError, type HostCommands } from '../../src/host_command.ts';

export interface HostCallOptions {
  resp?: 2 | 3;
  nowMs?: number;
}

/** Runs the handler registered as `name`; a CommandError becomes an error reply, as in the engine. */
export async function callHostCommand(
  commands: HostCommands,
  name: string,
  args: readonly (string | Buffer)[],
  { resp = 2, nowMs = 0 }: HostCallOptions = {},
): Promise<Buffer> {
  const handler = commands.get(name);
  if (handler === undefined) throw new Error(`no host command ${name}`);
  const reply = new ReplyWriter(resp);
  const buffers = args.map((arg) => (typeof arg === 'string' ? Buffer.from(arg) : arg));
  try {
    await handler({ name, args: buffers, client: { id: 1, ptr: 0, resp }, nowMs, reply });
  } catch (error) {
    if (!(error instanceof CommandError)) throw error;
    return Buffer.from(new ReplyWriter(resp).error(error.message).bytes());
  }
  return Buffer.from(reply.bytes());
}
