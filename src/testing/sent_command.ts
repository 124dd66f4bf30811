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
export function recordOf(command: SentCommand): CompiledCommand | undefined {
  const name = command.name.toLowerCase();
  const [first] = command.args;
  const nested = first === undefined ? undefined : findCommand(`${name}|${first.toLowerCase()}`);
  return nested ?? findCommand(name);
}

export function describeRequest(
  request: Request,
  facts: Pick<SentCommand, 'database' | 'client' | 'isQueued' | 'atMs'>,
): SentCommand {
  const [name, ...bytes] = request.args;
  const sent = {
    name: name === undefined ? '' : text(name).toUpperCase(),
    args: bytes.map(text),
    bytes,
    ...facts,
  };
  return new Described(sent, request);
}

/** Keys are only looked for when somebody asks. */
class Described implements SentCommand {
  readonly name: string;
  readonly args: readonly string[];
  readonly bytes: readonly Uint8Array[];
  readonly database: number;
  readonly client: SendingClient;
  readonly isQueued: boolean;
  readonly atMs: number;
  readonly #request: Request;
  #keys: readonly string[] | undefined;

  constructor(sent: Omit<SentCommand, 'keys'>, request: Request) {
    this.name = sent.name;
    this.args = sent.args;
    this.bytes = sent.bytes;
    this.database = sent.database;
    this.client = sent.client;
    this.isQueued = sent.isQueued;
    this.atMs = sent.atMs;
    this.#request = request;
  }

  get keys(): readonly string[] {
    this.#keys ??= this.#findKeys();
    return this.#keys;
  }

  #findKeys(): string[] {
    const record = recordOf(this);
    if (record === undefined) return [];
    const { args } = this.#request;
    const { arity } = record.spec;
    if (arity < 0 ? args.length < -arity : args.length !== arity) return [];
    const found = keyPositions(
      record,
      args.map((arg) => Buffer.from(arg.buffer, arg.byteOffset, arg.length)),
    );
    return (found ?? []).map(({ index }) => text(args[index] as Uint8Array));
  }
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
    const matches = textMatcher(first);
    return (sent) => matches(sent.name) && second === undefined;
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
