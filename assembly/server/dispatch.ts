// What stands between a parsed command and its handler: existence, arity, and the server and
// client states in which some commands are refused. All of it is read from the command's record;
// handlers never test flags themselves.
//
// The order of the checks is Redis's, because it decides which error a client sees. The common
// case (authenticated client, no guard set, no memory limit) costs two tests.

import {
  CFG_DEBUG_COMMAND,
  CFG_GUARDS,
  CFG_MAXMEMORY,
  CLIENT_AUTHENTICATED,
  CLIENT_DIRTY_EXEC,
  CLIENT_MONITOR,
  CLIENT_MULTI,
  CLIENT_PUBSUB,
  CLIENT_REPLICA,
  CLIENT_UNIX_SOCKET,
  CLOSE_REPLAY_NO_MEMORY,
  CLOSE_UNKNOWN_COMMAND,
  CLOSE_WRONG_ARITY,
  CMD_DENYOOM,
  CMD_LOADING,
  CMD_MAY_REPLICATE,
  CMD_NO_AUTH,
  CMD_NO_MULTI,
  CMD_PLAIN,
  CMD_PROTECTED,
  CMD_READONLY,
  CMD_STALE,
  CMD_WRITE,
  GUARD_DISK_ERROR,
  GUARD_LOADING,
  GUARD_PAUSE_ALL,
  GUARD_READONLY_REPLICA,
  GUARD_STALE,
  GUARD_TOO_FEW_REPLICAS,
  RECORD_ARITY,
  RECORD_FLAGS,
} from '../abi';
import { trackingLimit, trackingOverLimit } from '../client/tracking';
import { queuedFlags, transactionEnd, tryQueueCommand } from '../client/transaction';
import {
  CMD_ID_DEBUG,
  CMD_ID_DISCARD,
  CMD_ID_EXEC,
  CMD_ID_MULTI,
  CMD_ID_PING,
  CMD_ID_PSUBSCRIBE,
  CMD_ID_PUNSUBSCRIBE,
  CMD_ID_QUIT,
  CMD_ID_RESET,
  CMD_ID_SSUBSCRIBE,
  CMD_ID_SUBSCRIBE,
  CMD_ID_SUNSUBSCRIBE,
  CMD_ID_UNSUBSCRIBE,
  CMD_ID_WATCH,
} from '../generated/command_table';
import { setKeepsExpired } from '../keyspace/db';
import { tryFreePagesForWrite } from '../keyspace/evict';
import { walking } from '../keyspace/preserve';
import { areKeysKept, areWritesHeld, Settings } from '../keyspace/settings';
import { memoryNearlyExhausted } from '../memory/pages';
import { Arg, argc, argIs } from '../resp/args';
import { client, replaying } from '../resp/connection';
import {
  ERR_LOADING,
  ERR_MASTERDOWN,
  ERR_NO_MULTI,
  ERR_NOAUTH,
  ERR_NOREPLICAS,
  ERR_OOM,
  ERR_OOM_LIMIT,
  ERR_READONLY,
  errorBytes,
  errorEnd,
  errorStart,
  replyDiskError,
  replyError,
  setErrorCounting,
} from '../resp/errors';
import {
  outputAt,
  outputLen,
  outputLost,
  outputRewind,
  replyRaw,
  replySimple,
  replyText,
} from '../resp/writer';
import {
  commandFlags,
  hasSubcommands,
  lookupCommand,
  lookupSubcommand,
  NO_COMMAND,
  Record,
} from './command_lookup';
import { countRejected } from './command_stats';
import { drainEffects, takeOwnPushes } from './consequences';
import { tryFreeMemoryTimed } from './latency_events';
import { tryRunDuringWalk } from './walk_guard';

const UNKNOWN_SHOWN_BYTES: u32 = 128;

/**
 * Id of the command that the records at `argv` name, down to the subcommand. A container command
 * whose subcommand is missing or unknown resolves to the container; `rejectMalformed` tells which.
 */
export function resolveCommand(argv: usize, count: u32): u32 {
  const id = lookupCommand(load<u32>(argv), load<u32>(argv, 4));
  if (id == NO_COMMAND || count < 2 || !hasSubcommands(id)) return id;
  const sub = lookupSubcommand(id, load<u32>(argv, 16), load<u32>(argv, 20));
  return sub == NO_COMMAND ? id : sub;
}

// --- Refusals about the command itself ---

function rejectUnknown(): void {
  const start = errorStart();
  replyText("ERR unknown command '");
  errorBytes(Arg.ptr(0), min(Arg.len(0), UNKNOWN_SHOWN_BYTES));
  replyText("', with args beginning with: ");
  const list = outputLen();
  for (let i: u32 = 1; i < argc && !outputLost; i++) {
    const shown = outputLen() - list;
    if (shown >= UNKNOWN_SHOWN_BYTES) break;
    replyText("'");
    errorBytes(Arg.ptr(i), min(Arg.len(i), UNKNOWN_SHOWN_BYTES - shown));
    replyText("' ");
  }
  errorEnd(start);
}

function rejectUnknownSubcommand(): void {
  const start = errorStart();
  replyText("ERR unknown subcommand '");
  errorBytes(Arg.ptr(1), min(Arg.len(1), UNKNOWN_SHOWN_BYTES));
  replyText("'. Try ");
  // The name as sent, which rename-command may have changed.
  for (let i: u32 = 0; i < Arg.len(0); i++) {
    let byte: u32 = load<u8>(Arg.ptr(0) + i);
    if (byte - 97 < 26) byte -= 32;
    putByte(byte);
  }
  replyText(' HELP.');
  errorEnd(start);
}

const oneByte: usize = memory.data(8, 8);

function putByte(byte: u32): void {
  store<u8>(oneByte, <u8>byte);
  replyRaw(oneByte, 1);
}

/** Error of a command called with too few or too many arguments. */
export function replyWrongArity(id: u32): void {
  const start = errorStart();
  replyText("ERR wrong number of arguments for '");
  replyRaw(Record.fullName(id), Record.fullNameLen(id));
  replyText("' command");
  errorEnd(start);
}

/** Replies with an error and returns true when name or number of arguments are wrong. */
function rejectMalformed(id: u32): bool {
  // A command that cannot be told counts nowhere.
  if (id == NO_COMMAND) {
    rejectUnknown();
    return true;
  }
  if (argc > 1 && hasSubcommands(id)) {
    rejectUnknownSubcommand();
    return true;
  }
  const arity = <i32>load<i16>(Record.at(id), RECORD_ARITY);
  if (arity > 0 ? argc == <u32>arity : argc >= <u32>-arity) return false;
  countRejected(id);
  replyWrongArity(id);
  return true;
}

/**
 * Whether the command is the first or a later line of an HTTP request: a web page may have a browser
 * send one to a server of the local network, with commands in its body.
 */
function isHttp(): bool {
  return argIs(0, 'post') || argIs(0, 'host:');
}

// --- Refusals about the state of client and server ---

function rejectProtected(id: u32, flags: u32): bool {
  if ((flags & CMD_PROTECTED) == 0) return false;
  const allowed = Settings.get(CFG_DEBUG_COMMAND);
  if (allowed == 1 || (allowed == 2 && isLocal())) return false;
  const start = errorStart();
  replyText('ERR ');
  replyText(id == CMD_ID_DEBUG ? 'DEBUG' : 'MODULE');
  replyText(' command not allowed. If the ');
  replyText(id == CMD_ID_DEBUG ? 'enable-debug-command' : 'enable-module-command');
  replyText(
    ' option is set to "local", you can run it from a local connection, otherwise you need to set this option in the configuration file, and then restart the server.',
  );
  errorEnd(start);
  return true;
}

function addrStartsWith(start: string): bool {
  const len = <u32>start.length;
  if (client.addrLen < len) return false;
  for (let i: u32 = 0; i < len; i++) {
    const wanted = load<u16>(changetype<usize>(start) + (i << 1));
    if (<u32>load<u8>(client.addr + i) != <u32>wanted) return false;
  }
  return true;
}

/** No socket, a Unix socket or a loopback address. */
function isLocal(): bool {
  if (client.addrLen == 0) return true;
  if (client.flags & CLIENT_UNIX_SOCKET) return true;
  return addrStartsWith('127.0.0.1:') || addrStartsWith('[::1]:');
}

function rejectByGuard(id: u32, flags: u32): bool {
  const guards = <u32>Settings.get(CFG_GUARDS);
  if (guards == 0) return false;
  const writes = (flags & CMD_WRITE) != 0;
  // PING tells health checks of it.
  if ((writes || id == CMD_ID_PING) && guards & GUARD_DISK_ERROR) replyDiskError();
  else if (writes && guards & GUARD_TOO_FEW_REPLICAS) replyError(ERR_NOREPLICAS);
  else if (writes && guards & GUARD_READONLY_REPLICA) replyError(ERR_READONLY);
  else if (guards & GUARD_STALE && (flags & CMD_STALE) == 0) replyError(ERR_MASTERDOWN);
  else if (guards & GUARD_LOADING && (flags & CMD_LOADING) == 0) replyError(ERR_LOADING);
  else return false;
  return true;
}

/** Replicas, which pauses exempt, and monitors, which Redis counts among them, may not use keys. */
function rejectReplica(flags: u32): bool {
  if ((client.flags & (CLIENT_REPLICA | CLIENT_MONITOR)) == 0) return false;
  if ((flags & (CMD_WRITE | CMD_READONLY | CMD_MAY_REPLICATE)) == 0) return false;
  replyError("ERR Replica can't interact with the keyspace");
  return true;
}

/**
 * Keys evicted for the command count as changed before it runs, and what its client is told of them
 * goes before its reply: it is about what was there until now.
 */
function settleEvictions(): void {
  drainEffects(changetype<usize>(client));
  if (client.pushLen == 0) return;
  takeOwnPushes(client);
  replyStart = outputLen();
}

/** Where the reply of the command that was looked at last begins. */
export let replyStart: u32 = 0;

function rejectForMemory(id: u32, flags: u32): bool {
  // A transaction's queue could take any amount of memory, whatever the commands in it do.
  const takesMemory = (flags & CMD_DENYOOM) != 0 || joinsTransaction(id);
  const isOver = Settings.on(CFG_MAXMEMORY) && !areKeysKept() && !tryFreeMemoryTimed();
  if (trackingOverLimit()) trackingLimit(changetype<usize>(client));
  settleEvictions();
  if (isOver && takesMemory) {
    replyError(ERR_OOM);
    return true;
  }
  if (takesMemory && memoryNearlyExhausted() && !tryFreePagesForWrite()) {
    replyError(ERR_OOM_LIMIT);
    return true;
  }
  return false;
}

/** Set while nothing but a command's own form can keep it from running. */
let unguarded: bool = false;

/** Looks at the states that guard commands; to be called when any of them may have changed. */
export function refreshGuards(): void {
  unguarded =
    (replaying ||
      (!Settings.on(CFG_GUARDS) && !Settings.on(CFG_MAXMEMORY) && !trackingOverLimit())) &&
    !memoryNearlyExhausted();
  if (unguarded) setKeepsExpired(false);
}

/**
 * The common case of `admitCommand`: true only when every check would pass, for a command that needs
 * no more than its handler's call.
 */
export function admitAtOnce(id: u32, count: u32): bool {
  if (!unguarded || id == NO_COMMAND) return false;
  const looked =
    CLIENT_AUTHENTICATED | CLIENT_MULTI | CLIENT_REPLICA | CLIENT_MONITOR | CLIENT_PUBSUB;
  if ((client.flags & looked) != CLIENT_AUTHENTICATED) return false;
  const record = Record.at(id);
  const flags = load<u32>(record, RECORD_FLAGS);
  if ((flags & CMD_PLAIN) == 0) return false;
  const arity = <i32>load<i16>(record, RECORD_ARITY);
  if (arity > 0 ? count != <u32>arity : count < <u32>-arity) return false;
  return !walking || tryRunDuringWalk(id, flags);
}

/** What becomes of a command. */
export const ADMIT_RUN: i32 = 0;
/** It has got its reply: it was refused, or it joined its client's transaction. */
export const ADMIT_DONE: i32 = 1;
/** CLIENT PAUSE or MIGRATE holds it back. */
export const ADMIT_HOLD: i32 = 2;
/** Its sender is to be cut off. */
export const ADMIT_CLOSE: i32 = 3;
/** It cannot be replayed: `replayRefusal` tells why. */
export const ADMIT_STOP: i32 = 4;

/** CLOSE_* of the replayed command that was looked at last. */
export let replayRefusal: u32 = 0;

/** As `admitCommand` for what a file holds: it ran before, so only its form can be wrong. */
function admitReplayed(id: u32): i32 {
  if (id == NO_COMMAND || (argc > 1 && hasSubcommands(id)))
    return stopReplay(CLOSE_UNKNOWN_COMMAND);
  const arity = <i32>load<i16>(Record.at(id), RECORD_ARITY);
  if (arity > 0 ? argc != <u32>arity : argc < <u32>-arity) return stopReplay(CLOSE_WRONG_ARITY);
  const takesMemory = (commandFlags(id) & CMD_DENYOOM) != 0 || joinsTransaction(id);
  if (takesMemory && memoryNearlyExhausted() && !tryFreePagesForWrite()) {
    return stopReplay(CLOSE_REPLAY_NO_MEMORY);
  }
  if (!joinsTransaction(id)) return ADMIT_RUN;
  queueCommand(id);
  return ADMIT_DONE;
}

function stopReplay(reason: i32): i32 {
  replayRefusal = <u32>reason;
  return ADMIT_STOP;
}

/**
 * What becomes of the running command. When it is refused, its error reply is written, the refusal
 * is counted, and a transaction that is being queued is doomed.
 */
export function admitCommand(id: u32): i32 {
  replyStart = outputLen();
  if (replaying) return admitReplayed(id);
  if (id == CMD_ID_EXEC) return admitExec();
  if (id == NO_COMMAND && isHttp()) return ADMIT_CLOSE;
  const admitted = checkCommand(id);
  if (admitted == ADMIT_REFUSE) {
    doomTransaction();
    return ADMIT_DONE;
  }
  if (admitted != ADMIT_RUN || !joinsTransaction(id)) return admitted;
  queueCommand(id);
  return ADMIT_DONE;
}

/** As `admitCommand`, for EXEC: its refusal ends the transaction, if there is one. */
function admitExec(): i32 {
  // The error of the refusal becomes a part of another one.
  setErrorCounting(false);
  const admitted = checkCommand(CMD_ID_EXEC);
  setErrorCounting(true);
  if (admitted != ADMIT_REFUSE) return admitted;
  abortExec(replyStart);
  return ADMIT_DONE;
}

const ADMIT_REFUSE: i32 = -1;

/** ADMIT_RUN, ADMIT_HOLD, or ADMIT_REFUSE after writing an error. */
function checkCommand(id: u32): i32 {
  if (rejectMalformed(id)) return ADMIT_REFUSE;
  // What EXEC runs must be allowed when it runs, not only when it was queued.
  const flags = commandFlags(id) | (id == CMD_ID_EXEC ? queuedFlags(client) & EXEC_INHERITS : 0);
  if (rejectProtected(id, flags)) {
    // Its reply is written.
  } else if ((client.flags & CLIENT_AUTHENTICATED) == 0 && (flags & CMD_NO_AUTH) == 0) {
    replyError(ERR_NOAUTH);
  } else if (client.flags & CLIENT_MULTI && flags & CMD_NO_MULTI) {
    replyError(ERR_NO_MULTI);
  } else if (
    !rejectForMemory(id, flags) &&
    !rejectByGuard(id, flags) &&
    !rejectReplica(flags) &&
    !rejectSubscribed(id)
  ) {
    if (isPaused(flags)) return ADMIT_HOLD;
    if (walking && !tryRunDuringWalk(id, flags)) return ADMIT_HOLD;
    // What runs during a pause and does not write is not to expire keys either.
    setKeepsExpired(areWritesHeld() && (flags & CMD_WRITE) == 0);
    return ADMIT_RUN;
  }
  countRejected(id);
  return ADMIT_REFUSE;
}

/** Flags of queued commands that decide whether EXEC itself is admitted. */
const EXEC_INHERITS: u32 = CMD_WRITE | CMD_DENYOOM | CMD_MAY_REPLICATE;

/** A RESP2 connection that listens may do little else: its replies could not be told from messages. */
function rejectSubscribed(id: u32): bool {
  if ((client.flags & CLIENT_PUBSUB) == 0 || client.resp != 2) return false;
  switch (id) {
    case CMD_ID_PING:
    case CMD_ID_SUBSCRIBE:
    case CMD_ID_SSUBSCRIBE:
    case CMD_ID_UNSUBSCRIBE:
    case CMD_ID_SUNSUBSCRIBE:
    case CMD_ID_PSUBSCRIBE:
    case CMD_ID_PUNSUBSCRIBE:
    case CMD_ID_QUIT:
    case CMD_ID_RESET:
      return false;
    default:
      break;
  }
  const start = errorStart();
  replyText("ERR Can't execute '");
  replyRaw(Record.fullName(id), Record.fullNameLen(id));
  replyText(
    "': only (P|S)SUBSCRIBE / (P|S)UNSUBSCRIBE / PING / QUIT / RESET are allowed in this context",
  );
  errorEnd(start);
  return true;
}

/** An error while queueing makes EXEC refuse the whole transaction. */
function doomTransaction(): void {
  if (client.flags & CLIENT_MULTI) client.flags |= CLIENT_DIRTY_EXEC;
}

const REFUSAL_BYTES: u32 = 512;
const refusal: usize = memory.data(512, 8);
const ERR_AND_BLANK: u32 = 0x20525245;

/** EXEC was refused with the error at `start`: there is no transaction any more, and the reply says so. */
function abortExec(start: u32): void {
  if (outputLost) return;
  // Without '-' and CRLF, and without the code of errors that have no other.
  const skipped: u32 = load<u32>(outputAt(start) + 1) == ERR_AND_BLANK ? 5 : 1;
  const len = min<u32>(outputLen() - start - skipped - 2, REFUSAL_BYTES);
  memory.copy(refusal, outputAt(start) + skipped, len);
  outputRewind(start);
  transactionEnd(client);
  const error = errorStart();
  replyText('EXECABORT Transaction discarded because of: ');
  replyRaw(refusal, len);
  errorEnd(error);
}

/** Whether the running command joins the transaction that its client is queueing. */
function joinsTransaction(id: u32): bool {
  return (
    (client.flags & CLIENT_MULTI) != 0 &&
    id != CMD_ID_EXEC &&
    id != CMD_ID_DISCARD &&
    id != CMD_ID_MULTI &&
    id != CMD_ID_WATCH &&
    id != CMD_ID_QUIT &&
    id != CMD_ID_RESET
  );
}

/** Puts the running command into its client's queue. */
function queueCommand(id: u32): void {
  if (tryQueueCommand(client, id, commandFlags(id))) {
    replySimple('QUEUED');
    return;
  }
  replyError(ERR_OOM_LIMIT);
  doomTransaction();
}

/** Whether CLIENT PAUSE, or MIGRATE, holds a command of these flags back. */
function isPaused(flags: u32): bool {
  if (!areWritesHeld() || client.flags & CLIENT_REPLICA) return false;
  const guards = <u32>Settings.get(CFG_GUARDS);
  return (guards & GUARD_PAUSE_ALL) != 0 || (flags & (CMD_WRITE | CMD_MAY_REPLICATE)) != 0;
}
