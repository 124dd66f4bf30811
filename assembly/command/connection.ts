// Commands that need nothing but the connection they come over: PING, ECHO, QUIT, RESET, TIME,
// MONITOR. SELECT is with the commands on databases in generic.ts.
import {
  CFG_DEFAULT_USER_NOPASS,
  CLIENT_ASKING,
  CLIENT_AUTHENTICATED,
  CLIENT_CLOSE_AFTER_REPLY,
  CLIENT_MONITOR,
  CLIENT_NO_EVICT,
  CLIENT_NO_TOUCH,
  CLIENT_PRIMARY,
  CLIENT_PUBSUB,
  CLIENT_READONLY,
  CLIENT_REPLICA,
  CLIENT_REPLY_OFF,
  CLIENT_REPLY_SKIP_NEXT,
} from '../abi';
import { monitorAdd, monitorRemove } from '../client/monitor';
import { unsubscribeSilently } from '../client/pubsub';
import { trackingOff } from '../client/tracking';
import { isExecuting, transactionEnd } from '../client/transaction';
import { nowUs } from '../keyspace/clock';
import { selectDatabase, setTouchOnLookup } from '../keyspace/db';
import { Settings } from '../keyspace/settings';
import { Arg, argc } from '../resp/args';
import { client, trySetName } from '../resp/connection';
import { replyError, replyWrongArguments } from '../resp/errors';
import {
  replyArray,
  replyBulk,
  replyBulkInt,
  replyBulkText,
  replyOk,
  replySimple,
} from '../resp/writer';

const US_PER_SECOND: i64 = 1000000;

/** State that RESET ends, as far as it is kept in flags. */
const RESET_FLAGS: u32 =
  CLIENT_ASKING |
  CLIENT_READONLY |
  CLIENT_PUBSUB |
  CLIENT_REPLY_OFF |
  CLIENT_REPLY_SKIP_NEXT |
  CLIENT_NO_TOUCH |
  CLIENT_NO_EVICT;

/** PING [message]: with subscriptions in RESP2 the reply has the form of a message. */
export function pingCommand(): void {
  if (argc > 2) {
    replyWrongArguments('ping');
    return;
  }
  const message = argc == 2;
  if (client.flags & CLIENT_PUBSUB && client.resp == 2) {
    replyArray(2);
    replyBulkText('pong');
    if (!message) replyBulkText('');
  } else if (!message) replySimple('PONG');
  if (message) replyBulk(Arg.ptr(1), Arg.len(1));
}

/** ECHO message */
export function echoCommand(): void {
  replyBulk(Arg.ptr(1), Arg.len(1));
}

/** QUIT */
export function quitCommand(): void {
  replyOk();
  client.flags |= CLIENT_CLOSE_AFTER_REPLY;
}

/** TIME */
export function timeCommand(): void {
  replyArray(2);
  replyBulkInt(nowUs / US_PER_SECOND);
  replyBulkInt(nowUs % US_PER_SECOND);
}

/** MONITOR: a connection that is one already gets no reply, as in Redis. */
export function monitorCommand(): void {
  if (isExecuting(client)) {
    replyError("ERR MONITOR isn't allowed for DENY BLOCKING client");
    return;
  }
  if (client.flags & (CLIENT_MONITOR | CLIENT_REPLICA)) return;
  client.flags |= CLIENT_MONITOR;
  monitorAdd(client);
  replyOk();
}

/** RESET: the connection is as new afterwards, but for what it told about its library. */
export function resetCommand(): void {
  if (client.flags & (CLIENT_REPLICA | CLIENT_PRIMARY)) {
    replyError('ERR can only reset normal client connections');
    return;
  }
  if (client.flags & CLIENT_MONITOR) {
    client.flags &= ~CLIENT_MONITOR;
    monitorRemove(client);
  }
  transactionEnd(client);
  unsubscribeSilently(client);
  trackingOff(client);
  client.db = 0;
  selectDatabase(0);
  client.resp = 2;
  trySetName(client, 0, 0);
  client.flags &= ~RESET_FLAGS;
  setTouchOnLookup(true);
  if (Settings.on(CFG_DEFAULT_USER_NOPASS)) client.flags |= CLIENT_AUTHENTICATED;
  else client.flags &= ~CLIENT_AUTHENTICATED;
  replySimple('RESET');
}
