// A snapshot over a connection: to peers that are slow, go away, or take nothing any more.

import { beforeEach, expect, it } from 'vitest';
import * as abi from '../../assembly/abi.ts';
import { populate } from '../../src/core/keyspace.ts';
import type { Engine } from '../../src/engine.ts';
import { Logger } from '../../src/log.ts';
import { RdbSaver } from '../../src/persistence/rdb_saver.ts';
import { RdbTransfers, type TransferPeer } from '../../src/persistence/rdb_transfer.ts';
import { Snapshotter } from '../../src/persistence/snapshotter.ts';
import { MemoryStorage } from '../../src/storage/memory_storage.ts';
import { createEngine } from '../support/engine_client.ts';
import { isWholeRdb } from './rdb_checksum.ts';

const KEYS = 50_000;
const VALUE_BYTES = 100;

let engine: Engine;
let storage: MemoryStorage;
let snapshots: Snapshotter;
let transfers: RdbTransfers;
let log: string;
let now: number;
let removesFiles: boolean;

/** Keeps what it is given; `queuedBytes` is what the test says. */
class Peer implements TransferPeer {
  readonly name = 'peer';
  isClosed = false;
  isEnded = false;
  queuedBytes = 0;
  /** Whether what it is given stays in the queue. */
  isStuck = false;
  private readonly pieces: Buffer[] = [];

  write(bytes: Uint8Array): void {
    this.pieces.push(Buffer.from(bytes));
    if (this.isStuck) this.queuedBytes += bytes.length;
  }

  end(): void {
    this.isEnded = true;
  }

  destroy(): void {
    this.isClosed = true;
  }

  received(): Buffer {
    return Buffer.concat(this.pieces);
  }

  /** The snapshot between the marks. */
  marked(): Buffer {
    const bytes = this.received();
    const [head, mark] = /\$EOF:(.{40})\r\n/.exec(bytes.toString('latin1'))!;
    expect(bytes.subarray(-40).toString()).toBe(mark);
    return bytes.subarray(bytes.indexOf(head) + head.length, -40);
  }

  /** The snapshot behind its length, and what came before. */
  counted(): { before: string; file: Buffer } {
    const bytes = this.received();
    const [head, length] = /\$(\d+)\r\n/.exec(bytes.toString('latin1'))!;
    const at = bytes.indexOf(head);
    const file = bytes.subarray(at + head.length);
    expect(file.length).toBe(Number(length));
    return { before: bytes.subarray(0, at).toString(), file };
  }
}

beforeEach(() => {
  engine = createEngine();
  populate(engine.core, 0, KEYS, Buffer.from('key'), VALUE_BYTES);
  storage = new MemoryStorage();
  storage.makeDirectory('data');
  log = '';
  now = 1_800_000_000_000;
  removesFiles = false;
  snapshots = new Snapshotter(engine);
  const logger = new Logger({
    pid: 1,
    sink: {
      write: (text) => {
        log += text;
      },
    },
  });
  const settings = {
    directory: 'data',
    fileName: 'dump.rdb',
    compress: false,
    checksum: true,
    keyDelayUs: () => 0,
  };
  const shared = { snapshots, storage, log: logger, pid: 1, now: () => now };
  const saver = new RdbSaver({
    ...shared,
    dirty: {
      get: () => engine.core.stat(abi.STAT_DIRTY),
      set: (changes) => engine.core.setStat(abi.STAT_DIRTY, changes),
    },
    settings: () => ({ ...settings, syncEveryBytes: 1 << 20 }),
    claimDirectory: () => undefined,
    onChange: () => {},
  });
  transfers = new RdbTransfers({
    ...shared,
    saver,
    settings: () => ({ ...settings, timeoutSeconds: 60, removesFiles }),
    isIdle: () => !snapshots.isRunning && !saver.isRunning,
    onEnd: () => {},
  });
});

function request(peer: Peer, takesMark: boolean, preface = '', isWithoutKeys = false): void {
  transfers.request({ peer, takesMark, preface, isWithoutKeys });
}

async function until(isTrue: () => boolean): Promise<void> {
  while (!isTrue()) await new Promise((resolve) => setTimeout(resolve, 1));
}

it('who knows marks gets the walk as it goes, without a file', async () => {
  const peer = new Peer();
  request(peer, true, '+FULLRESYNC x 0\r\n');
  expect(transfers.isRunning).toBe(true);
  await until(() => peer.isEnded);
  expect(peer.received().subarray(0, 17).toString()).toBe('+FULLRESYNC x 0\r\n');
  expect(isWholeRdb(peer.marked())).toBe(true);
  expect(storage.list('data')).toEqual([]);
  expect(transfers.isRunning).toBe(false);
  expect(log).toContain('Background RDB transfer terminated with success');
});

it('who does not gets a file with its length, which stays or goes', async () => {
  for (const goes of [false, true]) {
    removesFiles = goes;
    const peer = new Peer();
    request(peer, false);
    await until(() => peer.isEnded);
    expect(isWholeRdb(peer.counted().file)).toBe(true);
    expect(storage.list('data')).toEqual(goes ? [] : ['dump.rdb']);
  }
  expect(log).toContain(
    'Removing the RDB file used to feed replicas in a persistence-less instance',
  );
});

it('a peer that does not read holds the walk back, and gets it all when it reads again', async () => {
  const peer = new Peer();
  peer.isStuck = true;
  request(peer, true);
  await until(() => peer.queuedBytes > 1 << 20);
  for (let i = 0; i < 20; i++) await new Promise((resolve) => setTimeout(resolve, 5));
  // One piece beyond the limit, and what the walk has at hand.
  expect(peer.queuedBytes).toBeLessThan(3 << 20);
  expect(snapshots.isRunning).toBe(true);
  peer.isStuck = false;
  peer.queuedBytes = 0;
  await until(() => peer.isEnded);
  expect(isWholeRdb(peer.marked())).toBe(true);
});

it('a peer that takes nothing for repl-timeout is dropped', async () => {
  const peer = new Peer();
  peer.isStuck = true;
  request(peer, true);
  await until(() => peer.queuedBytes > 1 << 20);
  now += 59_000;
  await new Promise((resolve) => setTimeout(resolve, 30));
  expect(peer.isClosed).toBe(false);
  now += 2000;
  await until(() => peer.isClosed);
  await until(() => !transfers.isRunning);
  expect(snapshots.isRunning).toBe(false);
  expect(log).toContain('took nothing for repl-timeout');
});

it('the walk ends with the connection, and with what makes room for another one', async () => {
  for (const how of ['closed', 'aborted']) {
    const peer = new Peer();
    peer.isStuck = true;
    request(peer, true);
    await until(() => peer.queuedBytes > 1 << 20);
    if (how === 'closed') peer.isClosed = true;
    else transfers.abort();
    await until(() => !transfers.isRunning && !snapshots.isRunning);
    await until(() => peer.isClosed);
    expect(peer.isEnded).toBe(false);
  }
});

it('peers are served one after another, and hear something while they wait', async () => {
  const first = new Peer();
  first.isStuck = true;
  const second = new Peer();
  const gone = new Peer();
  request(first, true);
  request(gone, true);
  request(second, false);
  gone.isClosed = true;
  await until(() => first.queuedBytes > 1 << 20);
  transfers.tick();
  transfers.tick();
  now += 1000;
  transfers.tick();
  expect(second.received().toString()).toBe('\n\n');
  first.isStuck = false;
  first.queuedBytes = 0;
  await until(() => first.isEnded);
  transfers.tick();
  await until(() => second.isEnded);
  expect(second.counted().before).toMatch(/^\n+$/);
  expect(isWholeRdb(second.counted().file)).toBe(true);
  expect(gone.received().length).toBe(0);
  expect(transfers.requests).toBe(3);
});

it('a snapshot without keys needs no walk', async () => {
  const peer = new Peer();
  // Even while another one is under way.
  const running = snapshots.background(
    { format: 'rdb', aux: [], compress: false, checksum: false },
    { write() {} },
  );
  request(peer, true, '', true);
  await until(() => peer.isEnded);
  expect(peer.marked().toString('latin1')).not.toContain('key:1');
  expect(peer.marked().at(-9)).toBe(0xff);
  await running;
});
