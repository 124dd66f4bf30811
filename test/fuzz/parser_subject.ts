// Where the parser fuzzer meets the core: the one place that knows how to open it.

import { usedBytes } from '../support/in_process.ts';
import { InProcessWire } from '../support/wire_in_process.ts';
import type { ParserSubject } from './parser.ts';

export function coreSubject(): ParserSubject {
  const wire = new InProcessWire();
  return {
    exchangeOne: (pieces) => wire.exchangeOne(pieces),
    exchangeBytewise: (input) => wire.exchangeBytewise(input),
    usedMemory: () => usedBytes(wire.engine),
  };
}
