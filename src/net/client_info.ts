// The line that CLIENT LIST and CLIENT INFO have for a client.
//
// Fields and their order are those of Redis 7.2. Some of them describe buffers that Respite does not
// have per client, and say so with 0: `rbs`, `rbp` and `obl` are about Redis's static reply buffer
// (replies are encoded in one buffer of the engine and handed to the kernel from there). `qbuf` of
// the client that asks is the size of the command that it asks with, as in Redis, although input is
// read into memory that all clients share.

import * as abi from '../../assembly/abi.ts';
import type { HostCall } from '../host_command.ts';
import type { Client } from './client.ts';

/** Memory of the host for one client, in bytes: handle, connection, queue and client. Measured. */
const HOST_CLIENT_BYTES = 2048;

/** Letters of `flags`, in Redis's order. */
const FLAG_LETTERS: readonly [flag: number, letter: string][] = [
  [abi.CLIENT_PRIMARY, 'M'],
  [abi.CLIENT_PUBSUB, 'P'],
  [abi.CLIENT_MULTI, 'x'],
  [abi.CLIENT_BLOCKED | abi.CLIENT_PAUSED, 'b'],
  [abi.CLIENT_TRACKING, 't'],
  [abi.CLIENT_TRACKING_BROKEN, 'R'],
  [abi.CLIENT_TRACKING_BCAST, 'B'],
  [abi.CLIENT_DIRTY_CAS, 'd'],
  [abi.CLIENT_CLOSE_AFTER_REPLY, 'c'],
  [abi.CLIENT_CLOSE_ASAP, 'A'],
  [abi.CLIENT_UNIX_SOCKET, 'U'],
  [abi.CLIENT_READONLY, 'r'],
  [abi.CLIENT_NO_EVICT, 'e'],
  [abi.CLIENT_NO_TOUCH, 'T'],
];

/** What parts of the server other than the network know of a client. */
export interface ClientDetails {
  readonly channels: number;
  readonly patterns: number;
  readonly shardChannels: number;
  /** Commands queued since MULTI, and the bytes of their arguments. */
  readonly queuedCommands: number;
  readonly queuedBytes: number;
  /** Memory of its waiting in a blocking command, the arguments included. */
  readonly blockedBytes: number;
  /** Client that gets its invalidation messages: 0 for itself, -1 when it does not track. */
  readonly redirect: number;
}

export const NO_DETAILS: ClientDetails = {
  channels: 0,
  patterns: 0,
  shardChannels: 0,
  queuedCommands: 0,
  queuedBytes: 0,
  blockedBytes: 0,
  redirect: -1,
};

export interface InfoMoment {
  readonly nowMs: number;
  /** Full name of the command with an id. */
  readonly commandName: (id: number) => string;
  /** The command that asks, when it is the client's own. */
  readonly call?: HostCall;
}

/** Memory that belongs to the client alone. Arguments of an unfinished command lie in its query buffer. */
export function clientMemoryBytes({ block, outputBytes }: Client, queuedBytes: number): number {
  return HOST_CLIENT_BYTES + block.memoryBytes + queuedBytes + outputBytes;
}

/** The line, as byte text without a line end. */
export function clientInfo(client: Client, details: ClientDetails, moment: InfoMoment): string {
  const { block, connection } = client;
  const { flags } = block;
  const own = moment.call === undefined ? null : ownCommand(moment.call);
  const outputBytes = client.outputBytes;
  const lastCommand = block.lastCommandId;
  const argumentBytes = own?.argumentBytes ?? block.argumentBytes + details.blockedBytes;
  const memoryBytes =
    clientMemoryBytes(client, details.queuedBytes + details.blockedBytes) +
    (own?.argumentBytes ?? 0);
  return [
    `id=${client.id}`,
    `addr=${client.address}`,
    `laddr=${client.localAddress}`,
    `fd=${connection?.fd ?? -1}`,
    `name=${Buffer.from(block.name).toString('latin1')}`,
    `age=${secondsBetween(block.createdMs, moment.nowMs)}`,
    `idle=${secondsBetween(client.lastInteractionMs, moment.nowMs)}`,
    `flags=${flagLetters(flags)}`,
    `db=${block.db}`,
    `sub=${details.channels}`,
    `psub=${details.patterns}`,
    `ssub=${details.shardChannels}`,
    `multi=${flags & abi.CLIENT_MULTI ? details.queuedCommands : -1}`,
    `qbuf=${block.unreadBytes + (own?.encodedBytes ?? 0)}`,
    `qbuf-free=${block.queryCapacityBytes - block.queryBytes}`,
    `argv-mem=${argumentBytes}`,
    `multi-mem=${details.queuedBytes}`,
    'rbs=0',
    'rbp=0',
    'obl=0',
    `oll=${connection?.queuedBlocks ?? 0}`,
    `omem=${outputBytes}`,
    `tot-mem=${memoryBytes}`,
    `events=${events(client)}`,
    `cmd=${own?.name ?? (lastCommand === null ? 'NULL' : moment.commandName(lastCommand))}`,
    `user=${client.user}`,
    `redir=${details.redirect}`,
    `resp=${block.resp}`,
    `lib-name=${client.libName}`,
    `lib-ver=${client.libVersion}`,
  ].join(' ');
}

interface OwnCommand {
  readonly name: string;
  readonly argumentBytes: number;
  readonly encodedBytes: number;
}

function ownCommand(call: HostCall): OwnCommand {
  let argumentBytes = 0;
  let encodedBytes = `*${call.args.length}\r\n`.length;
  for (const { length } of call.args) {
    argumentBytes += length;
    encodedBytes += `$${length}\r\n`.length + length + 2;
  }
  return { name: call.name, argumentBytes, encodedBytes };
}

function flagLetters(flags: number): string {
  let letters = '';
  if (flags & abi.CLIENT_MONITOR) letters = 'O';
  else if (flags & abi.CLIENT_REPLICA) letters = 'S';
  for (const [flag, letter] of FLAG_LETTERS) if (flags & flag) letters += letter;
  return letters === '' ? 'N' : letters;
}

function events({ connection }: Client): string {
  if (connection === null) return '';
  return (connection.isPaused ? '' : 'r') + (connection.queuedBytes > 0 ? 'w' : '');
}

/** Whole seconds between, as the difference of two clocks that show seconds. */
function secondsBetween(fromMs: number, toMs: number): number {
  return Math.max(0, Math.floor(toMs / 1000) - Math.floor(fromMs / 1000));
}
