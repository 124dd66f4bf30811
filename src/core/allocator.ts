// The core's allocator in figures.

import * as abi from '../../assembly/abi.ts';
import type { Core } from './core.ts';

export interface SizeClass {
  readonly blockBytes: number;
  /** Pages that are cut into blocks of this size. */
  readonly slabs: number;
  readonly usedBlocks: number;
}

export interface AllocatorFigures {
  readonly classes: readonly SizeClass[];
  /** Blocks of whole pages. */
  readonly runs: number;
  readonly runPages: number;
  /** Pages that are held for later. */
  readonly freePages: number;
}

export const PAGE_BYTES = 65536;

export function allocatorFigures(core: Core): AllocatorFigures {
  const out = core.word(abi.ABI_SCRATCH);
  core.exports.allocatorStats(out);
  const { data } = core;
  const word = (offset: number) => data.getUint32(out + offset, true);
  const classes = Array.from({ length: abi.ALLOC_CLASSES }, (_, i) => {
    const at = i * abi.ALLOC_CLASS_BYTES;
    return { blockBytes: word(at), slabs: word(at + 4), usedBlocks: word(at + 8) };
  });
  const runsAt = abi.ALLOC_CLASSES * abi.ALLOC_CLASS_BYTES;
  return {
    classes,
    runs: word(runsAt),
    runPages: word(runsAt + 4),
    freePages: word(runsAt + 8),
  };
}
