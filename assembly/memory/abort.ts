// Where a failed assertion goes: it leaves its place in the ABI block and traps. A trap poisons the
// instance; the host reports the place and the command, refuses further calls and exits.
export let assertFile: usize = 0;
export let assertLine: u32 = 0;
export let assertBlock: usize = 0;

/** Tells the handler where the ABI block is, so that the host can read the place after a trap. */
export function setAssertBlock(block: usize): void {
  assertBlock = block;
}

export function abortHandler(message: usize, file: usize, line: u32, column: u32): void {
  assertFile = file;
  assertLine = line;
  if (assertBlock != 0) {
    store<u32>(assertBlock + 40, line);
    store<u32>(assertBlock + 44, <u32>file);
  }
  if (message != 0 && column == 0xffffffff) assertLine = 0;
  unreachable();
}
