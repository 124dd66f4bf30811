// Snapshots in the background, to a sink that takes its time.

import { setTimeout as sleep } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { datasetDigest } from '../../src/core/keyspace.ts';
import { Logger } from '../../src/log.ts';
import { loadRdbBytesBlocking } from '../../src/persistence/rdb_loader.ts';
import { Snapshotter } from '../../src/persistence/snapshotter.ts';
import { encodeCommand } from '../support/arguments.ts';
import { createEngine, EngineTestClient } from '../support/engine_client.ts';

const KEYS = 60_000;
const REQUEST = { format: 'rdb', aux: [], compress: false, checksum: true } as const;

function digest(engine: ReturnType<typeof createEngine>): string {
  return datasetDigest(engine.core).toString('hex');
}

it('holds what commands change while the sink is busy', async () => {
  const engine = createEngine();
  const client = new EngineTestClient(engine);
  const commands: Buffer[] = [];
  for (let i = 0; i < KEYS; i++) commands.push(encodeCommand(['SET', `key:${i}`, 'x'.repeat(90)]));
  client.send(Buffer.concat(commands));
  const before = digest(engine);
  const written: Buffer[] = [];
  let isOver = false;
  const snapshot = new Snapshotter(engine)
    .background(REQUEST, {
      write: async (bytes) => {
        written.push(Buffer.from(bytes));
        await sleep(15);
      },
    })
    .finally(() => {
      isOver = true;
    });
  for (let i = 0; !isOver; i++) {
    const changes: Buffer[] = [];
    for (let k = 0; k < 300; k++) {
      const key = `key:${(i * 300 + k * 7919) % KEYS}`;
      changes.push(encodeCommand(k % 3 === 0 ? ['DEL', key] : ['APPEND', key, 'changed']));
    }
    client.send(Buffer.concat(changes));
    await sleep(1);
  }
  expect((await snapshot).keys).toBe(KEYS);
  expect(written.length).toBeGreaterThan(3);
  const copy = createEngine();
  loadRdbBytesBlocking(Buffer.concat(written), {
    engine: copy,
    log: new Logger({ pid: 1, sink: { write: () => {} } }),
    keepExpired: true,
    allowDuplicates: false,
    checksum: true,
    keyDelayUs: 0,
    onProgress: () => {},
  });
  expect(digest(copy)).toBe(before);
});
