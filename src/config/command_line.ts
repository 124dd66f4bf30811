// The command line of respite-server.
//
//   respite-server [FILE] [--directive value ...] [-]
//
// Options become configuration lines that are read after the file and standard input, so they win.
// How words turn into lines follows redis-server 7.2, including what it keeps for old scripts:
//
//   --port 7000                 a name, then values up to the next word that starts with "--"
//   "--port 7000"               name and value in one word
//   --proc-title-template --x   the first word after a bare name is a value even if it starts so
//   --save --port 7000          a bare --save before another option, or at the end, means `save ""`
//   --sentinel --port 7000      a bare --sentinel takes no value
//   FILE loglevel verbose       values before the first option make a line of their own
//   -                           first or last word: read standard input too
//
// This is pure: it says what to do, and bin/ does it.

import { versionLine } from '../version.ts';
import { lowerCase, toByteText, trim } from './byte_text.ts';
import { quote, splitArguments } from './quoting.ts';

/** Print and exit, without starting a server. */
export interface PrintAction {
  readonly kind: 'print';
  readonly stdout: string;
  readonly stderr: string;
  readonly exitCode: number;
}

export interface TestMemoryAction {
  readonly kind: 'test-memory';
  readonly megabytes: number;
}

export interface CheckSystemAction {
  readonly kind: 'check-system';
}

export interface ServeAction {
  readonly kind: 'serve';
  /** As given, in byte text; null when no file was named. */
  readonly configFile: string | null;
  readonly readStdin: boolean;
  /** Configuration lines in byte text, for parse.ts; null when there were no arguments at all. */
  readonly options: string | null;
  readonly sentinelMode: boolean;
}

export type CommandLineAction = PrintAction | TestMemoryAction | CheckSystemAction | ServeAction;

/**
 * What `args` (the words after the program's name) ask for. `programName` is the name the program
 * was started by: one that contains "redis-sentinel" or "respite-sentinel" starts a Sentinel.
 */
export function parseCommandLine(
  args: readonly string[],
  programName = 'respite-server',
): CommandLineAction {
  const words = args.map(toByteText);
  switch (words[0]) {
    case '-v':
    case '--version':
      return { kind: 'print', stdout: `${versionLine()}\n`, stderr: '', exitCode: 0 };
    case '-h':
    case '--help':
      return { kind: 'print', stdout: '', stderr: USAGE, exitCode: 1 };
    case '--test-memory':
      return testMemory(words);
    case '--check-system':
      return { kind: 'check-system' };
    default:
      return serve(words, programName);
  }
}

const USAGE = `Usage: respite-server [/path/to/redis.conf] [--directive value ...] [-]
       respite-server -              (read the configuration from standard input)
       respite-server -v | --version
       respite-server -h | --help
       respite-server --test-memory <megabytes>
       respite-server --check-system

Examples:
       respite-server                (default configuration)
       echo 'maxmemory 128mb' | respite-server -
       respite-server /etc/redis/6379.conf
       respite-server --port 7777
       respite-server --port 7777 --replicaof 127.0.0.1 8888
       respite-server /etc/redis/6379.conf --loglevel verbose -

Sentinel mode:
       respite-server /etc/sentinel.conf --sentinel
`;

function testMemory(words: readonly string[]): CommandLineAction {
  const megabytes = words.length === 2 ? Number.parseInt(words[1]!, 10) : Number.NaN;
  if (megabytes > 0) return { kind: 'test-memory', megabytes };
  const stderr =
    'Please specify the amount of memory to test in megabytes.\n' +
    'Example: respite-server --test-memory 4096\n\n';
  return { kind: 'print', stdout: '', stderr, exitCode: 1 };
}

function serve(words: readonly string[], programName: string): ServeAction {
  const hasFile = words.length > 0 && !words[0]!.startsWith('-');
  const { options, readStdin } = readOptions(words, hasFile ? 1 : 0);
  return {
    kind: 'serve',
    configFile: hasFile ? words[0]! : null,
    readStdin,
    options: words.length === 0 ? null : options,
    sentinelMode: /(redis|respite)-sentinel/.test(programName) || words.includes('--sentinel'),
  };
}

function readOptions(
  words: readonly string[],
  start: number,
): { options: string; readStdin: boolean } {
  let options = '';
  let readStdin = false;
  /** The last option has a value, so a word that starts with "--" is the next option. */
  let isComplete = true;
  for (let i = start; i < words.length; i++) {
    const word = words[i]!;
    const isLast = i === words.length - 1;
    if (word === '-' && (i === 0 || isLast)) {
      readStdin = true;
    } else if (isComplete && word.startsWith('--')) {
      if (options !== '') options += '\n';
      options += `${word.slice(2)} `;
      const isBareName = splitArguments(word)?.length === 1;
      const next = isLast ? undefined : words[i + 1]!;
      isComplete = !isBareName || (mayStandAlone(word) && next?.startsWith('--') === true);
      if (isEmptySave(word, next)) options += '""';
    } else {
      options += `${quote(word)} `;
      isComplete = true;
    }
  }
  return { options, readStdin };
}

function mayStandAlone(option: string): boolean {
  return ['--save', '--sentinel'].includes(lowerCase(option));
}

function isEmptySave(option: string, next: string | undefined): boolean {
  return lowerCase(option) === '--save' && (next === undefined || next.startsWith('--'));
}

/**
 * The path that INFO and CONFIG REWRITE use for a file named on the command line: absolute, with
 * leading "../" resolved, otherwise as it was written.
 */
export function absolutePath(path: string, directory: string): string {
  let rest = trim(path, ' \r\n\t');
  if (rest.startsWith('/')) return rest;
  let base = directory.endsWith('/') ? directory : `${directory}/`;
  while (rest.startsWith('../')) {
    rest = rest.slice(3);
    if (base !== '/') base = base.slice(0, base.lastIndexOf('/', base.length - 2) + 1);
  }
  return base + rest;
}
