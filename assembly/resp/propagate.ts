// Writing what stands for the running command into the stream of changes (keyspace/propagation.ts), out of
// its arguments. Handlers do so while `propagating`, once all is done, in the order in which it was done.

import { db } from '../keyspace/db';
import { opBytes, opDeletion, opStart, opText, replaceCommand } from '../keyspace/propagation';
import { Settings } from '../keyspace/settings';
import { Arg } from './args';

/** Begins a command that stands for the running one, of `count` arguments, its name `name` among them. */
export function commandOp(name: string, count: u32): void {
  replaceCommand();
  opStart(db.id, count);
  opText(name);
}

/** The running command's argument `i` as an argument. */
export function opArg(i: u32): void {
  opBytes(Arg.ptr(i), Arg.len(i));
}

/** The arguments from `from` up to `to`. */
export function opArgs(from: u32, to: u32): void {
  for (let i = from; i < to; i++) opArg(i);
}

/**
 * The running command deleted the key in argument `i`, with its value being freed in the background if the
 * setting says so.
 */
export function propagateDeletion(i: u32, lazySetting: u32): void {
  replaceCommand();
  opDeletion(db.id, Arg.ptr(i), Arg.len(i), Settings.on(lazySetting));
}

/** Only the first `count` arguments of the running command had an effect. */
export function propagateFirst(count: u32): void {
  replaceCommand();
  opStart(db.id, count);
  opArgs(0, count);
}
