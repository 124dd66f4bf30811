// The log keeps what its policy promises, whichever operation of the storage is the last one before a
// crash, and whichever fails.
//
// A client sends number after number, each as RPUSH and INCR in one transaction, while the log is begun,
// written, rewritten, turned off and on. The run is repeated with a crash at its first operation, at its
// second, and so on to its last; of each crash several outcomes are drawn. A server that starts from
// what is left must have the numbers 1 to n without a gap, the counter at n, and n no less than promised:
//
//   always     every acknowledged number
//   everysec   every number acknowledged two seconds before
//   no         whatever is there is whole
//
// What is acknowledged while the log is off, or not on yet, is not promised.
//
// A slow disk takes three turns for a sync in the background. What came after a sync began is not durable
// when it ends, and nothing is before.

import { describe, expect, it } from 'vitest';
import type { MemoryStorage } from '../../src/storage/memory_storage.ts';
import { nextTurn } from '../../src/util/next_turn.ts';
import {
  AofServer,
  command,
  DATA_DIR,
  Exited,
  freshDisk,
  LOG_DIR,
  putFile,
} from '../support/aof_server.ts';
import type { EngineTestClient } from '../support/engine_client.ts';
import { type Fault, FaultyStorage, SimulatedCrash } from '../support/faulty_storage.ts';
import { Random } from '../support/random.ts';

type Policy = 'always' | 'everysec' | 'no';

/** `slow`: a sync in the background takes some turns, in which clients go on. */
type Disk = 'quick' | 'slow';

const DRAWS = 2;
const EVERYSEC_MS = 2000;
const SYNC_TURNS = 3;

interface Mode {
  readonly policy: Policy;
  readonly speed: Disk;
}

class Run {
  readonly storage: FaultyStorage;
  readonly disk: MemoryStorage;
  readonly policy: Policy;
  server!: AofServer;
  /** Numbers that were acknowledged, with the time. */
  readonly acknowledged: { number: number; atMs: number }[] = [];
  next = 1;
  /** It ended before its time. */
  isOver = false;
  private client: EngineTestClient | undefined;
  private readonly directives: Record<string, string>;
  private turns = 0;

  constructor(disk: MemoryStorage, { policy, speed }: Mode, fault?: Fault, more = {}) {
    this.disk = disk;
    this.policy = policy;
    this.storage = new FaultyStorage(disk, fault);
    this.storage.holdsSyncs = speed === 'slow';
    this.directives = { appendonly: 'yes', appendfsync: policy, ...more };
  }

  async boot(): Promise<void> {
    const nowMs = this.server?.nowMs;
    this.server = new AofServer({
      storage: this.storage,
      directives: this.directives,
      ...(nowMs !== undefined && { nowMs }),
    });
    await this.server.start();
    this.client = this.server.connect();
  }

  /** Sends some numbers, each in a turn of its own. */
  async write(count: number): Promise<void> {
    for (let i = 0; i < count; i++) {
      this.check();
      const number = this.next++;
      const client = this.client!;
      void client.call('MULTI');
      void client.call('RPUSH', 'list', number);
      void client.call('INCR', 'counter');
      void client.call('EXEC').then((reply) => {
        if (reply.kind === 'array') {
          this.acknowledged.push({ number, atMs: this.server.nowMs });
        }
      });
      await this.endTurn();
    }
  }

  /** Ends a turn; on a slow disk, syncs end in every third. */
  private async endTurn(): Promise<void> {
    this.server.endTurn();
    this.turns += 1;
    if (this.turns % SYNC_TURNS === 0) this.storage.releaseSyncs();
    await nextTurn();
  }

  /** Ends what is under way in the background. */
  async settle(): Promise<void> {
    const { holdsSyncs } = this.storage;
    this.storage.holdsSyncs = false;
    this.storage.releaseSyncs();
    await this.server.aof.idle();
    this.storage.holdsSyncs = holdsSyncs;
  }

  async pass(milliseconds: number): Promise<void> {
    for (let passed = 0; passed < milliseconds; passed += 100) {
      this.check();
      await this.server.pass(100);
      this.storage.releaseSyncs();
    }
  }

  /** Ends the server in order and starts another one. */
  async restart(): Promise<void> {
    if (!this.server.aof.shutdown()) throw new Exited('data were lost');
    await this.settle();
    this.check();
    await this.boot();
  }

  async rewritten(): Promise<void> {
    for (let i = 0; i < 200 && this.server.aof.isRewriting; i++) {
      this.check();
      await this.endTurn();
    }
  }

  /** Ends the run once the process would not run any more. */
  check(): void {
    if (this.storage.isDead) throw new SimulatedCrash('dead');
    if (this.server.exitCode !== undefined) throw new Exited('exit');
  }

  /** The number that a server must know that starts after a crash. */
  get promised(): number {
    const { nowMs } = this.server;
    const late = this.policy === 'always' ? nowMs : nowMs - EVERYSEC_MS;
    if (this.policy === 'no') return 0;
    return Math.max(0, ...this.acknowledged.filter((a) => a.atMs <= late).map((a) => a.number));
  }
}

/** Runs a scenario until it ends, crashes or exits. */
async function play(run: Run, scenario: (run: Run) => Promise<void>): Promise<void> {
  try {
    await run.boot();
    await scenario(run);
  } catch (error) {
    if (!(error instanceof SimulatedCrash || error instanceof Exited)) throw error;
    run.isOver = true;
  }
  // What is still on its way must not reach the disk later.
  await run.settle();
}

/** What a server finds that starts from `disk`. */
async function recover(disk: MemoryStorage, story: string): Promise<number> {
  const server = new AofServer({ storage: disk, directives: { appendonly: 'yes' } });
  try {
    await server.start();
  } catch (error) {
    const files = disk.status(LOG_DIR) === undefined ? [] : disk.list(LOG_DIR);
    throw new Error(`${story}: does not start: ${(error as Error).message}; files: ${files}`);
  }
  const client = server.connect();
  const list = await client.call('LRANGE', 'list', '0', '-1');
  const counter = await client.call('GET', 'counter');
  const numbers =
    list.kind === 'array'
      ? list.items.map((item) => (item.kind === 'bulk' ? `${item.bytes}` : ''))
      : [];
  const wanted = numbers.map((_, i) => String(i + 1));
  expect(numbers, `${story}: a gap or a number twice`).toEqual(wanted);
  const count = counter.kind === 'bulk' ? Number(counter.bytes) : 0;
  expect(count, `${story}: half a transaction`).toBe(numbers.length);
  // It goes on from there.
  const more = client.call('INCR', 'counter');
  server.endTurn();
  expect((await more).kind).toBe('integer');
  expect(server.aof.writeError).toBeUndefined();
  return numbers.length;
}

interface Scenario {
  name: string;
  disk(): MemoryStorage;
  run(run: Run): Promise<void>;
  /** Only then the policy's promise holds; otherwise just that the data are whole. */
  promises: boolean;
  more?: Record<string, string>;
}

const OLD = command('RPUSH', 'list', '1') + command('INCR', 'counter');

const scenarios: Scenario[] = [
  {
    name: 'writing a new log, and starting from it again',
    disk: freshDisk,
    promises: true,
    run: async (run) => {
      await run.write(3);
      await run.pass(1500);
      await run.write(2);
      await run.pass(2500);
      await run.write(1);
      run.check();
      await run.restart();
      await run.write(2);
      await run.pass(2500);
      await run.write(1);
    },
  },
  {
    name: 'rewriting it',
    disk: freshDisk,
    promises: true,
    run: async (run) => {
      await run.write(3);
      await run.pass(2500);
      await run.write(1);
      run.server.aof.startRewrite();
      await run.write(2);
      await nextTurn();
      await run.write(1);
      await run.rewritten();
      await run.write(1);
      await run.pass(2500);
      run.server.aof.startRewrite();
      await run.rewritten();
      await run.pass(2500);
      await run.write(1);
    },
  },
  {
    name: 'rewriting it without deleting history',
    disk: freshDisk,
    promises: true,
    more: { 'aof-disable-auto-gc': 'yes' },
    run: async (run) => {
      await run.write(2);
      run.server.aof.startRewrite();
      await run.write(1);
      await run.rewritten();
      run.server.set('aof-disable-auto-gc', 'no');
      await run.pass(2500);
      run.server.aof.startRewrite();
      await run.rewritten();
      await run.write(1);
    },
  },
  {
    name: 'calling a rewrite off',
    disk: freshDisk,
    promises: true,
    run: async (run) => {
      await run.write(2);
      run.server.aof.startRewrite();
      await run.write(1);
      run.server.snapshots.abort();
      await nextTurn();
      await run.write(1);
      await run.pass(300);
      await run.rewritten();
      await run.pass(2500);
      await run.write(1);
    },
  },
  {
    name: 'turning it off and on',
    disk: freshDisk,
    promises: false,
    run: async (run) => {
      await run.write(3);
      run.server.aof.turnOff();
      await run.write(2);
      run.server.aof.turnOn();
      await run.write(2);
      await run.rewritten();
      await run.write(2);
      await run.pass(2500);
      await run.write(1);
    },
  },
  {
    name: 'taking over the one file of an old server',
    disk: () => {
      const disk = freshDisk();
      putFile(disk, `${DATA_DIR}/appendonly.aof`, OLD);
      disk.syncDirectory(DATA_DIR);
      return disk;
    },
    promises: true,
    run: async (run) => {
      run.next = 2;
      await run.write(2);
      await run.pass(2500);
      await run.write(1);
      run.server.aof.startRewrite();
      await run.rewritten();
      await run.write(1);
    },
  },
  {
    name: 'cutting the end of a torn log',
    disk: () => {
      const disk = freshDisk();
      disk.makeDirectory(LOG_DIR);
      const torn = OLD + command('MULTI') + command('RPUSH', 'list', '2');
      putFile(disk, `${LOG_DIR}/appendonly.aof.1.incr.aof`, torn);
      putFile(
        disk,
        `${LOG_DIR}/appendonly.aof.manifest`,
        'file appendonly.aof.1.incr.aof seq 1 type i\n',
      );
      disk.syncDirectory(LOG_DIR);
      disk.syncDirectory(DATA_DIR);
      return disk;
    },
    promises: true,
    run: async (run) => {
      run.next = 2;
      await run.write(2);
      await run.pass(2500);
      await run.write(1);
    },
  },
];

const modes: Mode[] = [
  { policy: 'always', speed: 'quick' },
  { policy: 'always', speed: 'slow' },
  { policy: 'everysec', speed: 'quick' },
  { policy: 'no', speed: 'quick' },
];

/** The operations of an undisturbed run. */
async function operationsOf(scenario: Scenario, mode: Mode): Promise<readonly string[]> {
  const run = new Run(scenario.disk(), mode, undefined, scenario.more);
  await play(run, scenario.run);
  expect(run.server.exitCode, run.server.lines.join('\n')).toBeUndefined();
  expect(run.acknowledged.length).toBeGreaterThan(2);
  return run.storage.log;
}

describe.each(modes)('with appendfsync $policy and a $speed disk', (mode) => {
  const { policy } = mode;
  describe.each(scenarios)('$name', (scenario) => {
    it('survives a crash at any operation', async () => {
      const random = Random.fresh();
      const draw = () => random.u32() / 2 ** 32;
      const names = await operationsOf(scenario, mode);
      for (let at = 1; at <= names.length; at++) {
        for (const how of [{}, { taken: 0.5 }]) {
          const fault = { at, ...how };
          if (how.taken !== undefined && !names[at - 1]!.startsWith('write')) continue;
          const run = new Run(scenario.disk(), mode, fault, scenario.more);
          await play(run, scenario.run);
          const promised = scenario.promises ? run.promised : 0;
          const story = `seed ${random.seed}, ${JSON.stringify(fault)} ${run.storage.log[at - 1]}`;
          for (let i = 0; i < DRAWS; i++) {
            const found = await recover(run.disk.crash(draw), story);
            expect(found, story).toBeGreaterThanOrEqual(promised);
          }
          // A process that is killed loses nothing that it wrote.
          const found = await recover(run.disk.copy(), story);
          expect(found, story).toBeGreaterThanOrEqual(promised);
        }
      }
    });

    it('survives the failure of any operation', async () => {
      const random = Random.fresh();
      const draw = () => random.u32() / 2 ** 32;
      const names = await operationsOf(scenario, mode);
      for (let at = 1; at <= names.length; at++) {
        for (const how of [
          { code: 'ENOSPC', taken: 0.5 },
          { code: 'EIO', lasts: true },
        ]) {
          const fault = { at, ...how };
          const run = new Run(scenario.disk(), mode, fault, scenario.more);
          await play(run, scenario.run);
          const story = `seed ${random.seed}, ${JSON.stringify(fault)} ${run.storage.log[at - 1]}`;
          const isOn = scenario.promises && run.server.aof.writeError === undefined;
          const promised = isOn || policy === 'always' ? run.promised : 0;
          const wanted = scenario.promises ? promised : 0;
          const isLogging = () => run.server.aof.isOn && run.server.exitCode === undefined;
          const found = await recover(run.disk.crash(draw), story);
          expect(found, story).toBeGreaterThanOrEqual(wanted);
          if (!isLogging() || run.isOver) continue;
          // The disk is well again: all that was acknowledged gets there.
          run.storage.heal();
          await run.pass(3000);
          // A rewrite that failed too often waits for a minute.
          if (run.server.aof.facts().aofRewriteScheduled) await run.pass(61_000);
          await run.rewritten();
          await run.pass(3000);
          const last = run.acknowledged.at(-1)?.number ?? 0;
          const after = await recover(run.disk.crash(draw), `${story}, healed`);
          if (policy !== 'no') expect(after, `${story}, healed`).toBeGreaterThanOrEqual(last);
          expect(await recover(run.disk.copy(), story)).toBeGreaterThanOrEqual(last);
        }
      }
    });
  });
});
