// The CLIENT command, but for what is about client-side caching: that is in the core, in
// assembly/command/client_tracking.ts.
//
// Replies and error texts are those of Redis 7.2; the MAXAGE filter of CLIENT KILL is that of 7.4.
// Arguments are read as byte text; keywords and addresses end at their first NUL, as C's strings do.

import * as abi from '../../assembly/abi.ts';
import { cString } from '../config/byte_text.ts';
import { LONG_MAX, parseInteger } from '../config/numbers.ts';
import { CommandError, type HostCall, type HostCommands } from '../host_command.ts';
import type { Client, ClientType } from './client.ts';
import type { ClientPause } from './client_pause.ts';
import type { ClientRegistry } from './clients.ts';

/** Bytes of a client's argument that an error quotes. */
const QUOTED_BYTES = 128;

export interface ClientCommandOptions {
  readonly registry: ClientRegistry;
  readonly pause: ClientPause;
  /** Whether there is a user of this name (byte text). */
  hasUser(name: string): boolean;
  /**
   * Wakes a client that waits in a blocking command, as if its time were up or with an error.
   * False when it does not wait.
   */
  unblock(client: Client, reason: 'timeout' | 'error'): boolean;
}

export function registerClientCommands(
  commands: HostCommands,
  options: ClientCommandOptions,
): void {
  const { registry } = options;
  commands.register('client|id', (call) => void call.reply.integer(call.client.id));
  commands.register('client|info', (call) => replyInfo(call, registry, [registry.of(call.client)]));
  commands.register('client|list', (call) => list(call, registry));
  commands.register('client|kill', (call) => kill(call, options));
  commands.register('client|getname', (call) => getName(call, registry));
  commands.register('client|setname', (call) => {
    setNameOrThrow(registry, registry.of(call.client), call.args[2] as Buffer);
    call.reply.ok();
  });
  commands.register('client|setinfo', (call) => setInfo(call, registry));
  commands.register('client|no-evict', (call) => {
    const client = registry.of(call.client);
    switchFlag(call, client, abi.CLIENT_NO_EVICT);
    registry.eviction.note(client);
  });
  commands.register('client|no-touch', (call) =>
    switchFlag(call, registry.of(call.client), abi.CLIENT_NO_TOUCH),
  );
  commands.register('client|reply', (call) => setReplyMode(call, registry.of(call.client)));
  commands.register('client|pause', (call) => pauseClients(call, options.pause));
  commands.register('client|unpause', (call) => {
    options.pause.unpause();
    call.reply.ok();
  });
  commands.register('client|unblock', (call) => unblock(call, options));
  commands.register('client|help', (call) => void call.reply.help('CLIENT', HELP_LINES));
}

// --- Arguments ---

/** An argument as byte text. */
function text(call: HostCall, index: number): string {
  return call.args[index]?.toString('latin1') ?? '';
}

/** An argument as a keyword: what C sees of it, in lower case. */
function word(call: HostCall, index: number): string {
  return cString(text(call, index)).toLowerCase();
}

/** The error of a subcommand that has more arguments than it takes. */
function subcommandError(call: HostCall): void {
  const name = cString(text(call, 1)).slice(0, QUOTED_BYTES);
  const command = cString(text(call, 0)).toUpperCase();
  call.reply.byteError(
    `ERR unknown subcommand or wrong number of arguments for '${name}'. Try ${command} HELP.`,
  );
}

const CLIENT_TYPES: ReadonlyMap<string, ClientType> = new Map([
  ['normal', 'normal'],
  ['slave', 'replica'],
  ['replica', 'replica'],
  ['pubsub', 'pubsub'],
  ['master', 'master'],
]);

/** The client type at `index`; null after writing the error. */
function clientTypeOrReply(call: HostCall, index: number): ClientType | null {
  const type = CLIENT_TYPES.get(word(call, index));
  if (type !== undefined) return type;
  call.reply.byteError(`ERR Unknown client type '${cString(text(call, index))}'`);
  return null;
}

// --- LIST and INFO ---

function replyInfo(call: HostCall, registry: ClientRegistry, clients: Iterable<Client>): void {
  let lines = '';
  for (const client of clients) {
    const isOwn = client.id === call.client.id;
    lines += `${registry.info(client, call.nowMs, isOwn ? call : undefined)}\n`;
  }
  call.reply.verbatim(Buffer.from(lines, 'latin1'));
}

/** CLIENT LIST [TYPE type | ID id [id ...]] */
function list(call: HostCall, registry: ClientRegistry): void {
  const count = call.args.length;
  if (count === 2) {
    replyInfo(call, registry, registry.all());
  } else if (count === 4 && word(call, 2) === 'type') {
    const type = clientTypeOrReply(call, 3);
    if (type === null) return;
    replyInfo(
      call,
      registry,
      [...registry.all()].filter((client) => client.type === type),
    );
  } else if (count > 3 && word(call, 2) === 'id') {
    const found: Client[] = [];
    for (let index = 3; index < count; index++) {
      const id = parseInteger(text(call, index));
      if (id === null) throw new CommandError('ERR Invalid client ID');
      const client = registry.find(Number(id));
      if (client !== undefined) found.push(client);
    }
    replyInfo(call, registry, found);
  } else {
    throw new CommandError('ERR syntax error');
  }
}

// --- KILL ---

interface KillFilter {
  id: number | null;
  type: ClientType | null;
  address: string | null;
  localAddress: string | null;
  user: string | null;
  maxAgeSeconds: number;
  skipsSelf: boolean;
}

/** CLIENT KILL address | CLIENT KILL filter value [filter value ...] */
function kill(call: HostCall, options: ClientCommandOptions): void {
  const { registry } = options;
  const isOldForm = call.args.length === 3;
  const filter = isOldForm ? addressFilter(call) : killFilterOrReply(call, options);
  if (filter === null) return;
  let killed = 0;
  let killsSelf = false;
  for (const client of registry.all()) {
    if (!matches(client, filter, call)) continue;
    if (client.id === call.client.id) killsSelf = true;
    else registry.kill(client);
    killed++;
  }
  if (!isOldForm) call.reply.integer(killed);
  else if (killed > 0) call.reply.ok();
  else call.reply.error('ERR No such client');
  // Its own reply still goes out.
  if (killsSelf) registry.of(call.client).block.setFlag(abi.CLIENT_CLOSE_AFTER_REPLY, true);
}

function addressFilter(call: HostCall): KillFilter {
  return { ...emptyFilter(), address: cString(text(call, 2)), skipsSelf: false };
}

function emptyFilter(): KillFilter {
  return {
    id: null,
    type: null,
    address: null,
    localAddress: null,
    user: null,
    maxAgeSeconds: 0,
    skipsSelf: true,
  };
}

/** The filters of the new form; null after writing an error. */
function killFilterOrReply(call: HostCall, options: ClientCommandOptions): KillFilter | null {
  const filter = emptyFilter();
  for (let index = 2; index < call.args.length; index += 2) {
    if (index + 1 === call.args.length) throw new CommandError('ERR syntax error');
    if (!readFilterOrReply(call, index, filter, options)) return null;
  }
  return filter;
}

function readFilterOrReply(
  call: HostCall,
  index: number,
  filter: KillFilter,
  { hasUser }: ClientCommandOptions,
): boolean {
  const value = cString(text(call, index + 1));
  switch (word(call, index)) {
    case 'id':
      filter.id = positiveOrThrow(call, index + 1, {
        notInteger: 'ERR client-id should be greater than 0',
        notPositive: 'ERR client-id should be greater than 0',
      });
      return true;
    case 'maxage':
      filter.maxAgeSeconds = positiveOrThrow(call, index + 1, {
        notInteger: 'ERR maxage is not an integer or out of range',
        notPositive: 'ERR maxage should be greater than 0',
      });
      return true;
    case 'type':
      filter.type = clientTypeOrReply(call, index + 1);
      return filter.type !== null;
    case 'addr':
      filter.address = value;
      return true;
    case 'laddr':
      filter.localAddress = value;
      return true;
    case 'user':
      filter.user = text(call, index + 1);
      if (hasUser(filter.user)) return true;
      call.reply.byteError(`ERR No such user '${value}'`);
      return false;
    case 'skipme':
      filter.skipsSelf = yesOrNoOrThrow(call, index + 1);
      return true;
    default:
      throw new CommandError('ERR syntax error');
  }
}

function positiveOrThrow(
  call: HostCall,
  index: number,
  errors: { notInteger: string; notPositive: string },
): number {
  const value = parseInteger(text(call, index));
  if (value === null) throw new CommandError(errors.notInteger);
  if (value <= 0n) throw new CommandError(errors.notPositive);
  return Number(value);
}

function yesOrNoOrThrow(call: HostCall, index: number): boolean {
  const answer = word(call, index);
  if (answer !== 'yes' && answer !== 'no') throw new CommandError('ERR syntax error');
  return answer === 'yes';
}

function matches(client: Client, filter: KillFilter, call: HostCall): boolean {
  if (filter.address !== null && client.address !== filter.address) return false;
  if (filter.localAddress !== null && client.localAddress !== filter.localAddress) return false;
  if (filter.type !== null && client.type !== filter.type) return false;
  if (filter.id !== null && client.id !== filter.id) return false;
  if (filter.user !== null && client.user !== filter.user) return false;
  if (filter.skipsSelf && client.id === call.client.id) return false;
  const ageSeconds = Math.floor(call.nowMs / 1000) - Math.floor(client.block.createdMs / 1000);
  return filter.maxAgeSeconds === 0 || ageSeconds >= filter.maxAgeSeconds;
}

// --- Names and modes of a client ---

function getName(call: HostCall, registry: ClientRegistry): void {
  const { name } = registry.of(call.client).block;
  call.reply.bulk(name.length === 0 ? null : name);
}

const NAME_ERROR = 'ERR Client names cannot contain spaces, newlines or special characters.';

/** Throws the error that SETNAME and HELLO have for a name that would break CLIENT LIST. */
export function checkNameOrThrow(name: Uint8Array): void {
  if (!isPrintable(Buffer.from(name).toString('latin1'))) throw new CommandError(NAME_ERROR);
}

/** Gives the client a name; an empty one takes it away. */
export function setNameOrThrow(registry: ClientRegistry, client: Client, name: Uint8Array): void {
  checkNameOrThrow(name);
  if (!registry.setName(client, name)) throw new CommandError('ERR out of memory');
}

/**
 * No spaces and no control characters. Redis 7.2 looks no further than a NUL; here, as in other
 * releases, a NUL is one of the characters that are not allowed.
 */
function isPrintable(value: string): boolean {
  return /^[!-~]*$/.test(value);
}

/** CLIENT SETINFO LIB-NAME name | CLIENT SETINFO LIB-VER version */
function setInfo(call: HostCall, registry: ClientRegistry): void {
  const attribute = cString(text(call, 2));
  const name = attribute.toLowerCase();
  const value = text(call, 3);
  if (name !== 'lib-name' && name !== 'lib-ver') {
    call.reply.byteError(`ERR Unrecognized option '${attribute}'`);
  } else if (!isPrintable(value)) {
    call.reply.byteError(`ERR ${attribute} cannot contain spaces, newlines or special characters.`);
  } else {
    const client = registry.of(call.client);
    if (name === 'lib-name') client.libName = value;
    else client.libVersion = value;
    call.reply.ok();
  }
}

/** CLIENT NO-EVICT ON|OFF, CLIENT NO-TOUCH ON|OFF */
function switchFlag(call: HostCall, client: Client, flag: number): void {
  const mode = word(call, 2);
  if (mode !== 'on' && mode !== 'off') throw new CommandError('ERR syntax error');
  client.block.setFlag(flag, mode === 'on');
  call.reply.ok();
}

/** CLIENT REPLY ON|OFF|SKIP. Only ON is answered; the core drops the replies of the others. */
function setReplyMode(call: HostCall, client: Client): void {
  const { block } = client;
  switch (word(call, 2)) {
    case 'on':
      block.setFlag(abi.CLIENT_REPLY_OFF | abi.CLIENT_REPLY_SKIP, false);
      call.reply.ok();
      break;
    case 'off':
      block.setFlag(abi.CLIENT_REPLY_OFF, true);
      break;
    case 'skip':
      if (!block.has(abi.CLIENT_REPLY_OFF)) block.setFlag(abi.CLIENT_REPLY_SKIP_NEXT, true);
      break;
    default:
      throw new CommandError('ERR syntax error');
  }
}

// --- Other clients' commands ---

/** CLIENT PAUSE milliseconds [WRITE|ALL] */
function pauseClients(call: HostCall, pause: ClientPause): void {
  if (call.args.length > 4) {
    subcommandError(call);
    return;
  }
  const mode = call.args.length === 4 ? word(call, 3) : 'all';
  if (mode !== 'write' && mode !== 'all') {
    throw new CommandError('ERR CLIENT PAUSE mode must be WRITE or ALL');
  }
  const timeoutMs = parseInteger(text(call, 2));
  if (timeoutMs === null) {
    throw new CommandError('ERR timeout is not an integer or out of range');
  }
  if (timeoutMs < 0n) throw new CommandError('ERR timeout is negative');
  if (timeoutMs > LONG_MAX - BigInt(Math.floor(call.nowMs))) {
    throw new CommandError('ERR timeout is out of range');
  }
  pause.pause(timeoutMs === 0n ? 0 : call.nowMs + Number(timeoutMs), mode);
  call.reply.ok();
}

/** CLIENT UNBLOCK id [TIMEOUT|ERROR] */
function unblock(call: HostCall, options: ClientCommandOptions): void {
  if (call.args.length > 4) {
    subcommandError(call);
    return;
  }
  const reason = call.args.length === 4 ? word(call, 3) : 'timeout';
  if (reason !== 'timeout' && reason !== 'error') {
    throw new CommandError('ERR CLIENT UNBLOCK reason should be TIMEOUT or ERROR');
  }
  const id = parseInteger(text(call, 2));
  if (id === null) throw new CommandError('ERR value is not an integer or out of range');
  const client = options.registry.find(Number(id));
  const isWoken = client !== undefined && options.unblock(client, reason);
  call.reply.integer(isWoken ? 1 : 0);
}

// --- HELP ---

const HELP_LINES = [
  'CACHING (YES|NO)',
  '    Enable/disable tracking of the keys for next command in OPTIN/OPTOUT modes.',
  'GETREDIR',
  '    Return the client ID we are redirecting to when tracking is enabled.',
  'GETNAME',
  '    Return the name of the current connection.',
  'ID',
  '    Return the ID of the current connection.',
  'INFO',
  '    Return information about the current client connection.',
  'KILL <ip:port>',
  '    Kill connection made from <ip:port>.',
  'KILL <option> <value> [<option> <value> [...]]',
  '    Kill connections. Options are:',
  '    * ADDR (<ip:port>|<unixsocket>:0)',
  '      Kill connections made from the specified address',
  '    * LADDR (<ip:port>|<unixsocket>:0)',
  '      Kill connections made to specified local address',
  '    * TYPE (NORMAL|MASTER|REPLICA|PUBSUB)',
  '      Kill connections by type.',
  '    * USER <username>',
  '      Kill connections authenticated by <username>.',
  '    * SKIPME (YES|NO)',
  '      Skip killing current connection (default: yes).',
  'LIST [options ...]',
  '    Return information about client connections. Options:',
  '    * TYPE (NORMAL|MASTER|REPLICA|PUBSUB)',
  '      Return clients of specified type.',
  'UNPAUSE',
  '    Stop the current client pause, resuming traffic.',
  'PAUSE <timeout> [WRITE|ALL]',
  '    Suspend all, or just write, clients for <timeout> milliseconds.',
  'REPLY (ON|OFF|SKIP)',
  '    Control the replies sent to the current connection.',
  'SETNAME <name>',
  '    Assign the name <name> to the current connection.',
  'SETINFO <option> <value>',
  '    Set client meta attr. Options are:',
  '    * LIB-NAME: the client lib name.',
  '    * LIB-VER: the client lib version.',
  'UNBLOCK <clientid> [TIMEOUT|ERROR]',
  '    Unblock the specified blocked client.',
  'TRACKING (ON|OFF) [REDIRECT <id>] [BCAST] [PREFIX <prefix> [...]]',
  '         [OPTIN] [OPTOUT] [NOLOOP]',
  '    Control server assisted client side caching.',
  'TRACKINGINFO',
  '    Report tracking status for the current connection.',
  'NO-EVICT (ON|OFF)',
  '    Protect current client connection from eviction.',
  'NO-TOUCH (ON|OFF)',
  '    Will not touch LRU/LFU stats when this mode is on.',
];
