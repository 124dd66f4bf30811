// The walk over the keyspace that writes a snapshot of one moment while commands run, seen from the host.

import * as abi from '../../assembly/abi.ts';
import type { Core } from './core.ts';

export interface SnapshotForm {
  /** Compress strings (LZF). */
  readonly compress: boolean;
  /** Write a checksum at the end; else zeros stand there. */
  readonly checksum: boolean;
  /** RESP commands in place of an RDB file. */
  readonly commands: boolean;
}

/** Begins a snapshot of this moment. False while another one is under way. */
export function beginSnapshot(core: Core, form: SnapshotForm): boolean {
  const flags =
    (form.compress ? abi.SNAPSHOT_COMPRESS : 0) |
    (form.checksum ? abi.SNAPSHOT_CHECKSUM : 0) |
    (form.commands ? abi.SNAPSHOT_COMMANDS : 0);
  return core.exports.snapshotBegin(flags) !== 0;
}

/** Puts text in front of everything else. */
export function writeSnapshotHeader(core: Core, header: Uint8Array): void {
  const scratch = core.word(abi.ABI_SCRATCH);
  for (let at = 0; at < header.length; at += abi.SCRATCH_BYTES) {
    const piece = header.subarray(at, at + abi.SCRATCH_BYTES);
    core.bytes.set(piece, scratch);
    core.exports.snapshotHeader(scratch, piece.length);
  }
}

/** What the last step has written and was not taken; valid until the next call into the core. */
export function snapshotOutput(core: Core): Uint8Array {
  const at = core.word(abi.ABI_SNAPSHOT_PTR);
  return core.bytes.subarray(at, at + core.word(abi.ABI_SNAPSHOT_LEN));
}
