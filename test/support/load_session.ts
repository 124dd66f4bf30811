// An engine that RDB files are loaded into, what the log says of it, and commands to look at it.

import type { CoreOptions } from '../../src/core/core.ts';
import { datasetDigest } from '../../src/core/keyspace.ts';
import type { Engine } from '../../src/engine.ts';
import { Logger, type LogThreshold } from '../../src/log.ts';
import {
  loadRdbBytesBlocking,
  RdbLoadError,
  type RdbLoadResult,
  type RdbReadOptions,
} from '../../src/persistence/rdb_loader.ts';
import { type Argument, encodeCommand } from './arguments.ts';
import { InProcessClient, newForgetfulEngine, usedBytes } from './in_process.ts';
import { showReply } from './reply_notation.ts';
import { decodeAll } from './resp_decoder.ts';

export const NOW_MS = 1_700_000_000_000;

export class LoadSession {
  readonly engine: Engine;
  /** Lines of the log, without what is before the message. */
  readonly lines: string[] = [];
  readonly log: Logger;
  private client: InProcessClient;

  constructor(options: CoreOptions = {}, threshold: LogThreshold = 'notice') {
    this.engine = newForgetfulEngine(options);
    this.engine.now = () => NOW_MS;
    const sink = { write: (text: string) => void this.lines.push(...messages(text)) };
    this.log = new Logger({ pid: 1, sink });
    this.log.threshold = threshold;
    this.client = new InProcessClient(this.engine);
  }

  options(more: Partial<RdbReadOptions> = {}): RdbReadOptions {
    return {
      engine: this.engine,
      log: this.log,
      keepExpired: false,
      allowDuplicates: false,
      checksum: true,
      keyDelayUs: 0,
      onProgress() {},
      ...more,
    };
  }

  load(bytes: Uint8Array, more: Partial<RdbReadOptions> = {}): RdbLoadResult {
    return loadRdbBytesBlocking(bytes, this.options(more));
  }

  /** The error with which a file is refused. */
  refused(bytes: Uint8Array, more: Partial<RdbReadOptions> = {}): RdbLoadError {
    try {
      this.load(bytes, more);
    } catch (error) {
      if (error instanceof RdbLoadError) return error;
      throw error;
    }
    throw new Error('the file was loaded');
  }

  /** Runs a command; its reply in the notation of the tests. */
  call(...args: Argument[]): string {
    const { reply } = this.client.feed(encodeCommand(args));
    const found = decodeAll(reply);
    if (found.length !== 1) throw new Error(`${args[0]}: ${found.length} replies`);
    return showReply(found[0]!);
  }

  digest(): string {
    return datasetDigest(this.engine.core).toString('hex');
  }

  /** Forgets all keys and connections; the bytes that are left in use. */
  bytesWithoutKeys(): number {
    this.call('FLUSHALL');
    this.client.close();
    this.client = new InProcessClient(this.engine);
    return usedBytes(this.engine);
  }
}

function messages(text: string): string[] {
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => line.replace(/^\d+:\w \S+ \S+ \S+ \S+ . /, ''));
}
