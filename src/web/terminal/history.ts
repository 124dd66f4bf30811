// Lines that were run, newest last, kept in the browser between visits.

export interface HistoryStorage {
  getItem(key: string): string | null;
  setItem(key: string, value: string): void;
}

const STORAGE_KEY = 'respite.history';
const LINES_MAX = 1000;
/** Lines with passwords are not kept. */
const SENSITIVE =
  /^\s*(auth\b|hello\b.*\bauth\b|acl\s+setuser\b|migrate\b.*\bauth2?\b|config\s+set\b.*(requirepass|masterauth))/i;

export class History {
  private lines: string[] = [];
  /** Undefined from when it refused on. */
  private storage: HistoryStorage | undefined;

  /** Without a storage, or with one that refuses, lines are kept for as long as the page lives. */
  constructor(storage?: HistoryStorage) {
    this.storage = storage;
    this.read();
  }

  get length(): number {
    return this.lines.length;
  }

  /** 0 is the newest. */
  at(age: number): string | undefined {
    return this.lines[this.lines.length - 1 - age];
  }

  add(line: string): void {
    this.addAll([line]);
  }

  /** Adds lines, the newest last, at the cost of one. */
  addAll(lines: readonly string[]): void {
    const kept = lines.filter((line) => line.trim() !== '' && !SENSITIVE.test(line));
    if (kept.every((line) => line === this.at(0))) return;
    // Other tabs add lines, too.
    this.read();
    for (const line of kept) if (line !== this.at(0)) this.lines.push(line);
    this.lines.splice(0, this.lines.length - LINES_MAX);
    try {
      this.storage?.setItem(STORAGE_KEY, JSON.stringify(this.lines));
    } catch {
      // No room, or not allowed: the history of this visit is kept all the same.
      this.storage = undefined;
    }
  }

  /** Age of the newest line from `age` on that contains the text. */
  search(text: string, age: number): number | undefined {
    for (let each = age; each < this.lines.length; each += 1) {
      if (this.at(each)!.includes(text)) return each;
    }
    return undefined;
  }

  /** Takes the lines that are kept, when there are any. */
  private read(): void {
    try {
      const kept: unknown = JSON.parse(this.storage?.getItem(STORAGE_KEY) ?? 'null');
      if (Array.isArray(kept)) this.lines = kept.filter((line) => typeof line === 'string');
    } catch {
      // What is kept is damaged, or may not be read: the lines of this visit remain.
    }
  }
}
