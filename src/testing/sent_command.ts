// A command as a client sent it, and what tests say about commands: by name, by key, by client.

import { type CompiledCommand, findCommand } from '../commands/index.ts';
import { keyPositions } from '../commands/keys.ts';
import { RespiteError } from '../embedded/errors.ts';
import { globMatch } from '../util/glob.ts';
import type { Request } from './request_reader.ts';

export interface SendingClient {
  /** As CLIENT ID tells. */
  readonly id: number;
  /** As CLIENT SETNAME gave it, empty without. */
  readonly name: string;
  /** "ip:port"; port 0 for a connection within the program. */
  readonly address: string;
}

export interface SentCommand {
  /** Upper case: "SET". */
  readonly name: string;
  /** What follows the name, read as UTF-8. */
  readonly args: readonly string[];
  /** The same as it was sent. */
  readonly bytes: readonly Uint8Array[];
  /** Keys among the arguments, read as UTF-8. */
  readonly keys: readonly string[];
  /** Number of the database that was selected. */
  readonly database: number;
  readonly client: SendingClient;
  /** Whether it came between MULTI and EXEC. */
  readonly isQueued: boolean;
  /** Unix milliseconds by the store's clock. */
  readonly atMs: number;
}

/** Which commands: all that every given property fits. */
export interface CommandMatch {
  /** Name or names, in any case: "GET", "CONFIG SET", "H*" for all that begin with H. */
  readonly command?: string | readonly string[];
  /** One of the command's keys: a pattern as KEYS has it, or a regular expression. */
  readonly key?: string | RegExp;
  /** Name of the client, or its id. */
  readonly client?: string | number;
  readonly where?: (command: SentCommand) => boolean;
}

/** A name, or more exactly; '*' is every command. */
export type CommandTarget = string | CommandMatch;

/** What a command's record says of it. */
export function recordOf(command: Pick<SentCommand, 'name' | 'args'>): CompiledCommand | undefined {
  const name = command.name.toLowerCase();
  const [first] = command.args;
  const nested = first === undefined ? undefined : findCommand(`${name}|${first.toLowerCase()}`);
  return nested ?? findCommand(name);
}

/** What is noted when a command comes in; all else is found out when somebody asks. */
export class CommandNote {
  private readonly request: Request;
  private readonly database: number;
  private readonly client: SendingClient;
  private readonly isQueued: boolean;
  private readonly atMs: number;
  private described: SentCommand | undefined;

  constructor(
    request: Request,
    facts: Pick<SentCommand, 'database' | 'client' | 'isQueued' | 'atMs'>,
  ) {
    this.request = request;
    this.database = facts.database;
    this.client = facts.client;
    this.isQueued = facts.isQueued;
    this.atMs = facts.atMs;
  }

  get sizeBytes(): number {
    return this.request.bytes.length;
  }

  get command(): SentCommand {
    this.described ??= this.describe();
    return this.described;
  }

  private describe(): SentCommand {
    const [name = new Uint8Array(0), ...bytes] = this.request.args;
    const { database, client, isQueued, atMs } = this;
    const args = bytes.map(text);
    const upperName = text(name).toUpperCase();
    const keys = keysOf(upperName, args, this.request);
    const command = { name: upperName, args, keys, database, client, isQueued, atMs };
    // Not listed with the others: it says the same again, and at length.
    return Object.defineProperty(command, 'bytes', { value: bytes }) as unknown as SentCommand;
  }
}

function keysOf(name: string, texts: readonly string[], { args }: Request): string[] {
  const record = recordOf({ name, args: texts });
  if (record === undefined) return [];
  const { arity } = record.spec;
  if (arity < 0 ? args.length < -arity : args.length !== arity) return [];
  const found = keyPositions(
    record,
    args.map((arg) => Buffer.from(arg.buffer, arg.byteOffset, arg.length)),
  );
  return (found ?? []).map(({ index }) => text(args[index] as Uint8Array));
}

/** Whether a command is meant. Throws RespiteError BAD_OPTION for a name that no command has. */
export function commandMatcher(target: CommandTarget): (command: SentCommand) => boolean {
  const { command, key, client, where } = typeof target === 'string' ? { command: target } : target;
  const tests: ((command: SentCommand) => boolean)[] = [];
  if (command !== undefined && command !== '*') {
    const names = (typeof command === 'string' ? [command] : command).map(nameMatcher);
    tests.push((sent) => names.some((matches) => matches(sent)));
  }
  if (key !== undefined) {
    const matches = textMatcher(key);
    tests.push((sent) => sent.keys.some(matches));
  }
  if (typeof client === 'number') tests.push((sent) => sent.client.id === client);
  if (typeof client === 'string') tests.push((sent) => sent.client.name === client);
  if (where !== undefined) tests.push(where);
  return (sent) => tests.every((test) => test(sent));
}

/** For messages: "GET of user:*". */
export function describeTarget(target: CommandTarget): string {
  if (typeof target === 'string') return target;
  const { command = '*', key, client, where } = target;
  const parts = [typeof command === 'string' ? command : command.join(', ')];
  if (key !== undefined) parts.push(`of ${key}`);
  if (client !== undefined) parts.push(`by ${client}`);
  if (where !== undefined) parts.push('under a condition');
  return parts.join(' ');
}

function nameMatcher(name: string): (command: SentCommand) => boolean {
  const words = name.trim().toUpperCase().split(/\s+/);
  const [first = '', second] = words;
  if (words.length > 2 || first === '') throw unknownName(name);
  if (first.includes('*')) {
    // "CONFIG* SET" would name nothing.
    if (second !== undefined) throw unknownName(name);
    const matches = textMatcher(first);
    return (sent) => matches(sent.name);
  }
  if (findCommand(words.join('|').toLowerCase()) === undefined) throw unknownName(name);
  return (sent) =>
    sent.name === first && (second === undefined || sent.args[0]?.toUpperCase() === second);
}

function unknownName(name: string): RespiteError {
  return new RespiteError('BAD_OPTION', `There is no command '${name}'`);
}

export function textMatcher(pattern: string | RegExp): (text: string) => boolean {
  if (pattern instanceof RegExp) {
    // One with a state would match every second time.
    const stateless = new RegExp(pattern.source, pattern.flags.replace(/[gy]/g, ''));
    return (candidate) => stateless.test(candidate);
  }
  const bytes = Buffer.from(pattern);
  return (candidate) => globMatch(bytes, Buffer.from(candidate));
}

function text(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString();
}
