// A session in one database that opens again when its connection is lost (another tab took over).

import type { CommandArg, Reply } from '../../embedded/reply.ts';
import type { Session } from '../../embedded/session.ts';
import type { Store } from '../store.ts';

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

  async batch(commands: readonly (readonly CommandArg[])[]): Promise<Reply[]> {
    return (await this.session()).batch(commands);
  }

  /** The same with bulk strings as bytes. */
  async bytes(commands: readonly (readonly CommandArg[])[]): Promise<Reply[]> {
    return (await this.session()).with({ buffers: true }).batch(commands);
  }

  async transaction(commands: readonly (readonly CommandArg[])[]): Promise<Reply[] | null> {
    const transaction = (await this.session()).transaction();
    for (const [name, ...args] of commands) transaction.command(name as string, ...args);
    return transaction.run();
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
