// The command that runs, or ran when the core trapped. After a trap anything may be damaged, so every
// address and length is checked before it is used.

import * as abi from '../../assembly/abi.ts';
import type { Core } from './core.ts';

export interface RunningArguments {
  readonly count: number;
  /** Copies of the first arguments, cut to some length. */
  readonly shown: readonly Buffer[];
}

/** At most `most` arguments of at most `bytes` bytes each. */
export function runningArguments(core: Core, most: number, bytes: number): RunningArguments {
  const count = core.word(abi.ABI_ARGC);
  const argv = core.word(abi.ABI_ARGV);
  const end = core.bytes.length;
  const shown: Buffer[] = [];
  for (let i = 0; i < Math.min(count, most); i++) {
    const at = argv + i * abi.ARG_BYTES;
    if (at + abi.ARG_BYTES > end) break;
    const ptr = core.data.getUint32(at, true);
    const length = Math.min(core.data.getUint32(at + 4, true), bytes);
    if (ptr + length > end) break;
    shown.push(core.copy(ptr, length));
  }
  return { count, shown };
}

/** Address of the connection whose command it is, 0 before the first. */
export function runningClient(core: Core): number {
  return core.word(abi.ABI_CURRENT_CONN);
}
