// The error of a subcommand whose arguments fit none of its forms.
import { Arg } from '../resp/args';
import { errorBytes, errorEnd, errorStart } from '../resp/errors';
import { replyText } from '../resp/writer';

const SHOWN_BYTES: u32 = 128;

/** `parent` is the command's name in capitals. */
export function replySubcommandSyntax(parent: string): void {
  const start = errorStart();
  replyText("ERR unknown subcommand or wrong number of arguments for '");
  errorBytes(Arg.ptr(1), min(Arg.len(1), SHOWN_BYTES));
  replyText("'. Try ");
  replyText(parent);
  replyText(' HELP.');
  errorEnd(start);
}
