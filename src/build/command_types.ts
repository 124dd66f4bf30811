// Writes src/embedded/generated/command_types.ts: what `command(...)` takes and gives for each command, as
// types, from the records in src/commands and the finer replies of reply_types.ts.
//
//   command_types.ts            write the file
//   command_types.ts --strict   write nothing: fail if the file on disk is out of date
//
// Arguments are a union of tuples. Options may come in any order; where that would make too many tuples, the
// options become one rest of everything that may be among them. Repeated parts are a rest that may be empty, so
// that `...keys` of any array can be given.

import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { allCommands, type CompiledCommand } from '../commands/index.ts';
import type { ArgSpec, CommandSpec, Reply, ReplyShape } from '../commands/spec.ts';
import { REFUSED_COMMANDS } from '../embedded/command_rules.ts';
import { type ReplyType, replyTypes } from './reply_types.ts';

const OUTPUT = 'src/embedded/generated/command_types.ts';

/** More tuples than this become one with a rest: for the options of a command, and for all of its arguments. */
const TUPLES_MAX = 48;
const LINE_CHARACTERS = 100;

/** One place of a tuple: its name, and the types it may have. */
interface Element {
  readonly label: string;
  readonly types: ReadonlySet<string>;
  readonly isRest?: true;
}

type Tuple = readonly Element[];

/** What an argument is, by its type in the record. */
const VALUE_TYPES: Readonly<Record<string, string>> = {
  key: 'Value',
  string: 'Value',
  pattern: 'Value',
  integer: 'Integer',
  'unix-time': 'Integer',
  double: 'Double',
};

/** Arguments that are more than their type in the record says. */
const WIDER: Readonly<Record<string, string>> = {
  // A reply to the call before.
  cursor: 'Value',
  // "#1" counts in fields.
  'bitfield offset': 'Value',
  'bitfield_ro offset': 'Value',
  weight: 'Double',
};

/** `minMatchLen`, a name that a tuple's place may have. */
function label(name: string): string {
  const camel = name.replace(/[^A-Za-z0-9]+(.)/g, (_, next: string) => next.toUpperCase());
  const plain = camel.replace(/[^A-Za-z0-9]/g, '');
  return /^[A-Za-z]/.test(plain) ? plain : 'id';
}

function literal(token: string): string {
  return token === '""' ? "''" : `'${token}'`;
}

/** Everything in the tuples as one repeated place. */
function asRest(name: string, tuples: readonly Tuple[]): Element {
  const types = new Set<string>();
  for (const tuple of tuples)
    for (const element of tuple) for (const t of element.types) types.add(t);
  return { label: label(name), types, isRest: true };
}

/** A tuple can have one rest: from the first of several on, all is one. */
function withOneRest(tuple: Tuple): Tuple {
  if (tuple.filter((element) => element.isRest).length < 2) return tuple;
  const first = tuple.findIndex((element) => element.isRest);
  return [...tuple.slice(0, first), asRest('more', [tuple.slice(first)])];
}

function product(left: readonly Tuple[], right: readonly Tuple[]): Tuple[] {
  return left.flatMap((a) => right.map((b) => withOneRest([...a, ...b])));
}

function sameTypes(a: Element | undefined, b: Element | undefined): boolean {
  if (a === undefined || b === undefined || a.isRest !== b.isRest) return false;
  return a.types.size === b.types.size && [...a.types].every((type) => b.types.has(type));
}

/** Puts tuples together that differ in one place only: `'EX' | 'PX', number`. */
function merged(tuples: readonly Tuple[], name: string): Tuple[] {
  const result: Tuple[] = [];
  for (const tuple of tuples) {
    const at = result.findIndex((other) => {
      if (other.length !== tuple.length) return false;
      return tuple.filter((element, i) => !sameTypes(element, other[i])).length <= 1;
    });
    const other = result[at];
    if (other === undefined) {
      result.push(tuple);
      continue;
    }
    result[at] = tuple.map((element, i) => {
      const types = new Set([...(other[i] as Element).types, ...element.types]);
      const isSame = sameTypes(element, other[i]);
      return { ...element, label: isSame ? element.label : label(name), types };
    });
  }
  return result;
}

/** The tuples of optional arguments in every order. */
function anyOrder(options: readonly (readonly Tuple[])[]): Tuple[] {
  const result: Tuple[] = [[]];
  options.forEach((option, i) => {
    const others = options.filter((_, j) => j !== i);
    result.push(...product(option, anyOrder(others)));
  });
  return result;
}

/** How many tuples `anyOrder` makes. */
function orderCount(counts: readonly number[]): number {
  let total = 1;
  counts.forEach((count, i) => {
    total += count * orderCount(counts.filter((_, j) => j !== i));
  });
  return total;
}

class ArgumentTypes {
  private readonly command: string;

  constructor(command: string) {
    this.command = command;
  }

  /** The tuples of arguments that follow each other. */
  sequence(args: readonly ArgSpec[]): Tuple[] {
    let tuples: Tuple[] = [[]];
    for (let i = 0; i < args.length; ) {
      let end = i;
      while (args[end]?.optional) end += 1;
      if (end === i) {
        tuples = product(tuples, this.one(args[i] as ArgSpec));
        i += 1;
        continue;
      }
      tuples = product(tuples, this.options(args.slice(i, end)));
      i = end;
    }
    return tuples;
  }

  private options(args: readonly ArgSpec[]): Tuple[] {
    const options = args.map((arg) => this.one(arg));
    if (orderCount(options.map((tuples) => tuples.length)) <= TUPLES_MAX) return anyOrder(options);
    return [[asRest('options', options.flat())]];
  }

  /** The tuples of one argument that is there. */
  private one(arg: ArgSpec): Tuple[] {
    const value = this.value(arg);
    const head: Tuple[] =
      arg.token === undefined || arg.type === 'pure-token'
        ? [[]]
        : [[{ label: label(arg.token.toLowerCase()), types: new Set([literal(arg.token)]) }]];
    if (!arg.multiple) return product(head, value);
    if (arg.multipleToken) return [[asRest(arg.name, product(head, value))]];
    return product(head, [[asRest(arg.name, value)]]);
  }

  private value(arg: ArgSpec): Tuple[] {
    const { name, type, args = [] } = arg;
    if (type === 'oneof')
      return merged(
        args.flatMap((each) => this.one(each)),
        name,
      );
    if (type === 'block') return this.sequence(args);
    const wider = WIDER[name] ?? WIDER[`${this.command} ${name}`];
    const text = type === 'pure-token' ? literal(arg.token as string) : VALUE_TYPES[type];
    return [[{ label: label(name), types: new Set([wider ?? (text as string)]) }]];
  }
}

function tuplesOf({ name, args, arity }: CommandSpec): Tuple[] {
  // A record without arguments of a command that takes some.
  if (args.length === 0 && arity < 0) {
    return [[{ label: 'args', types: new Set(['Value']), isRest: true }]];
  }
  const types = new ArgumentTypes(name);
  const all = types.sequence(args);
  if (all.length <= TUPLES_MAX) return merged(all, 'option');
  const first = args.findIndex((arg) => arg.optional);
  const rest = asRest('more', types.sequence(args.slice(first)));
  return product(types.sequence(args.slice(0, first)), [[rest]]);
}

function renderElement({ label: name, types, isRest }: Element): string {
  const union = [...types].join(' | ');
  if (!isRest) return `${name}: ${union}`;
  return types.size > 1 ? `...${name}: (${union})[]` : `...${name}: ${union}[]`;
}

function renderTuples(tuples: readonly Tuple[]): string {
  const texts = tuples.map((tuple) => `[${tuple.map(renderElement).join(', ')}]`);
  return [...new Set(texts)].join(' | ');
}

const SHAPE_TYPES: Readonly<Record<ReplyShape, string>> = {
  ok: "'OK'",
  'simple-string': 'string',
  bulk: 'B',
  'bulk-or-null': 'B | null',
  integer: 'number',
  'integer-or-null': 'number | null',
  array: 'Reply[]',
  'array-or-null': 'Reply[] | null',
  map: 'Map<B, Reply>',
  set: 'Set<B>',
  double: 'number',
  'double-or-null': 'number | null',
  boolean: 'boolean',
  verbatim: 'B',
  null: 'null',
  any: 'Reply',
  none: 'never',
};

function shapeType(reply: Reply): string {
  const shapes = typeof reply === 'string' ? [reply] : reply;
  const parts = shapes.flatMap((shape) => SHAPE_TYPES[shape].split(' | '));
  if (parts.includes('Reply')) return 'Reply';
  return [...new Set(parts)]
    .sort((a, b) => Number(a === 'null') - Number(b === 'null'))
    .join(' | ');
}

function formsType(type: ReplyType): string {
  if (typeof type === 'string') return type;
  const [first, ...rest] = type;
  if (first === undefined) throw new Error('the last of several replies has no condition');
  if (typeof first === 'string') return first;
  const [condition, then] = first;
  const test =
    typeof condition === 'string'
      ? `Has<A, '${condition}'> extends true`
      : `A extends readonly [${'unknown, '.repeat(condition)}...unknown[]]`;
  return `${test} ? ${then} : ${formsType(rest as unknown as ReplyType)}`;
}

function replyType({ fullName, spec }: CompiledCommand): string {
  const finer = replyTypes[fullName];
  if (finer !== undefined) return formsType(finer);
  const { reply } = spec;
  return shapeType(typeof reply === 'object' && 'resp3' in reply ? reply.resp3 : reply);
}

function comment(text: string): string {
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(' ')) {
    if (line.length + word.length > LINE_CHARACTERS - 10) {
      lines.push(line);
      line = '';
    }
    line += line === '' ? word : ` ${word}`;
  }
  lines.push(line);
  if (lines.length === 1) return `  /** ${line} */`;
  return ['  /**', ...lines.map((each) => `   * ${each}`), '   */'].join('\n');
}

/** The name as a property. */
function property(name: string): string {
  const upper = name.toUpperCase();
  return /^[A-Z_]+$/.test(upper) ? upper : `'${upper}'`;
}

function argumentsOf(command: CompiledCommand): string {
  const { spec, subcommands } = command;
  if (subcommands.length === 0) return renderTuples(tuplesOf(spec));
  return subcommands
    .map((each) => {
      const head = { label: 'subcommand', types: new Set([literal(each.spec.name.toUpperCase())]) };
      return renderTuples(tuplesOf(each.spec).map((tuple) => [head, ...tuple]));
    })
    .join(' | ');
}

function replyOf(command: CompiledCommand): string {
  const { subcommands } = command;
  if (subcommands.length === 0) return replyType(command);
  const parts = subcommands.map((each) => `${property(each.spec.name)}: ${replyType(each)}`);
  return `BySubcommand<A, { ${parts.join('; ')} }>`;
}

/** The text of command_types.ts. */
export function renderCommandTypes(commands: readonly CompiledCommand[]): string {
  const top = commands.filter(
    ({ parent, fullName }) => parent === undefined && !REFUSED_COMMANDS.has(fullName.toUpperCase()),
  );
  return [
    '// Generated by src/build/command_types.ts from src/commands. Do not edit.',
    '',
    "import type { Reply } from '../reply.ts';",
    "import type { BySubcommand, Double, Has, Int, Integer, Value } from '../typed_command.ts';",
    '',
    '/** What follows the name of a command. */',
    'export interface CommandArguments {',
    ...top.flatMap((command) => [
      comment(command.spec.summary),
      `  ${property(command.fullName)}: ${argumentsOf(command)};`,
    ]),
    '}',
    '',
    '/** What commands reply to arguments A; bulk strings are B. */',
    'export interface CommandReplies<B, A extends readonly unknown[]> {',
    ...top.map((command) => `  ${property(command.fullName)}: ${replyOf(command)};`),
    '}',
    '',
  ].join('\n');
}

/** Fails for replies of commands that there are not. */
function checkReplyTypes(commands: readonly CompiledCommand[]): string[] {
  const names = new Set(commands.map(({ fullName }) => fullName));
  return Object.keys(replyTypes)
    .filter((name) => !names.has(name))
    .map((name) => `reply_types.ts: there is no command '${name}'`);
}

function main(): void {
  const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '../..');
  const commands = allCommands();
  const problems = checkReplyTypes(commands);
  const output = path.join(root, OUTPUT);
  const text = renderCommandTypes(commands);
  const current = existsSync(output) ? readFileSync(output, 'utf8') : '';
  if (process.argv.includes('--strict') && text !== current)
    problems.push(`${OUTPUT} is out of date`);
  if (problems.length > 0) {
    process.stderr.write(`command types: ${problems.join('\n')}\n`);
    process.exit(1);
  }
  if (text === current) return;
  mkdirSync(path.dirname(output), { recursive: true });
  writeFileSync(output, text);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) main();
