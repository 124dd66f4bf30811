// A storage whose n-th operation goes wrong: it fails, or the process dies in it.
//
// Counted is every call that a disk can refuse: opening, reading, writing, flushing, and all changes of
// directories. A write that fails may have taken a part of its bytes first. After a crash every further
// call throws, so whatever the code under test still tries leaves no trace; the test takes what the disk
// holds from the storage beneath.

import { MemoryFile } from '../../src/storage/memory_storage.ts';
import type { FileStatus, OpenMode, Storage, StorageFile } from '../../src/storage/storage.ts';

export class SimulatedCrash extends Error {}

export interface Fault {
  /** Number of the operation, from 1. */
  readonly at: number;
  /** Absent for a crash. */
  readonly code?: string;
  /** Whether all later operations of the same kind on the same path fail, too, until `heal`. */
  readonly lasts?: boolean;
  /** How much of a write is taken before it goes wrong, from 0 to 1; nothing by default. */
  readonly taken?: number;
  /** The crash comes when the operation has been done. */
  readonly after?: boolean;
}

export class FaultyStorage implements Storage {
  readonly inner: Storage;
  /** Operations so far. */
  operations = 0;
  /** What they were: "write appendonlydir/x". */
  readonly log: string[] = [];
  isDead = false;
  /** While set, background flushes wait for `releaseSyncs`. */
  holdsSyncs = false;
  /** Files that this is about. */
  heldSyncPaths = /./;
  private fault: Fault | undefined;
  private lasting: string | undefined;
  private readonly heldSyncs: (() => void)[] = [];

  constructor(inner: Storage, fault?: Fault) {
    this.inner = inner;
    this.fault = fault;
  }

  /** From now on: counted from the next operation. */
  plan(fault: Omit<Fault, 'at'> & { in: number }): void {
    this.fault = { ...fault, at: this.operations + fault.in };
  }

  heal(): void {
    this.fault = undefined;
    this.lasting = undefined;
  }

  get pendingSyncs(): number {
    return this.heldSyncs.length;
  }

  releaseSyncs(): void {
    for (const release of this.heldSyncs.splice(0)) release();
  }

  waitForRelease(path: string): Promise<void> {
    if (!this.holdsSyncs || !this.heldSyncPaths.test(path)) return Promise.resolve();
    return new Promise((resolve) => this.heldSyncs.push(resolve));
  }

  /** Runs one operation. `partly` does a part of it, from 0 to 1. */
  run<T>(call: string, path: string, whole: () => T, partly?: (part: number) => void): T {
    if (this.isDead) throw new SimulatedCrash('the process is dead');
    this.operations += 1;
    const name = `${call} ${path}`;
    this.log.push(name);
    const { fault } = this;
    if (this.lasting === name) throw refusal(fault?.code ?? 'EIO', name);
    if (fault?.at !== this.operations) return whole();
    if (fault.after) whole();
    else if (fault.taken !== undefined) partly?.(fault.taken);
    if (fault.code !== undefined) {
      if (fault.lasts) this.lasting = name;
      throw refusal(fault.code, name);
    }
    this.isDead = true;
    throw new SimulatedCrash(`crash at ${name}`);
  }

  open(path: string, mode: OpenMode): StorageFile {
    return this.run(`open(${mode})`, path, () => new FaultyFile(this, this.inner.open(path, mode)));
  }

  readFile(path: string): Uint8Array {
    return this.run('readFile', path, () => this.inner.readFile(path));
  }

  status(path: string): FileStatus | undefined {
    if (this.isDead) throw new SimulatedCrash('the process is dead');
    return this.inner.status(path);
  }

  list(path: string): string[] {
    return this.run('list', path, () => this.inner.list(path));
  }

  makeDirectory(path: string): void {
    this.run('makeDirectory', path, () => this.inner.makeDirectory(path));
  }

  rename(from: string, to: string): void {
    this.run('rename', `${from} ${to}`, () => this.inner.rename(from, to));
  }

  link(from: string, to: string): void {
    this.run('link', `${from} ${to}`, () => this.inner.link(from, to));
  }

  remove(path: string): void {
    this.run('remove', path, () => this.inner.remove(path));
  }

  removeTree(path: string): void {
    this.run('removeTree', path, () => this.inner.removeTree(path));
  }

  syncDirectory(path: string): void {
    this.run('syncDirectory', path, () => this.inner.syncDirectory(path));
  }

  async renameAsync(from: string, to: string): Promise<void> {
    this.rename(from, to);
  }

  async syncDirectoryAsync(path: string): Promise<void> {
    this.syncDirectory(path);
  }
}

class FaultyFile implements StorageFile {
  readonly path: string;
  private readonly storage: FaultyStorage;
  private readonly inner: StorageFile;

  constructor(storage: FaultyStorage, inner: StorageFile) {
    this.storage = storage;
    this.inner = inner;
    this.path = inner.path;
  }

  size(): number {
    if (this.storage.isDead) throw new SimulatedCrash('the process is dead');
    return this.inner.size();
  }

  write(bytes: Uint8Array): void {
    this.storage.run(
      'write',
      this.path,
      () => this.inner.write(bytes),
      (part) => this.inner.write(bytes.subarray(0, Math.floor(bytes.length * part))),
    );
  }

  async writeAsync(bytes: Uint8Array): Promise<void> {
    this.write(bytes);
  }

  read(into: Uint8Array, position: number): number {
    return this.storage.run('read', this.path, () => this.inner.read(into, position));
  }

  sync(): void {
    this.storage.run('sync', this.path, () => this.inner.sync());
  }

  /** Covers what was written when it began, and nothing of it is durable before it is over. */
  async syncAsync(): Promise<void> {
    const { inner, storage } = this;
    const finish = inner instanceof MemoryFile ? inner.beginSync() : () => inner.sync();
    await storage.waitForRelease(this.path);
    storage.run('sync', this.path, finish);
  }

  truncate(sizeBytes: number): void {
    this.storage.run('truncate', this.path, () => this.inner.truncate(sizeBytes));
  }

  close(): void {
    if (this.storage.isDead) throw new SimulatedCrash('the process is dead');
    this.inner.close();
  }
}

function refusal(code: string, name: string): Error {
  return Object.assign(new Error(`${code}: injected, ${name}`), { code });
}
