// Files of a server's data, built by hand: logs of commands and snapshots of some keys.

import type { Storage } from '../../src/storage/storage.ts';
import { aux, key, rdbFile, select } from './rdb_file.ts';
import { plain } from './rdb_payload.ts';

/** A command as it stands in the log. */
export function logged(...args: string[]): string {
  return `*${args.length}\r\n${args.map((a) => `$${Buffer.byteLength(a)}\r\n${a}\r\n`).join('')}`;
}

export function timestamp(unixSeconds: number): string {
  return `#TS:${unixSeconds}\r\n`;
}

export interface SnapshotOptions {
  readonly ctime?: number;
  readonly keys?: readonly string[];
}

/** A snapshot of strings. */
export function snapshot({ ctime = 1000, keys = ['a', 'b'] }: SnapshotOptions = {}): Buffer {
  return rdbFile(
    10,
    aux('redis-ver', '7.0.15'),
    aux('ctime', String(ctime)),
    select(0),
    ...keys.map((name) => key(0, name, plain(`value of ${name}`))),
  );
}

export function put(storage: Storage, path: string, content: string | Uint8Array): void {
  const slash = path.lastIndexOf('/');
  if (slash > 0) storage.makeDirectory(path.slice(0, slash));
  const file = storage.open(path, 'create');
  file.write(Buffer.from(content));
  file.sync();
  file.close();
}

export function text(storage: Storage, path: string): string {
  return Buffer.from(storage.readFile(path)).toString('latin1');
}

export const LOG = 'appendonlydir/appendonly.aof';

/** A data directory with a base and increments, numbered from 1. */
export function putLog(
  storage: Storage,
  directory: string,
  { base = snapshot(), increments = [''] }: { base?: Uint8Array; increments?: string[] } = {},
): void {
  put(storage, `${directory}/${LOG}.1.base.rdb`, base);
  let manifest = 'file appendonly.aof.1.base.rdb seq 1 type b\n';
  for (const [i, content] of increments.entries()) {
    put(storage, `${directory}/${LOG}.${i + 1}.incr.aof`, content);
    manifest += `file appendonly.aof.${i + 1}.incr.aof seq ${i + 1} type i\n`;
  }
  put(storage, `${directory}/${LOG}.manifest`, manifest);
}
