// The wire without sockets: pieces go straight into an engine of this process.

import type { Engine } from '../../src/engine.ts';
import { type Exchange, InProcessClient, newEngine } from './in_process.ts';
import type { Pieces, Wire } from './wire.ts';

export class InProcessWire implements Wire {
  readonly engine: Engine;
  private readonly authenticated: boolean;

  constructor(engine: Engine = newEngine(), authenticated = true) {
    this.engine = engine;
    this.authenticated = authenticated;
  }

  exchangeOne(pieces: Pieces): Exchange {
    const client = new InProcessClient(this.engine, this.authenticated);
    for (const piece of pieces) client.send(piece);
    return this.finish(client);
  }

  exchangeBytewise(input: Uint8Array): Exchange {
    const client = new InProcessClient(this.engine, this.authenticated);
    client.sendBytewise(input);
    return this.finish(client);
  }

  private finish(client: InProcessClient): Exchange {
    const exchange = client.received();
    if (!exchange.closed) client.close();
    return exchange;
  }

  exchange(inputs: readonly Pieces[]): Promise<Exchange[]> {
    return Promise.resolve(inputs.map((pieces) => this.exchangeOne(pieces)));
  }

  async close(): Promise<void> {}
}
