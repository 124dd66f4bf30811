// DEBUG: a container whose subcommands the core does not know, so that everything from their number
// of arguments on is checked here. For tests and for looking inside; which clients may call it is
// decided before (enable-debug-command).
//
// MALLCTL is not there, as in a Redis that was built with another allocator than jemalloc.

import * as abi from '../../assembly/abi.ts';
import type { Core } from '../core/core.ts';
import {
  CommandError,
  type HostCall,
  type HostClient,
  type HostCommands,
} from '../host_command.ts';
import { globMatch } from '../util/glob.ts';
import { leadingInteger, parseI64 } from '../util/integers.ts';
import type { CrashCause } from './crash_cause.ts';
import type { DebugFlags } from './debug_flags.ts';
import { DEBUG_HELP } from './debug_help.ts';
import {
  type DebugKeyspace,
  debugDigest,
  debugDigestValue,
  debugEncodingOnly,
  debugHtstats,
  debugLayout,
  debugObject,
  debugPopulate,
  debugSdslen,
} from './debug_keyspace.ts';
import { writeProtocolSample } from './debug_protocol.ts';

export interface DebugHooks extends DebugKeyspace {
  readonly core: Core;
  readonly flags: DebugFlags;
  /** Stops this thread, the whole event loop with it. */
  sleep(milliseconds: number): void;
  log(message: string): void;
  /** Reports the crash and ends the process; does not return. */
  crash(cause: CrashCause): never;
  /** Replaces the process by a new one. Returns only when that is impossible. */
  restart(isGraceful: boolean, delayMs: number): void;
  /** Rewrites the configuration file with all options. Returns null or the system's error text. */
  rewriteConfig(): string | null;
  /** Clients by the memory they take; null unless maxmemory-clients is set. */
  clientBuckets(): string | null;
  changeReplicationId(): void;
  isClusterEnabled(): boolean;
  /** Saves the data set, empties it, and loads it again. Returns the error to reply with. */
  reload(client: HostClient, options: ReloadOptions): string | undefined;
  /** Empties the data set and loads the append-only file. Returns the error to reply with. */
  loadAof(client: HostClient): Promise<string | undefined>;
}

export interface ReloadOptions {
  readonly saves: boolean;
  readonly flushes: boolean;
  /** Keys that are there already are replaced. */
  readonly merges: boolean;
}

interface Subcommand {
  /** Number of all arguments, DEBUG and the subcommand included. */
  readonly argcMin: number;
  readonly argcMax: number;
  run(call: HostCall, hooks: DebugHooks): void | Promise<void>;
}

const SIGSEGV = 11;
const MS_PER_SECOND = 1000;
const OOM_BYTES = 0x7fff_ffff_ffff_ffffn;
const MATCH_TEST_ROUNDS = 20000;
const MATCH_TEST_BYTES = 16;
const PACKED_THRESHOLD_MAX = 2n ** 32n - 2n ** 20n;

const UNITS: Readonly<Record<string, bigint>> = {
  '': 1n,
  b: 1n,
  k: 1000n,
  kb: 1024n,
  m: 1000n ** 2n,
  mb: 1024n ** 2n,
  g: 1000n ** 3n,
  gb: 1024n ** 3n,
};

/** A subcommand with a fixed number of arguments behind its name. */
function exactly(count: number, run: Subcommand['run']): Subcommand {
  return { argcMin: count + 2, argcMax: count + 2, run };
}

function atLeast(count: number, run: Subcommand['run']): Subcommand {
  return { argcMin: count + 2, argcMax: Number.POSITIVE_INFINITY, run };
}

function between(least: number, most: number, run: Subcommand['run']): Subcommand {
  return { argcMin: least + 2, argcMax: most + 2, run };
}

/** "<0|1>", read as C's atoi does. */
function toggle(set: (hooks: DebugHooks, on: boolean) => void): Subcommand {
  return exactly(1, ({ args, reply }, hooks) => {
    set(hooks, leadingInteger(args[2]!) !== 0);
    reply.ok();
  });
}

/** Needs a key in an encoding that no value has yet. */
function encodingOnly(least: number, most: number, otherwise: string): Subcommand {
  return between(least, most, (call, hooks) => debugEncodingOnly(call, hooks, otherwise));
}

const SUBCOMMANDS: Readonly<Record<string, Subcommand>> = {
  help: exactly(0, ({ reply }) => {
    reply.help('DEBUG', DEBUG_HELP);
  }),

  // --- Looking inside ---
  digest: exactly(0, debugDigest),
  'digest-value': atLeast(0, debugDigestValue),
  object: exactly(1, debugObject),
  sdslen: exactly(1, debugSdslen),
  htstats: atLeast(1, debugHtstats),
  'htstats-key': encodingOnly(
    1,
    Number.POSITIVE_INFINITY,
    'The value stored at the specified key is not represented using an hash table',
  ),
  listpack: exactly(1, (call, hooks) => debugLayout(call, hooks, 'listpack')),
  quicklist: between(1, 2, (call, hooks) => debugLayout(call, hooks, 'quicklist')),
  structsize: exactly(0, ({ reply }) => {
    reply.bulk(`bits:32 client:${abi.CONN_BYTES} command:${abi.RECORD_BYTES} entry:8 bucket:64 `);
  }),
  'client-eviction': exactly(0, ({ reply }, { clientBuckets }) => {
    const text = clientBuckets();
    if (text === null) throw new CommandError('ERR maxmemory-clients is disabled.');
    reply.verbatim(text);
  }),

  // --- Changing how the server works ---
  'set-active-expire': toggle(({ core }, on) => {
    core.exports.setConfig(abi.CFG_ACTIVE_EXPIRE, Number(on));
  }),
  'pause-cron': toggle(({ flags }, on) => {
    flags.cronPaused = on;
  }),
  'set-disable-deny-scripts': toggle(({ flags }, on) => {
    flags.denyScriptsDisabled = on;
  }),
  'set-skip-checksum-validation': toggle(({ core, flags }, on) => {
    flags.skipChecksumValidation = on;
    core.exports.setConfig(abi.CFG_SKIP_CHECKSUM, Number(on));
  }),
  'dict-resizing': toggle(({ flags }, on) => {
    flags.dictResizing = on;
  }),
  'quicklist-packed-threshold': exactly(1, setPackedThreshold),
  replybuffer: exactly(2, setReplyBuffer),
  'aof-flush-sleep': exactly(1, ({ args, reply }, { flags }) => {
    flags.aofFlushSleepUs = leadingInteger(args[2]!);
    reply.ok();
  }),
  'drop-cluster-packet-filter': exactly(1, ({ args, reply }, { flags }) => {
    flags.clusterDropPacketFilter = Number(integerOrError(args[2]!));
    reply.ok();
  }),
  clusterlink: exactly(3, clusterLink),
  'change-repl-id': exactly(0, ({ reply }, hooks) => {
    hooks.log('Changing replication IDs after receiving DEBUG change-repl-id');
    hooks.changeReplicationId();
    reply.ok();
  }),
  'config-rewrite-force-all': exactly(0, ({ reply }, hooks) => {
    const error = hooks.rewriteConfig();
    if (error === null) reply.ok();
    else reply.error(`ERR CONFIG-REWRITE-FORCE-ALL failed: ${error}`);
  }),

  // --- Doing things ---
  populate: between(1, 3, debugPopulate),
  sleep: exactly(1, sleep),
  log: exactly(1, ({ args, reply }, hooks) => {
    hooks.log(`DEBUG LOG: ${args[2]!.toString()}`);
    reply.ok();
  }),
  error: exactly(1, ({ args, reply }) => {
    reply
      .raw('-')
      .raw(Buffer.from(oneLine(args[2]!), 'latin1'))
      .raw('\r\n');
  }),
  protocol: exactly(1, ({ args, reply }) => {
    writeProtocolSample(reply, args[2]!.toString('latin1'));
  }),
  leak: exactly(1, ({ args, reply }, { core }) => {
    core.exports.hostAlloc(args[2]!.length);
    reply.ok();
  }),
  'stringmatch-test': exactly(0, ({ reply }) => {
    testGlobMatch();
    reply.simple('Apparently Redis did not crash: test passed');
  }),
  // Nobody to replicate to.
  replicate: atLeast(1, ({ reply }) => {
    reply.ok();
  }),
  reload: atLeast(0, reload),
  loadaof: exactly(0, async ({ client, reply }, hooks) => {
    const error = await hooks.loadAof(client);
    if (error === undefined) reply.ok();
    else reply.error(error);
  }),

  // --- Ending the process ---
  restart: atLeast(0, (call, hooks) => restart(call, hooks, true)),
  'crash-and-recover': atLeast(0, (call, hooks) => restart(call, hooks, false)),
  segfault: atLeast(0, (_call, hooks) => {
    hooks.crash({ kind: 'signal', signal: 'SIGSEGV', number: SIGSEGV });
  }),
  panic: atLeast(0, ({ nowMs }, hooks) => {
    const seconds = Math.floor(nowMs / MS_PER_SECOND);
    const message = `DEBUG PANIC called at Unix time ${seconds}`;
    hooks.crash({ kind: 'panic', message, place: 'debug.ts' });
  }),
  assert: atLeast(0, (_call, hooks) => {
    hooks.crash({ kind: 'assertion', expression: '1 == 2', place: 'debug.ts' });
  }),
  oom: atLeast(0, (_call, hooks) => {
    hooks.log(`Out Of Memory allocating ${OOM_BYTES} bytes!`);
    const message = `Redis aborting for OUT OF MEMORY. Allocating ${OOM_BYTES} bytes!`;
    hooks.crash({ kind: 'panic', message, place: 'debug.ts' });
  }),
};

export function registerDebug(commands: HostCommands, hooks: DebugHooks): void {
  commands.register('debug', (call) => {
    const name = call.args[1]!.toString('latin1');
    const subcommand = Object.hasOwn(SUBCOMMANDS, name.toLowerCase())
      ? SUBCOMMANDS[name.toLowerCase()]
      : undefined;
    const argc = call.args.length;
    if (!subcommand || argc < subcommand.argcMin || argc > subcommand.argcMax) {
      throw syntaxError(name);
    }
    return subcommand.run(call, hooks);
  });
}

/** Stops the thread that calls it. */
export function blockThread(milliseconds: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, milliseconds);
}

function syntaxError(subcommand: string): CommandError {
  const shown = subcommand.slice(0, 128);
  return new CommandError(
    `ERR unknown subcommand or wrong number of arguments for '${shown}'. Try DEBUG HELP.`,
  );
}

function integerOrError(text: Uint8Array): bigint {
  const value = parseI64(text);
  if (value === undefined) throw new CommandError('ERR value is not an integer or out of range');
  return value;
}

/** Line breaks would end an error reply early. */
function oneLine(text: Buffer): string {
  return text.toString('latin1').replace(/[\r\n]/g, ' ');
}

/** DEBUG SLEEP seconds: nothing is served meanwhile, which is the point. */
function sleep({ args, reply }: HostCall, hooks: DebugHooks): void {
  const seconds = Number.parseFloat(args[2]!.toString('latin1'));
  if (seconds > 0 && Number.isFinite(seconds)) hooks.sleep(seconds * MS_PER_SECOND);
  reply.ok();
}

function setPackedThreshold({ args, reply }: HostCall, { flags }: DebugHooks): void {
  const match = /^(\d*)([a-z]*)$/i.exec(args[2]!.toString('latin1'));
  const unit = UNITS[match?.[2]?.toLowerCase() ?? 'none'];
  const bytes = unit === undefined ? undefined : BigInt(match![1] || '0') * unit;
  if (bytes === undefined || bytes > PACKED_THRESHOLD_MAX) {
    throw new CommandError(
      'ERR argument must be a memory value bigger than 1 and smaller than 4gb',
    );
  }
  if (bytes === 0n) flags.resetPackedThreshold();
  else flags.quicklistPackedThresholdBytes = Number(bytes);
  reply.ok();
}

/** DEBUG REPLYBUFFER PEAK-RESET-TIME never|reset|ms, RESIZING 0|1 */
function setReplyBuffer({ args, reply }: HostCall, { flags }: DebugHooks): void {
  const what = args[2]!.toString('latin1').toLowerCase();
  const value = args[3]!.toString('latin1').toLowerCase();
  if (what === 'resizing') flags.replyBufferResizing = leadingInteger(args[3]!) !== 0;
  else if (what !== 'peak-reset-time') throw syntaxError(args[1]!.toString('latin1'));
  else if (value === 'never') flags.replyBufferPeakResetMs = -1;
  else if (value === 'reset') flags.resetPeakTime();
  else flags.replyBufferPeakResetMs = Number(integerOrError(args[3]!));
  reply.ok();
}

function clusterLink({ args }: HostCall, hooks: DebugHooks): void {
  if (args[2]!.toString('latin1').toLowerCase() !== 'kill') {
    throw syntaxError(args[1]!.toString('latin1'));
  }
  throw new CommandError(
    hooks.isClusterEnabled()
      ? `ERR Unknown node ${oneLine(args[4]!)}`
      : 'ERR Debug option only available for cluster mode enabled setup!',
  );
}

function reload({ args, client, reply }: HostCall, hooks: DebugHooks): void {
  const options = args.slice(2).map((option) => option.toString('latin1').toLowerCase());
  if (!options.every((option) => /^(merge|noflush|nosave)$/.test(option))) {
    throw new CommandError('ERR DEBUG RELOAD only supports the MERGE, NOFLUSH and NOSAVE options.');
  }
  const error = hooks.reload(client, {
    saves: !options.includes('nosave'),
    flushes: !options.includes('noflush'),
    merges: options.includes('merge'),
  });
  if (error === undefined) reply.ok();
  else reply.error(error);
}

function restart({ args, reply }: HostCall, hooks: DebugHooks, isGraceful: boolean): void {
  const delayMs = args[2] === undefined ? 0 : Number(integerOrError(args[2]));
  hooks.restart(isGraceful, Math.max(delayMs, 0));
  reply.error('ERR failed to restart the server. Check server logs.');
}

/** Matches random patterns against random names: none may hang or throw. */
function testGlobMatch(): void {
  const bytes = new Uint8Array(MATCH_TEST_BYTES * 2);
  const alphabet = Buffer.from('ab*?[]^-\\');
  for (let round = 0; round < MATCH_TEST_ROUNDS; round++) {
    crypto.getRandomValues(bytes);
    const text = bytes.map((byte) => alphabet[byte % alphabet.length]!);
    globMatch(text.subarray(0, MATCH_TEST_BYTES), text.subarray(MATCH_TEST_BYTES), false);
  }
}
