// Copies all data of one store into another, by ordinary commands (DUMP, RESTORE): so it is journaled, and tabs
// that share the target see it. The source is a store that was made of a dump.rdb; what cannot be read has failed
// before anything here is touched.

import type { CommandArg, Reply } from '../../embedded/reply.ts';
import { throwFirstError } from '../keys/database_session.ts';
import type { Store } from '../store.ts';

/** A store with as many databases. */
export interface WholeStore {
  readonly store: Store;
  readonly databases: number;
}

export interface TransferOptions {
  /** Whether a key that is on both sides is taken from the source. */
  readonly overwrite: boolean;
  onProgress?(done: number, total: number): void;
}

export interface TransferResult {
  copied: number;
  /** Keys that the target had, and kept. */
  kept: number;
}

const KEYS_PER_STEP = 500;
/** Payloads are read and sent in pieces of about this size, or of one key that is larger. */
const BYTES_PER_STEP = 4 * 1024 * 1024;

/** Copies the databases that both have. */
export async function copyStore(
  source: WholeStore,
  target: WholeStore,
  options: TransferOptions,
): Promise<TransferResult> {
  const result: TransferResult = { copied: 0, kept: 0 };
  const common = commonDatabases(source, target);
  const total = await countKeys({ ...source, databases: common });
  for (let database = 0; database < common; database += 1) {
    await scanBoth(source.store, target.store, database, async (keys, from, to) => {
      for (const piece of await piecesOf(from, keys)) {
        await copyKeys(from, to, piece, options, result);
        options.onProgress?.(result.copied + result.kept, total);
      }
    });
  }
  return result;
}

function commonDatabases(one: WholeStore, other: WholeStore): number {
  return Math.min(one.databases, other.databases);
}

/** Deletes what the target has and the source, which may have fewer databases, has not. Returns the number of keys. */
export async function deleteOthers(source: WholeStore, target: WholeStore): Promise<number> {
  const common = commonDatabases(source, target);
  let deleted = 0;
  for (let database = 0; database < common; database += 1) {
    await scanBoth(target.store, source.store, database, async (keys, held, wanted) => {
      const replies = await wanted.batch(keys.map((key) => ['EXISTS', key]));
      throwFirstError(replies);
      const others = keys.filter((_, i) => replies[i] === 0);
      if (others.length === 0) return;
      const counts = await held.batch(others.map((key) => ['UNLINK', key]));
      throwFirstError(counts);
      deleted += others.length;
    });
  }
  for (let database = common; database < target.databases; database += 1) {
    const session = await target.store.session({ database });
    try {
      deleted += await session.command('DBSIZE');
      await session.command('FLUSHDB');
    } finally {
      await session.close();
    }
  }
  return deleted;
}

/** Goes over a database of one store, beside the same database of another one. */
async function scanBoth(
  scanned: Store,
  other: Store,
  database: number,
  visit: (keys: Uint8Array[], scanned: Session, other: Session) => Promise<void>,
): Promise<void> {
  const one = await scanned.session({ database });
  const two = await other.session({ database });
  try {
    let cursor: CommandArg = '0';
    do {
      const reply = await one
        .with({ buffers: true })
        .command('SCAN', cursor, 'COUNT', KEYS_PER_STEP);
      const [next, keys] = reply as [Uint8Array, Uint8Array[]];
      cursor = new TextDecoder().decode(next);
      if (keys.length > 0) await visit(keys, one, two);
    } while (cursor !== '0');
  } finally {
    await one.close();
    await two.close();
  }
}

/** Keys of all databases. */
export async function countKeys({ store, databases }: WholeStore): Promise<number> {
  const session = await store.session();
  try {
    const commands = Array.from({ length: databases }, (_, database) => [
      ['SELECT', database],
      ['DBSIZE'],
    ]).flat();
    const replies = await session.batch(commands);
    return replies.reduce<number>((sum, reply) => sum + (typeof reply === 'number' ? reply : 0), 0);
  } finally {
    await session.close();
  }
}

type Session = Awaited<ReturnType<Store['session']>>;

/** Keys in pieces whose values are about BYTES_PER_STEP together, by the memory that they take. */
async function piecesOf(from: Session, keys: readonly Uint8Array[]): Promise<Uint8Array[][]> {
  const sizes = await from.batch(keys.map((key) => ['MEMORY', 'USAGE', key]));
  const pieces: Uint8Array[][] = [];
  let piece: Uint8Array[] = [];
  let bytes = 0;
  for (const [i, key] of keys.entries()) {
    const size = Number(sizes[i]) || 0;
    if (piece.length > 0 && bytes + size > BYTES_PER_STEP) {
      pieces.push(piece);
      piece = [];
      bytes = 0;
    }
    piece.push(key);
    bytes += size;
  }
  if (piece.length > 0) pieces.push(piece);
  return pieces;
}

async function copyKeys(
  from: Session,
  to: Session,
  keys: readonly Uint8Array[],
  { overwrite }: TransferOptions,
  result: TransferResult,
): Promise<void> {
  const read = await from.with({ buffers: true }).batch(
    keys.flatMap((key) => [
      ['DUMP', key],
      ['PEXPIRETIME', key],
    ]),
  );
  const commands = keys.flatMap((key, i): CommandArg[][] => {
    const payload = read[2 * i];
    const expiry = read[2 * i + 1];
    // It expired between SCAN and DUMP.
    if (!(payload instanceof Uint8Array)) return [];
    const isVolatile = typeof expiry === 'number' && expiry > 0;
    const flags = [...(isVolatile ? ['ABSTTL'] : []), ...(overwrite ? ['REPLACE'] : [])];
    return [['RESTORE', key, isVolatile ? expiry : 0, payload, ...flags]];
  });
  if (commands.length > 0) countReplies(await to.batch(commands), result);
}

function countReplies(replies: readonly Reply[], result: TransferResult): void {
  for (const reply of replies) {
    if (!(reply instanceof Error)) result.copied += 1;
    else if (reply.message.startsWith('BUSYKEY')) result.kept += 1;
    else throw reply;
  }
}
