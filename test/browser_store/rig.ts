// A store over a backend, and clients of it, in this process.

import type { Backend } from '../../src/browser/storage/backend.ts';
import { PersistentStore, type StoreOptions } from '../../src/browser/storage/persistent_store.ts';
import { Guards } from '../../src/core/guards.ts';
import { Connection } from '../../src/embedded/connection.ts';
import { openEngineLink } from '../../src/embedded/engine_link.ts';
import type { CommandArg, Reply } from '../../src/embedded/reply.ts';
import type { Engine } from '../../src/engine.ts';
import { Snapshotter } from '../../src/persistence/snapshotter.ts';
import { newEngine } from '../support/in_process.ts';

export class StoreRig {
  readonly engine: Engine;
  readonly store: PersistentStore;
  private main: Connection | undefined;

  static async open(
    backend: Backend,
    options: Partial<StoreOptions> = {},
    memoryLimitBytes = 0,
  ): Promise<StoreRig> {
    const engine = newEngine({ memoryLimitBytes }, { postpone: setImmediate });
    const store = await PersistentStore.open({
      backend,
      engine,
      guards: new Guards(engine.core),
      snapshots: () => Promise.resolve(new Snapshotter(engine)),
      durability: 'strict',
      ...options,
    });
    return new StoreRig(engine, store);
  }

  private constructor(engine: Engine, store: PersistentStore) {
    this.engine = engine;
    this.store = store;
  }

  connect(): Connection {
    return new Connection((handlers, options) => openEngineLink(this.engine, handlers, options));
  }

  /** One command on the connection of all. Rejects when it is lost; errors that are replied resolve. */
  call(...command: CommandArg[]): Promise<Reply> {
    return this.batch([command]).then(([reply]) => reply as Reply);
  }

  batch(commands: CommandArg[][]): Promise<Reply[]> {
    if (this.main === undefined || this.main.isEnded) this.main = this.connect();
    const replies: Reply[] = [];
    return new Promise((resolve, reject) => {
      this.main?.send(commands, {
        left: commands.length,
        wantsBuffers: false,
        onReply: (reply) => {
          replies.push(reply);
          if (replies.length === commands.length) resolve(replies);
        },
        onFailure: reject,
      });
    });
  }

  /** All keys, with DUMP's bytes, as text. */
  async contents(): Promise<string> {
    const keys = (await this.call('KEYS', '*')) as string[];
    const lines: string[] = [];
    for (const key of keys.sort()) {
      const type = (await this.call('TYPE', key)) as string;
      const value =
        type === 'list'
          ? await this.call('LRANGE', key, 0, -1)
          : type === 'hash'
            ? [...((await this.call('HGETALL', key)) as Map<Reply, Reply>)]
            : await this.call('GET', key);
      lines.push(`${key} ${await this.call('PEXPIRETIME', key)} ${JSON.stringify(value)}`);
    }
    return lines.join('\n');
  }
}
