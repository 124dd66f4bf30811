// Why a backup or a restore is impossible, as one line for whoever asked for it.

import { errorCode, systemErrorText } from '../util/system_error.ts';

export class BackupError extends Error {
  constructor(message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
  }
}

/** "Can't write /backups/x: No space left on device", from whatever went wrong. */
export function failure(what: string, error: unknown): BackupError {
  if (error instanceof BackupError) return error;
  const reason =
    errorCode(error) === '' && error instanceof Error ? error.message : systemErrorText(error);
  return new BackupError(`Can't ${what}: ${reason}`, error);
}

export function attempt<T>(what: string, run: () => T): T {
  try {
    return run();
  } catch (error) {
    throw failure(what, error);
  }
}

export async function attemptLater<T>(what: string, run: () => Promise<T>): Promise<T> {
  try {
    return await run();
  } catch (error) {
    throw failure(what, error);
  }
}
