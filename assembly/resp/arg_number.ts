// Integers among the arguments of the running command.
import { parseI64, parseI64Value } from '../util/number_parse';
import { Arg } from './args';
import { ERR_NOT_INTEGER, replyError } from './errors';

/** The integer that the last successful `argI64OrReply` read. */
export let argI64: i64 = 0;

/** Reads argument `i` into `argI64`. False after replying that it is no integer of 64 bits. */
export function argI64OrReply(i: u32): bool {
  return argI64OrText(i, ERR_NOT_INTEGER);
}

/** As `argI64OrReply` with an error text of its own. */
export function argI64OrText(i: u32, text: string): bool {
  if (parseI64(Arg.ptr(i), Arg.len(i))) {
    argI64 = parseI64Value;
    return true;
  }
  replyError(text);
  return false;
}
