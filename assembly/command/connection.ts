// Connection commands that need nothing but the connection: PING, ECHO, SELECT, QUIT, RESET, TIME,
// MONITOR.
import { CLIENT_CLOSE_AFTER_REPLY } from '../abi';
import { Arg, argc } from '../resp/args';
import { client } from '../resp/connection';
import { replyBulk, replyOk, replySimple } from '../resp/writer';

/** PING [message] */
export function pingCommand(): void {
  if (argc == 1) replySimple('PONG');
  else replyBulk(Arg.ptr(1), Arg.len(1));
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
