// The ways to send commands that every connection has: one, many, a pipeline, a transaction.

import type { Connection, Waiting } from './connection.ts';
import { abortError, ReplyError, RespiteError } from './errors.ts';
import type { CommandArg, Reply } from './reply.ts';
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
    connection.send([command], {
      wantsBuffers: buffers,
      onReply: (value) => (value instanceof ReplyError ? reject(value) : resolve(value)),
      onFailure: reject,
    });
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

class Collector implements Waiting {
  readonly wantsBuffers: boolean;
  private readonly replies: Reply[] = [];
  private readonly count: number;
  private readonly resolve: (replies: Reply[]) => void;
  readonly onFailure: (error: Error) => void;

  constructor(
    count: number,
    buffers: boolean,
    resolve: (replies: Reply[]) => void,
    reject: (error: Error) => void,
  ) {
    this.count = count;
    this.wantsBuffers = buffers;
    this.resolve = resolve;
    this.onFailure = reject;
  }

  onReply(reply: Reply): void {
    this.replies.push(reply);
    if (this.replies.length === this.count) this.resolve(this.replies);
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
