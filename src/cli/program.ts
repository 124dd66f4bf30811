// The command line of `respite`: subcommands, options, help.

import { Command, CommanderError, InvalidArgumentError, Option } from 'commander';
import type { BackupKind } from '../backup/backup_record.ts';
import { parseMoment } from '../backup/moment.ts';
import type { Engine } from '../engine.ts';
import type { ProcessIdentity } from '../persistence/directory_lock.ts';
import type { Storage } from '../storage/storage.ts';
import { REDIS_VERSION, RESPITE_VERSION } from '../version.ts';
import { runBackup } from './backup_command.ts';
import { runCheck } from './check_command.ts';
import { EXIT, EXIT_CODES_HELP, type ExitCode } from './exit_codes.ts';
import { runPlayground } from './playground_command.ts';
import { runRestore } from './restore_command.ts';
import { StreamTerminal, type TerminalStreams } from './terminal.ts';

export interface ProgramSurroundings {
  readonly storage: Storage;
  readonly streams: TerminalStreams;
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** An engine of its own, to load values into. */
  createEngine(databases: number): Engine;
  /** This process, as locks of data directories know it. */
  readonly identity: ProcessIdentity;
  readonly now: () => number;
  /** Where the built playground is. */
  readonly playgroundFolder: string;
  /** Ends what would go on for ever; from its call on, the user's signals do no more than that. */
  stopSignal(): AbortSignal;
}

/** Runs a command line, without the program's name. Returns what the process is to end with. */
export async function runProgram(
  words: readonly string[],
  surroundings: ProgramSurroundings,
): Promise<ExitCode> {
  let code: ExitCode = EXIT.ok;
  const program = buildProgram(surroundings, (result) => {
    code = result;
  });
  try {
    await program.parseAsync(words, { from: 'user' });
    return code;
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    return error.exitCode === 0 ? EXIT.ok : EXIT.unusable;
  }
}

type Finish = (code: ExitCode) => void;

function buildProgram(surroundings: ProgramSurroundings, finish: Finish): Command {
  const { output, error } = surroundings.streams;
  const program = new Command('respite')
    .description(
      'Backups, restores and checks of the data of Respite and Redis, and a playground in the browser.',
    )
    .version(`respite ${RESPITE_VERSION} (Redis ${REDIS_VERSION})`)
    .option('-q, --quiet', 'print results and errors only')
    .addHelpText('after', EXIT_CODES_HELP)
    .showHelpAfterError('(respite --help tells more)')
    .configureOutput({
      writeOut: (text) => output.write(text),
      writeErr: (text) => error.write(text),
      outputError: (text, write) => write(text.replace(/^error: /, 'respite: ')),
    })
    .exitOverride();
  // Subcommands take over what was set so far.
  addBackup(program, surroundings, finish);
  addRestore(program, surroundings, finish);
  addCheck(program, surroundings, finish);
  addPlayground(program, surroundings, finish);
  return program;
}

function terminalOf(program: Command, { streams }: ProgramSurroundings): StreamTerminal {
  return new StreamTerminal(streams, program.opts<{ quiet?: boolean }>().quiet === true);
}

// --- backup ---

interface BackupFlags {
  readonly user?: string;
  readonly pass?: string;
  readonly files?: boolean;
  readonly incremental?: boolean;
  readonly keep?: number;
  readonly kind?: BackupKind;
}

function addBackup(program: Command, surroundings: ProgramSurroundings, finish: Finish): void {
  program
    .command('backup')
    .summary('take a backup of a server or a data directory')
    .description(
      'Takes a backup while the server goes on, and reads it back. Every backup is a folder of its own in TARGET, named after the time in UTC; backup.json in it says what it is.',
    )
    .argument('<source>', 'HOST:PORT, a Unix socket, or a data directory')
    .argument('<target>', 'folder that the backups are kept in')
    .option('--user <name>', 'user to authenticate as')
    .option('--pass <password>', 'password; better in the environment variable REDISCLI_AUTH')
    .option('--files', 'have a server on this machine put its files aside (BACKUP), and copy them')
    .option('--incremental', 'of a directory: write only what the last backup does not have')
    .option('--keep <count>', 'remove the oldest backups but so many', parseCount)
    .addOption(
      new Option('--kind <kind>', 'of a directory: the log (aof) or the snapshot (rdb)').choices([
        'aof',
        'rdb',
      ]),
    )
    .addHelpText('after', BACKUP_EXAMPLES)
    .action(async (source: string, target: string, flags: BackupFlags) => {
      const password = flags.pass ?? surroundings.environment.REDISCLI_AUTH;
      const options = {
        credentials: { user: flags.user, password },
        files: flags.files === true,
        incremental: flags.incremental === true,
        keep: flags.keep,
        kind: flags.kind,
      };
      const terminal = terminalOf(program, surroundings);
      finish(await runBackup(source, target, options, { ...surroundings, terminal }));
    });
}

const BACKUP_EXAMPLES = `
Examples:
  respite backup 127.0.0.1:6379 /backups --keep 7
  respite backup /var/lib/respite /backups --incremental
  respite backup 127.0.0.1:6379 /backups --files`;

// --- restore ---

interface RestoreFlags {
  readonly from: string;
  readonly to: string;
  readonly into: string;
  readonly force?: boolean;
  readonly dryRun?: boolean;
}

function addRestore(program: Command, surroundings: ProgramSurroundings, finish: Finish): void {
  program
    .command('restore')
    .summary('make a data directory from a backup, as of any moment')
    .description(
      'Makes a data directory that respite-server and redis-server start from. A moment other than the latest needs append-only files, and times in them (aof-timestamp-enabled yes).',
    )
    .requiredOption('--from <path>', 'a backup, a folder of backups, or a data directory')
    .option(
      '--to <moment>',
      "latest, a time (2026-11-23T14:40:00Z, Unix seconds, '10 minutes ago'), or offset:[FILE:]BYTES",
      'latest',
    )
    .requiredOption('--into <dir>', 'data directory to be')
    .option('--force', 'move what is in that directory aside, into a folder in it')
    .option('--dry-run', 'say what would be done, and change nothing')
    .addHelpText('after', RESTORE_EXAMPLES)
    .action(async (flags: RestoreFlags) => {
      const { from, to, into } = flags;
      const options = {
        from,
        to,
        into,
        force: flags.force === true,
        dryRun: flags.dryRun === true,
      };
      const terminal = terminalOf(program, surroundings);
      finish(await runRestore(options, { ...surroundings, terminal }));
    });
}

const RESTORE_EXAMPLES = `
Examples:
  respite restore --from /backups --into /var/lib/respite
  respite restore --from /var/lib/respite --to '10 minutes ago' --into /tmp/before --dry-run`;

// --- check ---

interface CheckFlags {
  readonly fix?: boolean;
  readonly yes?: boolean;
  readonly quick?: boolean;
  readonly truncateToTimestamp?: number;
}

function addCheck(program: Command, surroundings: ProgramSurroundings, finish: Finish): void {
  program
    .command('check')
    .summary('find out whether files are whole, and what is in them')
    .description(
      'Checks a snapshot, an append-only file, a manifest, a data directory, or backups: what it is, it finds out by itself.',
    )
    .argument('<path>', 'file or folder')
    .option('--quick', 'do not look into the values of snapshots')
    .option('--fix', 'cut the last append-only file behind its last whole command')
    .option('--yes', 'do not ask before cutting')
    .option(
      '--truncate-to-timestamp <time>',
      'cut the last append-only file before what is later (Unix seconds, or a time)',
      (text) => parseTime(text, surroundings.now()),
    )
    .action(async (path: string, flags: CheckFlags) => {
      const { storage, now, createEngine } = surroundings;
      const code = await runCheck(path, {
        storage,
        terminal: terminalOf(program, surroundings),
        nowMs: now(),
        createEngine: flags.quick === true ? undefined : createEngine,
        fix: flags.fix === true,
        yes: flags.yes === true,
        truncateTo: flags.truncateToTimestamp,
      });
      finish(code);
    });
}

// --- playground ---

interface PlaygroundFlags {
  readonly port: number;
  readonly open?: boolean;
}

const PLAYGROUND_PORT = 8080;

function addPlayground(program: Command, surroundings: ProgramSurroundings, finish: Finish): void {
  program
    .command('playground')
    .summary('a store in a browser tab: terminal, keys, charts, benchmark')
    .description(
      'Serves the playground on 127.0.0.1 and prints its address. The store runs in the browser; nothing is kept here.',
    )
    .option('--port <number>', 'port to listen on, 0 for any free one', parsePort, PLAYGROUND_PORT)
    .option('--open', "open the system's browser")
    .action(async ({ port, open }: PlaygroundFlags) => {
      const code = await runPlayground({
        port,
        open: open === true,
        folder: surroundings.playgroundFolder,
        terminal: terminalOf(program, surroundings),
        stop: surroundings.stopSignal(),
      });
      finish(code);
    });
}

// --- Values of options ---

function parsePort(text: string): number {
  if (!/^\d{1,5}$/.test(text) || Number(text) > 65535) {
    throw new InvalidArgumentError('It has to be a number from 0 to 65535.');
  }
  return Number(text);
}

function parseCount(text: string): number {
  if (!/^[1-9]\d{0,8}$/.test(text))
    throw new InvalidArgumentError('It has to be a number from 1 on.');
  return Number(text);
}

function parseTime(text: string, nowMs: number): number {
  const moment = (() => {
    try {
      return parseMoment(text, nowMs);
    } catch {
      return undefined;
    }
  })();
  if (moment?.kind !== 'time') throw new InvalidArgumentError('It has to be a time.');
  return moment.unixSeconds;
}
