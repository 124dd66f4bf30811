// What the log says of an RDB file that cannot be loaded: Redis's lines, in Redis's order. Where Redis
// runs redis-check-rdb on the file, its findings follow; here they are what the loader knows.

import * as abi from '../../assembly/abi.ts';
import type { RdbFault, RdbTotals } from '../core/rdb_load.ts';
import { rdbTypeName } from '../core/rdb_reasons.ts';

export interface FaultReport extends RdbFault {
  readonly totals: RdbTotals;
  /** The checksum of what was read, and the one in the file. */
  readonly checksums: { readonly computed: bigint; readonly found: bigint };
}

/** What redis-check-rdb says was being done, by LOADING_*. */
const DOING: Readonly<Record<number, string>> = {
  [abi.LOADING_HEADER]: 'start',
  [abi.LOADING_OPCODE]: 'read-type',
  [abi.LOADING_KEY]: 'read-key',
  [abi.LOADING_VALUE]: 'read-object-value',
  [abi.LOADING_STRING]: 'read-object-value',
  [abi.LOADING_MODULE]: 'read-module-aux',
  [abi.LOADING_CHECKSUM]: 'check-sum',
};

const KEY_BYTES_LOGGED = 256;

/** A name for a line of the log: bytes that would end it or are not to be seen are escaped. */
export function loggedName(bytes: Uint8Array): string {
  const text = Buffer.from(bytes.subarray(0, KEY_BYTES_LOGGED)).toString();
  const shown = text.replace(
    // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is replaced
    /[\u0000-\u001f\u007f]/g,
    (char) => `\\x${char.charCodeAt(0).toString(16).padStart(2, '0')}`,
  );
  return bytes.length > KEY_BYTES_LOGGED ? `${shown}...` : shown;
}

/** The lines for a fault. */
export function faultLines(report: FaultReport): string[] {
  switch (report.fault) {
    case abi.RDB_FAULT_SIGNATURE:
    case abi.RDB_FAULT_VERSION:
    case abi.RDB_FAULT_DATABASE:
      return [report.text];
    case abi.RDB_FAULT_CHECKSUM: {
      const { computed, found } = report.checksums;
      const sums = `(${computed.toString(16)}) but got (${found.toString(16)})`;
      return [`Wrong RDB checksum expected: ${sums}. Aborting now.`, ...findings(report)];
    }
    case abi.RDB_FAULT_DUPLICATE_KEY: {
      const name = loggedName(report.key ?? new Uint8Array(0));
      return [`RDB has duplicated key '${name}' in DB ${report.database}`, ...findings(report)];
    }
    case abi.RDB_FAULT_NO_MEMORY:
      return [
        `Out of memory loading DB: ${report.totals.keysLoaded} keys are loaded, and no more ` +
          'fit into the 4 GiB of this engine',
        SHORT_READ,
        ...findings(report),
      ];
    case abi.RDB_FAULT_EOF:
      return [SHORT_READ, ...findings(report)];
    default:
      return findings(report);
  }
}

const SHORT_READ = 'Short read or OOM loading DB. Unrecoverable error, aborting now.';

function findings(report: FaultReport): string[] {
  const { text, offset, state, key, type, totals } = report;
  const lines = [
    `Internal error in RDB reading offset ${offset}, function at load.ts -> ${text}`,
    '--- RDB ERROR DETECTED ---',
    `[offset ${offset}] ${text}`,
    `[additional info] While doing: ${DOING[state] ?? 'unknown'}`,
  ];
  if (key !== undefined) lines.push(`[additional info] Reading key '${loggedName(key)}'`);
  if (type !== undefined) {
    lines.push(`[additional info] Reading type ${type} (${rdbTypeName(type)})`);
  }
  lines.push(`[info] ${totals.keysLoaded + totals.keysExpired} keys read`);
  lines.push(`[info] ${totals.keysExpired} already expired`);
  return lines;
}
