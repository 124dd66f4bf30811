// SLOWLOG: reading and clearing what client/slowlog.ts has recorded.
import { slowlogLength, slowlogReply, slowlogReset } from '../client/slowlog';
import { argI64, argI64OrText } from '../resp/arg_number';
import { argc } from '../resp/args';
import { replyError } from '../resp/errors';
import { helpEnd, helpLine, helpStart } from '../resp/help';
import { replyInt, replyOk } from '../resp/writer';
import { replySubcommandSyntax } from './subcommand_error';

const COUNT_DEFAULT: u32 = 10;
const ERR_COUNT: string = 'ERR count should be greater than or equal to -1';

/** SLOWLOG GET [count]; -1 means all. */
export function slowlogGetCommand(): void {
  if (argc > 3) {
    replySubcommandSyntax('SLOWLOG');
    return;
  }
  if (argc == 2) {
    slowlogReply(COUNT_DEFAULT);
    return;
  }
  if (!argI64OrText(2, ERR_COUNT)) return;
  if (argI64 < -1) replyError(ERR_COUNT);
  else slowlogReply(argI64 == -1 ? u32.MAX_VALUE : <u32>min<i64>(argI64, u32.MAX_VALUE));
}

/** SLOWLOG LEN */
export function slowlogLenCommand(): void {
  replyInt(slowlogLength);
}

/** SLOWLOG RESET */
export function slowlogResetCommand(): void {
  slowlogReset();
  replyOk();
}

/** SLOWLOG HELP */
export function slowlogHelpCommand(): void {
  helpStart();
  helpLine('GET [<count>]');
  helpLine('    Return top <count> entries from the slowlog (default: 10, -1 mean all).');
  helpLine('    Entries are made of:');
  helpLine('    id, timestamp, time in microseconds, arguments array, client IP and port,');
  helpLine('    client name');
  helpLine('LEN');
  helpLine('    Return the length of the slowlog.');
  helpLine('RESET');
  helpLine('    Reset the slowlog.');
  helpEnd();
}
