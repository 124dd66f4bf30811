// Helper process: loads an RDB file into a new engine.
//
//     node load_helper.ts FILE        message out: LoadReport

import { Core } from '../../src/core/core.ts';
import { datasetDigest } from '../../src/core/keyspace.ts';
import { loadCoreModule } from '../../src/core/load.node.ts';
import { Engine } from '../../src/engine.ts';
import { Logger } from '../../src/log.ts';
import { loadRdb } from '../../src/persistence/rdb_loader.ts';
import { NodeStorage } from '../../src/storage/node_storage.node.ts';
import { report } from './helper_process.ts';
import type { LoadReport } from './persistence_load.ts';

const engine = new Engine(new Core(loadCoreModule()));
const startMs = performance.now();
const { keysLoaded } = await loadRdb(process.argv[2]!, {
  engine,
  storage: new NodeStorage(),
  log: new Logger({ pid: process.pid, sink: { write() {} } }),
  keepExpired: false,
  allowDuplicates: false,
  checksum: true,
  keyDelayUs: 0,
  onProgress() {},
});
const milliseconds = performance.now() - startMs;
const digest = datasetDigest(engine.core).toString('hex');
report({ milliseconds, keys: keysLoaded, digest } satisfies LoadReport);
process.disconnect();
