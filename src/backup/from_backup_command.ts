// Takes a backup of a server on this machine by its BACKUP commands: it puts the files aside, and they are
// copied from there.
//
//   START ── state snapshotting ──> incrementing ── SEAL ──> sealed ── LIST, copy ── CLEANUP ──> idle
//
// Whatever goes wrong behind START is undone, so that the server is not left with a backup that nobody
// collects.

import { setTimeout as sleep } from 'node:timers/promises';
import { attempt, attemptLater, BackupError } from './backup_error.ts';
import type { BackupFile, FileRole } from './backup_record.ts';
import { copyRange } from './file_copy.ts';
import { describeServer } from './from_server.ts';
import { addressText, type Credentials, type ServerAddress, ServerLink } from './server_link.ts';
import {
  type BackupSource,
  bytesOf,
  type TakeContext,
  type TakenData,
  wholeFile,
} from './source.ts';

const POLL_MS = 100;
/** The usual name, which the restored data directory gets. */
const DIRECTORY = 'appendonlydir';

export class BackupCommandSource implements BackupSource {
  private readonly address: ServerAddress;
  private readonly credentials: Credentials;

  constructor(address: ServerAddress, credentials: Credentials) {
    this.address = address;
    this.credentials = credentials;
  }

  async take(context: TakeContext): Promise<TakenData> {
    const link = await ServerLink.connect(this.address, this.credentials);
    let isOpen = false;
    try {
      const source = await describeServer(link, 'files', addressText(this.address));
      await link.call('BACKUP', 'START');
      isOpen = true;
      context.report.note('The server is writing the base of the backup.');
      await waitForBase(link);
      await link.call('BACKUP', 'SEAL');
      const takenAtMs = context.now();
      const paths = ((await link.call('BACKUP', 'LIST')) as readonly string[]).map(String);
      const files: BackupFile[] = [];
      for (const path of paths) files.push(await copyFile(context, path));
      await link.call('BACKUP', 'CLEANUP');
      isOpen = false;
      return {
        kind: 'aof',
        files,
        takenAtMs,
        source,
        reusesPrevious: false,
        writtenBytes: bytesOf(files),
      };
    } finally {
      if (isOpen) await undo(link);
      link.close();
    }
  }
}

async function waitForBase(link: ServerLink): Promise<void> {
  for (;;) {
    const status = await statusOf(link);
    if (status.get('state') === 'incrementing') return;
    if (status.get('state') === 'failed') {
      throw new BackupError(`The server could not write the backup: ${status.get('error')}`);
    }
    await sleep(POLL_MS);
  }
}

async function statusOf(link: ServerLink): Promise<Map<string, string>> {
  const reply = (await link.call('BACKUP', 'STATUS')) as readonly string[];
  const status = new Map<string, string>();
  for (let i = 0; i + 1 < reply.length; i += 2) status.set(String(reply[i]), String(reply[i + 1]));
  return status;
}

async function copyFile({ folder, report }: TakeContext, path: string): Promise<BackupFile> {
  const name = `${DIRECTORY}/${path.split(/[/\\]/).at(-1)}`;
  const { storage } = folder;
  const hint = 'is the server on this machine?';
  const file = attempt(`open ${path} (${hint})`, () => storage.open(path, 'read'));
  const progress = report.progress(name, file.size());
  let done = 0;
  try {
    const to = { storage, path: folder.place(name) };
    const written = await attemptLater(`copy ${path}`, () =>
      copyRange(file, { start: 0, end: file.size() }, to, (count) => {
        done += count;
        progress.update(done);
      }),
    );
    return wholeFile(name, roleOf(path), written);
  } finally {
    progress.end();
    file.close();
  }
}

function roleOf(path: string): FileRole {
  if (path.endsWith('.manifest')) return 'manifest';
  return /\.base\.(rdb|aof)$/.test(path) ? 'base' : 'incr';
}

async function undo(link: ServerLink): Promise<void> {
  for (const word of ['ABORT', 'CLEANUP']) {
    try {
      await link.call('BACKUP', word);
    } catch {
      // ABORT is for one that is not sealed, and what went wrong first is what counts.
    }
  }
}
