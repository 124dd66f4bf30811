// The ways to send commands that every connection has: one, many, a pipeline, a transaction.

import type { Connection, Waiting } from './connection.ts';
import { abortError, ReplyError, RespiteError } from './errors.ts';
import type { CommandArg, Reply } from './reply.ts';
import { encodeRequests } from './request_encoder.ts';
import type { AnyCommandName, ArgumentsOf } from './typed_command.ts';

export interface RequestOptions {
  /**
   * Ends the wait for a reply. A command that may wait (BLPOP ...) is taken back, which in a session ends the
   * session; another one has run.
   */
  readonly signal?: AbortSignal | undefined;
  /** Bulk strings as Uint8Array. */
  readonly buffers?: boolean;
}

type Command = readonly CommandArg[];
type Resolve<T> = (value: T) => void;
type Reject = (error: Error) => void;

/** Sends one command; rejects with the error it replies. `mayBlock`: aborting it ends the connection. */
export function request(
  connection: Connection,
  command: Command,
  options: RequestOptions,
  mayBlock = false,
): Promise<Reply> {
  const { signal, buffers = false } = options;
  if (signal?.aborted) return Promise.reject(abortError(signal));
  return unlessAborted<Reply>(signal, mayBlock ? connection : undefined, (resolve, reject) => {
    connection.sendOne(command, new One(buffers, resolve, reject));
  });
}

/** Sends commands together; errors are values among the replies. `mayBlock`: as for `request`. */
export function requestAll(
  connection: Connection,
  commands: readonly Command[],
  options: RequestOptions,
  mayBlock = false,
): Promise<Reply[]> {
  const { signal, buffers = false } = options;
  if (signal?.aborted) return Promise.reject(abortError(signal));
  if (commands.length === 0) return Promise.resolve([]);
  return unlessAborted<Reply[]>(signal, mayBlock ? connection : undefined, (resolve, reject) => {
    connection.send(commands, new Collector(commands.length, buffers, resolve, reject));
  });
}

/** Commands that were checked and encoded once, to be run any number of times. */
export class PreparedBatch {
  /** Number of commands. */
  readonly length: number;
  private readonly requests: Uint8Array;
  private readonly options: RequestOptions;
  private readonly connection: () => Connection;
  private readonly mayBlock: boolean;

  constructor(
    connection: () => Connection,
    commands: readonly Command[],
    options: RequestOptions,
    mayBlock = false,
  ) {
    this.connection = connection;
    this.mayBlock = mayBlock;
    this.length = commands.length;
    this.requests = encodeRequests(commands);
    this.options = options;
  }

  /** Runs all of them in one crossing into the engine; errors are ReplyError values among the replies. */
  async run(): Promise<Reply[]> {
    const { signal, buffers = false } = this.options;
    if (signal?.aborted) throw abortError(signal);
    if (this.length === 0) return [];
    const connection = this.connection();
    const taking = this.mayBlock ? connection : undefined;
    return unlessAborted<Reply[]>(signal, taking, (resolve, reject) => {
      connection.sendEncoded(this.requests, new Collector(this.length, buffers, resolve, reject));
    });
  }
}

/**
 * Runs commands as a transaction. Null when a watched key had changed. Rejects with EXEC's error when a
 * command could not be queued; the error of that command is its cause.
 */
export async function requestTransaction(
  connection: Connection,
  commands: readonly Command[],
  options: RequestOptions,
): Promise<Reply[] | null> {
  const replies = await requestAll(connection, [['MULTI'], ...commands, ['EXEC']], options);
  const outcome = replies[replies.length - 1];
  if (outcome === null) return null;
  if (Array.isArray(outcome)) return outcome;
  const cause = replies.find((reply) => reply instanceof ReplyError && reply !== outcome);
  if (outcome instanceof ReplyError) throw new ReplyError(outcome.message, { cause });
  throw new RespiteError('PROTOCOL', 'EXEC did not reply with an array');
}

/** Who waits for the reply to one command. */
class One implements Waiting {
  left = 1;
  readonly wantsBuffers: boolean;
  private readonly resolve: Resolve<Reply>;
  readonly onFailure: Reject;

  constructor(buffers: boolean, resolve: Resolve<Reply>, reject: Reject) {
    this.wantsBuffers = buffers;
    this.resolve = resolve;
    this.onFailure = reject;
  }

  onReply(reply: Reply): void {
    if (reply instanceof ReplyError) this.onFailure(reply);
    else this.resolve(reply);
  }
}

/** Who waits for the replies to several. */
class Collector implements Waiting {
  left: number;
  readonly wantsBuffers: boolean;
  private readonly replies: Reply[] = [];
  private readonly resolve: Resolve<Reply[]>;
  readonly onFailure: Reject;

  constructor(count: number, buffers: boolean, resolve: Resolve<Reply[]>, reject: Reject) {
    this.left = count;
    this.wantsBuffers = buffers;
    this.resolve = resolve;
    this.onFailure = reject;
  }

  onReply(reply: Reply): void {
    this.replies.push(reply);
    if (this.left === 0) this.resolve(this.replies);
  }
}

/** What `start` settles, unless the signal is aborted before; that ends `taking` as well. */
function unlessAborted<T>(
  signal: AbortSignal | undefined,
  taking: Connection | undefined,
  start: (resolve: Resolve<T>, reject: Reject) => void,
): Promise<T> {
  if (signal === undefined) return new Promise(start);
  return new Promise((resolve, reject) => {
    let isSettled = false;
    const onAbort = () => {
      const reason = abortError(signal);
      reject(reason);
      taking?.abort(reason);
    };
    // At once: an abort behind the reply is too late to end anything.
    const settle = () => {
      isSettled = true;
      signal.removeEventListener('abort', onAbort);
    };
    start(
      (value) => {
        settle();
        resolve(value);
      },
      (error) => {
        settle();
        reject(error);
      },
    );
    if (!isSettled) signal.addEventListener('abort', onAbort, { once: true });
  });
}

/** Commands that are put together and sent as one. */
export class CommandList<R> {
  private readonly commands: Command[] = [];
  private readonly send: (commands: readonly Command[]) => Promise<R>;

  constructor(send: (commands: readonly Command[]) => Promise<R>) {
    this.send = send;
  }

  /** Adds a command. */
  command<const Name extends AnyCommandName, const A extends ArgumentsOf<Name>>(
    name: Name,
    ...args: A
  ): this {
    this.commands.push([name, ...(args as readonly CommandArg[])]);
    return this;
  }

  get length(): number {
    return this.commands.length;
  }

  /** Sends all of them. The list stays, and may be sent again. */
  run(): Promise<R> {
    return this.send(this.commands);
  }
}

/** `run` resolves to the replies in order; errors are values among them. */
export type Pipeline = CommandList<Reply[]>;
/** `run` resolves to the replies of EXEC, or to null when a watched key had changed. */
export type Transaction = CommandList<Reply[] | null>;
