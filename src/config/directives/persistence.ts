// Snapshots (RDB), the append-only file, and backups.

import { checkSchedule } from '../cron_expression.ts';
import type { Directive } from '../directive_types.ts';
import { INT_MAX, INT_MIN, LONG_MAX } from '../numbers.ts';

function isBaseName(path: string): boolean {
  return !/[/\\]/.test(path);
}

function checkDbFilename(name: string): string | undefined {
  return isBaseName(name) ? undefined : "dbfilename can't be a path, just a filename";
}

function checkBackupDirname(name: string): string | undefined {
  if (name === '') return "backupdirname can't be empty";
  return isBaseName(name) ? undefined : "backupdirname can't be a path, just a dirname";
}

function checkAofFilename(name: string): string | undefined {
  if (name === '') return "appendfilename can't be empty";
  return isBaseName(name) ? undefined : "appendfilename can't be a path, just a filename";
}

function checkAofDirname(name: string): string | undefined {
  if (name === '') return "appenddirname can't be empty";
  return isBaseName(name) ? undefined : "appenddirname can't be a path, just a dirname";
}

export const snapshotDirectives = [
  {
    name: 'save',
    type: 'special',
    multi: true,
    area: 'snapshot',
    summary:
      'Seconds and changes after which a snapshot is taken; several pairs, or empty for none',
  },
  {
    name: 'dbfilename',
    type: 'string',
    default: 'dump.rdb',
    protected: true,
    check: checkDbFilename,
    area: 'snapshot',
    summary: 'Name of the snapshot in the working directory',
  },
  {
    name: 'rdbcompression',
    type: 'bool',
    default: true,
    area: 'snapshot',
    summary: 'Compress strings in snapshots',
  },
  {
    name: 'rdbchecksum',
    type: 'bool',
    default: true,
    immutable: true,
    area: 'snapshot',
    summary: 'Write and verify the checksum of a snapshot',
  },
  {
    name: 'rdb-del-sync-files',
    type: 'bool',
    default: false,
    area: 'snapshot',
    summary: 'Delete snapshots made only for replication',
  },
  {
    name: 'rdb-save-incremental-fsync',
    type: 'bool',
    default: true,
    area: 'snapshot',
    summary: 'Flush a snapshot to disk in steps while it is written',
  },
  {
    name: 'stop-writes-on-bgsave-error',
    type: 'bool',
    default: true,
    area: 'snapshot',
    summary: 'Refuse writes after a snapshot failed',
  },
  {
    name: 'sanitize-dump-payload',
    type: 'enum',
    values: [
      ['no', 0],
      ['yes', 1],
      ['clients', 2],
    ],
    default: 0,
    debug: true,
    area: 'snapshot',
    summary: 'Verify the inside of values that come from snapshots and RESTORE',
  },
  {
    name: 'rdb-key-save-delay',
    type: 'int',
    min: INT_MIN,
    max: INT_MAX,
    default: 0,
    hidden: true,
    area: 'snapshot',
    summary: 'Microseconds to wait after each key written; negative waits once per that many keys',
  },
  {
    name: 'key-load-delay',
    type: 'int',
    min: INT_MIN,
    max: INT_MAX,
    default: 0,
    hidden: true,
    area: 'snapshot',
    summary: 'Microseconds to wait after each key loaded; negative waits once per that many keys',
  },
  {
    name: 'loading-process-events-interval-bytes',
    type: 'long',
    min: 1024,
    max: INT_MAX,
    default: 2097152,
    hidden: true,
    area: 'snapshot',
    summary: 'Bytes loaded between two looks at the clients',
  },
] as const satisfies readonly Directive[];

export const aofDirectives = [
  {
    name: 'appendonly',
    type: 'bool',
    default: false,
    denyLoading: true,
    area: 'aof',
    summary: 'Log every write to the append-only file',
  },
  {
    name: 'appendfilename',
    type: 'string',
    default: 'appendonly.aof',
    immutable: true,
    check: checkAofFilename,
    area: 'aof',
    summary: 'First part of the names of the append-only files',
  },
  {
    name: 'appenddirname',
    type: 'string',
    default: 'appendonlydir',
    immutable: true,
    check: checkAofDirname,
    area: 'aof',
    summary: 'Directory of the append-only files inside the working directory',
  },
  {
    name: 'appendfsync',
    type: 'enum',
    values: [
      ['everysec', 0],
      ['always', 1],
      ['no', 2],
    ],
    default: 0,
    area: 'aof',
    summary: 'When the append-only file is flushed to disk',
  },
  {
    name: 'no-appendfsync-on-rewrite',
    type: 'bool',
    default: false,
    area: 'aof',
    summary: 'Do not flush while a snapshot or a rewrite is being written',
  },
  {
    name: 'auto-aof-rewrite-percentage',
    type: 'int',
    min: 0,
    max: INT_MAX,
    default: 100,
    area: 'aof',
    summary: 'Growth since the last rewrite that starts the next; 0 never does',
  },
  {
    name: 'auto-aof-rewrite-min-size',
    type: 'memory',
    min: 0,
    max: LONG_MAX,
    default: 67108864,
    area: 'aof',
    summary: 'Size below which no rewrite starts by itself',
  },
  {
    name: 'aof-load-truncated',
    type: 'bool',
    default: true,
    area: 'aof',
    summary: 'Accept an append-only file whose end is missing',
  },
  {
    name: 'aof-use-rdb-preamble',
    type: 'bool',
    default: true,
    area: 'aof',
    summary: 'Write the base of the append-only file in snapshot format',
  },
  {
    name: 'aof-timestamp-enabled',
    type: 'bool',
    default: false,
    area: 'aof',
    summary: 'Note times in the append-only file, for restoring to a moment',
  },
  {
    name: 'aof-rewrite-incremental-fsync',
    type: 'bool',
    default: true,
    area: 'aof',
    summary: 'Flush a rewritten file to disk in steps while it is written',
  },
  {
    name: 'aof-disable-auto-gc',
    type: 'bool',
    default: false,
    hidden: true,
    area: 'aof',
    summary: 'Keep append-only files that are no longer needed',
  },
] as const satisfies readonly Directive[];

export const backupDirectives = [
  {
    name: 'backupdirname',
    type: 'string',
    default: 'backupdir',
    immutable: true,
    check: checkBackupDirname,
    area: 'backup',
    summary: 'Directory inside the working directory that BACKUP puts files aside in',
  },
  {
    name: 'backup-sealed-ttl',
    type: 'int',
    min: 0,
    max: INT_MAX,
    default: 0,
    area: 'backup',
    summary: 'Seconds that the files of a sealed backup stay; 0 keeps them until BACKUP CLEANUP',
  },
  {
    name: 'backup-schedule',
    type: 'string',
    default: '',
    check: checkSchedule,
    area: 'backup',
    summary: 'When backups are taken: a cron expression in local time; empty for never',
  },
  {
    name: 'backup-dir',
    type: 'string',
    default: '',
    protected: true,
    area: 'backup',
    summary: 'Folder of scheduled backups, absolute or below the working directory',
  },
  {
    name: 'backup-keep',
    type: 'int',
    min: 0,
    max: INT_MAX,
    default: 7,
    area: 'backup',
    summary: 'Scheduled backups to keep; 0 keeps all',
  },
] as const satisfies readonly Directive[];
