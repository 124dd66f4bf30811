// respite restore --from BACKUP --to MOMENT --into DIRECTORY

import { BackupError } from '../backup/backup_error.ts';
import { type Moment, parseMoment, timeText } from '../backup/moment.ts';
import { findOrigin } from '../backup/origin.ts';
import { checkRoom, restore } from '../backup/restore.ts';
import { planRestore, type RestorePlan } from '../backup/restore_plan.ts';
import type { ProcessIdentity } from '../persistence/directory_lock.ts';
import type { Storage } from '../storage/storage.ts';
import { EXIT, type ExitCode } from './exit_codes.ts';
import { bytesText, type Terminal } from './terminal.ts';

export interface RestoreCommandOptions {
  readonly from: string;
  readonly to: string;
  readonly into: string;
  readonly force: boolean;
  readonly dryRun: boolean;
}

export interface RestoreSurroundings {
  readonly storage: Storage;
  readonly terminal: Terminal;
  readonly identity: ProcessIdentity;
  readonly now: () => number;
}

export async function runRestore(
  { from, to, into, force, dryRun }: RestoreCommandOptions,
  { storage, terminal, identity, now }: RestoreSurroundings,
): Promise<ExitCode> {
  const { report } = terminal;
  let moment: Moment;
  try {
    moment = parseMoment(to, now());
    // Before anything that takes long.
    checkRoom(storage, into, force || dryRun);
  } catch (error) {
    return fail(terminal, error, EXIT.unusable);
  }
  try {
    const origin = await findOrigin(storage, from, moment, report);
    const plan = await planRestore(storage, origin, moment, report);
    printPlan(terminal, plan);
    if (dryRun) {
      const inTheWay = checkRoom(storage, into, true).length;
      terminal.print(`Nothing was changed; ${into} has ${inTheWay} entries that are in the way`);
      return EXIT.ok;
    }
    const result = await restore(plan, {
      storage,
      into,
      force,
      identity,
      nowMs: now(),
      report,
    });
    if (result.movedTo !== undefined) terminal.print(`Moved aside      to ${result.movedTo}`);
    terminal.print(`Restored         into ${into}`);
    const log = origin.kind === 'aof' ? 'yes' : 'no';
    terminal.print(`Start it with    respite-server --dir ${into} --appendonly ${log}`);
    return EXIT.ok;
  } catch (error) {
    return fail(terminal, error, EXIT.failed);
  }
}

function fail(terminal: Terminal, error: unknown, code: ExitCode): ExitCode {
  if (!(error instanceof BackupError)) throw error;
  terminal.fail(error.message);
  return code;
}

function printPlan(terminal: Terminal, plan: RestorePlan): void {
  const { origin } = plan;
  terminal.print(`From             ${origin.description}`);
  for (const { file, sizeBytes, keptBytes } of plan.files) {
    terminal.print(`  ${file.name}: ${keptText(sizeBytes, keptBytes)}`);
  }
  const based = plan.baseTime === undefined ? '' : ` as of ${timeText(plan.baseTime)}`;
  terminal.print(`Snapshot         ${plan.keys} keys${based}`);
  if (origin.kind !== 'aof') return;
  terminal.print(`Log              ${plan.commands} commands, ${plan.transactions} transactions`);
  if (plan.lastTime !== undefined) {
    terminal.print(`Last command     at or after ${timeText(plan.lastTime)}`);
  }
  if (plan.cutBytes > 0) {
    terminal.print(`Left out         ${plan.cutCommands} commands, ${bytesText(plan.cutBytes)}`);
  }
}

function keptText(sizeBytes: number, keptBytes: number): string {
  if (keptBytes === sizeBytes) return `all of its ${sizeBytes} bytes`;
  return keptBytes === 0 ? 'left out' : `${keptBytes} of its ${sizeBytes} bytes`;
}
