// Reading configuration: files, standard input and the options of the command line.
//
//   file (with includes) + standard input + "\n" + command line ──> lines ──> one directive each
//
// A line is blank, a comment (#), or a directive and its arguments as quoting.ts splits them. Lines
// are applied in order, so the last one wins, except where a directive adds up (`save`, `user`,
// `client-output-buffer-limit`, `rename-command`, `loadmodule`). Names with a dot belong to modules.
//
// The first mistake ends the load with a ConfigLoadError that carries Redis's report. Files are
// reached through a port, so this runs wherever the port can be provided. All texts are byte text
// (byte_text.ts), those of the error excepted.

import { REDIS_VERSION } from '../version.ts';
import { fromByteText, lowerCase, trim } from './byte_text.ts';
import type { Config, ConfigLog } from './config.ts';
import { isMulti } from './config.ts';
import type { DirectiveHandle } from './directives.ts';
import { findDirective } from './directives.ts';
import { expandPath, hasWildcard } from './path_glob.ts';
import { splitArguments } from './quoting.ts';
import type { LoadState } from './special_values.ts';

/** Thrown by ConfigFiles: `message` is the system's text, "No such file or directory". */
export class ConfigFileError extends Error {}

export interface ConfigFiles {
  /** The whole file; throws a ConfigFileError. */
  read(path: string): string;
  list(path: string): readonly string[];
  exists(path: string): boolean;
  /** Opens the file for appending and closes it again; throws a ConfigFileError. */
  checkAppend(path: string): void;
}

export interface ConfigSource {
  readonly file: string | null;
  /** What standard input gave, when the command line asked for it. */
  readonly stdin: string | null;
  /** Lines from the command line, or null when there were no arguments at all. */
  readonly options: string | null;
}

export interface UserError {
  /** The argument that is wrong. */
  readonly argument: string;
  readonly reason: string;
}

export interface LoadHost {
  readonly files: ConfigFiles;
  readonly log: ConfigLog;
  /** Whether a command of this lower-case name exists; without it every name may be renamed. */
  readonly hasCommand?: (name: string) => boolean;
  /** Checks the rules of a `user` line (its arguments, from the user's name on). */
  readonly checkUser?: (args: readonly string[]) => UserError | undefined;
  readonly sentinelMode?: boolean;
}

export interface SentinelLine {
  readonly args: readonly string[];
  readonly line: number;
  readonly text: string;
}

/** What the files say beyond the values of directives. */
export interface LoadedExtras {
  /** In order; an empty new name removes the command. */
  readonly renamedCommands: { readonly from: string; readonly to: string }[];
  /** Name and rules of each `user` line. */
  readonly users: (readonly string[])[];
  /** Path and arguments of each `loadmodule` line. */
  readonly modules: (readonly string[])[];
  /** "module.name" to its text; the last line of a name counts. */
  readonly moduleConfigs: Map<string, string>;
  readonly sentinelLines: SentinelLine[];
}

/** The configuration cannot be used: print the report, or log the message, and exit with 1. */
export class ConfigLoadError extends Error {
  readonly exitCode = 1;
  /** For standard error, complete with line breaks; null when `message` goes to the log instead. */
  readonly report: string | null;

  constructor(message: string, report: string | null) {
    super(message);
    this.report = report;
  }
}

/** Applies everything `source` names to `config`. */
export function loadConfig(config: Config, source: ConfigSource, host: LoadHost): LoadedExtras {
  const loader = new Loader(config, host);
  loader.load(source);
  return loader.extras;
}

/** An `include` chain longer than this is taken for a cycle. */
const INCLUDE_DEPTH_MAX = 64;

/** Accepted and ignored, with this number of words on the line. */
const DEPRECATED: ReadonlyMap<string, number> = new Map([
  ['list-max-ziplist-entries', 2],
  ['list-max-ziplist-value', 2],
  ['lua-replicate-commands', 2],
]);

class Loader {
  readonly extras: LoadedExtras = {
    renamedCommands: [],
    users: [],
    modules: [],
    moduleConfigs: new Map(),
    sentinelLines: [],
  };
  private readonly config: Config;
  private readonly host: LoadHost;
  private readonly state: LoadState = { saveSeen: false };
  /** Commands that appeared (true) or went away (false) through renaming. */
  private readonly renamed = new Map<string, boolean>();
  private depth = 0;

  constructor(config: Config, host: LoadHost) {
    this.config = config;
    this.host = host;
  }

  load({ file, stdin, options }: ConfigSource): void {
    let text = file === null ? '' : this.readFiles(file);
    if (stdin !== null) text += stdin;
    if (options !== null) text += `\n${options}`;
    this.runLines(text.split('\n').map((line) => trim(line, ' \t\r\n')));
  }

  /** Files that a pattern matches are read as one text; a pattern that matches none is no error. */
  private readFiles(path: string): string {
    const { files } = this.host;
    if (!hasWildcard(path)) return this.readFile(path);
    const paths = expandPath(
      path,
      (directory) => files.list(directory),
      (name) => files.exists(name),
    );
    return paths.map((name) => this.readFile(name)).join('');
  }

  private readFile(path: string): string {
    try {
      return this.host.files.read(path);
    } catch (error) {
      if (!(error instanceof ConfigFileError)) throw error;
      throw cannotOpen(path, error.message);
    }
  }

  private runLines(lines: readonly string[]): void {
    for (const [index, line] of lines.entries()) {
      if (line === '' || line.startsWith('#')) continue;
      const error = this.runLine(line, index + 1);
      if (error !== undefined) throw configError(error, { line, number: index + 1 });
    }
    const error = this.checkTogether();
    if (error !== undefined) throw configError(error, null);
    this.config.settleAfterLoad();
  }

  private runLine(line: string, number: number): string | undefined {
    const words = splitArguments(line);
    if (words === null) return 'Unbalanced quotes in configuration line';
    if (words.length === 0) return undefined;
    const [name, ...args] = [lowerCase(words[0]!), ...words.slice(1)];
    const handle = findDirective(name);
    if (handle !== undefined) return this.setDirective(handle, args);
    if (DEPRECATED.get(name) === words.length) return undefined;
    return this.runStatement(name, args, { args, line: number, text: line });
  }

  private setDirective(handle: DirectiveHandle, args: readonly string[]): string | undefined {
    if (!isMulti(handle.directive)) {
      if (args.length !== 1) return 'wrong number of arguments';
      return this.config.load(handle, args, this.state);
    }
    // One argument may hold several: `--shutdown-on-sigint "nosave force"`.
    const only = args.length === 1 && args[0] !== '' ? args[0] : undefined;
    const parts = only === undefined ? args : (splitArguments(only) ?? []);
    return this.config.load(handle, parts, this.state);
  }

  /** The lines that are not values of directives. */
  private runStatement(
    name: string,
    args: readonly string[],
    source: SentinelLine,
  ): string | undefined {
    if (name === 'include' && args.length === 1) return this.include(args[0]!);
    if (name === 'rename-command' && args.length === 2) return this.rename(args[0]!, args[1]!);
    if (name === 'user' && args.length >= 1) return this.addUser(args);
    if (name === 'loadmodule' && args.length >= 1) {
      this.extras.modules.push(args);
      return undefined;
    }
    if (name.includes('.')) {
      if (args.length === 0) return 'Module config specified without value';
      this.extras.moduleConfigs.set(name, args.join(' '));
      return undefined;
    }
    if (name === 'sentinel') return this.addSentinelLine(source);
    return 'Bad directive or wrong number of arguments';
  }

  private include(path: string): undefined {
    if (this.depth >= INCLUDE_DEPTH_MAX) throw cannotOpen(path, 'included too deeply');
    this.depth++;
    this.load({ file: path, stdin: null, options: null });
    this.depth--;
  }

  private commandExists(name: string): boolean {
    return this.renamed.get(name) ?? this.host.hasCommand?.(name) ?? false;
  }

  private rename(from: string, to: string): string | undefined {
    const [oldName, newName] = [lowerCase(from), lowerCase(to)];
    const isChecked = this.host.hasCommand !== undefined;
    if (isChecked && !this.commandExists(oldName)) return 'No such command in rename-command';
    this.renamed.set(oldName, false);
    if (newName !== '') {
      if (this.commandExists(newName)) return 'Target command name already exists';
      this.renamed.set(newName, true);
    }
    this.extras.renamedCommands.push({ from: oldName, to });
    return undefined;
  }

  private addUser(args: readonly string[]): string | undefined {
    const name = args[0]!;
    const isKnown = this.extras.users.some(([known]) => known === name);
    const error = isKnown
      ? {
          argument: name,
          reason: 'Duplicate user found. A user can only be defined once in config files',
        }
      : this.host.checkUser?.(args);
    if (error !== undefined) {
      return `Error in user declaration '${error.argument}': ${error.reason}`;
    }
    this.extras.users.push(args);
    return undefined;
  }

  private addSentinelLine(source: SentinelLine): string | undefined {
    if (source.args.length === 0) return undefined;
    if (!this.host.sentinelMode) return 'sentinel directive while not in sentinel mode';
    this.extras.sentinelLines.push(source);
    return undefined;
  }

  /** What no single line shows. */
  private checkTogether(): string | undefined {
    const logfile = findDirective('logfile')!;
    const path = this.config.print(logfile.directive);
    if (path !== '') {
      try {
        this.host.files.checkAppend(path);
      } catch (error) {
        if (!(error instanceof ConfigFileError)) throw error;
        return `Can't open the log file: ${error.message}`;
      }
    }
    if (this.config.get('cluster-enabled') && this.config.get('replicaof') !== null) {
      return 'replicaof directive not allowed in cluster mode';
    }
    return undefined;
  }
}

function cannotOpen(path: string, reason: string): ConfigLoadError {
  const name = fromByteText(path);
  return new ConfigLoadError(`Fatal error, can't open config file '${name}': ${reason}`, null);
}

function configError(
  reason: string,
  place: { readonly line: string; readonly number: number } | null,
): ConfigLoadError {
  const text = fromByteText(reason);
  const where =
    place === null
      ? ''
      : `Reading the configuration file, at line ${place.number}\n` +
        `>>> '${fromByteText(place.line)}'\n`;
  const headline = `\n*** FATAL CONFIG FILE ERROR (Redis ${REDIS_VERSION}) ***\n`;
  return new ConfigLoadError(text, `${headline}${where}${text}\n`);
}
