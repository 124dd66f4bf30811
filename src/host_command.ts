// The contract between the engine and commands whose owner is the host (CONFIG, CLIENT, INFO ...).
//
// The core stops its batch at such a command; the engine looks its handler up by full name and runs
// it. A handler writes exactly one reply. Returning a promise holds the connection's later commands
// back until it settles; every other connection goes on.

import type { ReplyWriter } from './core/reply_writer.ts';

/** What a handler may know of the connection that sent the command. */
export interface HostClient {
  /** As CLIENT ID. */
  readonly id: number;
  /** Address of the connection block in linear memory, for the `core/` accessors. */
  readonly ptr: number;
  readonly resp: 2 | 3;
}

export interface HostCall {
  /** Full lower-case name: "ping", "config|get". */
  readonly name: string;
  /** All arguments, the command's name (and a subcommand's) included; copies, safe to keep. */
  readonly args: readonly Buffer[];
  readonly client: HostClient;
  /** Unix time of the batch, in milliseconds. */
  readonly nowMs: number;
  readonly reply: ReplyWriter;
}

export type HostHandler = (call: HostCall) => void | Promise<void>;

export class HostCommands {
  private readonly handlers = new Map<string, HostHandler>();
  private fallback: HostHandler | undefined;

  /** `name` is the full lower-case name. A name can be registered once. */
  register(name: string, handler: HostHandler): void {
    if (this.handlers.has(name)) throw new Error(`host command registered twice: ${name}`);
    this.handlers.set(name, handler);
  }

  /** Runs commands that nobody has registered. */
  setFallback(handler: HostHandler | undefined): void {
    this.fallback = handler;
  }

  get(name: string): HostHandler | undefined {
    return this.handlers.get(name) ?? this.fallback;
  }

  /** Whether the name was registered. */
  has(name: string): boolean {
    return this.handlers.has(name);
  }

  names(): string[] {
    return [...this.handlers.keys()];
  }
}

/** "ERR syntax error" and the like, thrown by helpers of handlers and written as the reply. */
export class CommandError extends Error {}
