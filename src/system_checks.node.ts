// `--check-system` and `--test-memory`: is this machine fit to run a server?
//
// Redis checks what endangers a forking C program. What can endanger this one is different: the
// version of Node, what its WebAssembly engine supports, and how many files may be open.

import { readFileSync } from 'node:fs';

/** What the checks use of the global, which the types of the host do not declare. */
declare const WebAssembly: {
  validate(module: Uint8Array): boolean;
  Memory: new (limits: { initial: number; maximum: number }) => unknown;
};

const NODE_MAJOR_MIN = 20;
/** Redis's default of 10000 clients plus what the server opens itself. */
const OPEN_FILES_WANTED = 10032;
const WASM_PAGES_MAX = 65536;

interface Check {
  readonly name: string;
  /** Null when all is well, else what to do about it; undefined when it cannot be told. */
  readonly run: () => string | null | undefined;
}

const CHECKS: readonly Check[] = [
  { name: 'node-version', run: checkNodeVersion },
  { name: 'wasm-simd', run: checkWasmSimd },
  { name: 'wasm-memory', run: checkWasmMemory },
  { name: 'open-files', run: checkOpenFiles },
];

/** Prints one line per check; returns the exit code, 0 when none warns. */
export function checkSystem(print: (text: string) => void): number {
  let exitCode = 0;
  for (const { name, run } of CHECKS) {
    const result = run();
    if (typeof result === 'string') exitCode = 1;
    print(`[${name}]...${resultText(result)}\n`);
  }
  return exitCode;
}

function resultText(result: string | null | undefined): string {
  if (result === undefined) return 'skipped';
  return result === null ? 'OK' : `WARNING:\n${result}`;
}

function checkNodeVersion(): string | null {
  const major = Number.parseInt(process.versions.node, 10);
  return major >= NODE_MAJOR_MIN
    ? null
    : `Node ${process.versions.node} is too old: version ${NODE_MAJOR_MIN} or newer is needed.`;
}

/** A module whose only function returns a vector constant. */
const SIMD_MODULE = new Uint8Array([
  0, 97, 115, 109, 1, 0, 0, 0, 1, 5, 1, 96, 0, 1, 123, 3, 2, 1, 0, 10, 10, 1, 8, 0, 65, 0, 253, 15,
  253, 98, 11,
]);

function checkWasmSimd(): string | null {
  return WebAssembly.validate(SIMD_MODULE)
    ? null
    : 'This build of Node runs WebAssembly without SIMD instructions, which the engine needs.';
}

/** Reserves address space only: pages are not touched. */
function checkWasmMemory(): string | null {
  try {
    new WebAssembly.Memory({ initial: 1, maximum: WASM_PAGES_MAX });
    return null;
  } catch {
    return (
      'Address space for 4 GiB of WebAssembly memory cannot be reserved. Raise the limit on ' +
      "virtual memory ('ulimit -v unlimited') or the server will run out of memory early."
    );
  }
}

function checkOpenFiles(): string | null | undefined {
  let limits: string;
  try {
    limits = readFileSync('/proc/self/limits', 'utf8');
  } catch {
    return undefined;
  }
  const soft = /^Max open files\s+(\S+)/m.exec(limits)?.[1];
  if (soft === undefined) return undefined;
  if (soft === 'unlimited' || Number(soft) >= OPEN_FILES_WANTED) return null;
  return (
    `Only ${soft} files may be open, but the default of 10000 clients needs ${OPEN_FILES_WANTED}. ` +
    "Raise the limit ('ulimit -n') or lower maxclients."
  );
}

// --- Memory test ---

const MEGABYTE_WORDS = 1048576 / 4;
const PATTERNS = [0x00000000, 0xffffffff, 0xaaaaaaaa, 0x55555555];

/**
 * Fills `megabytes` of memory with patterns and with each word's own number, and reads them back.
 * Returns the exit code. A full test of a machine's memory needs a tool that runs without an
 * operating system; this finds gross faults.
 */
export function testMemory(megabytes: number, print: (text: string) => void): number {
  const blocks: Uint32Array[] = [];
  try {
    for (let i = 0; i < megabytes; i++) blocks.push(new Uint32Array(MEGABYTE_WORDS));
  } catch {
    print(`Unable to allocate ${megabytes} megabytes.\n`);
    return 1;
  }
  let errors = 0;
  for (const pattern of PATTERNS) {
    for (const block of blocks) block.fill(pattern);
    for (const block of blocks) errors += countWhere(block, (word) => word !== pattern);
  }
  for (const [n, block] of blocks.entries()) {
    for (let i = 0; i < block.length; i++) block[i] = n * MEGABYTE_WORDS + i;
  }
  for (const [n, block] of blocks.entries()) {
    errors += countWhere(block, (word, i) => word !== (n * MEGABYTE_WORDS + i) >>> 0);
  }
  print(
    errors === 0
      ? `Your memory passed this test: ${megabytes} megabytes, ${PATTERNS.length + 1} patterns.\n`
      : `*** MEMORY ERROR DETECTED: ${errors} words differ. ***\n`,
  );
  return errors === 0 ? 0 : 1;
}

function countWhere(block: Uint32Array, isWrong: (word: number, i: number) => boolean): number {
  let count = 0;
  for (let i = 0; i < block.length; i++) {
    if (isWrong(block[i]!, i)) count++;
  }
  return count;
}
