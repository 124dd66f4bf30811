// Servers that keep their data: the directory is the test's, and outlives them.

import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach } from 'vitest';
import { showReply } from '../support/reply_notation.ts';
import { RespClient } from '../support/resp_client.ts';
import { type ServerKind, startServer, type TestServer } from '../support/server.ts';

const WAIT_MS = 20_000;

const directories: string[] = [];
const running: Served[] = [];

afterEach(async () => {
  for (const { client, server } of running.splice(0)) {
    server.kill('SIGKILL');
    await client.close();
    await server.stop();
  }
});

afterAll(() => {
  for (const directory of directories.splice(0)) rmSync(directory, { recursive: true });
});

/** A directory that is gone after the tests. */
export function scratchDirectory(): string {
  const directory = mkdtempSync(path.join(tmpdir(), 'respite-data-'));
  directories.push(directory);
  return directory;
}

export interface Served {
  readonly server: TestServer;
  readonly client: RespClient;
}

/** A server with its data in `directory`, loaded unless told otherwise; killed after the test. */
export async function serve(
  directory: string,
  args: readonly string[] = [],
  kind: ServerKind = 'respite',
  whileLoading = false,
): Promise<Served> {
  const server = await startServer({
    kind,
    whileLoading,
    args: ['--dir', directory, '--enable-debug-command', 'yes', ...args],
  });
  const served = { server, client: await RespClient.connect({ port: server.port }) };
  running.push(served);
  return served;
}

/** The reply to a command line without quotes, as the notation writes it. */
export async function ask(client: RespClient, line: string): Promise<string> {
  return showReply(await client.call(...line.split(' ')));
}

/** One field of INFO. */
export async function info(client: RespClient, field: string): Promise<string> {
  const reply = await client.call('INFO', 'everything');
  if (!('bytes' in reply)) throw new Error(showReply(reply));
  return new RegExp(`^${field}:(.*)\\r$`, 'm').exec(reply.bytes.toString())?.[1] ?? '';
}

export async function eventually(isTrue: () => boolean | Promise<boolean>): Promise<void> {
  const deadline = Date.now() + WAIT_MS;
  while (!(await isTrue())) {
    if (Date.now() > deadline) throw new Error(`it did not happen: ${isTrue}`);
    await sleep(10);
  }
}

/** Waits until nothing is loaded, saved or rewritten any more. */
export async function idle({ client }: Pick<Served, 'client'>): Promise<void> {
  await eventually(
    async () =>
      (await info(client, 'aof_rewrite_in_progress')) === '0' &&
      (await info(client, 'aof_rewrite_scheduled')) === '0' &&
      (await info(client, 'rdb_bgsave_in_progress')) === '0' &&
      (await info(client, 'loading')) === '0',
  );
}

/** Names of the files in a directory, but for locks. */
export function files(directory: string): string[] {
  return readdirSync(directory).filter((name) => !name.includes('.lock'));
}
