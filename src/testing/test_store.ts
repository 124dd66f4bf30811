// A store for tests: the engine itself, in this process, and what a test wants to do to it.
//
//   application ──db, url──> [tap: commands recorded, faults] ──┐
//                                                               ├──> one store
//   test ────────command, seed, data, snapshot, rollback ───────┘
//
// The test's own commands pass no tap: they are not recorded, and no fault hits them.

import { readFile } from 'node:fs/promises';
import { RespiteError } from '../embedded/errors.ts';
import { RespiteBase } from '../embedded/respite.ts';
import type { StoreClock } from '../embedded/store_clock.ts';
import type { AnyCommandName, ArgumentsOf, ReplyOf } from '../embedded/typed_command.ts';
import { REFUSED } from '../net/clients.ts';
import type { Connection, Session } from '../net/connection.ts';
import { importDumpAtOnce } from '../node/dump.ts';
import { endListeners, serverOf } from '../node/inside.ts';
import { openLocalLink } from '../node/local_connection.ts';
import { checkNames, checkObject, type OpenOptions } from '../node/open_options.ts';
import { Respite } from '../node/respite.ts';
import type { Server } from '../server.ts';
import { nextTurn } from '../util/next_turn.ts';
import { type DataOptions, type DataSetView, readData } from './data_view.ts';
import { FakedTime } from './faked_time.ts';
import { Faults } from './faults.ts';
import { freePort } from './free_port.ts';
import { randomNumbers } from './random.ts';
import { Recorder } from './recorder.ts';
import { type SeedData, seedAllCommands } from './seed.ts';
import { commandsOfResp, commandsOfText, type SeedCommand, seedKind } from './seed_text.ts';
import type { CommandTarget, SentCommand } from './sent_command.ts';
import { type StoreSnapshot, StoreState } from './store_state.ts';
import { TappedConnection } from './tapped_connection.ts';

export interface TestStoreOptions extends OpenOptions {
  /** Serves TCP: on a free port with `true`. */
  readonly listen?: boolean | { readonly port?: number; readonly host?: string };
  /** Whether `commands` knows what clients sent; true by default. */
  readonly record?: boolean;
  /** Seed of faults with a probability, to have the same ones again; of its own choice by default. */
  readonly randomSeed?: number;
  /** Data to begin with. */
  readonly seed?: SeedData;
}

export interface SeedOptions {
  /** Number of the database, 0 by default. */
  readonly database?: number;
}

export interface ClientMatch {
  /** Name of the client (CLIENT SETNAME), or its id. */
  readonly client?: string | number;
}

/** The test's way into a store: a client like others, on links that no tap is on. It ends with the store. */
class AdminStore extends RespiteBase {
  constructor({ engine, clients }: Server, fakedTime: FakedTime) {
    const accept = (connection: Connection): Session => clients.accept(connection);
    super((handlers, options) => {
      const link = openLocalLink({ engine, accept }, handlers, options);
      const room = (length: number): Uint8Array => {
        fakedTime.catchUp(0);
        return link.room(length);
      };
      return { ...link, room };
    });
  }

  /** The store has ended: there is nobody any more who could answer. */
  override end(reason: RespiteError): void {
    super.end(reason);
  }

  override mustBeOpen(): void {
    super.mustBeOpen();
  }

  protected closeStore(): Promise<void> {
    return Promise.resolve();
  }
}

/** Tries to find a port that is still free when it is used. */
const PORT_TRIES = 10;
const SEED_MAX = 2 ** 32;

export class TestStore implements AsyncDisposable {
  /** The application's store: what it sends is recorded and meets faults. */
  readonly db: Respite;
  /** The test's own way in: not recorded, and no fault hits it. */
  readonly admin: RespiteBase;
  readonly faults: Faults;
  /** Give it as `randomSeed` to have the same faults again. */
  readonly randomSeed: number;
  readonly #admin: AdminStore;
  readonly #server: Server;
  readonly #options: TestStoreOptions;
  readonly #recorder: Recorder;
  readonly #state: StoreState;
  readonly #connections = new Set<TappedConnection>();
  /** Stores that `isolated` made, or is making. */
  readonly #isolated = new Set<Promise<TestStore>>();
  #closing: Promise<void> | undefined;
  /** Resolves when there is no store any more. */
  readonly #ended: Promise<void>;
  #address: { readonly host: string; readonly port: number } | undefined;
  #base: StoreSnapshot | undefined;

  private constructor(db: Respite, options: TestStoreOptions) {
    this.db = db;
    this.#options = options;
    this.#server = serverOf(db);
    const fakedTime = new FakedTime(this.#server.engine);
    this.#admin = new AdminStore(this.#server, fakedTime);
    this.admin = this.#admin;
    this.randomSeed = options.randomSeed ?? Math.floor(Math.random() * SEED_MAX);
    this.faults = new Faults(randomNumbers(this.randomSeed), this.#server.engine.time);
    this.#recorder = new Recorder(options.record ?? true);
    this.#state = new StoreState(this.#server, this.admin, db.clock);
    this.#ended = new Promise((resolve) => {
      endListeners.set(db, (reason) => {
        this.#admin.end(reason);
        this.faults.clear();
        this.#recorder.close(reason);
        resolve();
      });
    });
    this.#server.intercept = (connection) => this.#tap(connection, fakedTime);
  }

  /** Opens a store. Throws RespiteError as `Respite.open` does. */
  static async open(options: TestStoreOptions = {}): Promise<TestStore> {
    checkObject(options);
    const { listen, record, randomSeed, seed, ...openOptions } = options;
    return TestStore.#around(await Respite.open(openOptions), options);
  }

  static async #around(db: Respite, options: TestStoreOptions): Promise<TestStore> {
    const store = new TestStore(db, options);
    try {
      const { listen = false, seed } = options;
      if (seed !== undefined) await store.seed(seed);
      if (listen !== false) await store.listen(listen === true ? {} : listen);
      return store;
    } catch (error) {
      await store.close();
      throw error;
    }
  }

  // --- For the application ---

  /** Serves TCP, on a free port unless one is given. Resolves to the port. */
  async listen(options: { readonly port?: number; readonly host?: string } = {}): Promise<number> {
    checkNames(options, ['port', 'host']);
    const { port, host = '127.0.0.1' } = options;
    for (let tries = 1; ; tries += 1) {
      const wanted = port ?? (await freePort(host));
      try {
        await this.db.listen({ port: wanted, host });
        this.#address = { host, port: wanted };
        return wanted;
      } catch (error) {
        if (port !== undefined || this.db.isClosed || tries === PORT_TRIES) throw error;
      }
    }
  }

  /** TCP port. Throws RespiteError BAD_OPTION when the store does not listen. */
  get port(): number {
    return this.#listening.port;
  }

  get host(): string {
    return this.#listening.host;
  }

  /** "redis://127.0.0.1:34567", as every client takes it. */
  get url(): string {
    const { host, port } = this.#listening;
    return `redis://${host.includes(':') ? `[${host}]` : host}:${port}`;
  }

  get #listening(): { readonly host: string; readonly port: number } {
    if (this.#address !== undefined) return this.#address;
    throw new RespiteError(
      'BAD_OPTION',
      'The store does not listen: open it with { listen: true }',
    );
  }

  // --- For the test ---

  /** The store's time; opened with `clock: 'manual'` it moves by `advance` only. */
  get clock(): StoreClock {
    return this.db.clock;
  }

  get isClosed(): boolean {
    return this.db.isClosed;
  }

  /** Runs a command for the test. Rejects with ReplyError when it replies an error. */
  command<const Name extends AnyCommandName, const A extends ArgumentsOf<Name>>(
    name: Name,
    ...args: A
  ): Promise<ReplyOf<Name, A>> {
    return this.admin.command(name, ...args);
  }

  /**
   * A store of its own that begins with the data this one has now, for a test that runs beside others.
   * It has no faults, and listens if this one does, on another port. It is closed with this one at the latest.
   */
  async isolated(
    options: Pick<TestStoreOptions, 'record' | 'randomSeed'> = {},
  ): Promise<TestStore> {
    const isolating = this.#isolate(options);
    this.#isolated.add(isolating);
    const forget = () => this.#isolated.delete(isolating);
    isolating.then((store) => store.#ended.then(forget), forget);
    return isolating;
  }

  async #isolate(options: Pick<TestStoreOptions, 'record' | 'randomSeed'>): Promise<TestStore> {
    return TestStore.#around(await this.db.fork(), {
      record: this.#options.record ?? true,
      ...options,
      listen: this.#address !== undefined,
    });
  }

  /** Remembers data and configuration. */
  snapshot(): Promise<StoreSnapshot> {
    return this.#state.take();
  }

  /** Goes back to a snapshot. Connections stay. */
  rollback(snapshot: StoreSnapshot): Promise<void> {
    return this.#state.restore(snapshot);
  }

  /** What `reset` goes back to from now on. */
  async setBase(): Promise<void> {
    this.#base = await this.snapshot();
  }

  /**
   * Between two tests: removes faults, ends CLIENT PAUSE and the switches of DEBUG, forgets recorded commands, and goes
   * back to the base, which is an empty store until `setBase`.
   */
  async reset(): Promise<void> {
    this.faults.clear();
    this.#state.freeServer();
    // What was held back runs now, so that nothing of it comes behind.
    await nextTurn();
    if (this.#base !== undefined) await this.rollback(this.#base);
    else await this.command('FLUSHALL', 'SYNC');
    this.#recorder.clear();
  }

  /** Adds data, given as values; see `zset`, `stream`, `expiring` ... for what has no value of its own. */
  async seed(data: SeedData, options: SeedOptions = {}): Promise<void> {
    const commands = seedAllCommands(data);
    await this.#runSeed(
      commands.map((args) => ({ args, place: `'${args[1]}'` })),
      options,
    );
  }

  /** Runs commands, one per line as redis-cli takes them, or as bytes in RESP. */
  async seedCommands(commands: string | Uint8Array, options: SeedOptions = {}): Promise<void> {
    const isText = typeof commands === 'string';
    await this.#runSeed(isText ? commandsOfText(commands) : commandsOfResp(commands), options);
  }

  /** Loads a dump into the store, which has to be empty. */
  async seedDump(rdb: Uint8Array): Promise<void> {
    this.#admin.mustBeOpen();
    await importDumpAtOnce(this.#server, rdb);
  }

  /** Loads a file: a dump.rdb, commands as redis-cli takes them, or RESP. */
  async seedFile(path: string | URL, options: SeedOptions = {}): Promise<void> {
    const bytes = await readFile(path);
    const kind = seedKind(bytes);
    if (kind === 'dump') await this.seedDump(bytes);
    else await this.seedCommands(kind === 'text' ? bytes.toString() : bytes, options);
  }

  /** The data as plain JSON, in an order that depends on nothing: for `toMatchSnapshot`. */
  data(options: DataOptions = {}): Promise<DataSetView> {
    return readData(this.admin, options, this.clock.isManual);
  }

  /** What clients sent, oldest first. */
  commands(target?: CommandTarget): SentCommand[] {
    return this.#recorder.list(target);
  }

  /** Forgets what clients sent so far. */
  clearCommands(): void {
    this.#recorder.clear();
  }

  /** Resolves to the first commands that are meant, once clients have sent `count` of them. */
  async commandsSeen(
    target: CommandTarget,
    { count = 1, signal }: { readonly count?: number; readonly signal?: AbortSignal } = {},
  ): Promise<SentCommand[]> {
    return this.#recorder.wait(target, count, signal);
  }

  /** Drops the connections of clients now: all of them, or those that are meant. Returns how many. */
  dropConnections({ client }: ClientMatch = {}): number {
    const dropped = [...this.#connections].filter(({ sender }) => {
      if (sender === undefined) return false;
      return client === undefined || client === sender.id || client === sender.name;
    });
    for (const connection of dropped) connection.drop();
    return dropped.length;
  }

  /** Ends the store, its clients' connections, and stores that `isolated` made. */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    const endIsolated = async (isolating: Promise<TestStore>) =>
      (await isolating.catch(() => undefined))?.close();
    const outcomes = await Promise.allSettled([
      ...[...this.#isolated].map(endIsolated),
      this.admin.close(),
      this.db.close(),
    ]);
    const failed = outcomes.find((outcome) => outcome.status === 'rejected');
    if (failed !== undefined) throw failed.reason;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #runSeed(commands: readonly SeedCommand[], { database = 0 }: SeedOptions): Promise<void> {
    await using session = await this.admin.session({ database });
    const replies = await session.batch(commands.map(({ args }) => args));
    const failed = replies.findIndex((reply) => reply instanceof Error);
    if (failed < 0) return;
    const { args, place } = commands[failed] as SeedCommand;
    const { message } = replies[failed] as Error;
    throw new RespiteError('BAD_OPTION', `Seeding failed with ${args[0]} (${place}): ${message}`, {
      cause: replies[failed],
    });
  }

  #tap(connection: Connection, fakedTime: FakedTime): Session {
    if (this.faults.refusesConnection()) {
      queueMicrotask(() => connection.destroy());
      return REFUSED;
    }
    const { engine, clients } = this.#server;
    const tapped: TappedConnection = new TappedConnection(connection, {
      faults: this.faults,
      isWatched: () => this.#recorder.isOn,
      onCommand: (note) => this.#recorder.note(note),
      now: () => engine.now(),
      input: () => engine.input(),
      beforeInput: (length) => fakedTime.catchUp(length),
      accept: (inner) => clients.accept(inner),
      onClose: () => this.#connections.delete(tapped),
    });
    this.#connections.add(tapped);
    return tapped;
  }
}
