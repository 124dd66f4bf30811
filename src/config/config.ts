// The configuration of one engine: a value for every directive of the table, and who is told when
// one changes.
//
//   file, command line ──> load()    no subscriber runs: the server is not built yet
//   CONFIG SET         ──> setAll()  validate all ─> set all ─> apply all, or nothing changes
//   the server itself  ──> put()     a value it worked out; nobody is told
//
// Invariants: a value always passed its directive's checks (only put() of a special directive takes
// it as given); after a failed setAll() every value and every subscriber is back in the state before
// it; two setAll() calls never overlap, even when a subscriber is asynchronous (so a subscriber must
// not wait for one). Names and texts that come from outside are byte text (byte_text.ts), what get()
// returns is ordinary text.
//
// Nothing here is tied to a platform: the working directory is a port, so that several engines
// (or a browser) can have their own.

import { reasonOf } from '../util/reason_of.ts';
import { byteTextToBytes, fromByteText, toByteText } from './byte_text.ts';
import type { Area } from './directive_types.ts';
import type {
  ConfigValue,
  DirectiveHandle,
  DirectiveName,
  KnownDirective,
  NumberName,
  StringName,
} from './directives.ts';
import { DIRECTIVES, findDirective } from './directives.ts';
import { isKnownLocale } from './locale.ts';
import type { LoadState, RewriteLine } from './special_values.ts';
import type { StoredValue } from './values.ts';
import {
  defaultValue,
  enumNames,
  isChange,
  parseValue,
  printValue,
  rewriteLines,
} from './values.ts';

/** The working directory behind `dir`. Paths are byte text. */
export interface DirectoryPort {
  current(): string;
  /** Returns why the directory cannot be changed ("No such file or directory"), or undefined. */
  change(path: string): string | undefined;
}

export type ConfigLog = (level: 'debug' | 'notice' | 'warning', text: string) => void;

export interface ConfigOptions {
  readonly directory?: DirectoryPort;
  readonly log?: ConfigLog;
}

/**
 * Takes changed values into effect. A returned text (it may be empty) or a thrown error means that
 * this is impossible: all values go back, and the same functions run again to restore their part.
 */
export type ApplyFunction = (
  changed: ReadonlySet<DirectiveName>,
) => string | undefined | Promise<string | undefined>;

export interface Assignment {
  /** Name or alias as the user wrote it. */
  readonly name: string;
  readonly value: string;
}

/** What the caller of setAll() may do, and when. */
export interface SetGuard {
  readonly allowProtected: boolean;
  readonly loading: boolean;
}

export interface SetFailure {
  readonly kind: 'unknown' | 'loading' | 'refused';
  /** The argument to name in the error. */
  readonly argument: string;
  /** Empty when a subscriber gave no reason. */
  readonly reason: string;
}

export type SetOutcome = SetFailure | null;

interface Change {
  readonly handle: DirectiveHandle;
  readonly previous: StoredValue;
  readonly isChange: boolean;
}

interface PlannedApply {
  readonly apply: ApplyFunction;
  readonly changed: Set<DirectiveName>;
  /** The first argument that asked for it. */
  readonly argument: string;
}

const HZ_MIN = 1;
const HZ_MAX = 500;
const REPL_BACKLOG_BYTES_MIN = 16384;

export class Config {
  private readonly values = new Map<DirectiveName, StoredValue>();
  private readonly subscribers = new Map<DirectiveName, ApplyFunction[]>();
  private readonly directory: DirectoryPort;
  private readonly log: ConfigLog;
  /** Settles when the setAll() that runs now is done. */
  private running: Promise<unknown> | null = null;

  constructor(options: ConfigOptions = {}) {
    this.directory = options.directory ?? new UnboundDirectory();
    this.log = options.log ?? (() => undefined);
    for (const directive of DIRECTIVES) this.values.set(directive.name, defaultValue(directive));
    this.subscribe('hz', () => this.clampHz());
    this.subscribe('repl-backlog-size', () => this.clampBacklog());
    this.subscribe('locale-collate', () =>
      isKnownLocale(this.get('locale-collate')) ? undefined : 'Invalid locale name',
    );
  }

  // --- Reading ---

  get<N extends DirectiveName>(name: N): ConfigValue<N> {
    const { directive } = findDirective(name)!;
    return toHostValue(directive, this.stored(directive)) as ConfigValue<N>;
  }

  /** Exact where `get` rounds: values beyond 2^53. */
  getBigInt(name: NumberName): bigint {
    return this.values.get(name) as bigint;
  }

  /** The bytes of a text that need not be UTF-8, such as a password. */
  getBytes(name: StringName): Uint8Array {
    return byteTextToBytes(this.values.get(name) as string);
  }

  /** As CONFIG GET shows it, in byte text. */
  print(directive: KnownDirective): string {
    return printValue(directive, this.stored(directive));
  }

  /** The lines of a rewritten configuration file that stand for the directive's value. */
  rewriteLines(directive: KnownDirective): readonly RewriteLine[] {
    return rewriteLines(directive, this.stored(directive));
  }

  /** One "name value" line per directive that matters in a crash report. */
  debugInfo(): string {
    return DIRECTIVES.filter((directive) => directive.debug)
      .flatMap((directive) =>
        this.rewriteLines(directive).map(({ text }) => `${directive.name} ${text}\n`),
      )
      .join('');
  }

  // --- Being told of changes ---

  /**
   * Runs `apply` after a successful change of any of the named directives by setAll(), once per
   * call. Returns the function that ends the subscription.
   */
  subscribe(names: DirectiveName | readonly DirectiveName[], apply: ApplyFunction): () => void {
    const list = typeof names === 'string' ? [names] : names;
    for (const name of list) {
      const known = this.subscribers.get(name) ?? [];
      this.subscribers.set(name, [...known, apply]);
    }
    return () => {
      for (const name of list) {
        const known = this.subscribers.get(name) ?? [];
        this.subscribers.set(
          name,
          known.filter((other) => other !== apply),
        );
      }
    };
  }

  /** As subscribe(), for every directive of an area. */
  subscribeArea(area: Area, apply: ApplyFunction): () => void {
    const names = DIRECTIVES.filter((directive) => directive.area === area);
    return this.subscribe(
      names.map(({ name }) => name),
      apply,
    );
  }

  // --- Changing ---

  /**
   * One line of a configuration file or command line; returns the error text, or undefined.
   * `state` is one object for the whole load.
   */
  load(handle: DirectiveHandle, args: readonly string[], state: LoadState): string | undefined {
    return this.assign(handle.directive, args, state);
  }

  /**
   * A value that the server itself decides on, such as the primary given to REPLICAOF. No
   * subscriber runs. Throws when the directive would refuse the value.
   */
  put<N extends DirectiveName>(name: N, value: ConfigValue<N>): void {
    const { directive } = findDirective(name)!;
    const error =
      directive.type === 'special' && directive.name !== 'dir'
        ? this.store(directive, value as StoredValue)
        : this.assign(directive, toArguments(directive, value), null);
    if (error !== undefined) throw new Error(`${name}: ${error}`);
  }

  /** Takes over the values of another configuration, but for `dir` and `except`. No subscriber runs. */
  copyFrom(other: Config, except: readonly DirectiveName[]): void {
    for (const [name, value] of other.values) {
      if (!except.includes(name)) this.values.set(name, value);
    }
  }

  /**
   * Sets all or nothing. Returns null on success. The result is a promise only when a subscriber
   * is asynchronous or another call is still running.
   */
  setAll(assignments: readonly Assignment[], guard: SetGuard): SetOutcome | Promise<SetOutcome> {
    if (this.running !== null) return this.running.then(() => this.setAll(assignments, guard));
    const outcome = this.setAllNow(assignments, guard);
    if (!(outcome instanceof Promise)) return outcome;
    const running = outcome.finally(() => {
      this.running = null;
    });
    this.running = running;
    return running;
  }

  private setAllNow(
    assignments: readonly Assignment[],
    guard: SetGuard,
  ): SetOutcome | Promise<SetOutcome> {
    const handles = resolve(assignments, guard);
    if (!Array.isArray(handles)) return handles;
    const changes: Change[] = [];
    for (const [i, handle] of handles.entries()) {
      const { directive } = handle;
      const previous = this.stored(directive);
      const error = this.assign(directive, splitValue(directive, assignments[i]!.value), null);
      if (error !== undefined) {
        this.restore(changes);
        return { kind: 'refused', argument: handle.name, reason: error };
      }
      const next = this.stored(directive);
      changes.push({ handle, previous, isChange: isChange(directive, previous, next) });
    }
    const plan = this.planApplies(changes);
    return this.applyFrom(0, plan, changes);
  }

  /** Each function once, in the order of the arguments that need it. */
  private planApplies(changes: readonly Change[]): PlannedApply[] {
    const plan = new Map<ApplyFunction, PlannedApply>();
    for (const { handle } of changes.filter((change) => change.isChange)) {
      const { name } = handle.directive;
      for (const apply of this.subscribers.get(name) ?? []) {
        const planned = plan.get(apply) ?? { apply, changed: new Set(), argument: handle.name };
        planned.changed.add(name);
        plan.set(apply, planned);
      }
    }
    return [...plan.values()];
  }

  private applyFrom(
    start: number,
    plan: readonly PlannedApply[],
    changes: readonly Change[],
  ): SetOutcome | Promise<SetOutcome> {
    for (const [i, planned] of plan.entries()) {
      if (i < start) continue;
      const result = runApply(planned);
      if (result instanceof Promise) {
        return result.then((reason) =>
          reason === undefined
            ? this.applyFrom(i + 1, plan, changes)
            : this.undo(planned, reason, plan, changes),
        );
      }
      if (result !== undefined) return this.undo(planned, result, plan, changes);
    }
    return null;
  }

  private undo(
    failed: PlannedApply,
    reason: string,
    plan: readonly PlannedApply[],
    changes: readonly Change[],
  ): SetOutcome | Promise<SetOutcome> {
    this.log(
      'warning',
      `Failed applying new configuration. Possibly related to new ${failed.argument} setting. ` +
        'Restoring previous settings.',
    );
    this.restore(changes);
    const failure = { kind: 'refused', argument: failed.argument, reason } as const;
    const waits = plan.map((planned) => {
      const result = runApply(planned);
      if (result instanceof Promise) return result.then((text) => this.logFailedRestore(text));
      return this.logFailedRestore(result);
    });
    return waits.some((wait) => wait instanceof Promise)
      ? Promise.all(waits).then(() => failure)
      : failure;
  }

  private logFailedRestore(reason: string | undefined): void {
    if (reason === undefined) return;
    this.log('warning', `Failed applying restored failed CONFIG SET command: ${reason}`);
  }

  // --- Storage ---

  private stored(directive: KnownDirective): StoredValue {
    return directive.name === 'dir' ? this.directory.current() : this.values.get(directive.name)!;
  }

  private assign(
    directive: KnownDirective,
    args: readonly string[],
    loading: LoadState | null,
  ): string | undefined {
    const parsed = parseValue(directive, args, this.stored(directive), loading);
    return 'error' in parsed ? parsed.error : this.store(directive, parsed.value);
  }

  private store(directive: KnownDirective, value: StoredValue): string | undefined {
    if (directive.name === 'dir') return this.directory.change(value as string);
    this.values.set(directive.name, value);
    return undefined;
  }

  /** Last change first, so that two names of one directive end at its first value. */
  private restore(changes: readonly Change[]): void {
    for (const { handle, previous } of [...changes].reverse()) {
      const error = this.store(handle.directive, previous);
      if (error === undefined) continue;
      const text = printValue(handle.directive, previous);
      this.log(
        'warning',
        `Failed restoring failed CONFIG SET command. Error setting ${handle.name} to '${text}': ${error}`,
      );
    }
  }

  /** Any frequency may be asked for; what is sensible runs. */
  private clampHz(): undefined {
    this.put('hz', Math.min(Math.max(this.get('hz'), HZ_MIN), HZ_MAX));
  }

  private clampBacklog(): undefined {
    if (this.get('repl-backlog-size') >= REPL_BACKLOG_BYTES_MIN) return;
    this.put('repl-backlog-size', REPL_BACKLOG_BYTES_MIN);
  }

  /** What Redis corrects silently after reading the configuration. */
  settleAfterLoad(): void {
    this.clampHz();
    if (this.get('cluster-enabled') && this.get('databases') > 1) {
      this.log(
        'warning',
        `WARNING: Changing databases number from ${this.get('databases')} to 1 since we are in cluster mode`,
      );
      this.put('databases', 1);
    }
  }
}

/** Stands in where there is no file system: keeps the path it is given. */
class UnboundDirectory implements DirectoryPort {
  private path = '/';

  current(): string {
    return this.path;
  }

  change(path: string): string | undefined {
    this.path = path;
    return undefined;
  }
}

/** The directives that `assignments` name, or the first reason why they may not be set. */
function resolve(
  assignments: readonly Assignment[],
  guard: SetGuard,
): DirectiveHandle[] | SetFailure {
  const handles: DirectiveHandle[] = [];
  for (const { name } of assignments) {
    const handle = findDirective(name);
    if (handle === undefined) return { kind: 'unknown', argument: name, reason: '' };
    const { directive } = handle;
    const refuse = (reason: string): SetFailure => ({ kind: 'refused', argument: name, reason });
    if (directive.immutable) return refuse("can't set immutable config");
    if (directive.protected && !guard.allowProtected) return refuse("can't set protected config");
    if (directive.denyLoading && guard.loading) {
      return { kind: 'loading', argument: name, reason: '' };
    }
    // A directive and its alias do not count as duplicates: the later one wins, as in Redis.
    if (handles.includes(handle)) return refuse('duplicate parameter');
    handles.push(handle);
  }
  return handles;
}

/** CONFIG SET gives one text; the arguments in it are separated by single blanks. */
function splitValue(directive: KnownDirective, value: string): readonly string[] {
  if (!isMulti(directive)) return [value];
  return value === '' ? [] : value.split(' ');
}

/** Whether the directive takes any number of arguments and counts them itself. */
export function isMulti(directive: KnownDirective): boolean {
  return 'multi' in directive && directive.multi === true;
}

function runApply({ apply, changed }: PlannedApply): ReturnType<ApplyFunction> {
  try {
    const result = apply(changed);
    return result instanceof Promise ? result.catch(reasonOf) : result;
  } catch (error) {
    return reasonOf(error);
  }
}

function toHostValue(directive: KnownDirective, value: StoredValue): unknown {
  switch (directive.type) {
    case 'bool':
      return value;
    case 'enum': {
      const names = enumNames(directive, value as number);
      return directive.multi ? names : names[0];
    }
    case 'string':
    case 'sds':
      return fromByteText(value as string);
    case 'special':
      return directive.name === 'dir' ? fromByteText(value as string) : value;
    default:
      return Number(value);
  }
}

/** The inverse of toHostValue(), as the arguments that a configuration line would have. */
function toArguments(directive: KnownDirective, value: unknown): string[] {
  if (typeof value === 'number') return [printValue(directive, BigInt(value))];
  if (typeof value === 'boolean') return [value ? 'yes' : 'no'];
  const items = Array.isArray(value) ? value : [value];
  return items.map((item) => toByteText(String(item)));
}
