// Where the parser fuzzer meets the core: the one place that knows how to open it.

import * as abi from '../../assembly/abi.ts';
import { InProcessWire } from '../support/wire_in_process.ts';
import type { ParserSubject } from './parser.ts';

export function coreSubject(): ParserSubject {
  const wire = new InProcessWire();
  const { core } = wire.engine;
  return {
    exchangeOne: (pieces) => wire.exchangeOne(pieces),
    usedMemory: () => {
      core.exports.refreshStats();
      return core.stat(abi.STAT_USED_MEMORY);
    },
  };
}
