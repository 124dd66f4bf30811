// Sentences about commands that a store in a page cannot satisfy, and why. Everything else holds there.

export interface Exception {
  /** In test/family. */
  readonly file: string;
  readonly reason: string;
  readonly titles: readonly string[];
}

export const EXCEPTIONS: readonly Exception[] = [
  {
    file: 'auth.test.ts',
    reason: 'connections of the program that has the store need no password',
    titles: [
      'a new connection must authenticate first',
      'AUTH takes the password alone or with the user default',
      'HELLO authenticates and may then switch the protocol',
      'HELLO without AUTH tells how to authenticate, the version included',
      'connections from before the password was set stay authenticated',
    ],
  },
  {
    file: 'config.test.ts',
    reason: 'there are no configuration files',
    titles: ['keeps comments and order, changes what was set and appends what is new'],
  },
  {
    file: 'dump.test.ts',
    reason: 'MIGRATE needs a socket',
    titles: [
      'MIGRATE has nothing to do for keys that do not exist',
      'MIGRATE tells bad arguments, and where it cannot connect',
    ],
  },
  {
    file: 'persistence.test.ts',
    reason: 'a store in memory has nowhere to save to',
    titles: [
      'SAVE replies when the data are on the disk, BGSAVE when it has begun',
      'in a transaction BGSAVE is scheduled and SAVE is not allowed',
      'a second save in the background is refused while one runs',
    ],
  },
  {
    file: 'persistence.test.ts',
    reason: 'there is no append-only file',
    titles: ['BGREWRITEAOF begins, and a save waits for it when it is told to'],
  },
  {
    file: 'persistence.test.ts',
    reason: 'there are no sockets to replicate over: export() gives all data',
    titles: [
      'REPLCONF takes what it knows in pairs',
      'SYNC sends a snapshot, between marks to who knows them',
      'PSYNC tells the history that the snapshot belongs to',
      'a snapshot of nothing but functions has no keys',
    ],
  },
  {
    file: 'persistence.test.ts',
    reason: 'BACKUP puts files of a directory aside',
    titles: [
      'BACKUP goes from idle over START, SEAL and CLEANUP back to idle',
      'BACKUP ABORT ends a backup that is not sealed, and another one may begin',
      'BACKUP takes no arguments, and has HELP',
    ],
  },
  {
    file: 'server.test.ts',
    reason: 'there is no process and no port to tell of',
    titles: [
      'INFO server tells who it is',
      'SHUTDOWN ends the process with 0 and no reply',
      'SIGTERM and SIGINT end it with 0 and a last log line',
    ],
  },
  {
    file: 'server.test.ts',
    reason: 'the program closes the store, no command does',
    titles: ['SHUTDOWN refuses options that do not go together'],
  },
  {
    file: 'wait.test.ts',
    reason: 'there is no append-only file',
    titles: [
      'WAITAOF waits until what the client changed is on the disk',
      'WAITAOF ends with an error when the log is turned off',
    ],
  },
];

/** Titles of a file's sentences that are not run. */
export function exceptionsOf(file: string): string[] {
  return EXCEPTIONS.filter((each) => each.file === file).flatMap(({ titles }) => titles);
}
