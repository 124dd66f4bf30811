// The visible rows of a tree of keys, as runs: neighbours in one folder that are drawn alike. A row is made when it
// is asked for, so that a folder of a million keys costs no more than one of ten. Finding row i is O(log runs).

import { positionOf } from './sorted_names.ts';

export const SEPARATOR = ':';

interface Place {
  readonly name: string;
  readonly depth: number;
  /** Which one it is in its folder, from 1, and of how many. */
  readonly position: number;
  readonly siblings: number;
}

export interface FolderRow extends Place {
  readonly kind: 'folder';
  readonly path: string;
  readonly count: number;
  readonly isOpen: boolean;
}

export interface KeyRow extends Place {
  readonly kind: 'key';
  readonly key: string;
}

export type Row = FolderRow | KeyRow;

/** What the rows of a run have in common. */
export interface Parent {
  /** What all names in it begin with, the colon included. */
  readonly path: string;
  readonly depth: number;
  readonly folders: number;
  readonly siblings: number;
  /** Keys below a folder in it. */
  countOf(name: string): number;
}

interface Run {
  readonly kind: 'open' | 'closed' | 'key';
  readonly parent: Parent;
  /** Names of folders, or whole keys, in order; the run is part of them. */
  readonly names: readonly string[];
  readonly from: number;
  readonly to: number;
  /** Rows in front of it. */
  readonly start: number;
}

export class TreeRows implements Iterable<Row> {
  private readonly runs: Run[] = [];
  private count = 0;

  get length(): number {
    return this.count;
  }

  push(
    kind: Run['kind'],
    parent: Parent,
    names: readonly string[],
    from = 0,
    to = names.length,
  ): void {
    if (from >= to) return;
    this.runs.push({ kind, parent, names, from, to, start: this.count });
    this.count += to - from;
  }

  at(index: number): Row | undefined {
    if (index < 0 || index >= this.count) return undefined;
    let from = 0;
    let to = this.runs.length - 1;
    while (from < to) {
      const middle = (from + to + 1) >> 1;
      if (this.runs[middle]!.start <= index) from = middle;
      else to = middle - 1;
    }
    const run = this.runs[from]!;
    return rowOf(run, run.from + index - run.start);
  }

  /** Where the row of the same key or folder is; -1 when there is none. */
  indexOf(wanted: Row): number {
    return wanted.kind === 'key' ? this.indexOfKey(wanted.key) : this.indexOfFolder(wanted.path);
  }

  indexOfKey(key: string): number {
    return this.find(key, (run) => run.kind === 'key' && key.startsWith(run.parent.path));
  }

  *[Symbol.iterator](): Iterator<Row> {
    for (const run of this.runs) for (let i = run.from; i < run.to; i += 1) yield rowOf(run, i);
  }

  private indexOfFolder(path: string): number {
    const { parent: wanted, name } = splitPath(path);
    return this.find(name, ({ kind, parent }) => kind !== 'key' && parent.path === wanted);
  }

  private find(name: string, isWanted: (run: Run) => boolean): number {
    for (const run of this.runs) {
      if (!isWanted(run)) continue;
      const at = positionOf(run.names, name);
      if (at >= run.from && at < run.to) return run.start + at - run.from;
    }
    return -1;
  }
}

/** The path of what a folder is in, and its name there. */
export function splitPath(path: string): { parent: string; name: string } {
  const end = path.slice(0, -1).lastIndexOf(SEPARATOR) + 1;
  return { parent: path.slice(0, end), name: path.slice(end, -1) };
}

function rowOf({ kind, parent, names }: Run, at: number): Row {
  const { path, depth, folders, siblings } = parent;
  const name = names[at]!;
  if (kind === 'key') {
    const position = folders + at + 1;
    return { kind, key: name, name: name.slice(path.length), depth, position, siblings };
  }
  return {
    kind: 'folder',
    path: path + name + SEPARATOR,
    name,
    depth,
    count: parent.countOf(name),
    isOpen: kind === 'open',
    position: at + 1,
    siblings,
  };
}
