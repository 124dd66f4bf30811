// Reporting changes to keys that are arguments of the running command.
import { Db, db } from '../keyspace/db';
import { effectsWanted, keyEvent, keyModified } from '../keyspace/effects';
import { Arg } from './args';

/** `keyEvent` for the key in argument `i`, in the database of the running command. */
export function argEvent(i: u32, kind: u32, event: string, changes: u32): void {
  // Nearly always nobody listens, and the count is all.
  if (effectsWanted == 0) keyModified(changes);
  else argEventIn(db, i, kind, event, changes);
}

/** The same in a database of choice. */
export function argEventIn(which: Db, i: u32, kind: u32, event: string, changes: u32): void {
  keyEvent(which.id, Arg.ptr(i), Arg.len(i), Arg.hash(i), kind, event, changes);
}
