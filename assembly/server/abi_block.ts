// The ABI block: u32 words at a fixed address through which host and core pass what does not fit a
// call's arguments. Word indexes are ABI_* in abi.ts.
import { ABI_WORDS } from '../abi';

export const abiBlock: usize = memory.data(<i32>ABI_WORDS * 4, 8);

export function abiSet(word: u32, value: u32): void {
  store<u32>(abiBlock + (word << 2), value);
}

export function abiGet(word: u32): u32 {
  return load<u32>(abiBlock + (word << 2));
}
