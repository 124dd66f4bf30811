// SYNC, PSYNC and REPLCONF as far as tools need them that fetch a snapshot: redis-cli --rdb and
// --functions-rdb.
//
// A replica would need the commands that follow the snapshot, which are not sent yet: one that tells
// the port it listens on is refused, because it would believe itself up to date for ever.

import {
  CommandError,
  type HostCall,
  type HostClient,
  type HostCommands,
} from '../host_command.ts';
import { parseI64 } from '../util/integers.ts';
import type { TransferPeer, TransferRequest } from './rdb_transfer.ts';

export interface SyncHooks {
  /** The connection behind a client, from now on one that gets a snapshot. */
  peerOf(client: HostClient, listeningPort: number): TransferPeer;
  /** The same before: output that waits to be sent. */
  queuedBytes(client: HostClient): number;
  request(request: TransferRequest): void;
  log(text: string): void;
  /** Of this server's history, 40 digits. */
  replicationId(): string;
}

/** What REPLCONF told of a client. */
interface Introduction {
  listeningPort: number;
  takesMark: boolean;
  isFiltered: boolean;
}

const ADDRESS_BYTES_MAX = 255;
const I32_MAX = 2n ** 31n - 1n;

export function registerSync(commands: HostCommands, hooks: SyncHooks): void {
  const known = new WeakMap<HostClient, Introduction>();
  const introduction = (client: HostClient): Introduction => {
    let found = known.get(client);
    if (found === undefined) {
      found = { listeningPort: 0, takesMark: false, isFiltered: false };
      known.set(client, found);
    }
    return found;
  };
  commands.register('replconf', (call) => configure(call, introduction(call.client)));
  commands.register('sync', (call) => synchronize(call, introduction(call.client), '', hooks));
  commands.register('psync', (call) => {
    if (parseI64(call.args[2]!) === undefined) {
      throw new CommandError('ERR value is not an integer or out of range');
    }
    const preface = `+FULLRESYNC ${hooks.replicationId()} 0\r\n`;
    return synchronize(call, introduction(call.client), preface, hooks);
  });
}

function synchronize(
  { client }: HostCall,
  { listeningPort, takesMark, isFiltered }: Introduction,
  preface: string,
  hooks: SyncHooks,
): Promise<void> {
  if (listeningPort !== 0) {
    throw new CommandError(
      'ERR replicas are not served by this version: SYNC only sends a snapshot, as to redis-cli --rdb',
    );
  }
  if (hooks.queuedBytes(client) > 0) {
    throw new CommandError('ERR SYNC and PSYNC are invalid with pending output');
  }
  if (isFiltered && !takesMark) {
    throw new CommandError('ERR Filtered replica requires EOF capability');
  }
  const peer = hooks.peerOf(client, listeningPort);
  hooks.log(`Replica ${peer.name} asks for synchronization`);
  // Behind the replies of the commands before, and never answered: the connection ends.
  setTimeout(() => hooks.request({ peer, preface, takesMark, isWithoutKeys: isFiltered }), 0);
  return new Promise(() => {});
}

// --- REPLCONF ---

function configure(call: HostCall, told: Introduction): void {
  const { args, reply } = call;
  if (args.length % 2 === 0) throw new CommandError('ERR syntax error');
  for (let i = 1; i < args.length; i += 2) {
    const name = args[i]!.toString('latin1');
    // What replicas and primaries tell each other in passing; it has no reply.
    if (/^(ack|getack)$/i.test(name)) return;
    set(told, name, args[i + 1]!);
  }
  reply.ok();
}

function set(told: Introduction, name: string, value: Buffer): void {
  switch (name.toLowerCase()) {
    case 'listening-port':
      told.listeningPort = integer(value);
      return;
    case 'ip-address':
      if (value.length <= ADDRESS_BYTES_MAX) return;
      throw new CommandError(
        `ERR REPLCONF ip-address provided by replica instance is too long: ${value.length} bytes`,
      );
    case 'capa':
      if (value.toString('latin1').toLowerCase() === 'eof') told.takesMark = true;
      return;
    case 'rdb-only': {
      const flag = integer(value);
      if (flag === 0 || flag === 1) return;
      throw new CommandError('ERR value is out of range, must be between 0 and 1');
    }
    case 'rdb-filter-only':
      checkFilters(value);
      told.isFiltered = true;
      return;
    default:
      throw new CommandError(`ERR Unrecognized REPLCONF option: ${name}`);
  }
}

/** Nothing but functions can be asked for; no filter at all leaves nothing. */
function checkFilters(value: Buffer): void {
  for (const filter of value.toString('latin1').split(/\s+/).filter(Boolean)) {
    if (filter.toLowerCase() === 'functions') continue;
    throw new CommandError(`ERR Unsupported rdb-filter-only option: ${filter}`);
  }
}

function integer(text: Buffer): number {
  const value = parseI64(text);
  if (value === undefined || value > I32_MAX || value < -I32_MAX) {
    throw new CommandError('ERR value is not an integer or out of range');
  }
  return Number(value);
}
