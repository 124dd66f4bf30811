// respite playground: serves the playground, a folder of files, to browsers on this machine.
//
// The folder is flat and is read when a file is asked for; only names that are in it are answered, so that no
// path leads out of it.

import { spawn } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { extname, join } from 'node:path';
import { systemErrorText } from '../util/system_error.ts';
import { EXIT, type ExitCode } from './exit_codes.ts';
import type { Terminal } from './terminal.ts';

export interface PlaygroundOptions {
  /** 0: any free one. */
  readonly port: number;
  /** Opens the system's browser. */
  readonly open: boolean;
  /** Where the built playground is. */
  readonly folder: string;
  readonly terminal: Terminal;
  /** Ends the server. */
  readonly stop: AbortSignal;
}

const HOST = '127.0.0.1';
const INDEX = 'index.html';

const TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.wasm': 'application/wasm',
};
/** "chunk-3PZDUD2J.js": another content has another name. */
const HASHED = /-[0-9A-Z]{8}\.\w+$/;

/** Serves until it is told to stop. */
export async function runPlayground(options: PlaygroundOptions): Promise<ExitCode> {
  const { folder, port, terminal, stop } = options;
  if (!filesOf(folder).includes(INDEX)) {
    terminal.fail(`there is no playground in ${folder}: 'npm run build' makes it`);
    return EXIT.failed;
  }
  const server = createServer((request, response) => answer(folder, request, response));
  try {
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen(port, HOST, resolve);
    });
  } catch (error) {
    terminal.fail(`cannot listen on ${HOST}:${port}: ${systemErrorText(error)}`);
    return EXIT.failed;
  }
  const url = `http://${HOST}:${(server.address() as AddressInfo).port}/`;
  terminal.print(url);
  terminal.report.note('The playground is served there until Ctrl-C.');
  if (options.open) openBrowser(url, terminal);
  await new Promise<void>((resolve) => {
    if (stop.aborted) resolve();
    stop.addEventListener('abort', () => resolve(), { once: true });
  });
  server.closeAllConnections();
  await new Promise<void>((resolve) => {
    server.close(() => resolve());
  });
  return EXIT.ok;
}

function filesOf(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}

function answer(folder: string, request: IncomingMessage, response: ServerResponse): void {
  response.setHeader('X-Content-Type-Options', 'nosniff');
  if (request.method !== 'GET' && request.method !== 'HEAD') {
    response.writeHead(405, { Allow: 'GET, HEAD' }).end();
    return;
  }
  const [path = '/'] = (request.url ?? '/').split('?');
  const name = path === '/' ? INDEX : path.slice(1);
  if (!filesOf(folder).includes(name)) {
    response.writeHead(404, { 'Content-Type': 'text/plain' }).end('There is no such file.\n');
    return;
  }
  const content = readFileSync(join(folder, name));
  response.writeHead(200, {
    'Content-Type': TYPES[extname(name)] ?? 'application/octet-stream',
    'Content-Length': content.length,
    'Cache-Control': HASHED.test(name) ? 'public, max-age=31536000, immutable' : 'no-cache',
  });
  response.end(request.method === 'HEAD' ? undefined : content);
}

function openBrowser(url: string, terminal: Terminal): void {
  const [command, ...args] =
    process.platform === 'darwin'
      ? ['open']
      : process.platform === 'win32'
        ? ['cmd', '/c', 'start', '""']
        : ['xdg-open'];
  const child = spawn(command!, [...args, url], { stdio: 'ignore', detached: true });
  child.once('error', () => terminal.fail(`cannot open a browser by itself: go to ${url}`));
  child.unref();
}
