// The ways to send commands that every connection has: one, many, a pipeline, a transaction.

import type { Connection, Waiting } from './connection.ts';
import { abortError, ReplyError, RespiteError } from './errors.ts';
import type { CommandArg, Reply } from './reply.ts';
import { encodeRequests } from './request_encoder.ts';
import type { AnyCommandName, ArgumentsOf } from './typed_command.ts';

export interface RequestOptions {
  /** Ends the wait for a reply. A command that waits for data is taken back; another one has run. */
  readonly signal?: AbortSignal;
  /** Bulk strings as Uint8Array. */
  readonly buffers?: boolean;
}

type Command = readonly CommandArg[];

/** Sends one command; rejects with the error it replies. */
export function request(
  connection: Connection,
  command: Command,
  options: RequestOptions,
): Promise<Reply> {
  const { signal, buffers = false } = options;
  if (signal?.aborted) return Promise.reject(abortError(signal));
  const reply = new Promise<Reply>((resolve, reject) => {
    connection.sendOne(command, new One(buffers, resolve, reject));
  });
  return signal === undefined ? reply : unlessAborted(reply, signal);
}

/** Sends commands together; errors are values among the replies. */
export function requestAll(
  connection: Connection,
  commands: readonly Command[],
  options: RequestOptions,
): Promise<Reply[]> {
  const { signal, buffers = false } = options;
  if (signal?.aborted) return Promise.reject(abortError(signal));
  if (commands.length === 0) return Promise.resolve([]);
  const replies = new Promise<Reply[]>((resolve, reject) => {
    connection.send(commands, new Collector(commands.length, buffers, resolve, reject));
  });
  return signal === undefined ? replies : unlessAborted(replies, signal);
}

/** Commands that were checked and encoded once, to be run any number of times. */
export class PreparedBatch {
  /** Number of commands. */
  readonly length: number;
  private readonly requests: Uint8Array;
  private readonly options: RequestOptions;
  private readonly connection: () => Connection;

  constructor(connection: () => Connection, commands: readonly Command[], options: RequestOptions) {
    this.connection = connection;
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
    const replies = new Promise<Reply[]>((resolve, reject) => {
      connection.sendEncoded(this.requests, new Collector(this.length, buffers, resolve, reject));
    });
    return signal === undefined ? replies : unlessAborted(replies, signal);
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
  private readonly resolve: (reply: Reply) => void;
  readonly onFailure: (error: Error) => void;

  constructor(buffers: boolean, resolve: (reply: Reply) => void, reject: (error: Error) => void) {
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
  private readonly resolve: (replies: Reply[]) => void;
  readonly onFailure: (error: Error) => void;

  constructor(
    count: number,
    buffers: boolean,
    resolve: (replies: Reply[]) => void,
    reject: (error: Error) => void,
  ) {
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

/** `promise`, or a rejection once the signal is aborted. */
function unlessAborted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const onAbort = () => reject(abortError(signal));
    signal.addEventListener('abort', onAbort, { once: true });
    promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', onAbort));
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
