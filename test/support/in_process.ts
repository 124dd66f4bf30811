// An engine in the test's own process, and clients that feed it bytes: the fastest target, and the
// only one where input can be cut at chosen places.

import * as abi from '../../assembly/abi.ts';
import { Core, type CoreOptions } from '../../src/core/core.ts';
import { loadCoreModule } from '../../src/core/load.node.ts';
import { Engine, type EngineClient, type EngineHooks } from '../../src/engine.ts';

import type { Clock } from '../../src/util/clock.ts';

export interface Exchange {
  readonly reply: Buffer;
  /** The server ended the connection, after the reply or without one. */
  readonly closed: boolean;
}

/** A fresh engine with nothing but the core's own commands. */
export function newEngine(
  options: CoreOptions = {},
  hooks: EngineHooks = {},
  clock?: Clock,
): Engine {
  return new Engine(new Core(loadCoreModule(), options), hooks, clock);
}

/** An engine that keeps no record of what it ran, so that its memory shows what is held by what. */
export function newForgetfulEngine(options: CoreOptions = {}, hooks: EngineHooks = {}): Engine {
  const engine = newEngine(options, hooks);
  engine.core.exports.setConfig(abi.CFG_LATENCY_TRACKING, 0);
  engine.core.exports.setConfig(abi.CFG_SLOWLOG_SLOWER_US, -1);
  return engine;
}

/** Bytes in live blocks: data, connections, buffers. */
export function usedBytes(engine: Engine): number {
  const { core } = engine;
  core.exports.refreshStats();
  return core.stat(abi.STAT_USED_MEMORY) - core.stat(abi.STAT_OVERHEAD_MEMORY);
}

const NOTHING = Buffer.alloc(0);

export class InProcessClient {
  readonly client: EngineClient;
  closed = false;
  private readonly engine: Engine;
  private chunks: Buffer[] = [];

  /** `onWrite` hears of every write, before it is kept. */
  constructor(
    engine: Engine,
    authenticated = true,
    onWrite: (bytes: Uint8Array) => void = () => {},
  ) {
    const client = engine.connect(
      {
        write: (bytes) => {
          onWrite(bytes);
          this.chunks.push(Buffer.from(bytes));
        },
        end: () => this.end(),
        destroy: () => this.end(),
      },
      '127.0.0.1:1',
      authenticated,
    );
    if (!client) throw new Error('no memory for a connection');
    this.engine = engine;
    this.client = client;
  }

  /** Feeds bytes and returns what came back. A closed client swallows everything. */
  feed(bytes: Uint8Array | string): Exchange {
    this.send(typeof bytes === 'string' ? Buffer.from(bytes, 'latin1') : bytes);
    return this.received();
  }

  send(bytes: Uint8Array): void {
    if (!this.closed) this.client.execute(bytes);
  }

  /** Feeds single bytes, each in a call of its own. */
  sendBytewise(bytes: Uint8Array): void {
    for (const byte of bytes) {
      if (this.closed) return;
      this.engine.input()[0] = byte;
      this.client.run(1);
    }
  }

  /** What came back since the last time. */
  received(): Exchange {
    const { chunks, closed } = this;
    this.chunks = [];
    const reply = chunks.length > 1 ? Buffer.concat(chunks) : (chunks[0] ?? NOTHING);
    return { reply, closed };
  }

  close(): void {
    this.closed = true;
    this.client.close();
  }

  private end(): void {
    this.closed = true;
    this.client.close();
  }
}
