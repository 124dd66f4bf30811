// The keys of one database, kept up to date.
//
//   SCAN in slices ─────────────────────────────> add
//   CLIENT TRACKING ON BCAST ─> changed keys ─> EXISTS ─> add or delete, forget what is known of the key
//
// Tracking tells of every key that changes, expires or is evicted, in any database and by whomever; it needs no
// setting that a user could see or miss. While changes come faster than they can be looked at, the database is
// scanned again instead: into a new tree, which takes the place of the old one when it is complete. SWAPDB is the
// one change that tracking leaves out: `checkSwaps` sees that it was called.

import type { CommandArg } from '../../embedded/reply.ts';
import { RawConnection } from '../resp/raw_connection.ts';
import type { RawReply } from '../resp/raw_reply.ts';
import type { Store } from '../store.ts';
import { pageTurn } from '../ui/turns.ts';
import { DatabaseSession } from './database_session.ts';
import { keyArgument, nameOfKey } from './key_names.ts';
import { KeyTree } from './key_tree.ts';

export interface KeyFacts {
  readonly type: string;
  /** Milliseconds left when it was asked for, -1 for a key that stays. */
  readonly ttlMs: number;
  readonly askedAtMs: number;
  readonly bytes: number;
}

export interface KeyIndexHandlers {
  /** Keys came or went. */
  onKeys(): void;
  /** Facts of keys came. */
  onFacts(): void;
  /** These keys have changed; undefined for all of them. */
  onChanged(keys: ReadonlySet<string> | undefined): void;
  onError(error: Error): void;
}

const SCAN_COUNT = 2000;
/** Keys that are asked for in one crossing into the engine. */
const ASKED_AT_ONCE = 2000;
/** More changes than these at once: scan again. */
const CHANGES_MAX = 20_000;
/** Time between two looks at what has changed. */
const SETTLE_MS = 60;
const RECONNECT_MS = 500;

const encoder = new TextEncoder();

export class KeyIndex {
  readonly database: number;
  readonly session: DatabaseSession;
  /** Counts the times that keys came or went. */
  version = 0;
  private shown = new KeyTree();
  /** What the scan under way has found, changes included. */
  private found: KeyTree | undefined;
  private swaps: number | undefined;
  private readonly store: Store;
  private readonly handlers: KeyIndexHandlers;
  private readonly facts = new Map<string, KeyFacts>();
  private readonly asked = new Set<string>();
  private changed = new Set<string>();
  private mustScan = true;
  private timer: ReturnType<typeof setTimeout> | undefined;
  private reconnecting: ReturnType<typeof setTimeout> | undefined;
  private tracking: RawConnection | undefined;
  private isDisposed = false;
  private scanning: Promise<void> | undefined;

  constructor(store: Store, database: number, handlers: KeyIndexHandlers) {
    this.store = store;
    this.database = database;
    this.handlers = handlers;
    this.session = new DatabaseSession(store, database);
    void this.track();
    void this.checkSwaps();
    this.scan();
  }

  get tree(): KeyTree {
    return this.shown;
  }

  /** Whether keys are still being collected. */
  get isScanning(): boolean {
    return this.scanning !== undefined;
  }

  /** Resolves when the scan under way is over. */
  async scanned(): Promise<void> {
    await this.scanning;
  }

  factsOf(key: string): KeyFacts | undefined {
    return this.facts.get(key);
  }

  /** Asks for the facts of keys that are not known. */
  async want(keys: readonly string[]): Promise<void> {
    const missing = keys.filter((key) => !this.facts.has(key) && !this.asked.has(key));
    if (missing.length === 0) return;
    for (const key of missing) this.asked.add(key);
    try {
      const areSome = await this.ask(missing);
      if (areSome && !this.isDisposed) this.handlers.onFacts();
    } catch (error) {
      this.report(error);
    } finally {
      for (const key of missing) this.asked.delete(key);
    }
  }

  /** Scans again when a database was swapped since the last call. Not shown by MONITOR, as all that is for admins. */
  async checkSwaps(): Promise<void> {
    try {
      const histograms = await this.session.command('LATENCY', 'HISTOGRAM', 'SWAPDB');
      const swapdb = histograms instanceof Map ? histograms.get('swapdb') : undefined;
      const calls = swapdb instanceof Map ? Number(swapdb.get('calls')) : 0;
      const before = this.swaps ?? calls;
      this.swaps = calls;
      if (calls !== before) this.rescan();
    } catch {
      // The store says by itself what is wrong with it.
    }
  }

  dispose(): void {
    this.isDisposed = true;
    clearTimeout(this.timer);
    clearTimeout(this.reconnecting);
    this.tracking?.close();
    this.session.close();
  }

  /** False when there is none of the keys. */
  private async ask(keys: readonly string[]): Promise<boolean> {
    const commands = keys.flatMap((key): CommandArg[][] => {
      const name = keyArgument(key);
      return [
        ['TYPE', name],
        ['PTTL', name],
        ['MEMORY', 'USAGE', name, 'SAMPLES', 5],
      ];
    });
    const replies = await this.session.batch(commands);
    let areSome = false;
    let moved = false;
    keys.forEach((key, i) => {
      const [type, ttlMs, bytes] = replies.slice(i * 3, i * 3 + 3);
      if (typeof type !== 'string') return;
      if (type === 'none') {
        if (this.setThere(key, false)) moved = true;
        return;
      }
      areSome = true;
      this.facts.set(key, {
        type,
        ttlMs: typeof ttlMs === 'number' ? ttlMs : -1,
        askedAtMs: Date.now(),
        bytes: typeof bytes === 'number' ? bytes : 0,
      });
    });
    if (moved) this.keysChanged();
    return areSome;
  }

  /** A key is there, or not, by a reply: replies come in the order of what happened. False when that is known. */
  private setThere(key: string, isThere: boolean): boolean {
    if (this.found !== undefined && this.found !== this.shown) setIn(this.found, key, isThere);
    return setIn(this.shown, key, isThere);
  }

  private keysChanged(): void {
    this.version += 1;
    if (!this.isDisposed) this.handlers.onKeys();
  }

  // --- Changes ---

  private async track(): Promise<void> {
    if (this.isDisposed) return;
    let connection: RawConnection | undefined;
    try {
      connection = new RawConnection(
        (handlers, options) => this.store.connect(handlers, options),
        3,
        { onMessage: (message) => this.onInvalidation(message), onEnd: () => this.trackAgain() },
      );
      this.tracking = connection;
      const reply = await connection.send(
        ['CLIENT', 'TRACKING', 'ON', 'BCAST'].map((word) => encoder.encode(word)),
      );
      if (reply?.kind === 'error') throw new Error(reply.text);
    } catch (error) {
      connection?.close();
      this.report(error);
    }
  }

  private trackAgain(): void {
    if (this.isDisposed || this.store.isClosed) return;
    this.reconnecting = setTimeout(() => void this.track().then(() => this.rescan()), RECONNECT_MS);
  }

  private onInvalidation(message: RawReply): void {
    if (message.kind !== 'push') return;
    const [, keys] = message.items;
    if (keys?.kind !== 'array') this.mustScan = true;
    else
      for (const key of keys.items) if (key.kind === 'bulk') this.changed.add(nameOfKey(key.bytes));
    if (this.changed.size > CHANGES_MAX) this.mustScan = true;
    this.settleSoon();
  }

  private settleSoon(): void {
    if (this.timer !== undefined || this.isDisposed) return;
    this.timer = setTimeout(() => {
      this.timer = undefined;
      void this.settle();
    }, SETTLE_MS);
  }

  private async settle(): Promise<void> {
    const { changed } = this;
    this.changed = new Set();
    if (this.mustScan) {
      this.rescan();
      return;
    }
    if (changed.size === 0) return;
    try {
      const keys = [...changed];
      for (let at = 0; at < keys.length; at += ASKED_AT_ONCE) {
        await this.look(keys.slice(at, at + ASKED_AT_ONCE));
        if (this.isDisposed) return;
      }
      this.handlers.onFacts();
      this.handlers.onChanged(changed);
    } catch (error) {
      this.report(error);
    }
  }

  /** Looks whether keys are there. */
  private async look(keys: readonly string[]): Promise<void> {
    const replies = await this.session.batch(keys.map((key) => ['EXISTS', keyArgument(key)]));
    let moved = false;
    keys.forEach((key, i) => {
      this.facts.delete(key);
      if (this.setThere(key, replies[i] === 1)) moved = true;
    });
    if (moved) this.keysChanged();
    await pageTurn();
  }

  private rescan(): void {
    if (this.isDisposed) return;
    this.mustScan = true;
    this.facts.clear();
    this.handlers.onChanged(undefined);
    this.scan();
  }

  // --- Scan ---

  private scan(): void {
    if (this.scanning !== undefined || this.isDisposed) return;
    this.scanning = this.scanAll()
      .catch((error: unknown) => this.report(error))
      .finally(() => {
        this.scanning = undefined;
        this.found = undefined;
        if (this.isDisposed) return;
        this.keysChanged();
        if (this.mustScan) this.settleSoon();
      });
  }

  private async scanAll(): Promise<void> {
    this.mustScan = false;
    // What is found first of all is shown at once.
    const found = this.shown.size === 0 ? this.shown : new KeyTree();
    this.found = found;
    let cursor: CommandArg = '0';
    do {
      const [reply] = await this.session.bytes([['SCAN', cursor, 'COUNT', SCAN_COUNT]]);
      if (this.isDisposed) return;
      if (reply instanceof Error) throw reply;
      const [next, keys] = reply as [Uint8Array, Uint8Array[]];
      for (const key of keys) found.add(nameOfKey(key));
      cursor = new TextDecoder().decode(next);
      this.keysChanged();
      await pageTurn();
    } while (cursor !== '0');
    // Folders may have been opened meanwhile.
    if (found !== this.shown) found.openAs(this.shown);
    this.shown = found;
  }

  private report(error: unknown): void {
    if (!this.isDisposed && !this.store.isClosed) this.handlers.onError(error as Error);
  }
}

/** False when the key was there, or not, before. */
function setIn(tree: KeyTree, key: string, isThere: boolean): boolean {
  return isThere ? tree.add(key) : tree.delete(key);
}
