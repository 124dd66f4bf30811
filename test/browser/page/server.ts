// `support/server.ts` for tests that run in a page: a server is a store in this page, or in a worker of its
// own; its port is a number by which net.ts finds it. What belongs to a process is not there, and says so.

import type { OpenOptions, Respite } from '../../../src/browser.ts';
import type { ServerOptions, TestServer } from '../../support/server.ts';

/** The bundle that is tested, and where the engine runs. */
export interface Home {
  readonly program: string;
  readonly isWorker: boolean;
}

let home: Home = { program: '', isWorker: false };

export function setHome(chosen: Home): void {
  home = chosen;
}

export function currentHome(): Home {
  return home;
}

/** The bundle that is tested. */
export function loadProgram(): Promise<typeof import('../../../src/browser.ts')> {
  return import(home.program);
}

/** Something that a page does not have. */
export class NotInPage extends Error {
  constructor(what: string) {
    super(`NOT IN A PAGE: ${what}`);
  }
}

const stores = new Map<number, Respite>();
let nextPort = 1;

export function storeAt(port: number): Respite {
  const store = stores.get(port);
  if (store === undefined) throw new Error(`no store ${port}`);
  return store;
}

/** "--name value ..." as options. */
function optionsOf(args: readonly string[]): OpenOptions {
  const config: Record<string, string> = {};
  for (let i = 0; i < args.length; i += 2) {
    config[args[i]!.replace(/^--/, '')] = args[i + 1]!;
  }
  const { databases, ...others } = config;
  return {
    worker: home.isWorker,
    config: others,
    ...(databases === undefined ? {} : { databases: Number(databases) }),
  };
}

export async function startServer({ args = [], config }: ServerOptions): Promise<TestServer> {
  if (config !== undefined) throw new NotInPage('a configuration file');
  const { Respite } = await loadProgram();
  const store = await Respite.open(optionsOf(args));
  const port = nextPort;
  nextPort += 1;
  stores.set(port, store);
  return {
    kind: 'respite',
    port,
    get pid(): number {
      throw new NotInPage('a process');
    },
    get dir(): string {
      throw new NotInPage('a directory');
    },
    stdout: () => {
      throw new NotInPage('a log');
    },
    logged: async () => {
      throw new NotInPage('a log');
    },
    get exited(): Promise<number> {
      throw new NotInPage('a process');
    },
    kill: () => {
      throw new NotInPage('signals');
    },
    stop: async () => {
      stores.delete(port);
      await store.close();
      return 0;
    },
  };
}
