// Size classes: the sizes that blocks of up to 256 KiB are rounded up to.
//
//   class    0   1 ... 15  |  16   17 ...      27  |  28 ...      51  |  52 ...       59  |  60 ...        71
//   bytes    8  16    128  | 160  192 ...    1024  | 1152 ...   8192  | 10240 ...  32768  | 40960 ... 262144
//                          |  four per doubling    |  eight           |  four: slabs      |  four: spans, runs
//
// Classes are closest where the nodes of lists and streams are. Up to MAX_SLAB_BLOCK a block lies in a
// slab of one page. Above it, a class whose size is whole pages gets a run of its own, the others
// share a span (span.ts). What is larger than MAX_CLASS_BLOCK is rounded up to whole pages.

import { PAGE_BYTES } from './pages';

export const CLASS_COUNT: u32 = 72;
/** Classes whose blocks lie in slabs. */
export const SLAB_CLASSES: u32 = 60;
export const MAX_SLAB_BLOCK: u32 = 32768;
const MAX_CLASS_BLOCK: u32 = 262144;

const SMALL_CLASSES: u32 = 16;
/** First class with eight to a doubling, and the first beyond. */
const CLOSE_CLASSES: u32 = 28;
const LARGE_CLASSES: u32 = 52;

const classBytes: usize = memory.data(<i32>CLASS_COUNT * 4, 8); // u32 per class

/** The smallest class that holds `bytes`, MAX_CLASS_BLOCK at most. */
export function classOf(bytes: u32): u32 {
  if (bytes <= 128) return (max(bytes, 1) - 1) >> 3;
  const s = bytes - 1;
  const msb: u32 = 31 - clz(s);
  if (msb < 10) return SMALL_CLASSES + ((msb - 7) << 2) + ((s >> (msb - 2)) & 3);
  if (msb < 13) return CLOSE_CLASSES + ((msb - 10) << 3) + ((s >> (msb - 3)) & 7);
  return LARGE_CLASSES + ((msb - 13) << 2) + ((s >> (msb - 2)) & 3);
}

/** Bytes of a block of a size class. */
export function sizeOfClass(index: u32): u32 {
  return load<u32>(classBytes + (index << 2));
}

function bytesOfClass(index: u32): u32 {
  if (index < SMALL_CLASSES) return (index + 1) << 3;
  if (index >= CLOSE_CLASSES && index < LARGE_CLASSES) {
    const close = index - CLOSE_CLASSES;
    return ((<u32>1024) << (close >> 3)) + ((close & 7) + 1) * ((<u32>128) << (close >> 3));
  }
  const quarter = index < CLOSE_CLASSES ? index - SMALL_CLASSES : index - LARGE_CLASSES;
  const step = (index < CLOSE_CLASSES ? <u32>32 : <u32>2048) << (quarter >> 2);
  return (step << 2) + ((quarter & 3) + 1) * step;
}

/** Must run before a class is asked for. */
export function sizeClassesInit(): void {
  for (let i: u32 = 0; i < CLASS_COUNT; i++) {
    store<u32>(classBytes + (i << 2), bytesOfClass(i));
  }
}

/** Size of the block that `bytes` would get. */
export function goodSize(bytes: usize): usize {
  if (bytes > MAX_CLASS_BLOCK) return (bytes + PAGE_BYTES - 1) & ~(PAGE_BYTES - 1);
  return sizeOfClass(classOf(<u32>bytes));
}
