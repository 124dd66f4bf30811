// Names in order, sorted when they are asked for. Many names that have changed a little are not sorted anew: what
// came is merged in, what went is left out, O(n + m log m) for m changes. An array that was given out stays as it is.

/** Up to this many names are sorted as people count (item2 before item10), which takes longer. */
const COLLATED_MAX = 5000;
const collator = new Intl.Collator('en', { numeric: true });

type Compare = (a: string, b: string) => number;

function plain(a: string, b: string): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}

function collated(a: string, b: string): number {
  return collator.compare(a, b) || plain(a, b);
}

/** The order that an array of so many names has. */
function orderOf(count: number): Compare {
  return count <= COLLATED_MAX ? collated : plain;
}

export class SortedNames {
  private readonly names = new Set<string>();
  private sorted: readonly string[] = [];
  private added: string[] = [];
  private hasDeleted = false;

  get size(): number {
    return this.names.size;
  }

  add(name: string): void {
    if (this.names.has(name)) return;
    this.names.add(name);
    this.added.push(name);
  }

  delete(name: string): void {
    if (this.names.delete(name)) this.hasDeleted = true;
  }

  ordered(): readonly string[] {
    if (this.added.length === 0 && !this.hasDeleted) return this.sorted;
    const { names, sorted } = this;
    const compare = orderOf(names.size);
    this.sorted =
      compare === plain && orderOf(sorted.length) === plain
        ? merged(sorted, this.added.sort(plain), names)
        : [...names].sort(compare);
    this.added = [];
    this.hasDeleted = false;
    return this.sorted;
  }
}

/** Two arrays in plain order as one: each name once, and only what is among `names`. */
function merged(a: readonly string[], b: readonly string[], names: ReadonlySet<string>): string[] {
  const all: string[] = [];
  let i = 0;
  let j = 0;
  while (i < a.length || j < b.length) {
    const isFirst = j >= b.length || (i < a.length && a[i]! <= b[j]!);
    const name = isFirst ? a[i++]! : b[j++]!;
    if (name !== all.at(-1) && names.has(name)) all.push(name);
  }
  return all;
}

/** Where a name is in an array of `ordered`; -1 when it is not there. */
export function positionOf(ordered: readonly string[], name: string): number {
  const compare = orderOf(ordered.length);
  let from = 0;
  let to = ordered.length;
  while (from < to) {
    const middle = (from + to) >> 1;
    const order = compare(ordered[middle]!, name);
    if (order === 0) return middle;
    if (order < 0) from = middle + 1;
    else to = middle;
  }
  return -1;
}
