// The state of a store to come back to: its data, its configuration, its time.
//
// The data are kept as a dump. Connections stay as they are when the store goes back: clients notice nothing
// but that keys are different, and who watches or tracks keys is told.

import * as abi from '../../assembly/abi.ts';
import type { RespiteBase } from '../embedded/respite.ts';
import type { StoreClock } from '../embedded/store_clock.ts';
import { exportDump, importDumpAtOnce } from '../node/dump.ts';
import type { Server } from '../server.ts';

/** What `snapshot` returns and `rollback` takes. */
export interface StoreSnapshot {
  /** All data, as an RDB file. */
  readonly rdb: Uint8Array;
  /** Directives by name. */
  readonly config: ReadonlyMap<string, string>;
  /** Unix milliseconds by the store's clock. */
  readonly atMs: number;
}

/** Directives that say where a server listens: changing them back would end connections. */
const ADDRESSES: ReadonlySet<string> = new Set(['port', 'bind', 'unixsocket', 'tls-port']);

/** Figures of the core one of which grows whenever data change, until they are set back. */
const CHANGE_STATS = [
  abi.STAT_DIRTY,
  abi.STAT_EXPIRED_KEYS,
  abi.STAT_EVICTED_KEYS,
  abi.STAT_EXPIRED_SUBKEYS,
];

export class StoreState {
  private readonly server: Server;
  private readonly clock: StoreClock;
  /** The test's own way in. */
  private readonly admin: RespiteBase;
  /** The data are those of this snapshot while the figures are the same. */
  private present: { readonly snapshot: StoreSnapshot; readonly figures: string } | undefined;

  constructor(server: Server, admin: RespiteBase, clock: StoreClock) {
    this.server = server;
    this.clock = clock;
    this.admin = admin;
  }

  async take(): Promise<StoreSnapshot> {
    const config = await this.readConfig();
    let [atMs, figures] = [0, ''];
    const rdb = await exportDump(this.server, () => {
      atMs = this.server.engine.now();
      figures = this.figures();
    });
    const snapshot = { config, atMs, rdb };
    this.present = { snapshot, figures };
    return snapshot;
  }

  /** Ends what holds a server up: CLIENT PAUSE, and the switches of DEBUG. */
  freeServer(): void {
    const { pause, debugFlags, engine } = this.server;
    pause.unpause();
    debugFlags.reset();
    engine.core.exports.setConfig(abi.CFG_ACTIVE_EXPIRE, 1);
    engine.core.exports.setConfig(abi.CFG_SKIP_CHECKSUM, 0);
  }

  /** Goes back to a snapshot of this store, or of another one. */
  async restore(snapshot: StoreSnapshot): Promise<void> {
    const { pause } = this.server;
    pause.unpause();
    await this.restoreConfig(snapshot.config);
    if (this.clock.isManual) await this.clock.set(snapshot.atMs);
    const { present } = this;
    if (present?.snapshot === snapshot && present.figures === this.figures()) return;
    // In one step: clients, which may go on meanwhile, see the data as they were or as they are to be.
    pause.unpause();
    const flushed = this.admin.command('FLUSHALL', 'SYNC');
    let loaded: Promise<void>;
    try {
      loaded = importDumpAtOnce(this.server, snapshot.rdb);
    } catch (error) {
      // It finds data where they could not be removed, and that has its reason.
      await flushed;
      throw error;
    }
    this.present = { snapshot, figures: this.figures() };
    await Promise.all([flushed, loaded]);
  }

  private async readConfig(): Promise<Map<string, string>> {
    return (await this.admin.command('CONFIG', 'GET', '*')) as Map<string, string>;
  }

  private async restoreConfig(wanted: ReadonlyMap<string, string>): Promise<void> {
    const now = await this.readConfig();
    const changes = [...wanted].filter(
      ([name, value]) => now.get(name) !== value && !ADDRESSES.has(name),
    );
    if (changes.length > 0) await this.admin.command('CONFIG', 'SET', ...changes.flat());
  }

  private figures(): string {
    const { engine, persistence } = this.server;
    return [persistence.replaced, ...CHANGE_STATS.map((stat) => engine.core.stat(stat))].join();
  }
}
