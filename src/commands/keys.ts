// Finds the keys among a command's arguments, from its key specs alone where they can tell.
//
// A spec says where its keys begin (an index, or after a keyword) and which arguments from there on
// are keys (a range, or as many as an argument says). Where that cannot describe a command, or where
// the access depends on the options, the record names an extractor, a function of this file.
// Serves COMMAND GETKEYS, cluster routing and ACL key permissions.
//
// Positions count from the command's name, which is 0, also for subcommands: in OBJECT ENCODING k
// the key is at 2. Everything here is a pure function of the record and the arguments.

import type { CompiledCommand } from './index.ts';
import type { KeyFlag, KeySpec } from './spec.ts';

export interface KeyPosition {
  index: number;
  flags: readonly KeyFlag[];
}

/** Keys of a command whose arity has been checked; undefined when the arguments make no sense. */
type KeyExtractor = (args: readonly Buffer[]) => KeyPosition[] | undefined;

const READ_AND_WRITE: readonly KeyFlag[] = ['RW', 'access', 'update'];

function isWord(arg: Buffer, word: string): boolean {
  return arg.length === word.length && arg.toString('latin1').toLowerCase() === word;
}

// --- Extractors ---

function setKeys(args: readonly Buffer[]): KeyPosition[] {
  const reads = args.some((arg, i) => i >= 3 && isWord(arg, 'get'));
  return [{ index: 1, flags: reads ? READ_AND_WRITE : ['OW', 'update'] }];
}

/** A plain DELEX needs no value; with a condition it compares the value first. */
function delexKeys(args: readonly Buffer[]): KeyPosition[] {
  return [{ index: 1, flags: args.length > 2 ? ['RW', 'access', 'delete'] : ['RM', 'delete'] }];
}

/** Read-only when there is nothing but GET; anything unknown counts as a write. */
function bitfieldKeys(args: readonly Buffer[]): KeyPosition[] {
  let readonly = true;
  for (let i = 2; i < args.length && readonly; ) {
    const left = args.length - i - 1;
    if (isWord(args[i]!, 'get') && left >= 2) i += 3;
    else if (isWord(args[i]!, 'overflow') && left >= 1) i += 2;
    else readonly = false;
  }
  return [{ index: 1, flags: readonly ? ['RO', 'access'] : READ_AND_WRITE }];
}

/** Words that options of MIGRATE are followed by. */
const MIGRATE_OPERANDS: Readonly<Record<string, number>> = { auth: 1, auth2: 2 };

/** One key at 3, or with KEYS all behind it; both at once is an error that names no keys. */
function migrateKeys(args: readonly Buffer[]): KeyPosition[] {
  const flags: readonly KeyFlag[] = ['RW', 'access', 'delete'];
  for (let i = 6; i < args.length; i++) {
    const word = args[i]!.toString('latin1').toLowerCase();
    if (word === 'keys') {
      if (args[3]!.length > 0) return [];
      return Array.from({ length: args.length - i - 1 }, (_, n) => ({ index: i + 1 + n, flags }));
    }
    i += MIGRATE_OPERANDS[word] ?? 0;
  }
  return [{ index: 3, flags }];
}

const SORT_SOURCE: KeyPosition = { index: 1, flags: ['RO', 'access'] };

/** Keys that patterns make are not known; of several destinations the last one counts. */
function sortKeys(args: readonly Buffer[]): KeyPosition[] {
  let destination = 0;
  for (let i = 2; i < args.length; i++) {
    if (isWord(args[i]!, 'limit')) i += 2;
    else if (isWord(args[i]!, 'get') || isWord(args[i]!, 'by')) i += 1;
    else if (isWord(args[i]!, 'store') && i + 1 < args.length) destination = i + 1;
  }
  if (destination === 0) return [SORT_SOURCE];
  return [SORT_SOURCE, { index: destination, flags: ['OW', 'update'] }];
}

const EXTRACTORS: Readonly<Record<string, KeyExtractor>> = {
  bitfield: bitfieldKeys,
  delex: delexKeys,
  migrate: migrateKeys,
  set: setKeys,
  sort: sortKeys,
  sort_ro: () => [SORT_SOURCE],
};

// --- Key specs ---

/** First argument the spec may call a key, 0 when its keyword is not there, -1 when it cannot tell. */
function beginIndex(spec: KeySpec, args: readonly Buffer[]): number {
  const { begin } = spec;
  if (begin.type === 'index') return begin.index;
  if (begin.type === 'unknown') return -1;
  const word = begin.keyword.toLowerCase();
  // Forward from a positive start, backward from one that counts from the end.
  const forward = begin.startFrom > 0;
  const start = forward ? begin.startFrom : args.length + begin.startFrom;
  for (let i = start; i >= 1 && i < args.length; i += forward ? 1 : -1)
    if (i !== (forward ? args.length - 1 : 1) && isWord(args[i]!, word)) return i + 1;
  return 0;
}

/** A count as Redis reads one: decimal digits, no sign, no leading zeros. */
function parseCount(arg: Buffer | undefined): number {
  const text = arg?.toString('latin1') ?? '';
  return /^(?:0|[1-9]\d{0,8})$/.test(text) ? Number(text) : -1;
}

/** Adds the keys of one spec; false when the arguments do not fit it. */
function addSpecKeys(spec: KeySpec, args: readonly Buffer[], found: KeyPosition[]): boolean {
  const { find, flags } = spec;
  let first = beginIndex(spec, args);
  if (first === 0) return true;
  if (first < 0 || find.type === 'unknown') return false;
  let last: number;
  if (find.type === 'keynum') {
    const count = parseCount(args[first + find.keyNumIndex]);
    if (count < 0) return false;
    first += find.firstKey;
    last = first + (count - 1) * find.step;
  } else if (find.lastKey >= 0) {
    last = first + find.lastKey;
  } else if (find.limit > 0) {
    // The arguments that are left hold several lists of equal length; the keys are the first one.
    last = first + Math.trunc((args.length - first) / find.limit) + find.lastKey;
  } else {
    last = args.length + find.lastKey;
  }
  if (first >= args.length || last < first || last >= args.length) return false;
  for (let index = first; index <= last; index += find.step) found.push({ index, flags });
  return !flags.includes('incomplete');
}

// --- Entry points ---

/** Whether any argument of the command can be a key. Channels of sharded pub/sub are none. */
export function hasKeys(command: CompiledCommand): boolean {
  const { keys, keyExtractor } = command.spec;
  return keyExtractor !== undefined || keys.some((spec) => !spec.flags.includes('not_key'));
}

/**
 * The positions of a command's keys, in the order of its key specs; undefined when the arguments do
 * not say. The arity has been checked. With `channels`, arguments that are routed like keys but name
 * none (sharded pub/sub) count too.
 */
export function keyPositions(
  command: CompiledCommand,
  args: readonly Buffer[],
  channels = false,
): KeyPosition[] | undefined {
  const { keys, keyExtractor } = command.spec;
  const wanted = channels ? keys : keys.filter((spec) => !spec.flags.includes('not_key'));
  const variable = wanted.some((spec) => spec.flags.includes('variable_flags'));
  if (!variable) {
    const found: KeyPosition[] = [];
    if (wanted.every((spec) => addSpecKeys(spec, args, found))) return found;
  }
  if (keyExtractor === undefined) return undefined;
  const extractor = EXTRACTORS[keyExtractor];
  if (extractor === undefined) throw new Error(`no key extractor ${keyExtractor}`);
  return extractor(args);
}
