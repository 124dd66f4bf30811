// Where the in-process benchmark meets the engine: the one place that knows its API.

import { Core } from '../../src/core/core.ts';
import { loadCoreModule } from '../../src/core/load.node.ts';
import { Engine } from '../../src/engine.ts';

/** An engine in this process: whole commands in, their replies out, in one call. */
export interface BatchTarget {
  /** Executes every command in `requestBytes`; the reply is valid until the next call. */
  execute(requestBytes: Uint8Array): Uint8Array;
}

/** Opens an empty engine. */
export async function openBatchTarget(): Promise<BatchTarget> {
  const engine = new Engine(new Core(loadCoreModule()));
  let written: Uint8Array[] = [];
  const client = engine.connect(
    {
      write: (bytes) => written.push(bytes),
      end: () => {},
      destroy: () => {
        throw new Error('the engine closed the connection');
      },
    },
    'bench:0',
    true,
  );
  if (!client) throw new Error('no memory for a connection');
  return {
    execute(requestBytes) {
      written = [];
      client.execute(requestBytes);
      // One batch is one write, a view of the engine's output that stays until the next batch.
      if (written.length !== 1) throw new Error(`one write expected, got ${written.length}`);
      return written[0] as Uint8Array;
    },
  };
}
