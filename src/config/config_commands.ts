// The CONFIG command: GET, SET, REWRITE, RESETSTAT, HELP.
//
// Replies and error texts are Redis's. What the command needs from the rest of the server comes
// through `ConfigHooks`, so that nothing here depends on a platform or on other features.

import type { HostCall, HostCommands } from '../host_command.ts';
import { globMatch } from '../util/glob.ts';
import { bytesToByteText, byteTextToBytes, cString, isAscii } from './byte_text.ts';
import type { Config, SetFailure } from './config.ts';
import type { DirectiveHandle } from './directives.ts';
import { findDirective, HANDLES } from './directives.ts';

export interface ConfigHooks {
  /** Whether the client is on this machine, which `enable-protected-configs local` asks for. */
  isLocalClient(call: HostCall): boolean;
  /** Whether a data set is being loaded. */
  isLoading(): boolean;
  /** Clears what CONFIG RESETSTAT clears: counters of INFO, per command and per error. */
  resetStats(): void;
  /**
   * Rewrites the configuration file. Returns null on success, else the system's text
   * ("Permission denied"). Undefined when the server was started without a file.
   */
  rewriteFile(): (() => string | null) | undefined;
  /** Keeps an argument's value out of MONITOR and the slow log. */
  redactArgument(call: HostCall, index: number): void;
  log(level: 'notice' | 'warning', text: string): void;
}

export function registerConfigCommands(
  commands: HostCommands,
  config: Config,
  hooks: ConfigHooks,
): void {
  commands.register('config|get', (call) => configGet(call, config));
  commands.register('config|set', (call) => configSet(call, config, hooks));
  commands.register('config|rewrite', (call) => configRewrite(call, hooks));
  commands.register('config|resetstat', (call) => {
    hooks.resetStats();
    call.reply.ok();
  });
  commands.register('config|help', (call) => {
    call.reply.help('CONFIG', HELP_LINES);
  });
}

const HELP_LINES = [
  'GET <pattern>',
  '    Return parameters matching the glob-like <pattern> and their values.',
  'SET <directive> <value>',
  '    Set the configuration <directive> to <value>.',
  'RESETSTAT',
  '    Reset statistics reported by the INFO command.',
  'REWRITE',
  '    Rewrite the configuration file.',
];

/** Words after "CONFIG GET" and "CONFIG SET". */
const FIRST_ARGUMENT = 2;

// --- CONFIG GET ---

function configGet(call: HostCall, config: Config): void {
  const matches = new Map<string, Match>();
  for (const argument of call.args.slice(FIRST_ARGUMENT)) {
    for (const { printed, handle } of findMatches(bytesToByteText(argument))) {
      if (!matches.has(handle.name)) matches.set(handle.name, { printed, handle });
    }
  }
  call.reply.map(matches.size);
  for (const { printed, handle } of matches.values()) {
    call.reply.bulk(byteTextToBytes(printed));
    call.reply.bulk(byteTextToBytes(config.print(handle.directive)));
  }
}

interface Match {
  readonly printed: string;
  readonly handle: DirectiveHandle;
}

/** What a pattern can find. */
const VISIBLE = HANDLES.filter(({ directive }) => !directive.hidden).map((handle) => ({
  printed: handle.name,
  handle,
  nameBytes: byteTextToBytes(handle.name),
}));

/** A full name is printed as the client wrote it; only such a name finds a hidden directive. */
function findMatches(argument: string): readonly Match[] {
  const pattern = cString(argument);
  if (!/[[*?]/.test(pattern)) {
    const handle = findDirective(argument);
    return handle === undefined ? [] : [{ printed: argument, handle }];
  }
  const bytes = byteTextToBytes(pattern);
  return VISIBLE.filter(({ nameBytes }) => globMatch(bytes, nameBytes, true));
}

// --- CONFIG SET ---

function configSet(call: HostCall, config: Config, hooks: ConfigHooks): void | Promise<void> {
  if (call.args.length % 2 !== 0) {
    call.reply.error('ERR syntax error');
    return;
  }
  const assignments = [];
  for (let i = FIRST_ARGUMENT; i < call.args.length; i += 2) {
    const name = bytesToByteText(call.args[i]!);
    // All of them, even after one that fails: no secret may show up anywhere.
    if (findDirective(name)?.directive.sensitive) hooks.redactArgument(call, i + 1);
    assignments.push({ name, value: bytesToByteText(call.args[i + 1]!) });
  }
  const outcome = config.setAll(assignments, {
    allowProtected: allowsProtected(call, config, hooks),
    loading: hooks.isLoading(),
  });
  if (outcome instanceof Promise) return outcome.then((failure) => writeOutcome(call, failure));
  writeOutcome(call, outcome);
}

function allowsProtected(call: HostCall, config: Config, hooks: ConfigHooks): boolean {
  const who = config.get('enable-protected-configs');
  return who === 'yes' || (who === 'local' && hooks.isLocalClient(call));
}

function writeOutcome(call: HostCall, failure: SetFailure | null): void {
  if (failure === null) call.reply.ok();
  else writeError(call, failureText(failure));
}

function failureText({ kind, argument, reason }: SetFailure): string {
  const name = cString(argument);
  if (kind === 'loading') return 'LOADING Redis is loading the dataset in memory';
  if (kind === 'unknown') {
    return `ERR Unknown option or number of arguments for CONFIG SET - '${name}'`;
  }
  const text = `ERR CONFIG SET failed (possibly related to argument '${name}')`;
  return reason === '' ? text : `${text} - ${reason}`;
}

/** An error whose byte text may hold bytes that are not UTF-8. */
function writeError(call: HostCall, text: string): void {
  if (isAscii(text)) call.reply.error(text);
  else call.reply.raw(byteTextToBytes(`-${text.replace(/[\r\n]/g, ' ')}\r\n`));
}

// --- CONFIG REWRITE ---

function configRewrite(call: HostCall, hooks: ConfigHooks): void {
  const rewrite = hooks.rewriteFile();
  if (rewrite === undefined) {
    call.reply.error('ERR The server is running without a config file');
    return;
  }
  const reason = rewrite();
  if (reason !== null) {
    hooks.log('warning', `CONFIG REWRITE failed: ${reason}`);
    call.reply.error(`ERR Rewriting config file: ${reason}`);
    return;
  }
  hooks.log('notice', 'CONFIG REWRITE executed with success.');
  call.reply.ok();
}
