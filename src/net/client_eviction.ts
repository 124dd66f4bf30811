// maxmemory-clients: when all clients together take too much memory, the biggest go.
//
//   bucket i: clients that take from 2^(14 + i) bytes to twice as much; the first is for all smaller
//             ones, the last for all bigger ones
//
// What each client takes is kept up to date while there is a limit: after its commands, when output
// for it is queued or drains, and with every tick. So the sum is at hand, and finding a client of the
// biggest kind costs no search. Clients are evicted bucket by bucket from the biggest, in each the
// longest known first, until the sum is below the limit. Clients with NO-EVICT count, but stay, and so
// do replicas and the primary, which do not count either.

import * as abi from '../../assembly/abi.ts';
import type { Client } from './client.ts';

const FIRST_BUCKET_LOG = 15;
const LAST_BUCKET_LOG = 33;
const BUCKETS = 1 + LAST_BUCKET_LOG - FIRST_BUCKET_LOG;
/** A smaller limit counts as this one: clients could not even be told what is wrong. */
const LIMIT_BYTES_MIN = 128 * 1024;

export interface EvictionHooks {
  memoryOf(client: Client): number;
  /** Closes the client; it has been forgotten here by then. */
  evict(client: Client): void;
  /** Everybody that could go has gone, and the sum is still too large. */
  onExhausted(): void;
}

interface Share {
  bytes: number;
  /** Bucket it is in, -1 when it may not be evicted. */
  bucket: number;
}

/** Bytes that `maxmemory-clients` allows: a negative value is a percentage of `maxmemory`. */
export function clientLimitBytes(value: number, maxMemoryBytes: number): number {
  if (value === 0) return 0;
  let limit = value;
  if (value < 0) limit = maxMemoryBytes > 0 ? (maxMemoryBytes * -value) / 100 : Infinity;
  return Math.max(limit, LIMIT_BYTES_MIN);
}

export class ClientEviction {
  /** Clients evicted since the start or the last CONFIG RESETSTAT. */
  evictedClients = 0;
  private readonly hooks: EvictionHooks;
  private readonly shares = new Map<Client, Share>();
  private readonly buckets: Set<Client>[] = Array.from({ length: BUCKETS }, () => new Set());
  private limitBytes = 0;
  private sumBytes = 0;

  constructor(hooks: EvictionHooks) {
    this.hooks = hooks;
  }

  get isOn(): boolean {
    return this.limitBytes !== 0;
  }

  /** Sets the limit, 0 for none; `clients` are all there are. `enforce` is still to be called. */
  setLimit(bytes: number, clients: Iterable<Client>): void {
    const wasOn = this.isOn;
    this.limitBytes = bytes;
    if (!this.isOn) this.clear();
    else if (!wasOn) for (const client of clients) this.note(client);
  }

  /** Brings what the client takes up to date. */
  note(client: Client): void {
    if (!this.isOn || client.isClosed) return;
    const bytes = this.hooks.memoryOf(client);
    const { flags } = client.block;
    if (flags & (abi.CLIENT_PRIMARY | abi.CLIENT_REPLICA) && !(flags & abi.CLIENT_MONITOR)) {
      this.forget(client);
      return;
    }
    const bucket = flags & abi.CLIENT_NO_EVICT ? -1 : bucketOf(bytes);
    const share = this.shares.get(client);
    this.sumBytes += bytes - (share?.bytes ?? 0);
    if (share === undefined) this.shares.set(client, { bytes, bucket });
    else share.bytes = bytes;
    if (share?.bucket === bucket) return;
    if (share !== undefined) {
      this.buckets[share.bucket]?.delete(client);
      share.bucket = bucket;
    }
    this.buckets[bucket]?.add(client);
  }

  /** The client is gone. */
  forget(client: Client): void {
    const share = this.shares.get(client);
    if (share === undefined) return;
    this.shares.delete(client);
    this.buckets[share.bucket]?.delete(client);
    this.sumBytes -= share.bytes;
  }

  /** Evicts clients until they are below the limit. Not while the engine runs. */
  enforce(): void {
    if (!this.isOn || this.sumBytes < this.limitBytes) return;
    for (let bucket = BUCKETS - 1; bucket >= 0; bucket--) {
      for (const client of this.buckets[bucket] as Set<Client>) {
        this.forget(client);
        this.evictedClients++;
        this.hooks.evict(client);
        if (this.sumBytes < this.limitBytes) return;
      }
    }
    this.hooks.onExhausted();
  }

  /** A line per bucket, for DEBUG CLIENT-EVICTION; null while there is no limit. */
  describe(): string | null {
    if (!this.isOn) return null;
    return this.buckets.map((clients, bucket) => this.describeBucket(clients, bucket)).join('');
  }

  private describeBucket(clients: ReadonlySet<Client>, bucket: number): string {
    const from = bucket === 0 ? 0 : 2 ** (bucket - 1 + FIRST_BUCKET_LOG);
    const to = 2 ** (bucket + FIRST_BUCKET_LOG) - 1;
    const range = bucket === BUCKETS - 1 ? '+            ' : ` - ${pad(to)}`;
    let bytes = 0;
    for (const client of clients) bytes += this.shares.get(client)?.bytes ?? 0;
    return `bucket ${pad(from)}${range}: tot-mem: ${pad(bytes)}, clients: ${clients.size}\n`;
  }

  private clear(): void {
    this.shares.clear();
    for (const bucket of this.buckets) bucket.clear();
    this.sumBytes = 0;
  }
}

function pad(value: number): string {
  return String(value).padStart(10);
}

function bucketOf(bytes: number): number {
  const log = Math.floor(Math.log2(Math.max(bytes, 1))) + 1;
  return Math.min(Math.max(log - FIRST_BUCKET_LOG, 0), BUCKETS - 1);
}
