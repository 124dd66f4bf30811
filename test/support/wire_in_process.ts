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
    const replies: Buffer[] = [];
    for (const piece of pieces) replies.push(client.feed(piece).reply);
    const { closed } = client;
    if (!closed) client.close();
    return { reply: Buffer.concat(replies), closed };
  }

  exchange(inputs: readonly Pieces[]): Promise<Exchange[]> {
    return Promise.resolve(inputs.map((pieces) => this.exchangeOne(pieces)));
  }

  async close(): Promise<void> {}
}
