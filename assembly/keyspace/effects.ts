// What a command's change to the keyspace sets off besides its reply.
//
// Command handlers say what happened (`keyModified`, `notifyKeyspaceEvent`) and never act on it
// themselves; whoever has to react (dirty counter, and as they are built: WATCH, blocked clients,
// keyspace notifications, tracking, propagation) does so from here, in one place.

import { STAT_DIRTY } from '../abi';
import { Stats } from './stats';

/** A key's value was created, changed or removed by the running command. */
export function keyModified(changes: u32): void {
  Stats.add(STAT_DIRTY, <f64>changes);
}
