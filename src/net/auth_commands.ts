// AUTH and HELLO, and who the users are while there is only the default one.
//
// `requirepass` is the password of the default user; without it every password is right and new
// clients need none. An authenticated client stays so when the password changes. A failed AUTH
// changes nothing, and a HELLO that fails for any reason neither.

import * as abi from '../../assembly/abi.ts';
import { cString } from '../config/byte_text.ts';
import { parseInteger } from '../config/numbers.ts';
import { ReplyWriter } from '../core/reply_writer.ts';
import { CommandError, type HostCall, type HostCommands } from '../host_command.ts';
import { isSecret } from '../util/secret.ts';
import type { Client } from './client.ts';
import { checkNameOrThrow, setNameOrThrow } from './client_commands.ts';
import type { ClientRegistry } from './clients.ts';

export const DEFAULT_USER = 'default';

const WRONG_PASSWORD = 'WRONGPASS invalid username-password pair or user is disabled.';

/** Who may log in. User names are byte text. */
export interface Authenticator {
  /** Whether the default user is on and needs no password. */
  readonly isOpen: boolean;
  hasUser(name: string): boolean;
  /** Whether the password is right for the user. */
  verify(user: string, password: Uint8Array): boolean;
}

/** The default user alone, as `requirepass` sets it up. */
export class DefaultUser implements Authenticator {
  private readonly requirepass: () => string;

  /** `requirepass` returns the current value of the directive, empty for no password. */
  constructor(requirepass: () => string) {
    this.requirepass = requirepass;
  }

  get isOpen(): boolean {
    return this.requirepass() === '';
  }

  hasUser(name: string): boolean {
    return name === DEFAULT_USER;
  }

  verify(user: string, password: Uint8Array): boolean {
    if (user !== DEFAULT_USER) return false;
    return this.isOpen || isSecret(password, Buffer.from(this.requirepass()));
  }
}

export interface AuthCommandOptions {
  readonly registry: ClientRegistry;
  readonly users: Authenticator;
  /** What HELLO tells of the server. */
  readonly server: {
    readonly version: string;
    readonly mode: 'standalone' | 'cluster';
    readonly role: 'master' | 'replica';
  };
  /** Keeps an argument's value out of MONITOR and the slow log. */
  redactArgument(call: HostCall, index: number): void;
}

export function registerAuthCommands(commands: HostCommands, options: AuthCommandOptions): void {
  commands.register('auth', (call) => auth(call, options));
  commands.register('hello', (call) => hello(call, options));
}

/** AUTH [user] password */
function auth(call: HostCall, options: AuthCommandOptions): void {
  const { args, reply } = call;
  if (args.length > 3) throw new CommandError('ERR syntax error');
  for (let index = 1; index < args.length; index++) options.redactArgument(call, index);
  if (args.length === 2 && options.users.isOpen) {
    throw new CommandError(
      'ERR AUTH <password> called without any password configured for the default user. ' +
        'Are you sure your configuration is correct?',
    );
  }
  const user = args.length === 2 ? DEFAULT_USER : (args[1] as Buffer).toString('latin1');
  logInOrThrow(options.registry.of(call.client), user, args.at(-1) as Buffer, options.users);
  reply.ok();
}

function logInOrThrow(
  client: Client,
  user: string,
  password: Uint8Array,
  users: Authenticator,
): void {
  if (!users.verify(user, password)) throw new CommandError(WRONG_PASSWORD);
  client.user = user;
  client.block.setFlag(abi.CLIENT_AUTHENTICATED, true);
}

interface HelloArguments {
  /** Protocol version asked for, null to keep the one in use. */
  version: 2 | 3 | null;
  credentials: { user: string; password: Buffer } | null;
  name: Buffer | null;
}

/** HELLO [version [AUTH user password] [SETNAME name]] */
function hello(call: HostCall, options: AuthCommandOptions): void {
  const asked = helloArgumentsOrReply(call, options);
  if (asked === null) return;
  const client = options.registry.of(call.client);
  if (asked.credentials !== null) {
    const { user, password } = asked.credentials;
    logInOrThrow(client, user, password, options.users);
  }
  if (!client.block.has(abi.CLIENT_AUTHENTICATED)) {
    throw new CommandError(
      'NOAUTH HELLO must be called with the client already authenticated, otherwise the HELLO ' +
        '<proto> AUTH <user> <pass> option can be used to authenticate the client and select ' +
        'the RESP protocol version at the same time',
    );
  }
  if (asked.name !== null) setNameOrThrow(options.registry, client, asked.name);
  if (asked.version !== null) client.block.resp = asked.version;
  replyGreeting(call, client, options);
}

/** The arguments; null after writing an error. */
function helloArgumentsOrReply(
  call: HostCall,
  { redactArgument }: AuthCommandOptions,
): HelloArguments | null {
  const { args, reply } = call;
  const found: HelloArguments = { version: null, credentials: null, name: null };
  if (args.length > 1) found.version = versionOrThrow(args[1] as Buffer);
  for (let index = 2; index < args.length; index++) {
    const option = cString((args[index] as Buffer).toString('latin1'));
    const left = args.length - 1 - index;
    if (option.toLowerCase() === 'auth' && left >= 2) {
      redactArgument(call, index + 1);
      redactArgument(call, index + 2);
      const user = (args[index + 1] as Buffer).toString('latin1');
      found.credentials = { user, password: args[index + 2] as Buffer };
      index += 2;
    } else if (option.toLowerCase() === 'setname' && left >= 1) {
      found.name = args[index + 1] as Buffer;
      checkNameOrThrow(found.name);
      index += 1;
    } else {
      reply.byteError(`ERR Syntax error in HELLO option '${option}'`);
      return null;
    }
  }
  return found;
}

function versionOrThrow(argument: Buffer): 2 | 3 {
  const version = parseInteger(argument.toString('latin1'));
  if (version === null) {
    throw new CommandError('ERR Protocol version is not an integer or out of range');
  }
  if (version !== 2n && version !== 3n) {
    throw new CommandError('NOPROTO unsupported protocol version');
  }
  return version === 3n ? 3 : 2;
}

/** Written in the protocol that has just been chosen, not in the one the command came in. */
function replyGreeting(call: HostCall, client: Client, { server }: AuthCommandOptions): void {
  const { resp } = client.block;
  const greeting = new ReplyWriter(resp).map(7);
  greeting.bulk('server').bulk('redis');
  greeting.bulk('version').bulk(server.version);
  greeting.bulk('proto').integer(resp);
  greeting.bulk('id').integer(client.id);
  greeting.bulk('mode').bulk(server.mode);
  greeting.bulk('role').bulk(server.role);
  greeting.bulk('modules').array(0);
  call.reply.raw(greeting.bytes());
}
