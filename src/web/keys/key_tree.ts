// Keys as a tree of folders, by the colons in their names.
//
//   user:1:name  user:1:mail  visits        user (2)
//                                             1 (2)
//                                               user:1:mail
//                                               user:1:name
//                                           visits
//
// A folder's children are sorted when they are asked for and something changed. `rows` lists what is visible:
// O(rows) for open folders, whatever is in the closed ones. Adding and deleting is O(parts of the name).

export const SEPARATOR = ':';

interface Folder {
  /** What all names in it begin with, the colon included; empty for the whole tree. */
  readonly path: string;
  readonly name: string;
  readonly folders: Map<string, Folder>;
  readonly keys: Set<string>;
  /** Keys in it and in all folders below. */
  count: number;
  sortedFolders: Folder[] | undefined;
  sortedKeys: string[] | undefined;
}

export type Row =
  | {
      readonly kind: 'folder';
      readonly path: string;
      readonly name: string;
      readonly depth: number;
      readonly count: number;
      readonly isOpen: boolean;
    }
  | { readonly kind: 'key'; readonly key: string; readonly name: string; readonly depth: number };

/** Up to this many names are sorted as people count (item2 before item10), which takes longer. */
const COLLATED_MAX = 5000;
const collator = new Intl.Collator('en', { numeric: true });

export class KeyTree {
  private readonly root = folder('', '');
  private readonly all = new Set<string>();
  private readonly open = new Set<string>();
  /** All folders are open, as in what a filter found. */
  isAllOpen = false;

  get size(): number {
    return this.all.size;
  }

  has(key: string): boolean {
    return this.all.has(key);
  }

  keys(): IterableIterator<string> {
    return this.all.values();
  }

  /** False when it is there already. */
  add(key: string): boolean {
    if (this.all.has(key)) return false;
    this.all.add(key);
    let at = this.root;
    at.count += 1;
    for (const name of folderNames(key)) {
      let next = at.folders.get(name);
      if (next === undefined) {
        next = folder(at.path + name + SEPARATOR, name);
        at.folders.set(name, next);
        at.sortedFolders = undefined;
      }
      next.count += 1;
      at = next;
    }
    at.keys.add(key);
    at.sortedKeys = undefined;
    return true;
  }

  /** False when it is not there. Folders that have become empty go with it. */
  delete(key: string): boolean {
    if (!this.all.delete(key)) return false;
    this.remove(this.root, folderNames(key), 0, key);
    return true;
  }

  clear(): void {
    this.all.clear();
    this.root.folders.clear();
    this.root.keys.clear();
    this.root.count = 0;
    this.root.sortedFolders = undefined;
    this.root.sortedKeys = undefined;
  }

  isOpen(path: string): boolean {
    return this.isAllOpen !== this.open.has(path);
  }

  toggle(path: string): void {
    if (!this.open.delete(path)) this.open.add(path);
  }

  /** Opens the folders that a key is in. */
  reveal(key: string): void {
    let path = '';
    for (const name of folderNames(key)) {
      path += name + SEPARATOR;
      if (!this.isOpen(path)) this.toggle(path);
    }
  }

  rows(): Row[] {
    const rows: Row[] = [];
    this.collect(this.root, 0, rows);
    return rows;
  }

  private remove(at: Folder, names: readonly string[], depth: number, key: string): void {
    at.count -= 1;
    const name = names[depth];
    if (name === undefined) {
      at.keys.delete(key);
      at.sortedKeys = undefined;
      return;
    }
    const next = at.folders.get(name)!;
    this.remove(next, names, depth + 1, key);
    if (next.count > 0) return;
    at.folders.delete(name);
    at.sortedFolders = undefined;
  }

  private collect(at: Folder, depth: number, rows: Row[]): void {
    at.sortedFolders ??= sorted([...at.folders.values()], ({ name }) => name);
    for (const { path, name, count } of at.sortedFolders) {
      const isOpen = this.isOpen(path);
      rows.push({ kind: 'folder', path, name, depth, count, isOpen });
      if (isOpen) this.collect(at.folders.get(name)!, depth + 1, rows);
    }
    at.sortedKeys ??= sorted([...at.keys], (key) => key);
    const from = at.path.length;
    for (const key of at.sortedKeys) rows.push({ kind: 'key', key, name: key.slice(from), depth });
  }
}

function folder(path: string, name: string): Folder {
  return {
    path,
    name,
    folders: new Map(),
    keys: new Set(),
    count: 0,
    sortedFolders: undefined,
    sortedKeys: undefined,
  };
}

function folderNames(key: string): string[] {
  return key.split(SEPARATOR).slice(0, -1);
}

function sorted<T>(items: T[], text: (item: T) => string): T[] {
  const compare =
    items.length <= COLLATED_MAX
      ? (a: T, b: T) => collator.compare(text(a), text(b))
      : (a: T, b: T) => (text(a) < text(b) ? -1 : 1);
  return items.sort(compare);
}
