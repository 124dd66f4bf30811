// The names of all commands by id, read from the core's own table: who only needs names need not carry
// the records they are made from (src/commands).

import * as abi from '../../assembly/abi.ts';
import type { Core } from './core.ts';

const decoder = new TextDecoder();

/** Full lower-case names, "get" or "config|get"; the index is the id. */
export function commandNames(core: Core): string[] {
  const records = core.word(abi.ABI_RECORDS);
  const names = core.word(abi.ABI_NAMES);
  const { data } = core;
  return Array.from({ length: core.word(abi.ABI_COMMANDS) }, (_, id) => {
    const record = records + id * abi.RECORD_BYTES;
    const at = names + data.getUint16(record + abi.RECORD_NAME_OFFSET, true);
    return decoder.decode(core.view(at, data.getUint8(record + abi.RECORD_NAME_LEN)));
  });
}
