// Dumps of an engine in a browser. A part of the program of its own, fetched when it is first needed.

import type { Engine } from '../engine.ts';
import { Logger } from '../log.ts';
import * as dumps from '../persistence/dump_bytes.ts';
import { Snapshotter } from '../persistence/snapshotter.ts';

/** All data as a dump, of this moment, while commands are served. */
export function exportDump(engine: Engine): Promise<Uint8Array> {
  return dumps.exportDump(new Snapshotter(engine), { compress: true, checksum: true });
}

/** Loads a dump into an engine that has no data. Throws RespiteError; then the engine is of no use. */
export function importDump(engine: Engine, rdb: Uint8Array): Promise<void> {
  // The error says what there is to say.
  const log = new Logger({ pid: 0, sink: { write: () => {} } });
  return dumps.importDump(engine, rdb, { log, checksum: true });
}
