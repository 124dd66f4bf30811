// What the tests with real clients share: which servers they run against, and how a client that is
// a program of its own is run.
//
// The servers are those of support/targets.ts, real redis-server among them: whatever a client does
// here it must first do with the original. RESPITE_TARGETS selects some of them.

import { spawn } from 'node:child_process';
import { accessSync, constants } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, beforeEach, describe } from 'vitest';
import { RespClient } from '../support/resp_client.ts';
import { startServer, type TestServer } from '../support/server.ts';
import { selectedTargets, type Target } from '../support/targets.ts';

const RUN_TIMEOUT_MS = 25_000;

export interface Fixture {
  readonly target: Target;
  /** Set before each test. */
  server: TestServer;
  /** A connection of the test's own, for preparing and for looking at the result. */
  admin: RespClient;
}

/**
 * Declares `body`'s tests once per selected target. Its server is shared by them; each test starts
 * with empty databases.
 */
export function withTargets(
  name: string,
  body: (fixture: Fixture) => void,
  args: readonly string[] = [],
): void {
  for (const target of selectedTargets()) {
    describe.skipIf(!target.available)(`${name}, server: ${target.name}`, () => {
      const fixture = { target } as Fixture;
      beforeAll(async () => {
        fixture.server = await startServer({
          kind: target.kind,
          args: [...target.args, ...args],
          unixSocket: true,
        });
        fixture.admin = await RespClient.connect({ path: fixture.server.unixSocket! });
      });
      beforeEach(async () => {
        await fixture.admin.call('FLUSHALL');
      });
      afterAll(async () => {
        await fixture.admin?.close();
        await fixture.server?.stop();
      });
      body(fixture);
    });
  }
}

/** Text of a bulk string reply, or null. */
export async function getText(client: RespClient, key: string): Promise<string | null> {
  const reply = await client.call('GET', key);
  return reply.kind === 'bulk' ? reply.bytes.toString() : null;
}

/**
 * Whether a client program is installed. Tests without one are skipped, visibly; under CI its
 * absence is an error, because a run that tried no client must not look green.
 */
export function isInstalled(program: string): boolean {
  const found = (process.env.PATH ?? '').split(path.delimiter).some((folder) => {
    try {
      accessSync(path.resolve(folder, program), constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
  if (!found && process.env.CI) throw new Error(`${program} is needed when CI is set`);
  return found;
}

export interface ProgramResult {
  code: number | null;
  stdout: string;
  stderr: string;
}

/** Environment of client programs: nothing of the user's own settings, nothing written to them. */
export function clientEnvironment(server: TestServer): NodeJS.ProcessEnv {
  return {
    PATH: process.env.PATH,
    HOME: server.dir,
    LC_ALL: 'C.UTF-8',
    TERM: 'xterm',
    REDISCLI_HISTFILE: '/dev/null',
  };
}

/** Runs a program to its end; one that does not end is killed and the promise rejects. */
export function runProgram(
  server: TestServer,
  program: string,
  args: readonly string[],
  input: string | Buffer = '',
): Promise<ProgramResult> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { env: clientEnvironment(server), cwd: server.dir });
    let stdout = '';
    let stderr = '';
    let timedOut = false;
    const timer = setTimeout(() => {
      timedOut = true;
      child.kill('SIGKILL');
    }, RUN_TIMEOUT_MS);
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      stdout += text;
    });
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      stderr += text;
    });
    child.once('error', (error) => {
      clearTimeout(timer);
      reject(error);
    });
    child.once('close', (code) => {
      clearTimeout(timer);
      if (timedOut)
        reject(new Error(`${program} ${args.join(' ')} did not end:\n${stdout}${stderr}`));
      else resolve({ code, stdout, stderr });
    });
    child.stdin.on('error', () => {}); // It may end without reading all of it.
    child.stdin.end(input);
  });
}
