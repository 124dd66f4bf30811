// The one table of configuration directives.
//
// The records are grouped by area in `directives/`; this file joins them, derives the types of
// their names and values, and finds a record by name or alias. See directive_types.ts for what a
// record says.

import { lowerCase } from './byte_text.ts';
import type { Area, Directive, SpecialValues } from './directive_types.ts';
import {
  clientDirectives,
  monitoringDirectives,
  scriptingDirectives,
  securityDirectives,
} from './directives/clients.ts';
import {
  defragDirectives,
  encodingDirectives,
  keyspaceDirectives,
  memoryDirectives,
} from './directives/memory.ts';
import {
  logDirectives,
  networkDirectives,
  processDirectives,
  tlsDirectives,
} from './directives/network.ts';
import { aofDirectives, backupDirectives, snapshotDirectives } from './directives/persistence.ts';
import { clusterDirectives, replicationDirectives } from './directives/replication.ts';
import { defaultValue, printValue } from './values.ts';

const TABLE = [
  ...networkDirectives,
  ...tlsDirectives,
  ...processDirectives,
  ...logDirectives,
  ...clientDirectives,
  ...securityDirectives,
  ...memoryDirectives,
  ...encodingDirectives,
  ...keyspaceDirectives,
  ...defragDirectives,
  ...snapshotDirectives,
  ...aofDirectives,
  ...backupDirectives,
  ...replicationDirectives,
  ...clusterDirectives,
  ...scriptingDirectives,
  ...monitoringDirectives,
] as const;

type Entry = (typeof TABLE)[number];

export type DirectiveName = Entry['name'];

type EntryOf<N extends DirectiveName> = Extract<Entry, { readonly name: N }>;

type EnumName<E> = E extends {
  readonly values: readonly (readonly [infer Name extends string, number])[];
}
  ? Name
  : never;

/** The type of a directive's value in the host: what `Config.get` returns. */
export type ConfigValue<N extends DirectiveName> = N extends keyof SpecialValues
  ? SpecialValues[N]
  : EntryOf<N> extends { readonly type: 'bool' }
    ? boolean
    : EntryOf<N> extends { readonly type: 'string' | 'sds' }
      ? string
      : EntryOf<N> extends { readonly type: 'enum'; readonly multi: true }
        ? readonly EnumName<EntryOf<N>>[]
        : EntryOf<N> extends { readonly type: 'enum' }
          ? EnumName<EntryOf<N>>
          : number;

export type NumberName = Extract<
  Entry,
  { readonly type: 'int' | 'long' | 'memory' | 'percent-or-memory' | 'octal' }
>['name'];

export type StringName = Extract<Entry, { readonly type: 'string' | 'sds' }>['name'];

/** A directive with its name narrowed to the names that exist. */
export type KnownDirective = Directive & { readonly name: DirectiveName };

export const DIRECTIVES: readonly KnownDirective[] = TABLE;

/** One of the names a client may use: a directive's own or its alias. */
export interface DirectiveHandle {
  readonly directive: KnownDirective;
  /** Lower case, as CONFIG GET with a pattern and CONFIG SET's messages print it. */
  readonly name: string;
  readonly isAlias: boolean;
}

/** Every name, each directive's alias right after it. */
export const HANDLES: readonly DirectiveHandle[] = DIRECTIVES.flatMap((directive) => {
  const own = { directive, name: directive.name, isAlias: false };
  const { alias } = directive;
  return alias === undefined ? [own] : [own, { directive, name: alias, isAlias: true }];
});

const HANDLE_OF_NAME: ReadonlyMap<string, DirectiveHandle> = new Map(
  HANDLES.map((handle) => [handle.name, handle]),
);

/** By name or alias, upper or lower case. */
export function findDirective(name: string): DirectiveHandle | undefined {
  return HANDLE_OF_NAME.get(lowerCase(name));
}

export interface DirectiveDescription {
  readonly name: string;
  readonly alias: string | null;
  readonly area: Area;
  /** "yes or no", "0 to 65535", "one of a, b" and the like. */
  readonly accepts: string;
  readonly default: string;
  /** CONFIG SET may change it while the server runs. */
  readonly settable: boolean;
  readonly hidden: boolean;
  readonly summary: string;
}

/** The table in words, for the documentation. */
export function describeDirectives(): DirectiveDescription[] {
  return DIRECTIVES.map((directive) => ({
    name: directive.name,
    alias: directive.alias ?? null,
    area: directive.area,
    accepts: describeValues(directive),
    default: printValue(directive, defaultValue(directive)),
    settable: directive.immutable !== true,
    hidden: directive.hidden === true,
    summary: directive.summary,
  }));
}

const SPECIAL_FORMS: Readonly<Record<keyof SpecialValues, string>> = {
  dir: 'path',
  save: 'pairs of seconds and changes',
  'client-output-buffer-limit': 'class, hard limit, soft limit, seconds; once per class',
  'oom-score-adj-values': 'three numbers from -2000 to 2000',
  'notify-keyspace-events': 'letters out of Ag$lshzxeKEtmdn',
  bind: 'up to 16 addresses',
  replicaof: 'host and port, or "no one"',
  'latency-tracking-info-percentiles': 'numbers from 0 to 100',
};

function describeValues(directive: Directive): string {
  switch (directive.type) {
    case 'bool':
      return 'yes or no';
    case 'string':
    case 'sds':
      return 'text';
    case 'enum': {
      const names = directive.values.map(([name]) => name).join(', ');
      return `${directive.multi ? 'any' : 'one'} of ${names}`;
    }
    case 'special':
      return SPECIAL_FORMS[directive.name];
    case 'percent-or-memory':
      return `bytes up to ${directive.max}, or 0% to ${-BigInt(directive.min)}%`;
    case 'memory':
      return `bytes from ${directive.min} to ${directive.max}`;
    case 'octal':
      return `${directive.min.toString(8)} to ${directive.max.toString(8)}, octal`;
    default:
      return `${directive.min} to ${directive.max}`;
  }
}
