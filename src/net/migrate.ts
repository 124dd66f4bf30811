// MIGRATE host port key|"" database timeout [COPY] [REPLACE] [AUTH password | AUTH2 user password]
//         [KEYS key ...]
//
//   wanted keys exist? ── no ──> +NOKEY
//   connect, or take a connection that is left from before
//   hold writes ─> dump ─> AUTH, SELECT, RESTORE ... ─> a reply for each key ─> delete it here ─> let go
//
// Redis serves nobody while it waits for the target. Here commands that only read go on; those that
// write wait from the moment the keys are dumped until all of them were acknowledged and deleted
// (GUARD_HOLD_WRITES). So nothing that is written gets lost between the dump and the deletion, every
// key is always on one of the two servers, and whoever reads sees a key until it is deleted. Only
// expiry goes on, which is as good there as here. Transfers take turns.
//
// When the connection breaks before anything was answered, the whole is tried once more over a new
// one; connections that were left from before tend to be closed by the other side. Keys that were
// acknowledged are deleted even if a later one failed. A key whose reply never came stays here and may
// be there as well.

import * as abi from '../../assembly/abi.ts';
import type { Core } from '../core/core.ts';
import type { Guards } from '../core/guards.ts';
import { type DumpedKey, deleteKey, dumpKey, hasKey, selectedDatabase } from '../core/keyspace.ts';
import { CommandError, type HostCall, type HostCommands } from '../host_command.ts';
import { leadingInteger, parseI64 } from '../util/integers.ts';
import { LinkError, type MigrateLink, type MigrateLinks } from './migrate_link.ts';

const DEFAULT_TIMEOUT_MS = 1000;
/** Longest time a timer can wait. */
const TIMEOUT_MS_MAX = 2 ** 31 - 1;

export interface MigrateOptions {
  readonly core: Core;
  readonly links: MigrateLinks;
  readonly guards: Guards;
  /** Unix milliseconds. */
  now(): number;
  /** Runs what clients sent that were held back. Must not be called while a batch runs. */
  resumePaused(): void;
  /** Keeps an argument's value out of MONITOR and the slow log. */
  redactArgument(call: HostCall, index: number): void;
}

interface Request {
  readonly host: string;
  readonly port: number;
  readonly keys: readonly Buffer[];
  /** Here, and there. */
  readonly database: number;
  readonly targetDatabase: bigint;
  readonly timeoutMs: number;
  readonly copies: boolean;
  readonly replaces: boolean;
  readonly credentials: readonly Buffer[];
}

interface Words {
  copies: boolean;
  replaces: boolean;
  credentials: Buffer[];
  keys: readonly Buffer[];
}

interface WantedKey extends DumpedKey {
  readonly key: Buffer;
}

export function registerMigrate(commands: HostCommands, options: MigrateOptions): void {
  /** Settles when the transfer that began last is over. */
  let last: Promise<void> = Promise.resolve();
  commands.register('migrate', (call) => {
    const request = readRequest(call, options);
    const found = request.keys.filter((key) => hasKey(options.core, request.database, key));
    if (found.length === 0) {
      call.reply.simple('NOKEY');
      return undefined;
    }
    const turn = last.then(() => migrate(call, request, options));
    last = turn.catch(() => {});
    return turn;
  });
}

// --- Arguments ---

function syntaxError(): CommandError {
  return new CommandError('ERR syntax error');
}

function readWords(call: HostCall, options: MigrateOptions): Words {
  const { args } = call;
  const words: Words = { copies: false, replaces: false, credentials: [], keys: [args[3]!] };
  const secrets = (first: number, count: number): number => {
    if (first + count > args.length) throw syntaxError();
    for (let i = first; i < first + count; i++) options.redactArgument(call, i);
    words.credentials = args.slice(first, first + count);
    return first + count - 1;
  };
  for (let i = 6; i < args.length; i++) {
    const word = args[i]!.toString('latin1').toLowerCase();
    if (word === 'copy') words.copies = true;
    else if (word === 'replace') words.replaces = true;
    else if (word === 'auth') i = secrets(i + 1, 1);
    else if (word === 'auth2') i = secrets(i + 1, 2);
    else if (word === 'keys') {
      if (args[3]!.length > 0) {
        throw new CommandError(
          'ERR When using MIGRATE KEYS option, the key argument must be set to the empty string',
        );
      }
      words.keys = args.slice(i + 1);
      break;
    } else throw syntaxError();
  }
  return words;
}

function integerOrThrow(text: Uint8Array): bigint {
  const value = parseI64(text);
  if (value === undefined) {
    throw new CommandError('ERR value is not an integer or out of range');
  }
  return value;
}

function readRequest(call: HostCall, options: MigrateOptions): Request {
  const { args, client } = call;
  const words = readWords(call, options);
  const timeoutMs = Number(integerOrThrow(args[5]!));
  return {
    ...words,
    host: args[1]!.toString('latin1'),
    port: leadingInteger(args[2]!),
    database: selectedDatabase(options.core, client.ptr),
    targetDatabase: integerOrThrow(args[4]!),
    timeoutMs: timeoutMs <= 0 ? DEFAULT_TIMEOUT_MS : Math.min(timeoutMs, TIMEOUT_MS_MAX),
  };
}

// --- The transfer ---

/** What the attempt came to, when the connection did not fail. */
interface Outcome {
  /** The target's first error, without its '-'. */
  error: string | undefined;
  answered: number;
}

async function migrate(call: HostCall, request: Request, options: MigrateOptions): Promise<void> {
  for (let mayRetry = true; ; mayRetry = false) {
    const outcome: Outcome = { error: undefined, answered: 0 };
    try {
      await attempt(request, options, outcome);
    } catch (error) {
      if (!(error instanceof LinkError)) throw failure(error);
      options.links.drop(request.host, request.port);
      if (error.during === 'connecting') {
        throw new CommandError('IOERR error or timeout connecting to the client');
      }
      const isFresh = outcome.answered === 0 && outcome.error === undefined;
      if (mayRetry && isFresh && !error.timedOut) continue;
      if (outcome.error === undefined) {
        throw new CommandError(`IOERR error or timeout ${error.during} to target instance`);
      }
    }
    if (outcome.error === undefined) call.reply.ok();
    else call.reply.byteError(`ERR Target instance replied with error: ${outcome.error}`);
    return;
  }
}

function failure(error: unknown): unknown {
  return error instanceof RangeError
    ? new CommandError('OOM out of memory: the 4 GiB of this engine are used up')
    : error;
}

async function attempt(request: Request, options: MigrateOptions, outcome: Outcome): Promise<void> {
  const { links, guards } = options;
  const link = await links.get(request.host, request.port, request.timeoutMs);
  guards.set(abi.GUARD_HOLD_WRITES, true);
  try {
    await transfer(link, request, options, outcome);
  } finally {
    guards.set(abi.GUARD_HOLD_WRITES, false);
    // The reply to this command, and with it the end of its batch, comes first.
    setImmediate(() => options.resumePaused());
  }
}

async function transfer(
  link: MigrateLink,
  request: Request,
  options: MigrateOptions,
  outcome: Outcome,
): Promise<void> {
  const { core, now } = options;
  const { timeoutMs, credentials, targetDatabase } = request;
  const keys = dumpKeys(core, request, now());
  const selects = BigInt(link.database) !== targetDatabase;
  link.database = -1;
  const commands: Buffer[] = [];
  if (credentials.length > 0) commands.push(encode('AUTH', ...credentials));
  if (selects) commands.push(encode('SELECT', String(targetDatabase)));
  for (const wanted of keys) commands.push(restoreCommand(wanted, request, now()));
  await link.write(Buffer.concat(commands), timeoutMs);

  const heads: string[] = [];
  for (let i = commands.length - keys.length; i > 0; i--)
    heads.push(await link.readLine(timeoutMs));
  const refused = heads.find((line) => line.startsWith('-'));
  for (const { key } of keys) {
    const line = await link.readLine(timeoutMs);
    const error = refused ?? (line.startsWith('-') ? line : undefined);
    if (error !== undefined) outcome.error ??= error.slice(1);
    else if (!request.copies) deleteKey(core, request.database, key, now());
    outcome.answered += 1;
  }
  if (outcome.error === undefined) link.database = Number(targetDatabase);
}

/** The keys that are there, each with its payload. */
function dumpKeys(core: Core, request: Request, nowMs: number): WantedKey[] {
  return request.keys.flatMap((key) => {
    const dumped = dumpKey(core, request.database, key);
    const isDue = dumped?.expireAtMs !== undefined && dumped.expireAtMs < nowMs;
    return dumped === undefined || isDue ? [] : [{ key, ...dumped }];
  });
}

function restoreCommand(wanted: WantedKey, { replaces }: Request, nowMs: number): Buffer {
  const { key, payload, expireAtMs } = wanted;
  const ttl = expireAtMs === undefined ? 0 : Math.max(1, Math.floor(expireAtMs - nowMs));
  const words = ['RESTORE', key, String(ttl), payload];
  return encode(...words, ...(replaces ? ['REPLACE'] : []));
}

function encode(...words: readonly (string | Uint8Array)[]): Buffer {
  const parts: Uint8Array[] = [Buffer.from(`*${words.length}\r\n`)];
  for (const word of words) {
    const bytes = typeof word === 'string' ? Buffer.from(word) : word;
    parts.push(Buffer.from(`$${bytes.length}\r\n`), bytes, Buffer.from('\r\n'));
  }
  return Buffer.concat(parts);
}
