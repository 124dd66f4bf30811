// What long work tells of itself: a terminal draws it, a server keeps it to its log.

export interface Progress {
  update(done: number): void;
  end(): void;
}

export interface Report {
  /** A line about something done or decided. */
  note(text: string): void;
  /** Work that begins. `total` is 0 when nobody knows how much it is. */
  progress(what: string, totalBytes: number): Progress;
}

export const SILENT: Report = {
  note: () => {},
  progress: () => ({ update: () => {}, end: () => {} }),
};
