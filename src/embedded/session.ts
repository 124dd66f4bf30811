// A connection with its state: a selected database, watched keys, a name. Calls run in their order.

import { checkCommand } from './command_rules.ts';
import type { Connection } from './connection.ts';
import { RespiteError } from './errors.ts';
import type { CommandArg, Reply } from './reply.ts';
import {
  CommandList,
  type Pipeline,
  type RequestOptions,
  request,
  requestAll,
  requestTransaction,
  type Transaction,
} from './requests.ts';

/** The ways to send commands, with options that hold for each of them. */
export abstract class Commands {
  protected readonly options: RequestOptions;

  constructor(options: RequestOptions = {}) {
    this.options = options;
  }

  /** Runs one command. Rejects with ReplyError when it replies an error. */
  abstract command(name: string, ...args: CommandArg[]): Promise<Reply>;

  /** Runs commands in one crossing into the engine; errors are ReplyError values among the replies. */
  abstract batch(commands: readonly (readonly CommandArg[])[]): Promise<Reply[]>;

  /** Runs commands as a transaction: all of them, and nothing in between. */
  protected abstract runTransaction(
    commands: readonly (readonly CommandArg[])[],
  ): Promise<Reply[] | null>;

  /** The same with other options. */
  abstract with(options: RequestOptions): Commands;

  pipeline(): Pipeline {
    return new CommandList((commands) => this.batch(commands));
  }

  transaction(): Transaction {
    return new CommandList((commands) => this.runTransaction(commands));
  }
}

export class Session extends Commands implements AsyncDisposable {
  private readonly connection: Connection;
  /** Told once the session is closed by the program. */
  private readonly onClose: () => void;

  constructor(connection: Connection, onClose: () => void, options?: RequestOptions) {
    super(options);
    this.connection = connection;
    this.onClose = onClose;
  }

  /** Whether it was closed, from either side. */
  get isClosed(): boolean {
    return this.connection.isEnded;
  }

  async command(name: string, ...args: CommandArg[]): Promise<Reply> {
    const command = [name, ...args];
    checkCommand(command, false);
    return request(this.connection, command, this.options);
  }

  async batch(commands: readonly (readonly CommandArg[])[]): Promise<Reply[]> {
    for (const command of commands) checkCommand(command, false);
    return requestAll(this.connection, commands, this.options);
  }

  with(options: RequestOptions): Session {
    return new Session(this.connection, this.onClose, { ...this.options, ...options });
  }

  /** Ends the connection: watched keys are forgotten, a transaction is discarded. */
  close(): Promise<void> {
    this.connection.close(new RespiteError('CLOSED', 'The session was closed'));
    this.onClose();
    return Promise.resolve();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  protected runTransaction(commands: readonly (readonly CommandArg[])[]): Promise<Reply[] | null> {
    return requestTransaction(this.connection, commands, this.options);
  }
}
