// The servers that a fuzzer compares, by the names its options use.

import type { Address } from '../support/resp_client.ts';
import { startServer, type TestServer } from '../support/server.ts';

export interface Subject {
  name: string;
  address: Address;
  /** Null for a server that was running before. */
  server: TestServer | null;
  /** Starts it again, after it crashed; its output goes to standard error first. */
  revive?: () => Promise<Address>;
}

/** For the digests of values. */
const DEBUG = ['--enable-debug-command', 'yes'];

const ARGS: Record<string, { kind: 'redis' | 'respite'; args: string[] }> = {
  redis: { kind: 'redis', args: DEBUG },
  direct: { kind: 'respite', args: ['--transport', 'direct', ...DEBUG] },
  stream: { kind: 'respite', args: ['--transport', 'stream', ...DEBUG] },
  respite: { kind: 'respite', args: DEBUG },
};

/** Starts the named server, or takes one that runs at HOST:PORT. */
export async function startSubject(name: string): Promise<Subject> {
  const known = ARGS[name];
  if (known) {
    const server = await startServer(known);
    const subject: Subject = { name, address: { port: server.port }, server };
    subject.revive = async () => {
      const code = await subject.server?.stop();
      process.stderr.write(`${name} ended with ${code}:\n${subject.server?.stdout()}\n`);
      subject.server = await startServer(known);
      return { port: subject.server.port };
    };
    return subject;
  }
  const found = /^([^:]+):(\d+)$/.exec(name);
  if (!found) throw new Error(`no server is called ${name}: ${Object.keys(ARGS).join(', ')}`);
  return { name, address: { host: found[1] ?? '', port: Number(found[2]) }, server: null };
}

/** Runs `work` with both servers up and stops those that were started. */
export async function withSubjects<T>(
  names: readonly [string, string],
  work: (a: Subject, b: Subject) => Promise<T>,
): Promise<T> {
  const started: Subject[] = [];
  try {
    for (const name of names) started.push(await startSubject(name));
    return await work(started[0] as Subject, started[1] as Subject);
  } finally {
    for (const { server } of started) await server?.stop();
  }
}
