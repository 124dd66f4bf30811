// An origin's private file system in memory, as far as stores use it, with failures of the test's choice.
//
//   const opfs = new MemoryOpfs();
//   vi.stubGlobal('navigator', { storage: opfs });
//   vi.stubGlobal('FileSystemFileHandle', MemoryFile);

const fault = (name: string) => new DOMException(`no (${name})`, name);

/** A file, its handle, and its access handle. */
export class MemoryFile {
  readonly kind = 'file';
  private readonly opfs: MemoryOpfs;
  private bytes = new Uint8Array(0);
  private isTaken = false;

  constructor(opfs: MemoryOpfs) {
    this.opfs = opfs;
  }

  async createSyncAccessHandle() {
    if (this.opfs.handleFault !== undefined) throw fault(this.opfs.handleFault);
    if (this.isTaken) throw fault('NoModificationAllowedError');
    this.isTaken = true;
    return {
      getSize: () => (this.opfs.isOfEarlierStandard ? Promise.resolve(0) : this.bytes.length),
      read: (into: Uint8Array, { at }: { at: number }) => {
        const found = this.bytes.subarray(at, at + into.length);
        into.set(found);
        return found.length;
      },
      write: (bytes: Uint8Array, { at }: { at: number }) => {
        const after = new Uint8Array(Math.max(this.bytes.length, at + bytes.length));
        after.set(this.bytes);
        after.set(bytes, at);
        this.bytes = after;
        return bytes.length;
      },
      truncate: (length: number) => {
        this.bytes = this.bytes.slice(0, length);
      },
      flush: () => {},
      close: () => {
        this.isTaken = false;
      },
    };
  }
}

class MemoryFolder {
  readonly kind = 'directory';
  readonly entries = new Map<string, MemoryFile | MemoryFolder>();
  private readonly opfs: MemoryOpfs;

  constructor(opfs: MemoryOpfs) {
    this.opfs = opfs;
  }

  async getDirectoryHandle(name: string, { create = false } = {}): Promise<MemoryFolder> {
    return this.entry(name, create, MemoryFolder) as MemoryFolder;
  }

  async getFileHandle(name: string, { create = false } = {}): Promise<MemoryFile> {
    return this.entry(name, create, MemoryFile) as MemoryFile;
  }

  async removeEntry(name: string): Promise<void> {
    if (!this.entries.delete(name)) throw fault('NotFoundError');
  }

  async *keys(): AsyncGenerator<string> {
    yield* [...this.entries.keys()];
  }

  private entry(name: string, create: boolean, kind: typeof MemoryFile | typeof MemoryFolder) {
    const found = this.entries.get(name);
    if (found !== undefined) return found;
    if (!create) throw fault('NotFoundError');
    const made = new kind(this.opfs);
    this.entries.set(name, made);
    return made;
  }
}

/** `navigator.storage`. */
export class MemoryOpfs {
  readonly root = new MemoryFolder(this);
  /** Names of the errors that the calls throw. */
  directoryFault: string | undefined;
  handleFault: string | undefined;
  isOfEarlierStandard = false;

  async getDirectory(): Promise<MemoryFolder> {
    if (this.directoryFault !== undefined) throw fault(this.directoryFault);
    return this.root;
  }

  /** Names of what is there, with their folders. */
  names(folder = this.root, path = ''): string[] {
    return [...folder.entries].flatMap(([name, entry]) =>
      entry instanceof MemoryFolder
        ? [`${path}${name}/`, ...this.names(entry, `${path}${name}/`)]
        : [`${path}${name}`],
    );
  }
}
