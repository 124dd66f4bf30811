// The stream of changes that an append-only file is made of: what the core wrote since it was taken last.
// What is in it: assembly/keyspace/propagation.ts.

import { ABI_PROPAGATED_LEN, ABI_PROPAGATED_PTR } from '../../assembly/abi.ts';
import type { Core } from './core.ts';

export class Propagation {
  private readonly core: Core;

  constructor(core: Core) {
    this.core = core;
  }

  /** Switches the stream on, empty and beginning with SELECT, or off. It is off at first. */
  turn(on: boolean): void {
    this.core.exports.propagationOn(on ? 1 : 0);
  }

  /** Bytes that wait to be taken: whole commands, and whole transactions. */
  get length(): number {
    return this.core.word(ABI_PROPAGATED_LEN);
  }

  /** These bytes where they lie; valid until the next call into the core. */
  view(): Uint8Array {
    return this.core.view(this.core.word(ABI_PROPAGATED_PTR), this.length);
  }

  /** Drops the first `bytes`: they are kept elsewhere. */
  taken(bytes: number): void {
    this.core.exports.propagationTaken(bytes);
  }

  /**
   * What comes next goes into another file: it begins with SELECT. A transaction under way is split,
   * so that what waits to be taken says all that the data holds now.
   */
  reset(): void {
    this.core.exports.propagationReset();
  }

  /** Memory for the stream ran out: something is missing behind what it holds. */
  get isLost(): boolean {
    return this.core.exports.propagationLost() !== 0;
  }
}
