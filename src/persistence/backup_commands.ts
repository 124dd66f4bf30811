// BACKUP START, SEAL, STATUS, LIST, ABORT, CLEANUP, HELP.

import { CommandError, type HostCommands } from '../host_command.ts';
import type { BackupWindow } from './backup_window.ts';

const HELP_LINES = [
  'ABORT',
  '    Cancel a backup that has not been sealed yet.',
  'CLEANUP',
  '    Remove the files of a sealed or failed backup.',
  'LIST',
  '    Return the paths of the files of the backup that will not change any more.',
  'SEAL',
  '    Freeze the backup: base, increments and manifest.',
  'START',
  '    Start a new backup in the directory that `backupdirname` names.',
  'STATUS',
  '    Return the state of the backup, its error, and when it started and ended.',
];

export function registerBackupCommands(commands: HostCommands, window: BackupWindow): void {
  const change = (name: string, run: () => string | undefined) => {
    commands.register(`backup|${name}`, ({ reply }) => {
      const reason = run();
      if (reason !== undefined) throw new CommandError(`ERR ${reason}`);
      reply.ok();
    });
  };
  change('start', () => window.start());
  change('seal', () => window.seal());
  change('abort', () => window.abort());
  change('cleanup', () => window.cleanup());
  commands.register('backup|list', ({ reply }) => {
    reply.bulkArray(window.list());
  });
  commands.register('backup|status', ({ reply }) => {
    const { state, error, startTime, endTime } = window.status();
    reply.map(4);
    reply.bulk('state').bulk(state);
    reply.bulk('error').bulk(error);
    reply.bulk('start_time').bulk(String(startTime));
    reply.bulk('end_time').bulk(String(endTime));
  });
  commands.register('backup|help', ({ reply }) => {
    reply.help('BACKUP', HELP_LINES);
  });
}
