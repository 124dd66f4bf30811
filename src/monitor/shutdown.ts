// SHUTDOWN: what a client asks for; doing it is the server's business.
//
//   SHUTDOWN [NOSAVE|SAVE] [NOW] [FORCE]     no reply when it works: the connection just ends
//   SHUTDOWN ABORT                           calls off a shutdown that still waits for replicas
//
// A client that asked for a shutdown waits until the process ends, or until it is told that there
// will be no shutdown.

import { CommandError, type HostCall, type HostCommands } from '../host_command.ts';

export interface ShutdownRequest {
  /** `default`: save when save points are configured. */
  readonly save: 'default' | 'always' | 'never';
  /** Do not wait for replicas that lag behind. */
  readonly isNow: boolean;
  /** Go ahead even when saving fails. */
  readonly isForced: boolean;
}

export interface ShutdownHooks {
  /**
   * Begins a shutdown, or joins one that is under way. The promise resolves only when there will be
   * none: it failed (the log tells why) or was aborted.
   */
  begin(request: ShutdownRequest): Promise<void>;
  /** False when no shutdown is under way. */
  abort(): boolean;
}

export function registerShutdown(commands: HostCommands, hooks: ShutdownHooks): void {
  commands.register('shutdown', (call) => {
    const words = readWords(call);
    if (words.has('abort')) {
      if (words.size > 1) throw syntaxError();
      if (!hooks.abort()) throw new CommandError('ERR No shutdown in progress.');
      call.reply.ok();
      return;
    }
    return hooks.begin(requestFrom(words)).then(() => {
      throw new CommandError('ERR Errors trying to SHUTDOWN. Check logs.');
    });
  });
}

const WORDS: ReadonlySet<string> = new Set(['nosave', 'save', 'now', 'force', 'abort']);

/** The modifiers; saying one twice is the same as saying it once. */
function readWords({ args }: HostCall): Set<string> {
  const words = args.slice(1).map((arg) => arg.toString('latin1').toLowerCase());
  if (!words.every((word) => WORDS.has(word))) throw syntaxError();
  return new Set(words);
}

function requestFrom(words: ReadonlySet<string>): ShutdownRequest {
  if (words.has('save') && words.has('nosave')) throw syntaxError();
  return shutdownRequest([...words]);
}

/** What modifiers in lower case ask for; words that are none count for nothing. */
export function shutdownRequest(modifiers: readonly string[]): ShutdownRequest {
  const words = new Set(modifiers);
  const save = words.has('save') ? 'always' : words.has('nosave') ? 'never' : 'default';
  return { save, isNow: words.has('now'), isForced: words.has('force') };
}

function syntaxError(): CommandError {
  return new CommandError('ERR syntax error');
}
