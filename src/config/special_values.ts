// Directives with a grammar of their own: how each reads its arguments, prints its value for
// CONFIG GET, and appears in a rewritten configuration file.
//
// Arguments and texts are byte text (byte_text.ts). `dir` is not here: its value is the working
// directory itself, so config.ts deals with it.

import { cString, fromByteText, lowerCase, toByteText } from './byte_text.ts';
import type {
  OutputBufferClass,
  OutputBufferLimit,
  SpecialName,
  SpecialValues,
} from './directive_types.ts';
import { formatNotifyFlags, parseNotifyFlags } from './notify_flags.ts';
import { formatDouble, formatMemory, parseDouble, parseLoose, parseMemory } from './numbers.ts';
import { quote } from './quoting.ts';

/** A value, or why there is none. */
export type Parsed<T> = { readonly value: T } | { readonly error: string };

export interface ParseContext<T> {
  readonly current: T;
  /**
   * Present while configuration files are read: `save` lines then add up, and the first of them
   * replaces the defaults. Lives as long as the whole load, included files and command line too.
   */
  readonly loading: LoadState | null;
}

export interface LoadState {
  saveSeen: boolean;
}

/** One line of a rewritten file. */
export interface RewriteLine {
  /** Without the directive's name. */
  readonly text: string;
  /** Write it even when the old file had no such line: the value is not the default. */
  readonly force: boolean;
}

export interface SpecialGrammar<T> {
  readonly default: T;
  parse(args: readonly string[], context: ParseContext<T>): Parsed<T>;
  print(value: T): string;
  /** No lines: those of the old file go away. */
  rewrite(value: T): readonly RewriteLine[];
}

export type GrammarName = Exclude<SpecialName, 'dir'>;

type Grammars = {
  readonly [K in GrammarName]: SpecialGrammar<SpecialValues[K]>;
};

const WRONG_NUMBER: { readonly error: string } = {
  error: 'wrong number of arguments',
};

// --- save ---

const INVALID_SAVE = { error: 'Invalid save parameters' } as const;

const save: SpecialGrammar<SpecialValues['save']> = {
  default: [
    { seconds: 3600n, changes: 1 },
    { seconds: 300n, changes: 100 },
    { seconds: 60n, changes: 10000 },
  ],
  parse(args, { current, loading }) {
    const clears = args.length === 1 && cString(args[0]!) === '';
    const items = clears ? [] : args;
    if (items.length % 2 !== 0) return INVALID_SAVE;
    const params = [];
    for (let i = 0; i < items.length; i += 2) {
      const seconds = parseLoose(items[i]!);
      const changes = parseLoose(items[i + 1]!);
      if (seconds === null || changes === null || seconds < 1n || changes < 0n) return INVALID_SAVE;
      params.push({ seconds, changes: Number(BigInt.asIntN(32, changes)) });
    }
    const replaces = clears || loading === null || !loading.saveSeen;
    if (loading !== null) loading.saveSeen = true;
    return { value: replaces ? params : [...current, ...params] };
  },
  print: (value) => value.map(({ seconds, changes }) => `${seconds} ${changes}`).join(' '),
  rewrite(value) {
    if (value.length === 0) return [{ text: '""', force: true }];
    return value.map(({ seconds, changes }) => ({
      text: `${seconds} ${changes}`,
      force: true,
    }));
  },
};

// --- client-output-buffer-limit ---

const BUFFER_CLASSES: readonly OutputBufferClass[] = ['normal', 'slave', 'pubsub'];

const BUFFER_LIMIT_DEFAULTS: Readonly<Record<OutputBufferClass, OutputBufferLimit>> = {
  normal: { hardBytes: 0n, softBytes: 0n, softSeconds: 0 },
  slave: { hardBytes: 268435456n, softBytes: 67108864n, softSeconds: 60 },
  pubsub: { hardBytes: 33554432n, softBytes: 8388608n, softSeconds: 60 },
};

function bufferClass(text: string): OutputBufferClass | undefined {
  const name = lowerCase(cString(text));
  return name === 'replica' ? 'slave' : BUFFER_CLASSES.find((known) => known === name);
}

const outputBufferLimit: SpecialGrammar<SpecialValues['client-output-buffer-limit']> = {
  default: BUFFER_LIMIT_DEFAULTS,
  parse(args, { current }) {
    if (args.length % 4 !== 0) {
      return {
        error: 'Wrong number of arguments in buffer limit configuration.',
      };
    }
    const value = { ...current };
    for (let i = 0; i < args.length; i += 4) {
      const name = bufferClass(args[i]!);
      if (name === undefined) {
        return {
          error: 'Invalid client class specified in buffer limit configuration.',
        };
      }
      const hard = parseMemory(args[i + 1]!);
      const soft = parseMemory(args[i + 2]!);
      const seconds = parseLoose(args[i + 3]!);
      const softSeconds = seconds === null ? -1 : Number(BigInt.asIntN(32, seconds));
      if (hard === null || soft === null || softSeconds < 0) {
        return {
          error: 'Error in hard, soft or soft_seconds setting in buffer limit configuration.',
        };
      }
      value[name] = { hardBytes: hard, softBytes: soft, softSeconds };
    }
    return { value };
  },
  print(value) {
    return BUFFER_CLASSES.map((name) => {
      const { hardBytes, softBytes, softSeconds } = value[name];
      return `${name} ${hardBytes} ${softBytes} ${softSeconds}`;
    }).join(' ');
  },
  rewrite(value) {
    return BUFFER_CLASSES.map((name) => {
      const { hardBytes, softBytes, softSeconds } = value[name];
      const initial = BUFFER_LIMIT_DEFAULTS[name];
      const printedName = name === 'slave' ? 'replica' : name;
      return {
        text: `${printedName} ${formatMemory(hardBytes)} ${formatMemory(softBytes)} ${softSeconds}`,
        force:
          hardBytes !== initial.hardBytes ||
          softBytes !== initial.softBytes ||
          softSeconds !== initial.softSeconds,
      };
    });
  },
};

// --- oom-score-adj-values ---

const OOM_SCORE_DEFAULTS: readonly number[] = [0, 200, 800];
const OOM_SCORE_MAX = 2000n;

const oomScoreAdjValues: SpecialGrammar<SpecialValues['oom-score-adj-values']> = {
  default: OOM_SCORE_DEFAULTS,
  parse(args) {
    if (args.length !== OOM_SCORE_DEFAULTS.length) return WRONG_NUMBER;
    const value = [];
    for (const arg of args) {
      const score = parseLoose(arg);
      if (score === null || score < -OOM_SCORE_MAX || score > OOM_SCORE_MAX) {
        return {
          error: 'Invalid oom-score-adj-values, elements must be between -2000 and 2000.',
        };
      }
      value.push(Number(score));
    }
    return { value };
  },
  print: (value) => value.join(' '),
  rewrite: (value) => [
    {
      text: value.join(' '),
      force: value.some((score, i) => score !== OOM_SCORE_DEFAULTS[i]),
    },
  ],
};

// --- notify-keyspace-events ---

const notifyKeyspaceEvents: SpecialGrammar<SpecialValues['notify-keyspace-events']> = {
  default: 0,
  parse(args) {
    if (args.length !== 1) return WRONG_NUMBER;
    const value = parseNotifyFlags(cString(args[0]!));
    return value === null
      ? { error: "Invalid event class character. Use 'Ag$lshzxeKEtmdn'." }
      : { value };
  },
  print: formatNotifyFlags,
  rewrite: (value) => [{ text: quote(formatNotifyFlags(value)), force: value !== 0 }],
};

// --- bind ---

const BIND_DEFAULT: readonly string[] = ['*', '-::*'];
const BIND_ADDRESSES_MAX = 16;

const bind: SpecialGrammar<SpecialValues['bind']> = {
  default: BIND_DEFAULT,
  parse(args) {
    if (args.length > BIND_ADDRESSES_MAX) return { error: 'Too many bind addresses specified.' };
    if (args.length === 1 && args[0] === '') return { value: [] };
    return { value: args.map((address) => fromByteText(cString(address))) };
  },
  print: (value) => toByteText(value.join(' ')),
  rewrite(value) {
    const isDefault =
      value.length === BIND_DEFAULT.length && value.every((item, i) => item === BIND_DEFAULT[i]);
    if (isDefault) return [];
    return [
      {
        text: value.length === 0 ? '""' : toByteText(value.join(' ')),
        force: true,
      },
    ];
  },
};

// --- replicaof ---

const PORT_MAX = 65535;

const replicaof: SpecialGrammar<SpecialValues['replicaof']> = {
  default: null,
  parse(args) {
    if (args.length !== 2) return WRONG_NUMBER;
    const [host, portText] = args.map(cString) as [string, string];
    if (lowerCase(host) === 'no' && lowerCase(portText) === 'one') return { value: null };
    const parsed = parseLoose(portText);
    const port = parsed === null ? -1 : Number(BigInt.asIntN(32, parsed));
    if (port < 0 || port > PORT_MAX) return { error: 'Invalid master port' };
    return { value: { host: fromByteText(host), port } };
  },
  print: (value) => (value === null ? '' : toByteText(`${value.host} ${value.port}`)),
  rewrite: (value) =>
    value === null ? [] : [{ text: toByteText(`${value.host} ${value.port}`), force: true }],
};

// --- latency-tracking-info-percentiles ---

const latencyPercentiles: SpecialGrammar<SpecialValues['latency-tracking-info-percentiles']> = {
  default: [50, 99, 99.9],
  parse(args) {
    if (args.length === 1 && args[0] === '') return { value: [] };
    const value = [];
    for (const arg of args) {
      const percentile = parseDouble(arg);
      if (percentile === null) {
        return {
          error: 'Invalid latency-tracking-info-percentiles parameters',
        };
      }
      if (percentile < 0 || percentile > 100) {
        return {
          error: 'latency-tracking-info-percentiles parameters should sit between [0.0,100.0]',
        };
      }
      value.push(percentile);
    }
    return { value };
  },
  print: (value) => value.map(formatDouble).join(' '),
  rewrite: (value) => [
    {
      text: value.length === 0 ? '""' : value.map(formatDouble).join(' '),
      force: true,
    },
  ],
};

export const SPECIAL_GRAMMARS: Grammars = {
  save,
  'client-output-buffer-limit': outputBufferLimit,
  'oom-score-adj-values': oomScoreAdjValues,
  'notify-keyspace-events': notifyKeyspaceEvents,
  bind,
  replicaof,
  'latency-tracking-info-percentiles': latencyPercentiles,
};
