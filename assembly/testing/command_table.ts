// Test entry: addresses of the generated command table.

import { COMMAND_COUNT, COMMAND_NAMES, COMMAND_RECORDS } from '../generated/command_table';

export { commandLookupInit } from '../server/command_lookup';

export function commandCount(): u32 {
  return COMMAND_COUNT;
}

export function commandRecords(): usize {
  return COMMAND_RECORDS;
}

export function commandNames(): usize {
  return COMMAND_NAMES;
}
