// A directory tree in memory, which knows what of it a crash would leave.
//
//   Directory: entries now  │ entries of the last syncDirectory + changes since then, in order
//   File:      bytes now    │ bytes of the last sync            + what was written or cut since then
//
// Stores that live in one process keep their files here, and tests ask `crash` for what a power failure
// at this moment might leave: one of the outcomes that Storage allows, drawn with the given random
// numbers. Of a file that is what was synced and any first part of what came after; of a directory
// any subset of the changes, as file systems may order them freely; a rename between directories may be
// undone or leave both names, but never none.
//
// Everything takes effect when it is called, the `Async` forms included: they only answer later.
// Paths are names between slashes; a leading one means nothing.

import type { FileStatus, OpenMode, Storage, StorageFile } from './storage.ts';

/** A number from 0 to below 1. */
export type Random = () => number;

const MESSAGES: Readonly<Record<string, string>> = {
  EBADF: 'bad file descriptor',
  EEXIST: 'file already exists',
  EISDIR: 'illegal operation on a directory',
  ENOENT: 'no such file or directory',
  ENOTDIR: 'not a directory',
  EPERM: 'operation not permitted',
};

function failure(code: string, call: string, path: string): Error {
  const message = `${code}: ${MESSAGES[code] ?? 'failure'}, ${call} '${path}'`;
  return Object.assign(new Error(message), { code, syscall: call, path });
}

const NO_BYTES = new Uint8Array(0);
const FIRST_CAPACITY_BYTES = 256;

/** A file's content, whatever it is called. */
class Content {
  bytes = NO_BYTES;
  length = 0;
  modifiedMs = 0;
  /** So much from the front is as it was at the last sync. */
  private syncedLength = 0;
  /** What was synced, once a part of it was overwritten or cut off. */
  private synced: Uint8Array | undefined;
  /** How often that happened. */
  private cuts = 0;

  read(into: Uint8Array, position: number): number {
    const part = this.bytes.subarray(position, Math.min(this.length, position + into.length));
    into.set(part);
    return part.length;
  }

  write(bytes: Uint8Array, position: number): void {
    if (position < this.syncedLength) this.keepSynced(position);
    const end = position + bytes.length;
    if (end > this.bytes.length) {
      const wider = new Uint8Array(Math.max(end, this.bytes.length * 2, FIRST_CAPACITY_BYTES));
      wider.set(this.bytes.subarray(0, this.length));
      this.bytes = wider;
    }
    this.bytes.set(bytes, position);
    this.length = Math.max(this.length, end);
  }

  truncate(length: number): void {
    if (length < this.syncedLength) this.keepSynced(length);
    if (length > this.length) this.write(new Uint8Array(length - this.length), this.length);
    this.length = length;
  }

  private keepSynced(unchanged: number): void {
    this.cuts += 1;
    this.synced ??= this.bytes.slice(0, this.syncedLength);
    this.syncedLength = unchanged;
  }

  sync(): void {
    this.syncedLength = this.length;
    this.synced = undefined;
  }

  /** A sync that takes its time: what is there now is durable once the function returned is called. */
  beginSync(): () => void {
    const { length, cuts } = this;
    return () => {
      if (this.cuts !== cuts) return;
      this.syncedLength = Math.max(this.syncedLength, length);
      this.synced = undefined;
    };
  }

  copy(): Uint8Array {
    return this.bytes.slice(0, this.length);
  }

  /** As a crash leaves it, or as it is when nothing is left to chance. */
  crashed(random: Random | undefined): Content {
    const left = new Content();
    left.modifiedMs = this.modifiedMs;
    if (random === undefined) left.write(this.bytes.subarray(0, this.length), 0);
    else if (this.synced !== undefined && random() < 0.5) left.write(this.synced, 0);
    else left.write(this.bytes.subarray(0, this.cut(random)), 0);
    left.sync();
    return left;
  }

  /** Where the unsynced part ends: often at one of its ends, where mistakes show. */
  private cut(random: Random): number {
    const kind = random();
    if (kind < 0.25) return this.syncedLength;
    if (kind < 0.5) return this.length;
    return this.syncedLength + Math.floor(random() * (this.length - this.syncedLength + 1));
  }
}

type Entry = Content | Directory;

/** One step that a directory took since it was synced. */
interface Change {
  readonly directory: Directory;
  readonly removed?: string;
  readonly added?: readonly [name: string, entry: Entry];
  /** Happens only together with that one: the other half of a rename between directories. */
  readonly needs?: Change;
}

function apply(change: Change, entries: Map<string, Entry>): void {
  if (change.removed !== undefined) entries.delete(change.removed);
  if (change.added !== undefined) entries.set(...change.added);
}

class Directory {
  readonly entries = new Map<string, Entry>();
  modifiedMs = 0;
  private synced = new Map<string, Entry>();
  private changes: Change[] = [];

  change(what: Omit<Change, 'directory'>): Change {
    const change = { directory: this, ...what };
    apply(change, this.entries);
    this.changes.push(change);
    return change;
  }

  sync(): void {
    const { changes } = this;
    this.synced = new Map(this.entries);
    this.changes = [];
    for (const { needs } of changes) needs?.directory.settle(needs);
  }

  /** Makes one change durable before those in front of it. */
  private settle(change: Change): void {
    if (!this.changes.includes(change)) return;
    this.changes = this.changes.filter((other) => other !== change);
    apply(change, this.synced);
  }

  /** Decides which of the unsynced changes happened, here and below. */
  choose(random: Random, happened: Map<Change, boolean>, seen: Set<Directory>): void {
    if (seen.has(this)) return;
    seen.add(this);
    for (const change of this.changes) {
      if (!happened.has(change)) happened.set(change, random() < 0.5);
    }
    for (const entry of [...this.entries.values(), ...this.synced.values()]) {
      if (entry instanceof Directory) entry.choose(random, happened, seen);
    }
  }

  crashed(
    happened: ReadonlyMap<Change, boolean>,
    contentOf: (file: Content) => Content,
  ): Directory {
    const left = new Directory();
    left.modifiedMs = this.modifiedMs;
    const entries = new Map(this.synced);
    for (const change of this.changes) {
      if (isLeft(change, happened)) apply(change, entries);
    }
    for (const [name, entry] of entries) {
      const copy =
        entry instanceof Directory ? entry.crashed(happened, contentOf) : contentOf(entry);
      left.entries.set(name, copy);
    }
    left.sync();
    return left;
  }
}

function isLeft(change: Change, happened: ReadonlyMap<Change, boolean>): boolean {
  if (happened.get(change) === false) return false;
  return change.needs === undefined || isLeft(change.needs, happened);
}

export class MemoryFile implements StorageFile {
  readonly path: string;
  private readonly content: Content;
  private readonly mode: OpenMode;
  private readonly now: () => number;
  private position = 0;
  private isClosed = false;

  constructor(path: string, content: Content, mode: OpenMode, now: () => number) {
    this.path = path;
    this.content = content;
    this.mode = mode;
    this.now = now;
  }

  size(): number {
    this.check('fstat');
    return this.content.length;
  }

  write(bytes: Uint8Array): void {
    this.check('write');
    if (this.mode === 'read') throw failure('EBADF', 'write', this.path);
    if (this.mode !== 'update') this.position = this.content.length;
    this.content.write(bytes, this.position);
    this.content.modifiedMs = this.now();
    this.position += bytes.length;
  }

  async writeAsync(bytes: Uint8Array): Promise<void> {
    this.write(bytes);
  }

  read(into: Uint8Array, position: number): number {
    this.check('read');
    return this.content.read(into, position);
  }

  sync(): void {
    this.check('fdatasync');
    this.content.sync();
  }

  async syncAsync(): Promise<void> {
    this.sync();
  }

  /** The two ends of a sync in the background, for tests that do something between them. */
  beginSync(): () => void {
    this.check('fdatasync');
    return this.content.beginSync();
  }

  truncate(sizeBytes: number): void {
    this.check('ftruncate');
    this.content.truncate(sizeBytes);
    this.content.modifiedMs = this.now();
    this.position = Math.min(this.position, sizeBytes);
  }

  close(): void {
    this.check('close');
    this.isClosed = true;
  }

  private check(call: string): void {
    if (this.isClosed) throw failure('EBADF', call, this.path);
  }
}

function namesOf(path: string): string[] {
  return path.split('/').filter((name) => name !== '' && name !== '.');
}

export interface MemoryStorageOptions {
  /** Unix milliseconds, for the times of files. */
  readonly now?: () => number;
}

export class MemoryStorage implements Storage {
  private root = new Directory();
  private readonly now: () => number;

  constructor(options: MemoryStorageOptions = {}) {
    this.now = options.now ?? Date.now;
  }

  /** What a crash at this moment may leave, everything in it durable. This storage stays as it is. */
  crash(random: Random): MemoryStorage {
    const happened = new Map<Change, boolean>();
    this.root.choose(random, happened, new Set());
    return this.leave(random, happened);
  }

  /** The same tree once more, everything in it durable: what the end of a process leaves. */
  copy(): MemoryStorage {
    return this.leave(undefined, new Map());
  }

  private leave(random: Random | undefined, happened: Map<Change, boolean>): MemoryStorage {
    const contents = new Map<Content, Content>();
    const contentOf = (file: Content): Content => {
      let copy = contents.get(file);
      if (copy === undefined) {
        copy = file.crashed(random);
        contents.set(file, copy);
      }
      return copy;
    };
    const left = new MemoryStorage({ now: this.now });
    left.root = this.root.crashed(happened, contentOf);
    return left;
  }

  open(path: string, mode: OpenMode): StorageFile {
    const { directory, name } = this.locate(path, 'open');
    let entry = directory.entries.get(name);
    if (entry !== undefined && mode === 'exclusive') throw failure('EEXIST', 'open', path);
    if (entry instanceof Directory) throw failure('EISDIR', 'open', path);
    if (entry === undefined) {
      if (mode === 'read' || mode === 'update') throw failure('ENOENT', 'open', path);
      entry = new Content();
      entry.modifiedMs = this.now();
      directory.change({ added: [name, entry] });
    } else if (mode === 'create') {
      entry.truncate(0);
      entry.modifiedMs = this.now();
    }
    return new MemoryFile(path, entry, mode, this.now);
  }

  readFile(path: string): Uint8Array {
    const entry = this.find(path);
    if (entry === undefined) throw failure('ENOENT', 'open', path);
    if (entry instanceof Directory) throw failure('EISDIR', 'read', path);
    return entry.copy();
  }

  status(path: string): FileStatus | undefined {
    const entry = this.find(path);
    if (entry === undefined) return undefined;
    const isDirectory = entry instanceof Directory;
    return {
      sizeBytes: isDirectory ? 0 : entry.length,
      isDirectory,
      modifiedMs: entry.modifiedMs,
    };
  }

  list(path: string): string[] {
    return [...this.directory(path, 'scandir').entries.keys()].sort();
  }

  makeDirectory(path: string): void {
    let at = this.root;
    for (const name of namesOf(path)) {
      let entry = at.entries.get(name);
      if (entry === undefined) {
        entry = new Directory();
        entry.modifiedMs = this.now();
        at.change({ added: [name, entry] });
      }
      if (!(entry instanceof Directory)) throw failure('EEXIST', 'mkdir', path);
      at = entry;
    }
  }

  rename(from: string, to: string): void {
    const source = this.locate(from, 'rename');
    const target = this.locate(to, 'rename');
    const entry = source.directory.entries.get(source.name);
    if (entry === undefined) throw failure('ENOENT', 'rename', from);
    const present = target.directory.entries.get(target.name);
    if (present === entry) return;
    if (present instanceof Directory && !(entry instanceof Directory)) {
      throw failure('EISDIR', 'rename', to);
    }
    if (entry instanceof Directory && present instanceof Content) {
      throw failure('ENOTDIR', 'rename', to);
    }
    const added = [target.name, entry] as const;
    if (source.directory === target.directory) {
      source.directory.change({ removed: source.name, added });
      return;
    }
    const needs = target.directory.change({ added });
    source.directory.change({ removed: source.name, needs });
  }

  link(from: string, to: string): void {
    const entry = this.find(from);
    if (entry === undefined) throw failure('ENOENT', 'link', from);
    if (entry instanceof Directory) throw failure('EPERM', 'link', from);
    const { directory, name } = this.locate(to, 'link');
    if (directory.entries.has(name)) throw failure('EEXIST', 'link', to);
    directory.change({ added: [name, entry] });
  }

  remove(path: string): void {
    const { directory, name } = this.locate(path, 'unlink');
    const entry = directory.entries.get(name);
    if (entry === undefined) throw failure('ENOENT', 'unlink', path);
    if (entry instanceof Directory) throw failure('EISDIR', 'unlink', path);
    directory.change({ removed: name });
  }

  removeTree(path: string): void {
    if (this.find(path) === undefined) return;
    const { directory, name } = this.locate(path, 'rm');
    directory.change({ removed: name });
  }

  syncDirectory(path: string): void {
    this.directory(path, 'fsync').sync();
  }

  async renameAsync(from: string, to: string): Promise<void> {
    this.rename(from, to);
  }

  async syncDirectoryAsync(path: string): Promise<void> {
    this.syncDirectory(path);
  }

  // --- Paths ---

  private find(path: string): Entry | undefined {
    let at: Entry | undefined = this.root;
    for (const name of namesOf(path)) {
      if (!(at instanceof Directory)) return undefined;
      at = at.entries.get(name);
    }
    return at;
  }

  private directory(path: string, call: string): Directory {
    const entry = this.find(path);
    if (entry === undefined) throw failure('ENOENT', call, path);
    if (!(entry instanceof Directory)) throw failure('ENOTDIR', call, path);
    return entry;
  }

  /** The directory a path is in, which must be there, and its name in it. */
  private locate(path: string, call: string): { directory: Directory; name: string } {
    const names = namesOf(path);
    const name = names.pop();
    if (name === undefined) throw failure('EISDIR', call, path);
    let at = this.root;
    for (const each of names) {
      const entry = at.entries.get(each);
      if (entry === undefined) throw failure('ENOENT', call, path);
      if (!(entry instanceof Directory)) throw failure('ENOTDIR', call, path);
      at = entry;
    }
    return { directory: at, name };
  }
}
