// The shape of one configuration directive's record.
//
// `src/config/directives/` holds the records; parsing, CONFIG GET, CONFIG SET, CONFIG REWRITE and
// the documentation all read them and nothing else lists directives. A record's `type` decides how
// its text is read and printed (values.ts), its flags what CONFIG may do with it (config.ts).

/** Which part of the server a directive belongs to: what to subscribe to, and a section of the docs. */
export type Area =
  | 'network'
  | 'tls'
  | 'process'
  | 'log'
  | 'clients'
  | 'security'
  | 'memory'
  | 'encoding'
  | 'keyspace'
  | 'defrag'
  | 'snapshot'
  | 'aof'
  | 'backup'
  | 'replication'
  | 'cluster'
  | 'scripting'
  | 'monitoring'
  | 'events';

interface Common {
  readonly name: string;
  /** A second name that reads and writes the same value (the older one, as a rule). */
  readonly alias?: string;
  readonly area: Area;
  /** One sentence, without a full stop. */
  readonly summary: string;
  /** Only the configuration file and the command line may set it. */
  readonly immutable?: true;
  /** CONFIG GET shows it only when asked by its full name. */
  readonly hidden?: true;
  /** Its value must not reach MONITOR or the slow log. */
  readonly sensitive?: true;
  /** CONFIG SET needs `enable-protected-configs`. */
  readonly protected?: true;
  /** CONFIG SET is refused while a data set is being loaded. */
  readonly denyLoading?: true;
  /** Setting the same value again still counts as a change (files whose content may differ). */
  readonly volatile?: true;
  /** Printed in crash reports. */
  readonly debug?: true;
}

/** Says why a well-formed value is refused, or returns undefined. */
type Check<T> = (value: T) => string | undefined;

export interface BoolDirective extends Common {
  readonly type: 'bool';
  readonly default: boolean;
  readonly check?: Check<boolean>;
}

/**
 * int and long take a plain integer, memory a byte count with an optional unit, octal a file mode.
 * percent-or-memory also takes "N%", which is stored as -N, so `min` is minus the largest percentage.
 */
export interface NumberDirective extends Common {
  readonly type: 'int' | 'long' | 'memory' | 'percent-or-memory' | 'octal';
  readonly default: number;
  readonly min: number | bigint;
  readonly max: number | bigint;
  /** Compared as an unsigned number, so that a negative input counts as a huge one. */
  readonly unsigned?: true;
}

export interface EnumDirective extends Common {
  readonly type: 'enum';
  /** In the order Redis lists them; two names of one value print as the first. */
  readonly values: readonly (readonly [name: string, value: number])[];
  readonly default: number;
  /** Several names may be given; their values are combined. */
  readonly multi?: true;
  readonly check?: Check<number>;
}

/** string values end at a NUL byte, sds values are any bytes. */
export interface StringDirective extends Common {
  readonly type: 'string' | 'sds';
  readonly default: string;
  /** The empty value means "not set": a rewritten file then has no such line. */
  readonly nullable?: true;
  readonly check?: Check<string>;
}

/** A directive with a grammar of its own, in special_values.ts. */
export interface SpecialDirective extends Common {
  readonly type: 'special';
  readonly name: SpecialName;
  /** Takes several arguments. */
  readonly multi?: true;
}

export type Directive =
  | BoolDirective
  | NumberDirective
  | EnumDirective
  | StringDirective
  | SpecialDirective;

// 64-bit quantities are bigint: JavaScript compares them with numbers as they are.

export interface SaveParam {
  readonly seconds: bigint;
  readonly changes: number;
}

export interface OutputBufferLimit {
  readonly hardBytes: bigint;
  readonly softBytes: bigint;
  readonly softSeconds: number;
}

export type OutputBufferClass = 'normal' | 'slave' | 'pubsub';

/** What `Config.get` returns for each directive of type special. */
export interface SpecialValues {
  dir: string;
  save: readonly SaveParam[];
  'client-output-buffer-limit': Readonly<Record<OutputBufferClass, OutputBufferLimit>>;
  /** For a primary, a replica and a background child. */
  'oom-score-adj-values': readonly number[];
  /** NOTIFY_* bits. */
  'notify-keyspace-events': number;
  bind: readonly string[];
  replicaof: { readonly host: string; readonly port: number } | null;
  'latency-tracking-info-percentiles': readonly number[];
}

export type SpecialName = keyof SpecialValues;
