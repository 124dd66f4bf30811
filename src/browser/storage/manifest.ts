// Which files count. Two slots take turns, so that a write that is torn leaves the record before it:
//
//   manifest-0, manifest-1:  {"format":1,"sequence":7,"base":3,"snapshotBytes":1234} newline, sum
//
// The one with the higher sequence holds. `base` is the generation that loading begins with:
//
//   snapshot-3 (unless it begins with nothing), log-3, log-4 ... as far as there are any
//
// A slot that is broken counts as not written. A form that is not known is an error, since a later release
// made it.

import { RespiteError } from '../../embedded/errors.ts';
import type { Backend } from './backend.ts';
import { crc32 } from './crc32.ts';

const FORMAT = 1;
const SLOTS = 2;
/** A record is far shorter. */
const RECORD_BYTES_MAX = 1024;

export interface Manifest {
  readonly sequence: number;
  /** Generation that loading begins with. */
  readonly base: number;
  /** Length of its snapshot; 0 when it begins with nothing. */
  readonly snapshotBytes: number;
}

const slotName = (slot: number) => `manifest-${slot}`;
export const snapshotName = (generation: number) => `snapshot-${generation}`;
export const logName = (generation: number) => `log-${generation}`;

/** Undefined when there is none. */
export async function readManifest(
  backend: Backend,
  files: ReadonlyMap<string, number>,
): Promise<Manifest | undefined> {
  let newest: Manifest | undefined;
  for (let slot = 0; slot < SLOTS; slot++) {
    const size = files.get(slotName(slot)) ?? 0;
    if (size === 0 || size > RECORD_BYTES_MAX) continue;
    const found = parse(await backend.read(slotName(slot), 0, size));
    if (found !== undefined && found.sequence > (newest?.sequence ?? 0)) newest = found;
  }
  return newest;
}

function parse(bytes: Uint8Array): Manifest | undefined {
  const [json, sum] = new TextDecoder().decode(bytes).split('\n');
  if (json === undefined || sum !== sumOf(json)) return undefined;
  const record = JSON.parse(json) as Manifest & { format: number };
  if (record.format !== FORMAT) {
    throw new RespiteError(
      'STORAGE',
      `The stored data have form ${record.format}, which a later release made: this one reads form ${FORMAT}`,
    );
  }
  return record;
}

function sumOf(json: string): string {
  return crc32(new TextEncoder().encode(json)).toString(16);
}

/** Makes a record hold, durably. A failure leaves the one before, or this one. */
export async function writeManifest(backend: Backend, manifest: Manifest): Promise<void> {
  const json = JSON.stringify({ format: FORMAT, ...manifest });
  const bytes = new TextEncoder().encode(`${json}\n${sumOf(json)}`);
  await backend.write(slotName(manifest.sequence % SLOTS), 0, bytes, true);
}
