// Reading and printing the value of a directive by its type.
//
// The stored form (`StoredValue`) per type: bool as boolean; int, long, memory and octal as bigint
// (percent-or-memory as minus the percentage, or the bytes); enum as its number; string and sds as
// byte text; special as special_values.ts says. Everything here is pure; config.ts keeps the values.

import { cString, lowerCase } from './byte_text.ts';
import type {
  BoolDirective,
  Directive,
  EnumDirective,
  NumberDirective,
  SpecialValues,
  StringDirective,
} from './directive_types.ts';
import { formatMemory, parseInteger, parseMemory, parseOctal } from './numbers.ts';
import { quote } from './quoting.ts';
import type { LoadState, Parsed, RewriteLine, SpecialGrammar } from './special_values.ts';
import { SPECIAL_GRAMMARS } from './special_values.ts';

export type StoredValue = boolean | bigint | number | string | SpecialValues[keyof SpecialValues];

// --- Reading ---

/**
 * The value that `args` give. `current` matters to directives that add to their value or keep
 * parts of it. `dir` reads as its path: the caller changes the directory.
 */
export function parseValue(
  directive: Directive,
  args: readonly string[],
  current: StoredValue,
  loading: LoadState | null,
): Parsed<StoredValue> {
  switch (directive.type) {
    case 'bool':
      return parseBool(directive, args[0]!);
    case 'enum':
      return parseEnum(directive, args);
    case 'string':
    case 'sds':
      return parseString(directive, args[0]!);
    case 'special':
      if (directive.name === 'dir') {
        return args.length === 1 ? { value: cString(args[0]!) } : WRONG_NUMBER;
      }
      return grammarOf(directive.name).parse(args, { current, loading });
    default:
      return parseNumber(directive, args[0]!);
  }
}

const WRONG_NUMBER = { error: 'wrong number of arguments' } as const;

/** Erases the grammar's own type: a stored value always comes from the same grammar. */
function grammarOf(name: keyof typeof SPECIAL_GRAMMARS): SpecialGrammar<StoredValue> {
  return SPECIAL_GRAMMARS[name] as unknown as SpecialGrammar<StoredValue>;
}

function parseBool(directive: BoolDirective, arg: string): Parsed<boolean> {
  const text = lowerCase(cString(arg));
  if (text !== 'yes' && text !== 'no') return { error: "argument must be 'yes' or 'no'" };
  const value = text === 'yes';
  const error = directive.check?.(value);
  return error === undefined ? { value } : { error };
}

function parseString(directive: StringDirective, arg: string): Parsed<string> {
  const value = directive.type === 'string' ? cString(arg) : arg;
  const error = directive.check?.(value);
  return error === undefined ? { value } : { error };
}

/** Redis cuts the list of names to what its message buffer holds. */
const ENUM_ERROR_BYTES_MAX = 255;

function parseEnum(directive: EnumDirective, args: readonly string[]): Parsed<number> {
  const numbers = args.map((arg) => {
    const name = lowerCase(cString(arg));
    return directive.values.find(([known]) => known === name)?.[1];
  });
  const countIsRight = directive.multi ? args.length > 0 : args.length === 1;
  if (!countIsRight || numbers.includes(undefined)) {
    const names = directive.values.map(([name]) => name).join(', ');
    const error = `argument(s) must be one of the following: ${names}`;
    return { error: error.slice(0, ENUM_ERROR_BYTES_MAX) };
  }
  const value = numbers.reduce((bits: number, number) => bits | (number ?? 0), 0);
  const error = directive.check?.(value);
  return error === undefined ? { value } : { error };
}

function parseNumber(directive: NumberDirective, arg: string): Parsed<bigint> {
  const read = readNumber(directive, arg);
  if (read === null) return { error: NOT_A_NUMBER[directive.type] };
  const value = directive.unsigned ? BigInt.asUintN(64, read) : BigInt.asIntN(64, read);
  if (directive.type === 'percent-or-memory' && value < 0n) {
    if (value >= BigInt(directive.min)) return { value };
    return {
      error: `percentage argument must be less or equal to ${-BigInt(directive.min)}`,
    };
  }
  if (value >= BigInt(directive.min) && value <= BigInt(directive.max)) return { value };
  const radix = directive.type === 'octal' ? 8 : 10;
  const [min, max] = [directive.min, directive.max].map((bound) => bound.toString(radix));
  return { error: `argument must be between ${min} and ${max} inclusive` };
}

const NOT_A_NUMBER: Readonly<Record<NumberDirective['type'], string>> = {
  int: "argument couldn't be parsed into an integer",
  long: "argument couldn't be parsed into an integer",
  memory: 'argument must be a memory value',
  'percent-or-memory': 'argument must be a memory or percent value',
  octal: "argument couldn't be parsed as an octal number",
};

function readNumber(directive: NumberDirective, arg: string): bigint | null {
  switch (directive.type) {
    case 'memory':
      return parseMemory(arg);
    case 'octal':
      return parseOctal(arg);
    case 'percent-or-memory': {
      const bytes = parseMemory(arg);
      if (bytes !== null || !arg.endsWith('%')) return bytes;
      const percentage = parseInteger(arg.slice(0, -1));
      return percentage !== null && percentage >= 0n ? -percentage : null;
    }
    default:
      return parseInteger(arg);
  }
}

// --- Printing ---

/** As CONFIG GET shows it. */
export function printValue(directive: Directive, value: StoredValue): string {
  switch (directive.type) {
    case 'bool':
      return value ? 'yes' : 'no';
    case 'enum':
      return enumNames(directive, value as number).join(' ');
    case 'string':
    case 'sds':
      return value as string;
    case 'special':
      return directive.name === 'dir' ? (value as string) : grammarOf(directive.name).print(value);
    default:
      return printNumber(directive, value as bigint);
  }
}

function printNumber(directive: NumberDirective, value: bigint): string {
  if (directive.type === 'percent-or-memory' && value < 0n) return `${-value}%`;
  return value.toString(directive.type === 'octal' ? 8 : 10);
}

/** The names whose values make up `value`; exactly one unless the directive is multi. */
export function enumNames(directive: EnumDirective, value: number): string[] {
  const exact = directive.values.find(([, number]) => number === value);
  if (exact !== undefined) return [exact[0]];
  return directive.values
    .filter(([, number]) => number !== 0 && (value & number) === number)
    .map(([name]) => name);
}

// --- Defaults and rewriting ---

/** `dir` has no default of its own; the empty text stands for "unchanged". */
export function defaultValue(directive: Directive): StoredValue {
  switch (directive.type) {
    case 'bool':
    case 'enum':
    case 'string':
    case 'sds':
      return directive.default;
    case 'special':
      return directive.name === 'dir' ? '' : grammarOf(directive.name).default;
    default:
      return BigInt(directive.default);
  }
}

/** The lines that stand for `value` in a rewritten file; none removes those of the old file. */
export function rewriteLines(directive: Directive, value: StoredValue): readonly RewriteLine[] {
  switch (directive.type) {
    case 'string':
    case 'sds':
      if (directive.nullable && value === '') return [];
      return [{ text: quote(value as string), force: value !== directive.default }];
    case 'special':
      return directive.name === 'dir'
        ? [{ text: quote(value as string), force: true }]
        : grammarOf(directive.name).rewrite(value);
    case 'bool':
    case 'enum':
      return [
        {
          text: printValue(directive, value),
          force: value !== directive.default,
        },
      ];
    default:
      return [
        {
          text: rewriteNumber(directive, value as bigint),
          force: value !== defaultValue(directive),
        },
      ];
  }
}

function rewriteNumber(directive: NumberDirective, value: bigint): string {
  const isBytes = directive.type === 'memory' || directive.type === 'percent-or-memory';
  return isBytes && value >= 0n ? formatMemory(value) : printNumber(directive, value);
}

/**
 * Whether setting `next` where `previous` stands is a change that has to be applied. Redis applies
 * most special directives even when the new value equals the old one.
 */
export function isChange(directive: Directive, previous: StoredValue, next: StoredValue): boolean {
  if (directive.volatile) return true;
  if (directive.type !== 'special') return previous !== next;
  return (
    directive.name !== 'oom-score-adj-values' ||
    printValue(directive, previous) !== printValue(directive, next)
  );
}
