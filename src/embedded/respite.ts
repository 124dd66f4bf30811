// A store as a program uses it, wherever its engine runs: in this thread, in a worker, in another tab.
//
//   command, batch, pipeline, transaction ─> one connection for all callers
//   commands that wait (BLPOP ...)        ─> a connection each, kept for the next one
//   session, subscribe, monitor, connect  ─> a connection of their own
//
// What a home adds (open, listen, fork, export ...) is in its subclass.

import { copyBytes } from '../util/bytes.ts';
import { checkCommand, checkQueued } from './command_rules.ts';
import { Connection } from './connection.ts';
import { abortError, RespiteError } from './errors.ts';
import type { Link, LinkHandlers, LinkOptions, OpenLink } from './link.ts';
import type { CommandArg, Reply } from './reply.ts';
import {
  PreparedBatch,
  type RequestOptions,
  request,
  requestAll,
  requestTransaction,
} from './requests.ts';
import { Commands, Session } from './session.ts';
import {
  Monitor,
  Subscription,
  type SubscriptionKind,
  type SubscriptionOptions,
} from './subscription.ts';

export interface SessionOptions {
  /** Number of the database, 0 by default. */
  readonly database?: number;
}

/** What has a connection of its own: a session, a subscription, a monitor. */
interface Dependent {
  close(): Promise<void>;
  /** Ends it, and has its user know why. */
  fail(reason: Error): void;
}

type AnySubscription = Subscription<string | Uint8Array>;
type AsBytes = SubscriptionOptions & { readonly buffers: true };
/** A subscription's options, if any, and its channels. */
type Subscribed = string[] | [options: SubscriptionOptions, ...channels: string[]];

/** Connections that wait for the next blocking command. */
const IDLE_CONNECTIONS_MAX = 16;

/** The connections of a store, shared by all views of it. */
class Connections {
  readonly openLink: OpenLink;
  /** Why there are none any more. */
  private closedFor: RespiteError | undefined;
  private main: Connection | undefined;
  private readonly idle: Connection[] = [];
  private readonly busy = new Set<Connection>();
  private readonly dependents = new Set<Dependent>();

  constructor(openLink: OpenLink) {
    this.openLink = (handlers, options) => {
      this.mustBeOpen();
      return openLink(handlers, options);
    };
  }

  get isClosed(): boolean {
    return this.closedFor !== undefined;
  }

  mustBeOpen(): void {
    if (this.closedFor !== undefined) throw this.closedFor;
  }

  /** The connection of all callers; a new one when it was killed. */
  shared(): Connection {
    if (this.main === undefined || this.main.isEnded) this.main = new Connection(this.openLink);
    return this.main;
  }

  /** Runs a command that may wait. Aborting it takes it back. */
  async runBlocking(command: readonly CommandArg[], options: RequestOptions): Promise<Reply> {
    const { signal } = options;
    if (signal?.aborted) throw abortError(signal);
    const connection = this.takeIdle() ?? new Connection(this.openLink);
    this.busy.add(connection);
    try {
      return await request(connection, command, options, true);
    } finally {
      this.busy.delete(connection);
      if (!connection.isEnded) {
        if (this.idle.length < IDLE_CONNECTIONS_MAX) this.idle.push(connection);
        else connection.close(new RespiteError('CLOSED', 'The connection was idle'));
      }
    }
  }

  /** One that has not been closed from the other side meanwhile. */
  private takeIdle(): Connection | undefined {
    let connection = this.idle.pop();
    while (connection?.isEnded) connection = this.idle.pop();
    return connection;
  }

  add(dependent: Dependent): void {
    this.dependents.add(dependent);
  }

  delete(dependent: Dependent): void {
    this.dependents.delete(dependent);
  }

  /** Ends all of them, and every call that waits. `isAsked`: by the program, which may end its loops in peace. */
  closeAll(reason: RespiteError, isAsked: boolean): void {
    this.closedFor ??= reason;
    this.main?.close(reason);
    for (const connection of [...this.idle.splice(0), ...this.busy]) connection.close(reason);
    for (const dependent of [...this.dependents]) {
      if (isAsked) void dependent.close();
      else dependent.fail(reason);
    }
  }
}

/** The store's commands with options of their own. */
export class CommandView<B extends string | Uint8Array = string> extends Commands<B> {
  private readonly connections: Connections;

  constructor(connections: Connections, options: RequestOptions) {
    super(options);
    this.connections = connections;
  }

  async batch(commands: readonly (readonly CommandArg[])[]): Promise<Reply[]> {
    checkBatch(commands);
    return requestAll(this.connections.shared(), commands, this.options);
  }

  prepare(commands: readonly (readonly CommandArg[])[]): PreparedBatch {
    checkBatch(commands);
    return new PreparedBatch(() => this.connections.shared(), commands, this.options);
  }

  with(options: RequestOptions & { readonly buffers: true }): CommandView<Uint8Array>;
  with(options: RequestOptions & { readonly buffers: false }): CommandView;
  with(options: Omit<RequestOptions, 'buffers'>): CommandView<B>;
  with(options: RequestOptions): CommandView<string | Uint8Array>;
  with(options: RequestOptions): CommandView<string | Uint8Array> {
    return new CommandView<string | Uint8Array>(this.connections, { ...this.options, ...options });
  }

  protected run(command: readonly CommandArg[]): Promise<Reply> {
    const { connections, options } = this;
    try {
      if (checkCommand(command, true)) return connections.runBlocking(command, options);
      return request(connections.shared(), command, options);
    } catch (error) {
      return Promise.reject(error);
    }
  }

  protected async runTransaction(
    commands: readonly (readonly CommandArg[])[],
  ): Promise<Reply[] | null> {
    for (const command of commands) checkQueued(command, true);
    return requestTransaction(this.connections.shared(), commands, this.options);
  }
}

/** Throws for commands that cannot be sent together with others. */
function checkBatch(commands: readonly (readonly CommandArg[])[]): void {
  for (const command of commands) {
    if (!checkCommand(command, true)) continue;
    throw new RespiteError(
      'BAD_OPTION',
      `${command[0]} may wait and would hold back everybody: use command() or a session`,
    );
  }
}

export abstract class RespiteBase extends CommandView implements AsyncDisposable {
  /** Resolves with the reason when the store comes to an end by itself: never, when it is closed. */
  readonly ended: Promise<RespiteError>;
  readonly #connections: Connections;
  #tellEnd!: (reason: RespiteError) => void;
  #closing: Promise<void> | undefined;

  protected constructor(openLink: OpenLink) {
    const connections = new Connections(openLink);
    super(connections, {});
    this.#connections = connections;
    this.ended = new Promise((resolve) => {
      this.#tellEnd = resolve;
    });
  }

  get isClosed(): boolean {
    return this.#connections.isClosed;
  }

  /** A connection with a state of its own: SELECT, WATCH, MULTI, CLIENT SETNAME ... */
  async session({ database = 0 }: SessionOptions = {}): Promise<Session> {
    const connections = this.#connections;
    const forget = () => connections.delete(session);
    const connection = new Connection(connections.openLink, { onEnd: forget });
    const session = new Session(connection, forget);
    connections.add(session);
    if (database !== 0) await orClosed(session, session.command('SELECT', database));
    return session;
  }

  /** Messages published to these channels, from now on. */
  subscribe(...channels: string[]): Promise<Subscription>;
  subscribe(options: AsBytes, ...channels: string[]): Promise<Subscription<Uint8Array>>;
  subscribe(...subscribed: Subscribed): Promise<AnySubscription> {
    return this.#subscribe('channel', subscribed);
  }

  /** Messages published to channels that match these patterns. */
  psubscribe(...patterns: string[]): Promise<Subscription>;
  psubscribe(options: AsBytes, ...patterns: string[]): Promise<Subscription<Uint8Array>>;
  psubscribe(...subscribed: Subscribed): Promise<AnySubscription> {
    return this.#subscribe('pattern', subscribed);
  }

  /** Messages published to these shard channels. */
  ssubscribe(...channels: string[]): Promise<Subscription>;
  ssubscribe(options: AsBytes, ...channels: string[]): Promise<Subscription<Uint8Array>>;
  ssubscribe(...subscribed: Subscribed): Promise<AnySubscription> {
    return this.#subscribe('shard', subscribed);
  }

  /** A line for every command that runs, from now on. */
  async monitor(): Promise<Monitor> {
    const connections = this.#connections;
    const monitor: Monitor = new Monitor(connections.openLink, () => connections.delete(monitor));
    connections.add(monitor);
    await orClosed(monitor, monitor.start());
    return monitor;
  }

  /**
   * A connection as bytes, for programs that bring their own protocol code. It ends with the store, or by
   * its `close`. `onData` is called behind the present work, never during a call of anything here: what it is given
   * stays valid, and it may send.
   */
  connect(handlers: LinkHandlers, options: LinkOptions = { resp: 2 }): Link {
    let isClosed = false;
    const later = (run: () => void) => queueMicrotask(() => isClosed || run());
    const link = this.openLink(
      {
        onData: (bytes) => {
          const copy = copyBytes(bytes);
          later(() => handlers.onData(copy));
        },
        onClose: (reason) => later(() => handlers.onClose(reason)),
      },
      options,
    );
    const close = () => {
      isClosed = true;
      link.close();
    };
    return { room: (length) => link.room(length), send: (length) => link.send(length), close };
  }

  /** For connections that look after themselves: `onData` comes in the middle of the engine's work. */
  protected get openLink(): OpenLink {
    return this.#connections.openLink;
  }

  /** Throws what the store has ended for. */
  protected mustBeOpen(): void {
    this.#connections.mustBeOpen();
  }

  /** Ends every call that waits, with code CLOSED, and the store. May be called again. */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  /** The store has come to an end by itself: what waits fails for this reason, and so does every later call. */
  protected end(reason: RespiteError): void {
    this.#connections.closeAll(reason, false);
    if (this.#closing === undefined) this.#tellEnd(reason);
  }

  /** Ends what is behind the connections. */
  protected abstract closeStore(): Promise<void>;

  async #close(): Promise<void> {
    this.#connections.closeAll(new RespiteError('CLOSED', 'The store is closed'), true);
    await this.closeStore();
  }

  async #subscribe(kind: SubscriptionKind, subscribed: Subscribed): Promise<AnySubscription> {
    const options = typeof subscribed[0] === 'object' ? (subscribed.shift() as object) : {};
    const channels = subscribed as string[];
    if (channels.length === 0) {
      throw new RespiteError('BAD_OPTION', 'A subscription needs at least one channel or pattern');
    }
    const connections = this.#connections;
    const subscription: AnySubscription = new Subscription(
      connections.openLink,
      kind,
      () => connections.delete(subscription),
      options,
    );
    connections.add(subscription);
    await orClosed(subscription, subscription.subscribe(...channels));
    return subscription;
  }
}

/** Waits for the first word of the server. Without it, there is no `dependent`. */
async function orClosed(dependent: Dependent, begun: Promise<unknown>): Promise<void> {
  try {
    await begun;
  } catch (error) {
    await dependent.close();
    throw error;
  }
}
