// Several files read as one: the pieces of a file in an incremental backup, or the beginning of one.

import type { ReadableFile } from '../storage/piece_reader.ts';
import type { Storage, StorageFile } from '../storage/storage.ts';

export interface Span {
  readonly path: string;
  /** Bytes from its beginning; all of it unless given. */
  readonly bytes?: number;
}

export class JoinedFile implements ReadableFile {
  private readonly parts: { file: StorageFile; start: number; end: number }[] = [];
  private readonly total: number;

  constructor(storage: Storage, spans: readonly Span[]) {
    let at = 0;
    try {
      for (const { path, bytes } of spans) {
        const file = storage.open(path, 'read');
        const size = file.size();
        const end = at + Math.min(bytes ?? size, size);
        this.parts.push({ file, start: at, end });
        at = end;
      }
    } catch (error) {
      this.close();
      throw error;
    }
    this.total = at;
  }

  size(): number {
    return this.total;
  }

  read(into: Uint8Array, position: number): number {
    const part = this.parts.find(({ end }) => position < end);
    if (part === undefined) return 0;
    const room = into.subarray(0, Math.min(into.length, part.end - position));
    return part.file.read(room, position - part.start);
  }

  close(): void {
    for (const { file } of this.parts) file.close();
  }
}
