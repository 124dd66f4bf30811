// INFO keysizes: per database and type, how many keys have a value of which size.
//
//   db0_distrib_strings_sizes:1=12,8=3,1K=1      lengths of 1, of 8 to 15, of 1024 to 2047 bytes
//   db0_distrib_lists_items:4=1
//
// The core counts by walking over all keys (assembly/server/key_sizes.ts says why). The walk is cut
// into slices; a small data set is done at once, a large one is continued in later turns of the
// event loop, and everybody who asks meanwhile gets the same answer. Because monitoring tools ask
// again and again, the answer of a long walk is kept for ten times as long as the walk took: so it
// never takes more than a tenth of the time, whatever the number of keys.

import type { Core } from '../core/core.ts';
import { KeySizesWalk } from '../core/keyspace.ts';
import { nextTurn } from '../util/next_turn.ts';
import type { InfoSection } from './info.ts';
import type { InfoText } from './info_text.ts';

const SLICE_US = 1000;
/** What the first turn may take. */
const FIRST_SLICE_US = 2000;
const KEEP_FACTOR = 10;

/** Names of the rows, by type. */
const ROWS = [
  'distrib_strings_sizes',
  'distrib_lists_items',
  'distrib_sets_items',
  'distrib_zsets_items',
  'distrib_hashes_items',
];

const LABEL_UNITS = ['', 'K', 'M', 'G', 'T'];
const POWERS_PER_UNIT = 10;

export interface DatabaseKeySizes {
  readonly index: number;
  /** Per type, keys per bin. */
  readonly counts: readonly (readonly number[])[];
}

/** Name of a bin: its smallest size, "0", "1", "512", "1K". */
export function binLabel(bin: number): string {
  if (bin === 0) return '0';
  const power = bin - 1;
  const unit = Math.floor(power / POWERS_PER_UNIT);
  return `${2 ** (power % POWERS_PER_UNIT)}${LABEL_UNITS[unit]}`;
}

export class KeySizes {
  private readonly core: Core;
  private running: Promise<readonly DatabaseKeySizes[]> | undefined;
  private kept: readonly DatabaseKeySizes[] = [];
  private keptUntilUs = 0;

  constructor(core: Core) {
    this.core = core;
  }

  /** The databases that hold keys. A promise when counting takes more than a moment. */
  read(): readonly DatabaseKeySizes[] | Promise<readonly DatabaseKeySizes[]> {
    if (this.running !== undefined) return this.running;
    const startUs = this.core.clockUs();
    if (startUs < this.keptUntilUs) return this.kept;
    const found: DatabaseKeySizes[] = [];
    const steps = this.walk(found);
    do {
      if (steps.next().done) return found;
    } while (this.core.clockUs() - startUs < FIRST_SLICE_US);
    this.running = this.finish(steps, found, startUs);
    return this.running;
  }

  /** One slice per step. */
  private *walk(found: DatabaseKeySizes[]): Generator<void, void> {
    const { core } = this;
    for (let index = 0; index < core.databases; index++) {
      if (core.exports.databaseKeys(index) === 0) continue;
      const walk = new KeySizesWalk(core, index);
      while (walk.step(SLICE_US)) yield;
      found.push({ index, counts: walk.counts() });
    }
  }

  private async finish(
    steps: Generator<void, void>,
    found: readonly DatabaseKeySizes[],
    startUs: number,
  ): Promise<readonly DatabaseKeySizes[]> {
    try {
      do await nextTurn();
      while (!steps.next().done);
      const nowUs = this.core.clockUs();
      this.kept = found;
      this.keptUntilUs = nowUs + (nowUs - startUs) * KEEP_FACTOR;
      return found;
    } finally {
      this.running = undefined;
    }
  }
}

export function keySizesSection(sizes: KeySizes): InfoSection {
  return {
    names: ['keysizes'],
    title: 'Keysizes',
    isCostly: true,
    write(info) {
      const result = sizes.read();
      if (result instanceof Promise) return result.then((found) => writeSizes(info, found));
      writeSizes(info, result);
    },
  };
}

function writeSizes(info: InfoText, databases: readonly DatabaseKeySizes[]): void {
  for (const { index, counts } of databases) {
    for (const [type, row] of counts.entries()) {
      const bins = row.flatMap((count, bin) => (count === 0 ? [] : [`${binLabel(bin)}=${count}`]));
      if (bins.length > 0) info.field(`db${index}_${ROWS[type]}`, bins.join(','));
    }
  }
}
