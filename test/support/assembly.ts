// Runs functions of the core on their own, without the server around them.
//
// assembly/testing/<name>.ts is an entry file that re-exports internals for tests only. Its module
// is compiled into dist/testing/<name>.wasm when that file is older than anything in assembly/, and
// every call of `loadTestModule` instantiates it afresh, so tests share no state.
//
//   0 ............ static data .. | scratch (scratchPages) ........... end |
//                                 ^ base                                   ^ end of memory
//
// Scratch is memory the module knows nothing of: tests place their bytes there at addresses of
// their choice. A module that hands out memory itself (an allocator) is loaded with scratchPages 0.
// Bytes placed with `writeAtEnd` end where the memory ends, so that a read past them traps.
import { existsSync } from 'node:fs';
import { mkdir, readdir, readFile, rename, stat, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const ROOT = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '../..');
const SOURCES = path.join(ROOT, 'assembly');
const OUTPUTS = path.join(ROOT, 'dist/testing');
const SCRATCH_PAGES = 64;

/** The part of the WebAssembly API used here; Node's type declarations lack it. */
interface WasmMemory {
  readonly buffer: ArrayBuffer;
  grow(pages: number): number;
}
interface WasmApi {
  instantiate(
    bytes: Uint8Array,
    imports: { clock: { clockUs: () => number } },
  ): Promise<{
    instance: { exports: { memory: WasmMemory } & Record<string, unknown> };
  }>;
}
const { WebAssembly: Wasm } = globalThis as unknown as { WebAssembly: WasmApi };

/** A module-level `let` of the module, seen from outside. */
export interface WasmGlobal<T> {
  value: T;
}

export interface TestModule<Exports> {
  /** What the entry file exports; addresses are numbers, 64-bit integers are bigints. */
  readonly exports: Exports;
  readonly memory: WasmMemory;
  /** First address of the scratch. */
  readonly base: number;
  /** All of memory. Do not keep it: it detaches when memory grows. */
  bytes(): Uint8Array;
  /** Copies bytes (or a latin1 string) to an address and returns how many they were. */
  write(address: number, data: Uint8Array | string): number;
  /** Copies bytes (or a latin1 string) to the end of memory and returns where they start. */
  writeAtEnd(data: Uint8Array | string): number;
  /** A copy of the bytes at an address. */
  read(address: number, length: number): Uint8Array;
  /** The bytes at an address as a latin1 string. */
  text(address: number, length: number): string;
}

export interface TestModuleOptions {
  /** 64 KiB pages added above the module's own memory, 64 unless told. */
  scratchPages?: number;
  /** The core's only import, in microseconds; it stands still unless told. */
  clockUs?: () => number;
}

async function newestSourceMs(): Promise<number> {
  let newest = 0;
  for (const name of await readdir(SOURCES, { recursive: true })) {
    // A file may vanish between the listing and this: its editor replaced it.
    const entry = await stat(path.join(SOURCES, name)).catch(() => undefined);
    if (entry !== undefined) newest = Math.max(newest, entry.mtimeMs);
  }
  return newest;
}

async function compile(name: string, output: string): Promise<void> {
  const { default: asc } = await import('assemblyscript/asc');
  let wasm: Uint8Array | undefined;
  const result = await asc.main(
    [
      // The handler comes first: an assertion of the module may refer to its variables.
      'assembly/memory/abort.ts',
      `assembly/testing/${name}.ts`,
      ...['--baseDir', ROOT, '--outFile', 'module.wasm', '--bindings', 'none'],
      ...['-O1', '--debug', '--runtime', 'stub', '--enable', 'simd'],
      ...['--use', 'abort=assembly/memory/abort/abortHandler'],
    ],
    {
      writeFile: (file, contents) => {
        if (file.endsWith('.wasm')) wasm = contents as Uint8Array;
      },
    },
  );
  if (result.error !== null || wasm === undefined) {
    throw new Error(`assembly/testing/${name}.ts: ${result.error?.message}\n${result.stderr}`);
  }
  // Renamed into place, because another worker may be compiling the same module.
  await mkdir(OUTPUTS, { recursive: true });
  const unfinished = `${output}.${process.pid}`;
  await writeFile(unfinished, wasm);
  await rename(unfinished, output);
}

/** The file of the compiled module, for those who instantiate it themselves. */
export async function testModuleFile(name: string): Promise<string> {
  const output = path.join(OUTPUTS, `${name}.wasm`);
  const sourceMs = await newestSourceMs();
  if (!existsSync(output) || (await stat(output)).mtimeMs < sourceMs) await compile(name, output);
  return output;
}

function toBytes(data: Uint8Array | string): Uint8Array {
  return typeof data === 'string' ? Buffer.from(data, 'latin1') : data;
}

/** Compiles assembly/testing/<name>.ts if need be and gives a new instance of it. */
export async function loadTestModule<Exports>(
  name: string,
  options: TestModuleOptions = {},
): Promise<TestModule<Exports>> {
  const clockUs = options.clockUs ?? (() => 0);
  const { instance } = await Wasm.instantiate(await readFile(await testModuleFile(name)), {
    clock: { clockUs },
  });
  const { memory } = instance.exports;
  const base = memory.buffer.byteLength;
  memory.grow(options.scratchPages ?? SCRATCH_PAGES);

  const bytes = () => new Uint8Array(memory.buffer);
  const write = (address: number, data: Uint8Array | string) => {
    const source = toBytes(data);
    bytes().set(source, address);
    return source.length;
  };
  const read = (address: number, length: number) => bytes().slice(address, address + length);
  return {
    exports: instance.exports as unknown as Exports,
    memory,
    base,
    bytes,
    write,
    writeAtEnd: (data) => {
      const source = toBytes(data);
      const address = memory.buffer.byteLength - source.length;
      if (address < base) throw new RangeError(`no room for ${source.length} bytes`);
      write(address, source);
      return address;
    },
    read,
    text: (address, length) => Buffer.from(read(address, length)).toString('latin1'),
  };
}
