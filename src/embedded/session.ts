// A connection with its state: a selected database, watched keys, a name. Calls run in their order.

import { checkCommand, checkQueued } from './command_rules.ts';
import type { Connection } from './connection.ts';
import { RespiteError } from './errors.ts';
import type { CommandArg, Reply } from './reply.ts';
import {
  CommandList,
  type Pipeline,
  PreparedBatch,
  type RequestOptions,
  request,
  requestAll,
  requestTransaction,
  type Transaction,
} from './requests.ts';
import type { AnyCommandName, ArgumentsOf, ReplyOf } from './typed_command.ts';

/** The ways to send commands, with options that hold for each of them. */
export abstract class Commands<B extends string | Uint8Array = string> {
  protected readonly options: RequestOptions;

  constructor(options: RequestOptions = {}) {
    this.options = options;
  }

  /** Runs one command. Rejects with ReplyError when it replies an error. */
  command<const Name extends AnyCommandName, const A extends ArgumentsOf<Name>>(
    name: Name,
    ...args: A
  ): Promise<ReplyOf<Name, A, B>> {
    return this.run([name, ...(args as readonly CommandArg[])]) as Promise<ReplyOf<Name, A, B>>;
  }

  /** Runs commands in one crossing into the engine; errors are ReplyError values among the replies. */
  abstract batch(commands: readonly (readonly CommandArg[])[]): Promise<Reply[]>;

  /** Checks and encodes commands for many runs. Throws BAD_OPTION for those that `batch` refuses. */
  abstract prepare(commands: readonly (readonly CommandArg[])[]): PreparedBatch;

  /** Checks one command and sends it. */
  protected abstract run(command: readonly CommandArg[]): Promise<Reply>;

  /** Runs commands as a transaction: all of them, and nothing in between. */
  protected abstract runTransaction(
    commands: readonly (readonly CommandArg[])[],
  ): Promise<Reply[] | null>;

  /** The same with other options. */
  abstract with(options: RequestOptions): Commands<string | Uint8Array>;

  pipeline(): Pipeline {
    return new CommandList((commands) => this.batch(commands));
  }

  transaction(): Transaction {
    return new CommandList((commands) => this.runTransaction(commands));
  }
}

export class Session<B extends string | Uint8Array = string>
  extends Commands<B>
  implements AsyncDisposable
{
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

  async batch(commands: readonly (readonly CommandArg[])[]): Promise<Reply[]> {
    return requestAll(this.connection, commands, this.options, checkAll(commands));
  }

  prepare(commands: readonly (readonly CommandArg[])[]): PreparedBatch {
    const mayBlock = checkAll(commands);
    return new PreparedBatch(() => this.connection, commands, this.options, mayBlock);
  }

  with(options: RequestOptions & { readonly buffers: true }): Session<Uint8Array>;
  with(options: RequestOptions & { readonly buffers: false }): Session;
  with(options: Omit<RequestOptions, 'buffers'>): Session<B>;
  with(options: RequestOptions): Session<string | Uint8Array>;
  with(options: RequestOptions): Session<string | Uint8Array> {
    return new Session<string | Uint8Array>(this.connection, this.onClose, {
      ...this.options,
      ...options,
    });
  }

  /** The store has come to its end. */
  fail(reason: Error): void {
    this.connection.abort(reason);
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

  protected run(command: readonly CommandArg[]): Promise<Reply> {
    try {
      const mayBlock = checkCommand(command, false);
      return request(this.connection, command, this.options, mayBlock);
    } catch (error) {
      return Promise.reject(error);
    }
  }

  protected async runTransaction(
    commands: readonly (readonly CommandArg[])[],
  ): Promise<Reply[] | null> {
    for (const command of commands) checkQueued(command, false);
    return requestTransaction(this.connection, commands, this.options);
  }
}

/** Throws for commands that a session cannot send. Returns whether one of them may wait for data. */
function checkAll(commands: readonly (readonly CommandArg[])[]): boolean {
  let mayBlock = false;
  for (const command of commands) mayBlock = checkCommand(command, false) || mayBlock;
  return mayBlock;
}
