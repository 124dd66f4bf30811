// One connection to a core in this process, without a server around it: for tests that need an engine
// of their own, such as one with little memory. Only commands that the core runs itself are answered.

import {
  ABI_INPUT,
  INPUT_BYTES,
  STAT_USED_MEMORY,
  STATUS_ABORT,
  STATUS_FLUSH,
  STATUS_OK,
} from '../../assembly/abi.ts';
import { Core, type CoreOptions } from '../../src/core/core.ts';
import { loadCoreModule } from '../../src/core/load.node.ts';
import { type Argument, encodeCommand } from './arguments.ts';
import { decodeAll, type Reply } from './resp_decoder.ts';

export class CoreSession {
  readonly core: Core;
  /** Unix milliseconds that the core takes for the time; it passes only when a test says so. */
  nowMs = 1_700_000_000_000;
  private connection: number;

  /** `module`: another one than the product's, with exports for tests. */
  constructor(options: CoreOptions = {}, module: WebAssembly.Module = loadCoreModule()) {
    this.core = new Core(module, options);
    this.connection = this.connect();
  }

  private connect(): number {
    return this.core.exports.connNew(1, this.nowMs, 1);
  }

  /** Closes the connection, which frees its buffers, and opens another. */
  reconnect(): void {
    this.core.exports.connDelete(this.connection);
    this.connection = this.connect();
  }

  /** Runs one command and returns its reply. */
  call(...args: Argument[]): Reply {
    const reply = this.tryCall(...args);
    if (!reply) throw new Error(`${args[0]}: the connection was closed`);
    return reply;
  }

  /** As `call`; null when the core had no memory for the command and closed the connection. */
  tryCall(...args: Argument[]): Reply | null {
    const bytes = encodeCommand(args);
    const replies: Uint8Array[] = [];
    for (let at = 0; at < bytes.length; at += INPUT_BYTES) {
      const chunk = bytes.subarray(at, at + INPUT_BYTES);
      this.core.bytes.set(chunk, this.core.word(ABI_INPUT));
      let status = this.core.exports.feed(this.connection, chunk.length, this.nowMs);
      replies.push(this.takeOutput());
      while (status === STATUS_FLUSH) {
        status = this.core.exports.resume(this.connection, this.nowMs);
        replies.push(this.takeOutput());
      }
      if (status === STATUS_ABORT) {
        this.reconnect();
        return null;
      }
      if (status !== STATUS_OK) throw new Error(`${args[0]}: status ${status}`);
    }
    const found = decodeAll(Buffer.concat(replies));
    if (found.length !== 1) throw new Error(`${args[0]}: ${found.length} replies`);
    return found[0]!;
  }

  private takeOutput(): Uint8Array {
    const output = this.core.output().slice();
    this.core.exports.outputTaken();
    return output;
  }

  /** Bytes in use by everything the core holds. */
  usedBytes(): number {
    this.core.exports.refreshStats();
    return this.core.stat(STAT_USED_MEMORY);
  }
}
