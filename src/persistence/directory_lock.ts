// One process per data directory: a lock file says who has it.
//
//   respite.lock                            who holds the directory, as JSON
//   respite.lock.<id>                       who may replace the holder <id>, which is dead
//   respite.lock.new.<id>                   a lock being written, about to get one of these names
//
// A lock appears with its whole content, because it is written under another name and then linked: of
// several processes that link at once exactly one succeeds. Where files cannot be linked, the lock is
// created for exclusive use and may be seen unfinished for a moment; whoever sees that waits for it.
//
// The lock of a process that is gone is taken over. Doing that by removing it would let two processes
// that both saw the dead holder remove each other's lock. So whoever wants to replace the holder <id>
// first takes the lock `respite.lock.<id>`, in the same way (its holder may die as well); with that it
// looks again, and only when <id> still is the holder, puts its own lock in the place. A holder's id is
// random and never comes back, so nobody can believe to replace what has been replaced already.
//
// Not covered: a process on another machine, or in a container with its own process ids, cannot be asked
// whether it runs. A lock with another host's name is therefore respected until somebody removes it. A real
// redis-server does not look at the lock at all.

import type { Storage } from '../storage/storage.ts';
import { randomId } from '../util/random_id.ts';
import { errorCode, systemErrorText } from '../util/system_error.ts';

export const LOCK_NAME = 'respite.lock';

export interface ProcessIdentity {
  readonly pid: number;
  readonly host: string;
  /** Tells processes of one id apart; empty when the system does not say. */
  readonly startedAs: string;
  /** Whether that process of this host still runs. */
  isRunning(pid: number, startedAs: string): boolean;
}

interface Holder {
  readonly pid: number;
  readonly host: string;
  readonly startedAs: string;
  readonly id: string;
  /** Unix milliseconds. */
  readonly since: number;
}

/** Another process has the directory. The message says which. */
export class DirectoryInUse extends Error {
  readonly pid: number;

  constructor(directory: string, holder: Holder, own: ProcessIdentity) {
    const since = new Date(holder.since).toISOString();
    const who = `process ${holder.pid} on ${holder.host || 'this host'} since ${since}`;
    const advice =
      holder.host === own.host
        ? 'Stop it, or use another dir.'
        : `Stop it, or use another dir; if it runs no more, remove ${directory}/${LOCK_NAME}.`;
    super(`The data directory ${directory} is in use by ${who}. ${advice}`);
    this.pid = holder.pid;
  }
}

/** The lock file could not be made, for reasons of the file system. */
export class DirectoryLockError extends Error {
  constructor(directory: string, cause: unknown) {
    super(`Can't lock the data directory ${directory}: ${systemErrorText(cause)}`, { cause });
  }
}

export interface DirectoryLockOptions {
  readonly storage: Storage;
  readonly directory: string;
  readonly identity: ProcessIdentity;
  /** Unix milliseconds. */
  readonly now?: () => number;
  /** Waits for a lock to be written out that is just being made. */
  readonly pause?: (milliseconds: number) => void;
}

/** Nothing can be written there, so nobody's data can be harmed. */
const READ_ONLY = new Set(['EACCES', 'EROFS', 'EPERM']);
/** How long a lock may take to be written, once it is there. */
const UNFINISHED_MS = 2000;
const PAUSE_MS = 20;
/** Others may get in between; a few times is all that can happen. */
const ATTEMPTS = 100;

/** A held lock. */
export class DirectoryLock {
  readonly directory: string;
  /** False when the directory cannot be written, and so needs no lock. */
  readonly isHeld: boolean;
  private readonly locker: Locker | undefined;

  private constructor(directory: string, locker: Locker | undefined) {
    this.directory = directory;
    this.locker = locker;
    this.isHeld = locker !== undefined;
  }

  /** Takes the directory. Throws DirectoryInUse or DirectoryLockError. */
  static take(options: DirectoryLockOptions): DirectoryLock {
    const { directory } = options;
    const locker = new Locker(options);
    try {
      const holder = locker.acquire(`${directory}/${LOCK_NAME}`);
      if (holder !== undefined) throw new DirectoryInUse(directory, holder, options.identity);
    } catch (error) {
      if (error instanceof DirectoryInUse) throw error;
      if (READ_ONLY.has(errorCode(error))) return new DirectoryLock(directory, undefined);
      throw new DirectoryLockError(directory, error);
    }
    return new DirectoryLock(directory, locker);
  }

  /** Gives the directory up; what cannot be removed is stale once this process is gone. */
  release(): void {
    try {
      this.locker?.release(`${this.directory}/${LOCK_NAME}`);
    } catch {
      // The next one finds that the process is gone.
    }
  }
}

class Locker {
  private readonly storage: Storage;
  private readonly directory: string;
  private readonly identity: ProcessIdentity;
  private readonly now: () => number;
  private readonly pause: (milliseconds: number) => void;
  private readonly id = randomId();

  constructor({ storage, directory, identity, now, pause }: DirectoryLockOptions) {
    this.storage = storage;
    this.directory = directory;
    this.identity = identity;
    this.now = now ?? Date.now;
    this.pause = pause ?? (() => {});
  }

  /** Takes the lock at `path`. Returns who has it, undefined when it is ours. */
  acquire(path: string): Holder | undefined {
    for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
      if (this.tryMake(path)) return undefined;
      const holder = this.holderOf(path);
      // It has gone in the meantime.
      if (holder === undefined) continue;
      if (this.isAlive(holder)) return holder;
      const rival = this.replace(path, holder);
      if (rival !== 'lost') return rival;
    }
    throw Object.assign(new Error('the lock changes hands all the time'), { code: 'EBUSY' });
  }

  /** Removes the lock at `path` if it is ours. */
  release(path: string): void {
    if (this.read(path)?.id === this.id) this.storage.remove(path);
  }

  /**
   * Puts our lock in the place of a dead holder's. Returns undefined when it is there, who else is
   * doing it, or 'lost' when somebody has done it.
   */
  private replace(path: string, dead: Holder): Holder | undefined | 'lost' {
    const right = `${path}.${dead.id}`;
    const rival = this.acquire(right);
    if (rival !== undefined) return rival;
    try {
      if (this.holderOf(path)?.id !== dead.id) return 'lost';
      this.storage.rename(this.write(), path);
      return undefined;
    } finally {
      this.release(right);
    }
  }

  private isAlive({ host, pid, startedAs }: Holder): boolean {
    if (pid === 0) return false;
    return host !== this.identity.host || this.identity.isRunning(pid, startedAs);
  }

  /** Makes the lock at `path` unless there is one. */
  private tryMake(path: string): boolean {
    if (this.storage.status(path) !== undefined) return false;
    const made = this.write();
    try {
      this.storage.link(made, path);
      return true;
    } catch (error) {
      const code = errorCode(error);
      if (code === 'EEXIST') return false;
      if (code !== 'EPERM' && code !== 'ENOTSUP' && code !== 'ENOSYS') throw error;
      return this.tryCreate(path);
    } finally {
      this.removeQuietly(made);
    }
  }

  /** The same where files cannot have two names. */
  private tryCreate(path: string): boolean {
    try {
      const file = this.storage.open(path, 'exclusive');
      file.write(this.content());
      file.close();
      return true;
    } catch (error) {
      if (errorCode(error) === 'EEXIST') return false;
      throw error;
    }
  }

  /** A lock that has no name yet by which others find it. */
  private write(): string {
    const path = `${this.directory}/${LOCK_NAME}.new.${this.id}`;
    const file = this.storage.open(path, 'create');
    try {
      file.write(this.content());
    } catch (error) {
      this.removeQuietly(path);
      throw error;
    } finally {
      file.close();
    }
    return path;
  }

  /** A name too many does no harm. */
  private removeQuietly(path: string): void {
    try {
      this.storage.remove(path);
    } catch {
      // Nothing depends on it.
    }
  }

  private content(): Uint8Array {
    const { pid, host, startedAs } = this.identity;
    const holder: Holder = { pid, host, startedAs, id: this.id, since: this.now() };
    return Buffer.from(`${JSON.stringify(holder)}\n`);
  }

  /** Who holds the lock; undefined when it is gone. One that stays unfinished has a dead holder. */
  private holderOf(path: string): Holder | undefined {
    for (let waited = 0; ; waited += PAUSE_MS) {
      const holder = this.read(path);
      if (holder !== undefined) return holder;
      const status = this.storage.status(path);
      if (status === undefined) return undefined;
      if (waited >= UNFINISHED_MS) return this.deadHolder(status.modifiedMs);
      this.pause(PAUSE_MS);
    }
  }

  /** Who is taken for the holder of a lock that says nothing: no process has that number. */
  private deadHolder(modifiedMs: number): Holder {
    const { host } = this.identity;
    return { pid: 0, host, startedAs: 'unknown', id: `unknown.${modifiedMs}`, since: modifiedMs };
  }

  /** Undefined for a lock that is not there or not finished. */
  private read(path: string): Holder | undefined {
    try {
      return parseHolder(Buffer.from(this.storage.readFile(path)).toString());
    } catch (error) {
      if (errorCode(error) === 'ENOENT') return undefined;
      throw error;
    }
  }
}

function parseHolder(text: string): Holder | undefined {
  let found: unknown;
  try {
    found = JSON.parse(text);
  } catch {
    return undefined;
  }
  const { pid, host, startedAs, id, since } = (found ?? {}) as Partial<Record<string, unknown>>;
  const isHolder =
    typeof pid === 'number' &&
    typeof host === 'string' &&
    typeof startedAs === 'string' &&
    typeof id === 'string' &&
    /^[0-9a-z.]+$/.test(id) &&
    typeof since === 'number';
  return isHolder ? { pid, host, startedAs, id, since } : undefined;
}
