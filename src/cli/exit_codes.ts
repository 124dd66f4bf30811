// What the command line tool ends with.

export const EXIT = {
  /** Done; what was checked is all right. */
  ok: 0,
  /** What was checked is damaged, or what was asked for could not be done. */
  failed: 1,
  /** The command line is wrong, or what it names cannot be read. */
  unusable: 2,
} as const;

export type ExitCode = (typeof EXIT)[keyof typeof EXIT];

export const EXIT_CODES_HELP = `
Exit codes:
  0  done; what was checked is all right
  1  what was checked is damaged, or what was asked for could not be done
  2  the command line is wrong, or what it names cannot be read`;
