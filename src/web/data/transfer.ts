// Copies all data of one store into another, by ordinary commands (DUMP, RESTORE): so it is journaled, and tabs
// that share the target see it. The source is a store that was made of a dump.rdb; what cannot be read has failed
// before anything here is touched.

import type { CommandArg, Reply } from '../../embedded/reply.ts';
import type { Store } from '../store.ts';

export interface TransferOptions {
  /** Whether a key that is on both sides is taken from the source. */
  readonly overwrite: boolean;
  readonly databases: number;
  onProgress?(copied: number, total: number): void;
}

export interface TransferResult {
  copied: number;
  /** Keys that the target had, and kept. */
  kept: number;
}

const KEYS_PER_STEP = 500;
/** Payloads are sent in pieces of about this size. */
const BYTES_PER_STEP = 4 * 1024 * 1024;

export async function copyStore(
  source: Store,
  target: Store,
  options: TransferOptions,
): Promise<TransferResult> {
  const result: TransferResult = { copied: 0, kept: 0 };
  const total = await countKeys(source, options.databases);
  for (let database = 0; database < options.databases; database += 1) {
    const from = await source.session({ database });
    const to = await target.session({ database });
    try {
      let cursor: CommandArg = '0';
      do {
        const reply = await from
          .with({ buffers: true })
          .command('SCAN', cursor, 'COUNT', KEYS_PER_STEP);
        const [next, keys] = reply as [Uint8Array, Uint8Array[]];
        cursor = new TextDecoder().decode(next);
        if (keys.length > 0) {
          await copyKeys(from, to, keys, options, result);
          options.onProgress?.(result.copied + result.kept, total);
        }
      } while (cursor !== '0');
    } finally {
      await from.close();
      await to.close();
    }
  }
  return result;
}

/** Keys of all databases. */
export async function countKeys(store: Store, databases: number): Promise<number> {
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
  let commands: CommandArg[][] = [];
  let bytes = 0;
  for (let i = 0; i < keys.length; i += 1) {
    const payload = read[2 * i];
    const expiry = read[2 * i + 1];
    // It expired between SCAN and DUMP.
    if (!(payload instanceof Uint8Array)) continue;
    const isVolatile = typeof expiry === 'number' && expiry > 0;
    commands.push([
      'RESTORE',
      keys[i]!,
      isVolatile ? expiry : 0,
      payload,
      ...(isVolatile ? ['ABSTTL'] : []),
      ...(overwrite ? ['REPLACE'] : []),
    ]);
    bytes += payload.length;
    if (bytes < BYTES_PER_STEP) continue;
    countReplies(await to.batch(commands), result);
    commands = [];
    bytes = 0;
  }
  if (commands.length > 0) countReplies(await to.batch(commands), result);
}

function countReplies(replies: readonly Reply[], result: TransferResult): void {
  for (const reply of replies) {
    if (!(reply instanceof Error)) result.copied += 1;
    else if (reply.message.startsWith('BUSYKEY')) result.kept += 1;
    else throw reply;
  }
}
