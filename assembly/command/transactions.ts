// MULTI, EXEC, DISCARD, WATCH, UNWATCH.
//
// Queueing happens before a handler is reached, and EXEC only asks for the queue to be run: both are
// the batch's work (server/batch.ts).
import { CLIENT_DIRTY_CAS, CLIENT_DIRTY_EXEC, CLIENT_MULTI } from '../abi';
import {
  queuedCommands,
  requestExec,
  transactionBegin,
  transactionEnd,
  tryMultiStart,
} from '../client/transaction';
import { tryWatch, unwatchAll, watchedKeyExpired } from '../client/watch';
import { Arg, argc } from '../resp/args';
import { client } from '../resp/connection';
import { ERR_OOM_LIMIT, replyError } from '../resp/errors';
import { replyArray, replyNullArray, replyOk } from '../resp/writer';

/** MULTI */
export function multiCommand(): void {
  if (client.flags & CLIENT_MULTI) replyError('ERR MULTI calls can not be nested');
  else if (!tryMultiStart(client)) replyError(ERR_OOM_LIMIT);
  else replyOk();
}

/** DISCARD */
export function discardCommand(): void {
  if ((client.flags & CLIENT_MULTI) == 0) {
    replyError('ERR DISCARD without MULTI');
    return;
  }
  transactionEnd(client);
  replyOk();
}

/** EXEC */
export function execCommand(): void {
  if ((client.flags & CLIENT_MULTI) == 0) {
    replyError('ERR EXEC without MULTI');
    return;
  }
  if (watchedKeyExpired(client)) client.flags |= CLIENT_DIRTY_CAS;
  if (client.flags & CLIENT_DIRTY_EXEC) {
    transactionEnd(client);
    replyError('EXECABORT Transaction discarded because of previous errors.');
    return;
  }
  if (client.flags & CLIENT_DIRTY_CAS) {
    transactionEnd(client);
    replyNullArray();
    return;
  }
  replyArray(queuedCommands(client));
  transactionBegin(client);
  requestExec(true);
}

/** WATCH key [key ...] */
export function watchCommand(): void {
  if (client.flags & CLIENT_MULTI) {
    replyError('ERR WATCH inside MULTI is not allowed');
    return;
  }
  // Already doomed: watching more would only cost memory.
  if ((client.flags & CLIENT_DIRTY_CAS) == 0) {
    for (let i: u32 = 1; i < argc; i++) {
      if (tryWatch(client, Arg.ptr(i), Arg.len(i), Arg.hash(i))) continue;
      replyError(ERR_OOM_LIMIT);
      return;
    }
  }
  replyOk();
}

/** UNWATCH */
export function unwatchCommand(): void {
  unwatchAll(client);
  client.flags &= ~CLIENT_DIRTY_CAS;
  replyOk();
}
