// Emptying the whole data set before another one is loaded in its place (DEBUG RELOAD, DEBUG LOADAOF):
// as FLUSHALL for those who watch or track keys, but no change that would have to be saved.

import { database, databaseCount } from '../keyspace/db';
import { DATABASE_FLUSHED, databaseEvent } from '../keyspace/effects';
import { flushDatabase } from '../keyspace/lazyfree';
import { drainEffects } from './consequences';

/** Removes every key of every database at once. `current`: whose command asks for it, 0 for none. */
export function emptyDataset(current: usize): void {
  for (let i: u32 = 0; i < databaseCount; i++) {
    flushDatabase(database(i), false);
    databaseEvent(i, DATABASE_FLUSHED);
  }
  drainEffects(current);
}
