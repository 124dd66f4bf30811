// Takes a backup of a data directory, whether a server is using it or not.
//
// A snapshot is put in place by renaming it, so an open file of that name never changes. Of the log, only
// the last file grows, and files go when a rewrite has ended, which changes the manifest first. So what was
// copied belongs together when the manifest is still the same afterwards; else everything begins anew. The
// last file is copied up to the last whole command outside of a transaction.
//
// In an incremental backup, files and beginnings of files that the previous one has are not written again.
// They are recognised by their sums, not by their names alone.

import type { AofFile } from '../persistence/aof/manifest.ts';
import { joinPath } from '../storage/join_path.ts';
import type { Storage, StorageFile } from '../storage/storage.ts';
import { errorCode } from '../util/system_error.ts';
import { attempt, attemptLater, BackupError } from './backup_error.ts';
import type { BackupFile, BackupPiece, FileRole } from './backup_record.ts';
import type { StoredBackup } from './backup_target.ts';
import { type Data, type LogData, manifestPath, parseManifestOf } from './data_directory.ts';
import { examineLogFile } from './examine.ts';
import { copyRange, hashParts, writeWhole } from './file_copy.ts';
import {
  type BackupSource,
  bytesOf,
  type TakeContext,
  type TakenData,
  wholeFile,
} from './source.ts';

const ATTEMPTS_MAX = 20;
/** File systems without hard links, and ones where the two places are on different ones. */
const NO_LINKS = new Set(['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS', 'EXDEV', 'EMLINK']);

/** The manifest changed while files were copied. */
class ManifestChanged extends Error {}

export class DirectorySource implements BackupSource {
  private readonly storage: Storage;
  private readonly address: string;
  private readonly data: Data;
  private reusedBytes = 0;

  constructor(storage: Storage, address: string, data: Data) {
    this.storage = storage;
    this.address = address;
    this.data = data;
  }

  async take(context: TakeContext): Promise<TakenData> {
    this.reusedBytes = 0;
    if (this.data.kind === 'rdb') return this.takeSnapshot(context, this.data.path);
    for (let left = ATTEMPTS_MAX; left > 0; left--) {
      try {
        return await this.takeLog(context, this.data);
      } catch (error) {
        if (!(error instanceof ManifestChanged)) throw error;
        this.reusedBytes = 0;
        context.report.note('The append-only files changed meanwhile: beginning anew.');
        const begun = joinPath(context.folder.path, this.data.name);
        attempt(`remove ${begun}`, () => {
          this.storage.removeTree(begun);
          this.storage.makeDirectory(begun);
        });
      }
    }
    throw new BackupError(
      `The append-only files in ${this.data.path} changed each of ${ATTEMPTS_MAX} times they were copied`,
    );
  }

  // --- Snapshot ---

  private async takeSnapshot(context: TakeContext, path: string): Promise<TakenData> {
    const takenAtMs = this.storage.status(path)?.modifiedMs ?? context.now();
    const file = attempt(`open ${path}`, () => this.storage.open(path, 'read'));
    try {
      const size = file.size();
      const copied = await this.copy(context, file, { name: 'dump.rdb', role: 'rdb', bytes: size });
      return this.taken('rdb', [copied], takenAtMs);
    } finally {
      file.close();
    }
  }

  // --- Log ---

  private async takeLog(context: TakeContext, data: LogData): Promise<TakenData> {
    const path = manifestPath(data);
    const content = this.read(path);
    const manifest = parseManifestOf(content, path);
    if (manifest.isEmpty) throw new BackupError(`${path} names no files`);
    const open = new Map<AofFile, StorageFile>();
    try {
      for (const each of manifest.files) open.set(each, this.openLogFile(data, each, content));
      const takenAtMs = context.now();
      const files: BackupFile[] = [];
      for (const each of manifest.files) {
        const file = open.get(each)!;
        const bytes = each === manifest.last ? await this.usableBytes(file) : file.size();
        const name = joinPath(data.name, each.name);
        const role = each.type === 'b' ? 'base' : 'incr';
        files.push(await this.copy(context, file, { name, role, bytes }));
      }
      if (!this.isUnchanged(data, content)) throw new ManifestChanged();
      const text = manifest.withoutHistory().format();
      files.push(await this.writeText(context, joinPath(data.name, `${data.stem}.manifest`), text));
      return this.taken('aof', files, takenAtMs);
    } finally {
      for (const file of open.values()) file.close();
    }
  }

  private read(path: string): Uint8Array {
    return attempt(`read ${path}`, () => this.storage.readFile(path));
  }

  private openLogFile(data: LogData, { name }: AofFile, manifest: Uint8Array): StorageFile {
    const path = joinPath(data.path, name);
    return attempt(`open ${path}`, () => {
      try {
        return this.storage.open(path, 'read');
      } catch (error) {
        if (errorCode(error) === 'ENOENT' && !this.isUnchanged(data, manifest)) {
          throw new ManifestChanged();
        }
        throw error;
      }
    });
  }

  private isUnchanged(data: LogData, content: Uint8Array): boolean {
    return Buffer.from(this.read(manifestPath(data))).equals(content);
  }

  /** Bytes up to the last whole command outside of a transaction. */
  private async usableBytes(file: StorageFile): Promise<number> {
    const size = file.size();
    const { scanner } = await attemptLater(`read ${file.path}`, () =>
      examineLogFile(file, { nowMs: 0, end: size }),
    );
    const { fault } = scanner;
    if (fault?.kind === 'format') {
      throw new BackupError(
        `${file.path} is damaged at offset ${fault.offset}: ${fault.message}. See respite check --help`,
      );
    }
    return scanner.usableEnd;
  }

  private async writeText(context: TakeContext, name: string, text: string): Promise<BackupFile> {
    const path = context.folder.place(name);
    return wholeFile(name, 'manifest', await writeWhole(this.storage, path, Buffer.from(text)));
  }

  // --- Copying ---

  private async copy(
    context: TakeContext,
    file: StorageFile,
    wanted: { readonly name: string; readonly role: FileRole; readonly bytes: number },
  ): Promise<BackupFile> {
    const { name, role, bytes } = wanted;
    const { folder, previous, report } = context;
    const known = previous?.record.files.find((each) => each.name === name && each.role === role);
    const progress = report.progress(name, bytes);
    let done = 0;
    const onBytes = (count: number) => {
      done += count;
      progress.update(done);
    };
    try {
      return await attemptLater(`copy ${file.path}`, async () => {
        if (previous !== undefined && known !== undefined) {
          const reused = await this.reuse(context, file, { bytes, known, previous, onBytes });
          if (reused !== undefined) return reused;
          done = 0;
        }
        const to = { storage: this.storage, path: folder.place(name) };
        return wholeFile(name, role, await copyRange(file, { start: 0, end: bytes }, to, onBytes));
      });
    } finally {
      progress.end();
    }
  }

  /** The file made of what the previous backup has of it and the rest; undefined when it has other bytes. */
  private async reuse(
    context: TakeContext,
    file: StorageFile,
    about: {
      readonly bytes: number;
      readonly known: BackupFile;
      readonly previous: StoredBackup;
      onBytes(count: number): void;
    },
  ): Promise<BackupFile | undefined> {
    const { bytes, known, previous, onBytes } = about;
    if (bytes < known.bytes) return undefined;
    const lengths = [...known.pieces.map((piece) => piece.bytes), bytes - known.bytes];
    const sums = await hashParts(file, lengths, onBytes);
    if (known.pieces.some(({ sha256 }, i) => sha256 !== sums.parts[i])) return undefined;
    this.reusedBytes += known.bytes;
    for (const piece of known.pieces) await this.linkOrCopy(context, previous, piece);
    const pieces: BackupPiece[] = [...known.pieces];
    if (bytes > known.bytes) {
      const path = `${known.name}.from-${known.bytes}`;
      const to = { storage: this.storage, path: context.folder.place(path) };
      const written = await copyRange(file, { start: known.bytes, end: bytes }, to);
      pieces.push({ path, offset: known.bytes, ...written });
    }
    return { ...known, bytes, sha256: sums.whole, pieces };
  }

  private async linkOrCopy(
    { folder }: TakeContext,
    previous: StoredBackup,
    piece: BackupPiece,
  ): Promise<void> {
    const from = joinPath(previous.path, piece.path);
    const path = folder.place(piece.path);
    try {
      this.storage.link(from, path);
    } catch (error) {
      if (!NO_LINKS.has(errorCode(error))) throw error;
      const file = this.storage.open(from, 'read');
      try {
        await copyRange(file, { start: 0, end: piece.bytes }, { storage: this.storage, path });
      } finally {
        file.close();
      }
    }
  }

  private taken(kind: 'rdb' | 'aof', files: BackupFile[], takenAtMs: number): TakenData {
    return {
      kind,
      files,
      takenAtMs,
      source: {
        kind: 'directory',
        address: this.address,
        redisVersion: null,
        respiteVersion: null,
        runId: null,
        replicationOffset: null,
      },
      reusesPrevious: this.reusedBytes > 0,
      writtenBytes: bytesOf(files) - this.reusedBytes,
    };
  }
}
