// Reads RDB data into the core, from wherever it comes piece by piece. Small, and without a log: what is
// wrong is one error. The server's loader (persistence/rdb_loader.ts) says everything that Redis does.

import * as abi from '../../../assembly/abi.ts';
import { RdbLoad } from '../../core/rdb_load.ts';
import { RespiteError } from '../../embedded/errors.ts';
import type { Engine } from '../../engine.ts';

export interface RdbSource {
  readonly sizeBytes: number;
  /** Bytes from a position on, at least one. */
  read(position: number, length: number): Promise<Uint8Array> | Uint8Array;
}

export interface RdbSourceOptions {
  /** Keys whose time has come are loaded, too: a log that follows refers to them. */
  readonly keepExpired: boolean;
}

const PIECE_BYTES = 1 << 20;
const TASK = 'loading';

/** Throws DUMP_VERSION, DUMP_FORMAT or NO_MEMORY; then a part of the keys may be there. */
export async function loadRdbSource(
  engine: Engine,
  source: RdbSource,
  { keepExpired }: RdbSourceOptions,
): Promise<void> {
  const { sizeBytes } = source;
  const nowMs = engine.now();
  const flags = abi.LOAD_CHECKSUM | (keepExpired ? abi.LOAD_KEEP_EXPIRED : 0);
  const setup = { flags, totalBytes: sizeBytes, pieceBytes: PIECE_BYTES, nowMs };
  const load = engine.call(() => RdbLoad.begin(engine.core, setup), TASK);
  if (load === undefined) throw noMemory();
  try {
    let position = 0;
    let needsBytes = true;
    for (;;) {
      const isCut: boolean = needsBytes && load.wanted > sizeBytes - position;
      if (needsBytes && !isCut && position < sizeBytes) {
        position += await fill(engine, load, source, position);
      }
      const isLast: boolean = isCut || position >= sizeBytes;
      const status: number = engine.call(() => load.step(isLast, 0, nowMs), TASK);
      if (status === abi.LOAD_DONE) return;
      if (status === abi.LOAD_ERROR) throw failure(load);
      needsBytes = status === abi.LOAD_MORE;
    }
  } finally {
    engine.call(() => load.end(), TASK);
  }
}

/** Brings as much as the core needs to go on. */
async function fill(
  engine: Engine,
  load: RdbLoad,
  source: RdbSource,
  position: number,
): Promise<number> {
  const least = Math.max(load.wanted, 1);
  let filled = 0;
  while (filled < least) {
    const room = () => engine.call(() => load.room(), TASK);
    const length = room()?.length;
    if (length === undefined) throw noMemory();
    const bytes = await source.read(position + filled, length);
    if (bytes.length === 0) {
      throw new RespiteError('DUMP_FORMAT', 'The RDB data end too early');
    }
    room()?.set(bytes);
    load.filled(bytes.length);
    filled += bytes.length;
  }
  return filled;
}

function noMemory(): RespiteError {
  return new RespiteError('NO_MEMORY', 'There is not enough memory to load the data');
}

function failure(load: RdbLoad): RespiteError {
  const { fault, offset, text } = load.fault();
  if (fault === abi.RDB_FAULT_NO_MEMORY) return noMemory();
  const isVersion = fault === abi.RDB_FAULT_VERSION;
  return new RespiteError(
    isVersion ? 'DUMP_VERSION' : 'DUMP_FORMAT',
    `The RDB data cannot be loaded, at byte ${offset}: ${text}`,
  );
}
