// The keys of one database, kept up to date.
//
//   SCAN in slices ─────────────────────────────> add
//   CLIENT TRACKING ON BCAST ─> changed keys ─> EXISTS ─> add or delete, forget what is known of the key
//
// Tracking tells of every key that changes, expires or is evicted, in any database and by whomever; it needs no
// setting that a user could see or miss. While changes come faster than they can be looked at, the database is
// scanned again instead.

import type { CommandArg, Reply } from '../../embedded/reply.ts';
import { RawConnection } from '../resp/raw_connection.ts';
import type { RawReply } from '../resp/raw_reply.ts';
import type { Store } from '../store.ts';
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
  /** Keys came or went; called at most once per turn. */
  onKeys(): void;
  /** Facts of keys came. */
  onFacts(): void;
  /** These keys have changed; undefined for all of them. */
  onChanged(keys: ReadonlySet<string> | undefined): void;
  onError(error: Error): void;
}

const SCAN_COUNT = 2000;
/** More changes than these at once: scan again. */
const CHANGES_MAX = 20_000;
/** Time between two looks at what has changed. */
const SETTLE_MS = 60;
const RECONNECT_MS = 500;

const encoder = new TextEncoder();

export class KeyIndex {
  readonly tree = new KeyTree();
  readonly database: number;
  readonly session: DatabaseSession;
  private readonly store: Store;
  private readonly handlers: KeyIndexHandlers;
  private readonly facts = new Map<string, KeyFacts>();
  private readonly asked = new Set<string>();
  private changed = new Set<string>();
  private mustScan = true;
  private timer: ReturnType<typeof setTimeout> | undefined;
  private tracking: RawConnection | undefined;
  private isDisposed = false;
  private scanning: Promise<void> | undefined;

  constructor(store: Store, database: number, handlers: KeyIndexHandlers) {
    this.store = store;
    this.database = database;
    this.handlers = handlers;
    this.session = new DatabaseSession(store, database);
    void this.track();
    this.scan();
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
      await this.ask(missing);
    } catch (error) {
      this.report(error);
    } finally {
      for (const key of missing) this.asked.delete(key);
    }
    if (!this.isDisposed) this.handlers.onFacts();
  }

  dispose(): void {
    this.isDisposed = true;
    clearTimeout(this.timer);
    this.tracking?.close();
    this.session.close();
  }

  private async ask(keys: readonly string[]): Promise<void> {
    const commands = keys.flatMap((key): CommandArg[][] => {
      const name = keyArgument(key);
      return [
        ['TYPE', name],
        ['PTTL', name],
        ['MEMORY', 'USAGE', name, 'SAMPLES', 5],
      ];
    });
    const replies = await this.session.batch(commands);
    keys.forEach((key, i) => {
      const [type, ttlMs, bytes] = replies.slice(i * 3, i * 3 + 3);
      if (typeof type !== 'string' || type === 'none') return;
      this.facts.set(key, {
        type,
        ttlMs: typeof ttlMs === 'number' ? ttlMs : -1,
        askedAtMs: Date.now(),
        bytes: typeof bytes === 'number' ? bytes : 0,
      });
    });
  }

  // --- Changes ---

  private async track(): Promise<void> {
    if (this.isDisposed) return;
    try {
      const connection = new RawConnection(
        (handlers, options) => this.store.connect(handlers, options),
        3,
        {
          onMessage: (message) => this.onInvalidation(message),
          onEnd: () => {
            if (this.isDisposed || this.store.isClosed) return;
            setTimeout(() => void this.track().then(() => this.rescan()), RECONNECT_MS);
          },
        },
      );
      this.tracking = connection;
      const reply = await connection.send(
        ['CLIENT', 'TRACKING', 'ON', 'BCAST'].map((word) => encoder.encode(word)),
      );
      if (reply?.kind === 'error') throw new Error(reply.text);
    } catch (error) {
      this.report(error);
    }
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
      const replies = await this.session.batch(keys.map((key) => ['EXISTS', keyArgument(key)]));
      let moved = false;
      keys.forEach((key, i) => {
        this.facts.delete(key);
        const isThere = replies[i] === 1;
        if (isThere ? this.tree.add(key) : this.tree.delete(key)) moved = true;
      });
      if (this.isDisposed) return;
      if (moved) this.handlers.onKeys();
      this.handlers.onFacts();
      this.handlers.onChanged(changed);
    } catch (error) {
      this.report(error);
    }
  }

  private rescan(): void {
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
        if (this.isDisposed) return;
        this.handlers.onKeys();
        if (this.mustScan) this.settleSoon();
      });
  }

  private async scanAll(): Promise<void> {
    this.mustScan = false;
    const found = new Set<string>();
    let cursor: CommandArg = '0';
    do {
      const [reply] = await this.session.bytes([['SCAN', cursor, 'COUNT', SCAN_COUNT]]);
      if (this.isDisposed) return;
      if (reply instanceof Error) throw reply;
      const [next, keys] = reply as [Uint8Array, Uint8Array[]];
      for (const key of keys) {
        const name = nameOfKey(key);
        found.add(name);
        this.tree.add(name);
      }
      cursor = new TextDecoder().decode(next);
      this.handlers.onKeys();
      // Others want their turn, and an engine in this thread answers at once.
      await new Promise((resolve) => setTimeout(resolve));
    } while (cursor !== '0');
    for (const key of [...this.tree.keys()]) {
      // What came meanwhile is looked at as a change.
      if (!found.has(key)) {
        this.changed.add(key);
        this.settleSoon();
      }
    }
  }

  private report(error: unknown): void {
    if (!this.isDisposed && !this.store.isClosed) this.handlers.onError(error as Error);
  }
}

/** A reply that has to be a text. */
export function textOf(reply: Reply | undefined): string {
  return typeof reply === 'string' ? reply : '';
}
