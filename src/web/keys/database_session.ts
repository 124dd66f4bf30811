// A session in one database that opens again when its connection is lost (another tab took over).

import type { CommandArg, Reply } from '../../embedded/reply.ts';
import type { Session } from '../../embedded/session.ts';
import type { Store } from '../store.ts';

type Command = readonly CommandArg[];

export class DatabaseSession {
  readonly database: number;
  private readonly store: Store;
  private opening: Promise<Session> | undefined;
  private current: Session | undefined;
  private isClosed = false;

  constructor(store: Store, database: number) {
    this.store = store;
    this.database = database;
  }

  async command(name: string, ...args: CommandArg[]): Promise<Reply> {
    return (await this.session()).command(name, ...args);
  }

  async batch(commands: readonly Command[]): Promise<Reply[]> {
    return (await this.session()).batch(commands);
  }

  /** The same with bulk strings as bytes. */
  async bytes(commands: readonly Command[]): Promise<Reply[]> {
    return (await this.session()).with({ buffers: true }).batch(commands);
  }

  /**
   * Runs commands that rest on what was read, as one: `decide` gets the replies to `reads` (bulk strings as bytes)
   * and says what is to be done, or throws why nothing is. Rejects when the key was changed in between, and with
   * the first error that is replied.
   */
  async guarded(
    key: string | Uint8Array,
    reads: readonly Command[],
    decide: (replies: readonly Reply[]) => readonly Command[],
  ): Promise<Reply[]> {
    if (this.isClosed) throw new Error('The database was left');
    // A connection of its own: what it watches is forgotten at any EXEC.
    const session = await this.store.session({ database: this.database });
    try {
      const [, ...replies] = await session
        .with({ buffers: true })
        .batch([['WATCH', key], ...reads]);
      throwFirstError(replies);
      const transaction = session.transaction();
      for (const [name, ...args] of decide(replies)) transaction.command(name as string, ...args);
      const done = await transaction.run();
      if (done === null) throw new Error('It was changed elsewhere meanwhile: nothing was done.');
      throwFirstError(done);
      return done;
    } finally {
      await session.close();
    }
  }

  close(): void {
    this.isClosed = true;
    void this.opening?.then(
      (session) => session.close(),
      () => undefined,
    );
  }

  private session(): Promise<Session> {
    if (this.isClosed) return Promise.reject(new Error('The database was left'));
    if (this.opening === undefined || this.current?.isClosed) {
      this.current = undefined;
      const opening = this.store.session({ database: this.database });
      this.opening = opening;
      opening.then(
        (session) => {
          this.current = session;
        },
        () => {
          if (this.opening === opening) this.opening = undefined;
        },
      );
    }
    return this.opening;
  }
}

export function throwFirstError(replies: readonly Reply[]): void {
  const failed = replies.find((reply) => reply instanceof Error);
  if (failed instanceof Error) throw failed;
}
