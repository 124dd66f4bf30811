// Clients of an engine in this process that speak in commands and decoded replies. What a client
// sends runs before `send` returns; the reply of a host command may come later.

import { Core, type CoreOptions } from '../../src/core/core.ts';
import { loadCoreModule } from '../../src/core/load.node.ts';
import { Engine, type EngineClient, type EngineHooks } from '../../src/engine.ts';
import { type Argument, encodeCommand } from './arguments.ts';
import { type RawReply, type Reply, RespDecoder } from './resp_decoder.ts';

const SEED = new Uint8Array(16).fill(7);

/** An engine whose hash seed is the same every time. */
export function createEngine(options: CoreOptions = {}, hooks: EngineHooks = {}): Engine {
  return new Engine(new Core(loadCoreModule(), { seed: SEED, ...options }), hooks);
}

export class EngineTestClient {
  readonly client: EngineClient;
  private readonly decoder = new RespDecoder();
  private readonly waiting: ((reply: RawReply) => void)[] = [];
  /** What the engine wanted done with the connection. */
  ended: 'no' | 'after writing' | 'at once' = 'no';

  constructor(engine: Engine, address = '127.0.0.1:50000') {
    const client = engine.connect(
      {
        write: (bytes) => this.received(bytes),
        end: () => {
          this.ended = 'after writing';
        },
        destroy: () => {
          this.ended = 'at once';
        },
      },
      address,
      true,
    );
    if (client === undefined) throw new Error('no memory for a client');
    this.client = client;
  }

  private received(bytes: Uint8Array): void {
    this.decoder.push(Buffer.from(bytes));
    this.hand();
  }

  /** Gives replies that are complete to whoever waits for one. */
  private hand(): void {
    while (this.waiting.length > 0) {
      const next = this.decoder.next();
      if (next == null) return;
      this.waiting.shift()!(next);
    }
  }

  send(bytes: Uint8Array): void {
    this.client.execute(bytes);
  }

  /** The next reply. */
  read(): Promise<RawReply> {
    return new Promise((resolve) => {
      this.waiting.push(resolve);
      this.hand();
    });
  }

  callRaw(args: readonly Argument[]): Promise<RawReply> {
    this.send(encodeCommand(args));
    return this.read();
  }

  async call(...args: Argument[]): Promise<Reply> {
    return (await this.callRaw(args)).reply;
  }

  /** The bytes of a bulk, verbatim, simple or error reply as text. */
  async text(...args: Argument[]): Promise<string> {
    return replyText(await this.call(...args));
  }
}

/** What a reply that holds one text says. */
export function replyText(reply: Reply): string {
  switch (reply.kind) {
    case 'bulk':
    case 'verbatim':
      return reply.bytes.toString();
    case 'simple':
    case 'error':
      return reply.text;
    default:
      throw new Error(`no text in a reply of kind ${reply.kind}`);
  }
}
