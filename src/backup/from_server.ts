// Takes a backup of a running server over the network: a snapshot, as a replica gets it.
//
//   REPLCONF rdb-only 1          no commands behind the snapshot
//   REPLCONF capa eof            the length need not be known beforehand
//   SYNC
//   "\n" ...                     while the server prepares it
//   $<length>            or      $EOF:<40 bytes>
//   the snapshot                 the snapshot, and the same 40 bytes behind it
//
// Servers that know no REPLCONF of a kind say so, and go on without.

import { BackupError } from './backup_error.ts';
import type { BackupSourceRecord } from './backup_record.ts';
import { FileCopy } from './file_copy.ts';
import {
  addressText,
  type Credentials,
  ReplyError,
  readInfo,
  type ServerAddress,
  ServerLink,
} from './server_link.ts';
import { type BackupSource, type TakeContext, type TakenData, wholeFile } from './source.ts';

const SNAPSHOT_NAME = 'dump.rdb';
const MARK_BYTES = 40;

export class ServerSource implements BackupSource {
  private readonly address: ServerAddress;
  private readonly credentials: Credentials;

  constructor(address: ServerAddress, credentials: Credentials) {
    this.address = address;
    this.credentials = credentials;
  }

  async take({ folder, report, previous, now }: TakeContext): Promise<TakenData> {
    if (previous !== undefined) {
      report.note(
        'A snapshot over the network is always complete: --incremental makes no difference.',
      );
    }
    const link = await ServerLink.connect(this.address, this.credentials);
    let copy: FileCopy | undefined;
    try {
      const source = await describeServer(link, 'server', addressText(this.address));
      for (const [name, value] of [
        ['rdb-only', '1'],
        ['capa', 'eof'],
      ] as const) {
        await unlessRefused(link.call('REPLCONF', name, value));
      }
      link.send('SYNC');
      const head = await this.head(link);
      const takenAtMs = now();
      copy = new FileCopy(folder.storage, folder.place(SNAPSHOT_NAME));
      const progress = report.progress(`Receiving ${SNAPSHOT_NAME}`, head.bytes ?? 0);
      let done = 0;
      for await (const piece of snapshotOf(link, head)) {
        await copy.write(piece);
        done += piece.length;
        progress.update(done);
      }
      progress.end();
      const written = await copy.finish();
      const files = [wholeFile(SNAPSHOT_NAME, 'rdb', written)];
      return {
        kind: 'rdb',
        files,
        takenAtMs,
        source,
        reusesPrevious: false,
        writtenBytes: written.bytes,
      };
    } catch (error) {
      copy?.abandon();
      throw error;
    } finally {
      link.close();
    }
  }

  private async head(link: ServerLink): Promise<SnapshotHead> {
    let line = '';
    while (line === '') line = await link.line();
    const mark = /^\$EOF:(.{40})$/.exec(line)?.[1];
    if (mark !== undefined) return { mark: Buffer.from(mark, 'latin1'), bytes: undefined };
    const length = /^\$(\d+)$/.exec(line)?.[1];
    if (length !== undefined) return { mark: undefined, bytes: Number(length) };
    const name = addressText(this.address);
    throw new BackupError(
      line.startsWith('-')
        ? `${name} does not hand out a snapshot: ${line.slice(1)}`
        : `${name} does not hand out a snapshot: it says '${line.slice(0, 100)}'`,
    );
  }
}

type SnapshotHead =
  | { readonly mark: Buffer; readonly bytes: undefined }
  | { readonly mark: undefined; readonly bytes: number };

async function* snapshotOf(link: ServerLink, head: SnapshotHead): AsyncGenerator<Uint8Array> {
  if (head.mark === undefined) {
    for (let left = head.bytes; left > 0; ) {
      const bytes = (await link.available()).subarray(0, left);
      left -= bytes.length;
      yield bytes;
    }
    return;
  }
  // The last bytes are held back: they may be the mark.
  let held: Buffer = Buffer.alloc(0);
  while (!held.equals(head.mark)) {
    const all = Buffer.concat([held, await link.available()]);
    const cut = Math.max(0, all.length - MARK_BYTES);
    if (cut > 0) yield all.subarray(0, cut);
    held = all.subarray(cut);
  }
}

async function unlessRefused(reply: Promise<unknown>): Promise<void> {
  try {
    await reply;
  } catch (error) {
    if (!(error instanceof ReplyError)) throw error;
  }
}

/** Who answers there. */
export async function describeServer(
  link: ServerLink,
  kind: BackupSourceRecord['kind'],
  address: string,
): Promise<BackupSourceRecord> {
  const server = await readInfo(link, 'server');
  const replication = await readInfo(link, 'replication');
  const offset = replication.get('master_repl_offset');
  return {
    kind,
    address,
    redisVersion: server.get('redis_version') ?? null,
    respiteVersion: server.get('respite_version') ?? null,
    runId: server.get('run_id') ?? null,
    replicationOffset: offset === undefined ? null : Number(offset),
  };
}
