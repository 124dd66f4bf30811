// Counters that the host reads through the ABI block: f64 words, STAT_* in abi.ts.
import { STAT_WORDS } from '../abi';

export const statsBlock: usize = memory.data(<i32>STAT_WORDS * 8, 8);

export class Stats {
  @inline static add(index: u32, amount: f64): void {
    const at = statsBlock + (index << 3);
    store<f64>(at, load<f64>(at) + amount);
  }
  @inline static set(index: u32, value: f64): void {
    store<f64>(statsBlock + (index << 3), value);
  }
  @inline static get(index: u32): f64 {
    return load<f64>(statsBlock + (index << 3));
  }
}
