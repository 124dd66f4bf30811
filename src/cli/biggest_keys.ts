// The biggest keys of each type, by their bytes in the file.

import type { ScannedKey } from '../persistence/rdb_scan.ts';
import type { ValueKind } from '../persistence/rdb_shapes.ts';

const KEPT = 10;

export class BiggestKeys {
  private readonly byKind = new Map<ValueKind, ScannedKey[]>();

  add(key: ScannedKey): void {
    let keys = this.byKind.get(key.kind);
    if (keys === undefined) {
      keys = [];
      this.byKind.set(key.kind, keys);
    }
    if (keys.length === KEPT && key.bytes <= keys[KEPT - 1]!.bytes) return;
    const at = keys.findIndex(({ bytes }) => bytes < key.bytes);
    keys.splice(at < 0 ? keys.length : at, 0, key);
    if (keys.length > KEPT) keys.pop();
  }

  /** Types by name, and of each the biggest first. */
  list(): [ValueKind, readonly ScannedKey[]][] {
    return [...this.byKind].sort(([a], [b]) => (a < b ? -1 : 1));
  }
}
