// Where the in-process benchmark meets the engine: the one place that knows its API.

import { Core } from '../../src/core/core.ts';
import { loadCoreModule } from '../../src/core/load.node.ts';
import { Engine } from '../../src/engine.ts';

/** An engine in this process: whole commands in, their replies out, in one call. */
export interface BatchTarget {
  /** Executes every command in `requestBytes`; the reply is valid until the next call. */
  execute(requestBytes: Uint8Array): Uint8Array;
}

const REPLY_BYTES = 1 << 20;

/**
 * An empty engine with one client. Its replies are copied out of linear memory, as a program that
 * embeds the engine would have to.
 */
export function openBatchTarget(): BatchTarget {
  const engine = new Engine(new Core(loadCoreModule()));
  const replies = new Uint8Array(REPLY_BYTES);
  let length = 0;
  const fail = () => {
    throw new Error('the engine closed the connection');
  };
  const output = {
    write(bytes: Uint8Array): void {
      replies.set(bytes, length);
      length += bytes.length;
    },
    end: fail,
    destroy: fail,
  };
  const client = engine.connect(output, 'benchmark', true);
  if (client === undefined) throw new Error('the engine has no memory for a client');
  return {
    execute(requestBytes) {
      length = 0;
      // A batch is smaller than the input region; `set` throws when it is not.
      engine.input().set(requestBytes);
      client.run(requestBytes.length);
      return replies.subarray(0, length);
    },
  };
}
