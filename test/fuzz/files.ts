// Files of one server, loaded by another one of the other kind: dump.rdb and the folder of the append-only
// file, from redis-server and from Respite.
//
//   writer                                     reader, started with a copy of the files
//   fill with random keys
//   SAVE                             ──────>   dump.rdb: equal to the writer
//   BGSAVE, changed meanwhile        ──────>   dump.rdb: equal to what was loaded before, which is as it was then
//   append-only file as it grew      ──────>   increments only: equal to the writer
//   BGREWRITEAOF, changed meanwhile  ──────>   base in RDB form, increment: equal to the writer
//   the same without preamble        ──────>   base of commands, increment: equal to the writer
//                                    <──────   changed by the reader: the writer's program loads it again
//
// Each time some keys expire between the writing and the loading. They are in the files, and then in no digest.

import { cpSync, mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { infoNumber, packCommands, RespClient } from '../../bench/lib/resp_client.ts';
import { Random } from '../support/random.ts';
import { type ServerKind, startServer, type TestServer } from '../support/server.ts';
import { compareServers, FilesDiffer } from './files_compare.ts';
import { DATABASES, FilesData, SHORT_LIVED_DATABASE } from './files_data.ts';

export type Direction = 'theirs' | 'ours';
export type Form = 'rdb' | 'aof';

export interface FilesOptions {
  readonly keys: number;
  readonly seed: number;
  readonly directions: readonly Direction[];
  readonly forms: readonly Form[];
  /** Told what is done next. */
  readonly onProgress?: (text: string) => void;
}

export interface FilesResult {
  readonly finding: string | null;
  /** What was loaded and found equal, a line each. */
  readonly loaded: readonly string[];
  /** How many keys of each type and encoding were looked at closely. */
  readonly encodings: ReadonlyMap<string, number>;
}

const AOF_FOLDER = 'appendonlydir';
const FILL_PROGRESS_KEYS = 100_000;
const SHORT_LIVED_KEYS = 300;
const SHORT_LIVED_MS = 200;
const SAMPLE_PER_DATABASE = 5000;
const POLL_MS = 50;
const WAIT_MS = 120_000;
/** Keys whose clocks are set, so that these are not all alike. */
const AGED_KEYS = 60;
const MIB = 1 << 20;

const NAMES: Record<ServerKind, string> = { redis: 'redis-server', respite: 'respite' };

/** The same for writer and reader: values have the same encodings on both. */
function thresholds(random: Random): string[] {
  const directive = (name: string, values: readonly (string | number)[]) => [
    `--${name}`,
    `${random.pick(values)}`,
  ];
  return [
    ...directive('hash-max-listpack-entries', [4, 30, 128]),
    ...directive('hash-max-listpack-value', [16, 64]),
    ...directive('zset-max-listpack-entries', [4, 30, 128]),
    ...directive('zset-max-listpack-value', [16, 64]),
    ...directive('set-max-intset-entries', [4, 128, 512]),
    ...directive('list-max-listpack-size', [-2, -1, 5, 128]),
    ...directive('list-compress-depth', [0, 0, 1]),
    ...directive('stream-node-max-entries', [3, 100]),
  ];
}

class Side {
  readonly server: TestServer;
  readonly client: RespClient;
  readonly directory: string;
  readonly kind: ServerKind;

  private constructor(server: TestServer, client: RespClient, directory: string) {
    this.server = server;
    this.client = client;
    this.directory = directory;
    this.kind = server.kind;
  }

  /** Starts a server whose files are in this directory, and waits until it has loaded them. */
  static async start(kind: ServerKind, directory: string, args: readonly string[]): Promise<Side> {
    const server = await startServer({
      kind,
      args: ['--dir', directory, '--enable-debug-command', 'yes', ...COMMON, ...args],
    });
    const client = await RespClient.connect(server.port);
    const side = new Side(server, client, directory);
    try {
      while ((await client.call('PING')) !== 'PONG') await sleep(POLL_MS);
    } catch {
      throw new FilesDiffer(`${NAMES[kind]} does not load the files:\n${server.stdout()}`);
    }
    return side;
  }

  /** Waits for the end of a background save or rewrite, which must have succeeded. */
  async waitFor(inProgress: string, status: string): Promise<void> {
    await until(`${NAMES[this.kind]} still has ${inProgress}`, async () => {
      return (await infoNumber(this.client, 'persistence', inProgress)) === 0;
    });
    const info = String(await this.client.must('INFO', 'persistence'));
    if (info.includes(`${status}:ok`)) return;
    throw new FilesDiffer(`${NAMES[this.kind]} says no ${status}:ok\n${this.server.stdout()}`);
  }

  async load(commands: Iterable<readonly string[]>): Promise<void> {
    await this.client.load(packCommands(commands));
  }

  async stop(): Promise<void> {
    await this.client.close();
    this.server.kill('SIGKILL');
    await this.server.stop();
    rmSync(this.directory, { recursive: true, force: true });
  }
}

/** Scores of LFU neither grow nor fade by themselves. */
const COMMON = [
  '--lfu-log-factor',
  '1',
  '--lfu-decay-time',
  '0',
  '--appendfsync',
  'everysec',
].concat(...['--auto-aof-rewrite-percentage', '0', '--loglevel', 'notice']);

class Exchange {
  private readonly options: FilesOptions;
  private readonly writerKind: ServerKind;
  private readonly readerKind: ServerKind;
  private readonly random: Random;
  private readonly data: FilesData;
  private readonly settings: readonly string[];
  private readonly sides = new Set<Side>();
  private readonly encodings: Map<string, number>;
  private readonly loaded: string[];
  private policy: 'lru' | 'lfu' = 'lru';

  constructor(
    options: FilesOptions,
    direction: Direction,
    loaded: string[],
    encodings: Map<string, number>,
  ) {
    this.options = options;
    this.writerKind = direction === 'theirs' ? 'redis' : 'respite';
    this.readerKind = direction === 'theirs' ? 'respite' : 'redis';
    this.random = new Random(options.seed ^ (direction === 'theirs' ? 1 : 2));
    this.data = new FilesData(options.keys, this.random.u32());
    this.settings = thresholds(this.random);
    this.loaded = loaded;
    this.encodings = encodings;
  }

  async run(): Promise<void> {
    const { forms } = this.options;
    try {
      const isOn = forms.includes('aof') ? 'yes' : 'no';
      const writer = await this.start(this.writerKind, newDirectory(), ['--appendonly', isOn]);
      await this.fill(writer);
      if (forms.includes('rdb')) await this.rdbFiles(writer);
      if (forms.includes('aof')) await this.appendOnlyFiles(writer);
    } finally {
      for (const side of this.sides) await side.stop();
    }
  }

  // --- Files ---

  private async rdbFiles(writer: Side): Promise<void> {
    const { client } = writer;
    await client.must('CONFIG', 'SET', 'rdbcompression', this.random.pick(['yes', 'no']));
    await this.shortLived(writer);
    this.progress('SAVE');
    await client.must('SAVE');
    await this.forgetShortLived(writer);
    const reader = await this.carryRdb('SAVE', writer, writer.client);

    this.progress('BGSAVE under writes');
    const compression = String(await client.must('CONFIG', 'GET', 'rdbcompression'));
    const other = compression.endsWith('yes') ? 'no' : 'yes';
    await client.must('CONFIG', 'SET', 'rdbcompression', other);
    await client.must('BGSAVE');
    await writer.load(this.data.changes(this.changeCount()));
    await writer.waitFor('rdb_bgsave_in_progress', 'rdb_last_bgsave_status');
    const again = await this.carryRdb('BGSAVE under writes', writer, reader.client);
    await this.end(again);
    await this.end(reader);
  }

  private async appendOnlyFiles(writer: Side): Promise<void> {
    const { client } = writer;
    await writer.load(this.data.changes(this.changeCount()));
    await this.carryAof('append-only file, increments', writer);
    for (const preamble of ['yes', 'no']) {
      if (preamble === 'no') await writer.load(this.data.withoutSignedZeros());
      await client.must('CONFIG', 'SET', 'aof-use-rdb-preamble', preamble);
      this.progress(`BGREWRITEAOF under writes, preamble ${preamble}`);
      await client.must('BGREWRITEAOF');
      await writer.load(this.data.changes(this.changeCount()));
      await writer.waitFor('aof_rewrite_in_progress', 'aof_last_bgrewrite_status');
      await writer.load(this.data.changes(Math.ceil(this.changeCount() / 10)));
      await this.carryAof(`append-only file, rewritten, preamble ${preamble}`, writer);
    }
  }

  private async carryRdb(what: string, writer: Side, expected: RespClient): Promise<Side> {
    const directory = newDirectory();
    cpSync(path.join(writer.directory, 'dump.rdb'), path.join(directory, 'dump.rdb'));
    const reader = await this.open(what, this.readerKind, directory, ['--appendonly', 'no']);
    await this.compare(expected, reader, 'rdb', expected === writer.client);
    return reader;
  }

  /** There, and after changes on the other side back. */
  private async carryAof(what: string, writer: Side): Promise<void> {
    await this.shortLived(writer);
    const directory = await copyAof(writer);
    await this.forgetShortLived(writer);
    const reader = await this.open(what, this.readerKind, directory, ['--appendonly', 'yes']);
    await this.compare(writer.client, reader, 'aof', false);
    if (what.endsWith('no')) {
      await reader.load(this.data.changes(this.changeCount()));
      const args = ['--appendonly', 'yes'];
      const back = await this.open(`${what}, and back`, writer.kind, await copyAof(reader), args);
      await this.compare(reader.client, back, 'aof', false);
      await this.end(back);
    }
    await this.end(reader);
  }

  // --- Steps ---

  private async start(kind: ServerKind, directory: string, args: string[]): Promise<Side> {
    const policy = ['--maxmemory-policy', `allkeys-${this.policy}`];
    const side = await Side.start(kind, directory, [...this.settings, ...policy, ...args]);
    this.sides.add(side);
    return side;
  }

  private async end(side: Side): Promise<void> {
    this.sides.delete(side);
    await side.stop();
  }

  private async open(
    what: string,
    kind: ServerKind,
    directory: string,
    args: string[],
  ): Promise<Side> {
    const mebibytes = (folderBytes(directory) / MIB).toFixed(1);
    this.progress(`${what}: ${NAMES[kind]} loads ${mebibytes} MiB`);
    const began = Date.now();
    const side = await this.start(kind, directory, args);
    const seconds = ((Date.now() - began) / 1000).toFixed(1);
    const text = `${what}: ${mebibytes} MiB loaded by ${NAMES[kind]} in ${seconds} s`;
    this.progress(`${text}, comparing`);
    this.loaded.push(text);
    return side;
  }

  private async fill(writer: Side): Promise<void> {
    const { keys } = this.options;
    await writer.client.must('DEBUG', 'SET-ACTIVE-EXPIRE', '0');
    // Larger elements become nodes of their own.
    await writer.client.must('DEBUG', 'QUICKLIST-PACKED-THRESHOLD', '4000');
    this.policy = this.random.pick(['lru', 'lfu']);
    await writer.client.must('CONFIG', 'SET', 'maxmemory-policy', `allkeys-${this.policy}`);
    await writer.load(
      this.data.fill((done) => {
        if (done % FILL_PROGRESS_KEYS === 0) this.progress(`made ${done} of ${keys} keys`);
      }),
    );
    await writer.load(this.data.signedZeros());
    await this.age(writer);
  }

  private async age({ client }: Side): Promise<void> {
    for (const database of DATABASES) {
      await client.must('SELECT', `${database}`);
      await client.must('SET', 'aged', 'of some age');
      const payload = String(await client.must('DUMP', 'aged'));
      for (let i = 0; i < AGED_KEYS; i++) {
        const clock = this.policy === 'lfu' ? ['FREQ', `${i * 4}`] : ['IDLETIME', `${i * 10_000}`];
        await client.must('RESTORE', `aged:${i}`, '0', payload, ...clock);
      }
    }
  }

  private async shortLived(writer: Side): Promise<void> {
    await writer.load(this.data.shortLived(SHORT_LIVED_KEYS, SHORT_LIVED_MS));
    await sleep(2 * SHORT_LIVED_MS);
  }

  private async forgetShortLived({ client }: Side): Promise<void> {
    await client.must('SELECT', `${SHORT_LIVED_DATABASE}`);
    await client.must('FLUSHDB');
  }

  /** `clocks`: of use; comparing is a use of some keys, so that they can be compared once. */
  private async compare(
    expected: RespClient,
    reader: Side,
    form: Form,
    clocks: boolean,
  ): Promise<void> {
    const { client } = reader;
    await client.must('SELECT', `${SHORT_LIVED_DATABASE}`);
    await until('keys that have expired stay', async () => {
      if ((await client.must('DBSIZE')) === 0) return true;
      if (form === 'rdb') throw new FilesDiffer('what has expired was loaded from an RDB file');
      return false;
    });
    const policy = clocks ? this.policy : null;
    const options = { sample: SAMPLE_PER_DATABASE, policy, form };
    for (const [name, count] of await compareServers(expected, client, options)) {
      this.encodings.set(name, (this.encodings.get(name) ?? 0) + count);
    }
  }

  private changeCount(): number {
    return Math.max(500, Math.ceil(this.options.keys / 20));
  }

  private progress(text: string): void {
    this.options.onProgress?.(`${NAMES[this.writerKind]} writes: ${text}`);
  }
}

async function until(otherwise: string, isDone: () => Promise<boolean>): Promise<void> {
  const deadline = Date.now() + WAIT_MS;
  while (!(await isDone())) {
    if (Date.now() > deadline) throw new FilesDiffer(`after ${WAIT_MS / 1000} s ${otherwise}`);
    await sleep(POLL_MS);
  }
}

function newDirectory(): string {
  return mkdtempSync(path.join(tmpdir(), 'respite-files-'));
}

/** All that was answered is in the copy: under `everysec`, writes may wait for the disk. */
async function copyAof({ client, directory }: Side): Promise<string> {
  const copy = newDirectory();
  await client.must('CONFIG', 'SET', 'appendfsync', 'always');
  await client.must('PING');
  cpSync(path.join(directory, AOF_FOLDER), path.join(copy, AOF_FOLDER), { recursive: true });
  await client.must('CONFIG', 'SET', 'appendfsync', 'everysec');
  return copy;
}

function folderBytes(directory: string): number {
  const names = readdirSync(directory, { recursive: true, encoding: 'utf8' });
  const stats = names.map((name) => statSync(path.join(directory, name)));
  return stats.reduce((sum, stat) => sum + (stat.isFile() ? stat.size : 0), 0);
}

export async function runFiles(options: FilesOptions): Promise<FilesResult> {
  const loaded: string[] = [];
  const encodings = new Map<string, number>();
  for (const direction of options.directions) {
    const from = loaded.length;
    try {
      await new Exchange(options, direction, loaded, encodings).run();
    } catch (error) {
      if (!(error instanceof FilesDiffer)) throw error;
      const during = loaded.length > from ? loaded.pop() : 'at the start';
      return { finding: `${during}\n${error.message}`, loaded, encodings };
    }
  }
  return { finding: null, loaded, encodings };
}
