// The moment to restore to, as it is written on a command line.
//
//   latest                        everything there is
//   2026-11-23T14:40:00Z          a time; without a zone it is local time
//   1795444800                    Unix seconds
//   10 minutes ago
//   offset:5120                   bytes of the last append-only file
//   offset:NAME:5120              bytes of the append-only file NAME, without those behind it

import { BackupError } from './backup_error.ts';

export type Moment =
  | { readonly kind: 'latest' }
  | { readonly kind: 'time'; readonly unixSeconds: number }
  | { readonly kind: 'offset'; readonly file: string | undefined; readonly offset: number };

const UNIT_SECONDS: Readonly<Record<string, number>> = {
  second: 1,
  minute: 60,
  hour: 3600,
  day: 86_400,
  week: 604_800,
};
/** A number above this is one of milliseconds. */
const UNIX_SECONDS_MAX = 100_000_000_000;

/** Throws BackupError. */
export function parseMoment(text: string, nowMs: number): Moment {
  const words = text.trim().toLowerCase();
  if (words === 'latest') return { kind: 'latest' };
  const offset = /^offset:(?:(.+):)?(\d+)$/i.exec(text.trim());
  if (offset) return { kind: 'offset', file: offset[1], offset: Number(offset[2]) };
  if (/^\d+$/.test(words)) {
    const value = Number(words);
    return time(value > UNIX_SECONDS_MAX ? value / 1000 : value);
  }
  const ago = /^(\d+)\s*(second|minute|hour|day|week)s?\s+ago$/.exec(words);
  if (ago) return time(nowMs / 1000 - Number(ago[1]) * UNIT_SECONDS[ago[2]!]!);
  if (/^\d{4}-\d{2}-\d{2}/.test(words)) {
    // A date alone would count as UTC.
    const parsed = Date.parse(
      /^\d{4}-\d{2}-\d{2}$/.test(words) ? `${words}T00:00:00` : text.trim(),
    );
    if (!Number.isNaN(parsed)) return time(parsed / 1000);
  }
  throw new BackupError(
    `'${text}' is no moment: say latest, a time such as 2026-11-23T14:40:00Z, Unix seconds, '10 minutes ago' or offset:BYTES`,
  );
}

/** The log notes whole seconds. */
function time(seconds: number): Moment {
  return { kind: 'time', unixSeconds: Math.floor(seconds) };
}

/** "2026-11-23T14:40:00Z" */
export function timeText(unixSeconds: number): string {
  return new Date(unixSeconds * 1000).toISOString().replace('.000Z', 'Z');
}
