// Keys as a tree of folders, by the colons in their names.
//
//   user:1:name  user:1:mail  visits        user (2)
//                                             1 (2)
//                                               user:1:mail
//                                               user:1:name
//                                           visits
//
// A folder's children are sorted when they are asked for and something changed. `rows` is what is visible: O(open
// folders), whatever is in them. Adding and deleting is O(parts of the name).

import { positionOf, SortedNames } from './sorted_names.ts';
import { type Parent, SEPARATOR, splitPath, TreeRows } from './tree_rows.ts';

/** Further colons of a name make no more folders. */
const DEPTH_MAX = 64;

interface Folder {
  /** What all names in it begin with, the colon included; empty for the whole tree. */
  readonly path: string;
  readonly folders: Map<string, Folder>;
  readonly folderNames: SortedNames;
  readonly keys: SortedNames;
  /** Keys in it and in all folders below. */
  count: number;
}

export class KeyTree {
  private readonly root = folder('');
  private readonly all = new Set<string>();
  private open = new Set<string>();
  private areAllOpen = false;

  /** Opens the folders that are open in another tree, and no other. */
  openAs(other: KeyTree): void {
    this.open = new Set(other.open);
    this.areAllOpen = other.areAllOpen;
  }

  /** Whether folders are open that nobody opened, as in what a filter found. */
  get isAllOpen(): boolean {
    return this.areAllOpen;
  }

  set isAllOpen(isSo: boolean) {
    if (isSo === this.areAllOpen) return;
    this.areAllOpen = isSo;
    this.open = new Set();
  }

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
    for (const name of foldersOf(key)) {
      let next = at.folders.get(name);
      if (next === undefined) {
        next = folder(at.path + name + SEPARATOR);
        at.folders.set(name, next);
        at.folderNames.add(name);
      }
      next.count += 1;
      at = next;
    }
    at.keys.add(key);
    return true;
  }

  /** False when it is not there. Folders that have become empty go with it. */
  delete(key: string): boolean {
    if (!this.all.delete(key)) return false;
    let at = this.root;
    at.count -= 1;
    for (const name of foldersOf(key)) {
      const next = at.folders.get(name)!;
      next.count -= 1;
      if (next.count === 0) {
        at.folders.delete(name);
        at.folderNames.delete(name);
        return true;
      }
      at = next;
    }
    at.keys.delete(key);
    return true;
  }

  isOpen(path: string): boolean {
    return this.areAllOpen !== this.open.has(path);
  }

  toggle(path: string): void {
    if (!this.open.delete(path)) this.open.add(path);
  }

  /** Opens the folders that a key is in. */
  reveal(key: string): void {
    let path = '';
    for (const name of foldersOf(key)) {
      path += name + SEPARATOR;
      if (!this.isOpen(path)) this.toggle(path);
    }
  }

  rows(): TreeRows {
    const rows = new TreeRows();
    this.collect(this.root, 0, rows, this.toggledIn());
    return rows;
  }

  /** Names of the folders in `open`, by the path of what they are in. */
  private toggledIn(): Map<string, string[]> {
    const toggled = new Map<string, string[]>();
    for (const path of this.open) {
      const { parent, name } = splitPath(path);
      const names = toggled.get(parent) ?? [];
      names.push(name);
      toggled.set(parent, names);
    }
    return toggled;
  }

  private collect(
    at: Folder,
    depth: number,
    rows: TreeRows,
    toggled: ReadonlyMap<string, readonly string[]>,
  ): void {
    const names = at.folderNames.ordered();
    const keys = at.keys.ordered();
    const parent: Parent = {
      path: at.path,
      depth,
      folders: names.length,
      siblings: names.length + keys.length,
      countOf: (name) => at.folders.get(name)?.count ?? 0,
    };
    let from = 0;
    for (const i of this.openPositions(names, toggled.get(at.path) ?? [])) {
      rows.push('closed', parent, names, from, i);
      rows.push('open', parent, names, i, i + 1);
      this.collect(at.folders.get(names[i]!)!, depth + 1, rows, toggled);
      from = i + 1;
    }
    rows.push('closed', parent, names, from);
    rows.push('key', parent, keys);
  }

  private openPositions(names: readonly string[], toggled: readonly string[]): number[] {
    const positions = toggled.map((name) => positionOf(names, name)).filter((at) => at >= 0);
    if (!this.areAllOpen) return positions.sort((a, b) => a - b);
    const closed = new Set(positions);
    return Array.from(names.keys()).filter((i) => !closed.has(i));
  }
}

function folder(path: string): Folder {
  return {
    path,
    folders: new Map(),
    folderNames: new SortedNames(),
    keys: new SortedNames(),
    count: 0,
  };
}

/** The parts of a name that are folders. */
function foldersOf(key: string): string[] {
  const names: string[] = [];
  let from = 0;
  while (names.length < DEPTH_MAX) {
    const end = key.indexOf(SEPARATOR, from);
    if (end < 0) break;
    names.push(key.slice(from, end));
    from = end + 1;
  }
  return names;
}
