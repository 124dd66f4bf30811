// Replies of the HELP subcommands: an array of lines as simple strings. The first repeats the
// command's name as the client wrote it, in capitals; the last two are the same for every command.
import { Arg } from './args';
import {
  outputAt,
  outputLen,
  outputLost,
  replyArrayEnd,
  replyArrayStart,
  replyRaw,
  replySimple,
  replyText,
} from './writer';

let start: u32 = 0;
let lines: u32 = 0;

/** Opens the reply; then come the command's own lines and `helpEnd`. */
export function helpStart(): void {
  start = replyArrayStart();
  lines = 1;
  replyText('+');
  const name = outputLen();
  replyRaw(Arg.ptr(0), Arg.len(0));
  if (!outputLost) {
    for (let at = outputAt(name); at < outputAt(outputLen()); at++) {
      const byte: u32 = load<u8>(at);
      if (byte - 97 < 26) store<u8>(at, <u8>(byte - 32));
    }
  }
  replyText(' <subcommand> [<arg> [value] [opt] ...]. Subcommands are:\r\n');
}

export function helpLine(text: string): void {
  replySimple(text);
  lines += 1;
}

export function helpEnd(): void {
  helpLine('HELP');
  helpLine('    Print this help.');
  replyArrayEnd(start, lines);
}
