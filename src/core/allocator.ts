// The core's allocator in figures.

import * as abi from '../../assembly/abi.ts';
import type { Core } from './core.ts';

export interface SizeClass {
  readonly blockBytes: number;
  /** Slabs that are cut into blocks of this size: a page, or the few of a span. */
  readonly slabs: number;
  readonly pagesPerSlab: number;
  readonly blocksPerSlab: number;
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

/** How a class is cut: assembly/memory/span.ts says why for blocks of more than half a page. */
function cut(blockBytes: number): { pagesPerSlab: number; blocksPerSlab: number } {
  if (blockBytes <= PAGE_BYTES / 2) {
    return { pagesPerSlab: 1, blocksPerSlab: Math.floor(PAGE_BYTES / blockBytes) };
  }
  const powerOfTwo = blockBytes & -blockBytes;
  return { pagesPerSlab: blockBytes / powerOfTwo, blocksPerSlab: PAGE_BYTES / powerOfTwo };
}

export function allocatorFigures(core: Core): AllocatorFigures {
  const out = core.word(abi.ABI_SCRATCH);
  core.exports.allocatorStats(out);
  const { data } = core;
  const word = (offset: number) => data.getUint32(out + offset, true);
  const classes = Array.from({ length: abi.ALLOC_CLASSES }, (_, i) => {
    const at = i * abi.ALLOC_CLASS_BYTES;
    const blockBytes = word(at);
    return { blockBytes, slabs: word(at + 4), usedBlocks: word(at + 8), ...cut(blockBytes) };
  });
  const runsAt = abi.ALLOC_CLASSES * abi.ALLOC_CLASS_BYTES;
  return {
    classes,
    runs: word(runsAt),
    runPages: word(runsAt + 4),
    freePages: word(runsAt + 8),
  };
}
