// COMMAND and its subcommands, answered from the compiled records.
//
// Shapes are those of Redis 7.2 in both protocols: sets and maps in RESP3 become arrays in RESP2,
// names and texts are bulk strings, flags and categories are simple strings. Where Redis lists
// commands in the order of a hash table, the order here is that of the ids.

import type { ReplyWriter } from '../core/reply_writer.ts';
import { CommandError, type HostCall, type HostCommands } from '../host_command.ts';
import { globMatch } from '../util/glob.ts';
import { allCommands, type CompiledCommand, findCommand } from './index.ts';
import { hasKeys, keyPositions } from './keys.ts';
import type { ArgSpec, CommandFlag, KeyFlag, KeySpec } from './spec.ts';

/** Which commands there are and under which names: the built-in ones, unless they were renamed. */
export interface CommandDirectory {
  /** Top-level commands. */
  topLevel(): readonly CompiledCommand[];
  /** A command by its lower-case name and, when it has subcommands, the subcommand's. */
  find(name: string, subcommand?: string): CompiledCommand | undefined;
}

export const builtInCommands: CommandDirectory = {
  topLevel: () => allCommands().filter((command) => command.parent === undefined),
  find: (name, subcommand) =>
    findCommand(subcommand === undefined ? name : `${name}|${subcommand}`),
};

/** Printed in this order; flags that are not listed are hidden, `movablekeys` is derived. */
const PRINTED_FLAGS: readonly (CommandFlag | 'movablekeys')[] = [
  'write',
  'readonly',
  'denyoom',
  'admin',
  'pubsub',
  'noscript',
  'blocking',
  'loading',
  'stale',
  'skip_monitor',
  'skip_slowlog',
  'asking',
  'fast',
  'no_auth',
  'no_mandatory_keys',
  'no_async_loading',
  'no_multi',
  'movablekeys',
  'allow_busy',
];

const KEY_FLAGS: readonly KeyFlag[] = [
  'RO',
  'RW',
  'OW',
  'RM',
  'access',
  'update',
  'insert',
  'delete',
  'not_key',
  'incomplete',
  'variable_flags',
];

// --- COMMAND INFO ---

function writeStatusSet(reply: ReplyWriter, words: readonly string[]): void {
  reply.set(words.length);
  for (const word of words) reply.simple(word);
}

/** Flags as COMMAND shows them. */
export function printedFlags(command: CompiledCommand): string[] {
  return PRINTED_FLAGS.filter((flag) =>
    flag === 'movablekeys' ? command.movableKeys : command.spec.flags.includes(flag),
  );
}

function writeKeyFlags(reply: ReplyWriter, flags: readonly KeyFlag[]): void {
  writeStatusSet(
    reply,
    KEY_FLAGS.filter((flag) => flags.includes(flag)),
  );
}

type SearchField = [name: string, value: number | string];

function beginFields(begin: KeySpec['begin']): SearchField[] {
  if (begin.type === 'unknown') return [];
  if (begin.type === 'index') return [['index', begin.index]];
  return [
    ['keyword', begin.keyword],
    ['startfrom', begin.startFrom],
  ];
}

function findFields(find: KeySpec['find']): SearchField[] {
  if (find.type === 'unknown') return [];
  if (find.type === 'range') {
    return [
      ['lastkey', find.lastKey],
      ['keystep', find.step],
      ['limit', find.limit],
    ];
  }
  return [
    ['keynumidx', find.keyNumIndex],
    ['firstkey', find.firstKey],
    ['keystep', find.step],
  ];
}

/** A map { type, spec }, where spec is a map of numbers and words. */
function writeSearch(reply: ReplyWriter, type: string, fields: readonly SearchField[]): void {
  reply.map(2).bulk('type').bulk(type).bulk('spec').map(fields.length);
  for (const [name, value] of fields) {
    reply.bulk(name);
    if (typeof value === 'number') reply.integer(value);
    else reply.bulk(value);
  }
}

function writeKeySpec(reply: ReplyWriter, spec: KeySpec): void {
  reply.map(spec.notes === undefined ? 3 : 4);
  if (spec.notes !== undefined) reply.bulk('notes').bulk(spec.notes);
  reply.bulk('flags');
  writeKeyFlags(reply, spec.flags);
  reply.bulk('begin_search');
  writeSearch(reply, spec.begin.type, beginFields(spec.begin));
  reply.bulk('find_keys');
  writeSearch(reply, spec.find.type, findFields(spec.find));
}

function writeInfo(reply: ReplyWriter, command: CompiledCommand | undefined): void {
  if (command === undefined) {
    reply.null();
    return;
  }
  const { spec, subcommands } = command;
  reply.array(10).bulk(command.fullName).integer(spec.arity);
  writeStatusSet(reply, printedFlags(command));
  reply.integer(command.firstKey).integer(command.lastKey).integer(command.keyStep);
  writeStatusSet(
    reply,
    command.categories.map((category) => `@${category}`),
  );
  const hints = spec.hints ?? [];
  reply.set(hints.length);
  for (const hint of hints) reply.bulk(hint);
  reply.set(spec.keys.length);
  for (const keySpec of spec.keys) writeKeySpec(reply, keySpec);
  // Without subcommands Redis sends an empty set, with them an array.
  if (subcommands.length === 0) reply.set(0);
  else reply.array(subcommands.length);
  for (const subcommand of subcommands) writeInfo(reply, subcommand);
}

// --- COMMAND DOCS ---

/** Collects the fields that are present, since a map's head tells how many there are. */
class FieldList {
  private readonly fields: [name: string, write: (reply: ReplyWriter) => void][] = [];

  text(name: string, value: string | undefined): void {
    if (value !== undefined) this.fields.push([name, (reply) => reply.bulk(value)]);
  }

  field(name: string, write: (reply: ReplyWriter) => void): void {
    this.fields.push([name, write]);
  }

  writeTo(reply: ReplyWriter): void {
    reply.map(this.fields.length);
    for (const [name, write] of this.fields) {
      reply.bulk(name);
      write(reply);
    }
  }
}

function writeArguments(reply: ReplyWriter, args: readonly ArgSpec[]): void {
  reply.array(args.length);
  for (const arg of args) {
    const fields = new FieldList();
    const { keySpecIndex, args: inner } = arg;
    fields.text('name', arg.name);
    fields.text('type', arg.type);
    if (inner === undefined) fields.text('display_text', arg.display ?? arg.name);
    if (keySpecIndex !== undefined)
      fields.field('key_spec_index', (to) => to.integer(keySpecIndex));
    fields.text('token', arg.token);
    fields.text('since', arg.since);
    fields.text('deprecated_since', arg.deprecatedSince);
    const flags: string[] = [];
    if (arg.optional) flags.push('optional');
    if (arg.multiple) flags.push('multiple');
    if (arg.multipleToken) flags.push('multiple_token');
    if (flags.length > 0) fields.field('flags', (to) => writeStatusSet(to, flags));
    if (inner !== undefined) fields.field('arguments', (to) => writeArguments(to, inner));
    fields.writeTo(reply);
  }
}

function writeDocs(reply: ReplyWriter, command: CompiledCommand): void {
  const { spec, subcommands } = command;
  const { deprecated, history } = spec;
  const fields = new FieldList();
  fields.text('summary', spec.summary);
  fields.text('since', spec.since);
  fields.text('group', spec.group);
  fields.text('complexity', spec.complexity);
  const docFlags: string[] = [];
  if (deprecated !== undefined) docFlags.push('deprecated');
  if (spec.system) docFlags.push('syscmd');
  if (docFlags.length > 0) fields.field('doc_flags', (to) => writeStatusSet(to, docFlags));
  fields.text('deprecated_since', deprecated?.since);
  fields.text('replaced_by', deprecated?.replacedBy);
  if (history !== undefined) {
    fields.field('history', (to) => {
      to.set(history.length);
      for (const change of history) to.bulkArray(change);
    });
  }
  if (spec.args.length > 0) fields.field('arguments', (to) => writeArguments(to, spec.args));
  if (subcommands.length > 0) {
    fields.field('subcommands', (to) => {
      to.map(subcommands.length);
      for (const subcommand of subcommands) {
        to.bulk(subcommand.fullName);
        writeDocs(to, subcommand);
      }
    });
  }
  fields.writeTo(reply);
}

// --- Handlers ---

function word(arg: Buffer): string {
  return arg.toString('latin1').toLowerCase();
}

/** A command by a name as COMMAND INFO takes it: "get" or "config|get". */
function byFullName(directory: CommandDirectory, arg: Buffer): CompiledCommand | undefined {
  const parts = word(arg).split('|');
  return parts.length > 2 ? undefined : directory.find(parts[0]!, parts[1]);
}

function info(directory: CommandDirectory, { args, reply }: HostCall): void {
  const names = args.slice(2);
  const found =
    names.length === 0 ? directory.topLevel() : names.map((name) => byFullName(directory, name));
  reply.array(found.length);
  for (const command of found) writeInfo(reply, command);
}

function docs(directory: CommandDirectory, { args, reply }: HostCall): void {
  const names = args.slice(2);
  const found =
    names.length === 0
      ? directory.topLevel()
      : names.flatMap((name) => byFullName(directory, name) ?? []);
  reply.map(found.length);
  for (const command of found) {
    reply.bulk(command.fullName);
    writeDocs(reply, command);
  }
}

type ListFilter = (command: CompiledCommand) => boolean;

/** The filter that `FILTERBY type value` asks for, if any. */
function listFilter(args: readonly Buffer[]): ListFilter {
  if (args.length === 2) return () => true;
  if (args.length !== 5 || word(args[2]!) !== 'filterby')
    throw new CommandError('ERR syntax error');
  const value = args[4]!;
  switch (word(args[3]!)) {
    case 'module':
      return () => false;
    case 'aclcat': {
      const category = word(value);
      return (command) => command.categories.some((name) => name === category);
    }
    case 'pattern':
      return (command) => globMatch(value, Buffer.from(command.fullName), true);
    default:
      throw new CommandError('ERR syntax error');
  }
}

function list(directory: CommandDirectory, { args, reply }: HostCall): void {
  const filter = listFilter(args);
  const commands = directory.topLevel().flatMap((command) => [command, ...command.subcommands]);
  reply.bulkArray(commands.filter(filter).map((command) => command.fullName));
}

function getKeys(directory: CommandDirectory, { args, reply }: HostCall, withFlags: boolean): void {
  const line = args.slice(2);
  const base = directory.find(word(line[0]!));
  const command =
    base !== undefined && base.subcommands.length > 0 && line.length > 1
      ? directory.find(word(line[0]!), word(line[1]!))
      : base;
  if (command === undefined) throw new CommandError('ERR Invalid command specified');
  if (!hasKeys(command)) throw new CommandError('ERR The command has no key arguments');
  const { arity, flags } = command.spec;
  if (arity > 0 ? line.length !== arity : line.length < -arity)
    throw new CommandError('ERR Invalid number of arguments specified for command');
  const keys = keyPositions(command, line) ?? [];
  if (keys.length === 0 && !flags.includes('no_mandatory_keys'))
    throw new CommandError('ERR Invalid arguments specified for command');
  reply.array(keys.length);
  for (const { index, flags: keyFlags } of keys) {
    if (withFlags) reply.array(2);
    reply.bulk(line[index]!);
    if (withFlags) writeKeyFlags(reply, keyFlags);
  }
}

const HELP = [
  '(no subcommand)',
  '    Return details about all Redis commands.',
  'COUNT',
  '    Return the total number of commands in this Redis server.',
  'LIST',
  '    Return a list of all commands in this Redis server.',
  'INFO [<command-name> ...]',
  '    Return details about multiple Redis commands.',
  '    If no command names are given, documentation details for all',
  '    commands are returned.',
  'DOCS [<command-name> ...]',
  '    Return documentation details about multiple Redis commands.',
  '    If no command names are given, documentation details for all',
  '    commands are returned.',
  'GETKEYS <full-command>',
  '    Return the keys from a full Redis command.',
  'GETKEYSANDFLAGS <full-command>',
  '    Return the keys and the access flags from a full Redis command.',
];

/** Registers COMMAND and its subcommands; `directory` tells which commands this engine has. */
export function registerCommandCommands(
  commands: HostCommands,
  directory: CommandDirectory = builtInCommands,
): void {
  const everything = ({ reply }: HostCall) => {
    const all = directory.topLevel();
    reply.array(all.length);
    for (const command of all) writeInfo(reply, command);
  };
  commands.register('command', everything);
  commands.register('command|count', ({ reply }) => {
    reply.integer(directory.topLevel().length);
  });
  commands.register('command|docs', (call) => docs(directory, call));
  commands.register('command|getkeys', (call) => getKeys(directory, call, false));
  commands.register('command|getkeysandflags', (call) => getKeys(directory, call, true));
  commands.register('command|help', ({ reply }) => {
    reply.help('COMMAND', HELP);
  });
  commands.register('command|info', (call) => info(directory, call));
  commands.register('command|list', (call) => list(directory, call));
}
