// What tests look for in a store, for any framework: each throws an AssertionError with both sides in it.

import { AssertionError, deepStrictEqual } from 'node:assert';
import type { DataOptions, JsonValue } from './data_view.ts';
import {
  type CommandTarget,
  describeTarget,
  type SentCommand,
  textMatcher,
} from './sent_command.ts';
import type { TestStore } from './test_store.ts';

/** That the store has these keys and no others. With `match`, of those keys that it fits. */
export async function expectKeys(
  store: TestStore,
  keys: Iterable<string>,
  options: DataOptions = {},
): Promise<void> {
  // Names that are numbers come first in every object, whatever order they were put in.
  const present = Object.keys(await store.data(options)).sort();
  deepStrictEqual(present, [...new Set(keys)].sort());
}

/** What a key holds, in the form that `data` gives it; undefined for a key that must not be there. */
export async function expectValue(
  store: TestStore,
  key: string,
  value: JsonValue | undefined,
  { database = 0 }: { readonly database?: number } = {},
): Promise<void> {
  const data = await store.data({ database, match: key.replace(/[*?[\]\\^]/g, '\\$&') });
  deepStrictEqual(data[key]?.value, value);
}

/** That a key expires within this time; `null` for one that must not. */
export async function expectTtl(
  store: TestStore,
  key: string,
  range: { readonly minMs?: number; readonly maxMs: number } | null,
  { database = 0 }: { readonly database?: number } = {},
): Promise<void> {
  await using session = await store.admin.session({ database });
  const ttlMs = Number(await session.command('PTTL', key));
  const isGood =
    range === null ? ttlMs === -1 : ttlMs >= (range.minMs ?? 0) && ttlMs <= range.maxMs;
  if (isGood) return;
  const found =
    ttlMs === -2 ? 'is not there' : ttlMs === -1 ? 'does not expire' : `has ${ttlMs} ms`;
  const wanted =
    range === null ? 'not to expire' : `to have ${range.minMs ?? 0} to ${range.maxMs} ms left`;
  throw new AssertionError({
    message: `Expected '${key}' ${wanted}, but it ${found}`,
    actual: ttlMs,
    expected: range,
    stackStartFn: expectTtl,
  });
}

/** An argument of a command: as it is, or what it has to fit. */
export type ArgumentMatch = string | number | RegExp;

/**
 * That clients have sent a command, `args` being its first arguments, and how often: at least once, or as
 * `times` says. Returns those commands.
 */
export function expectCommand(
  store: TestStore,
  target: CommandTarget,
  args: readonly ArgumentMatch[] = [],
  { times }: { readonly times?: number } = {},
): SentCommand[] {
  const sent = store.commands(target);
  const fitting = sent.filter((command) => args.every((arg, i) => fits(arg, command.args[i])));
  if (times === undefined ? fitting.length > 0 : fitting.length === times) return fitting;
  const often = times === undefined ? '' : `, ${times} times`;
  const what = [describeTarget(target), ...args.map(String)].join(' ');
  const lines = (sent.length > 0 ? sent : store.commands()).slice(-LINES_MAX).map(commandLine);
  const others = lines.length === 0 ? 'Nothing was sent.' : `Sent:\n  ${lines.join('\n  ')}`;
  throw new AssertionError({
    message: `Expected ${what} to be sent${often}, but it was ${fitting.length} times. ${others}`,
    actual: fitting.length,
    expected: times ?? 'at least 1',
    stackStartFn: expectCommand,
  });
}

/** Commands that a message shows. */
const LINES_MAX = 20;

function fits(wanted: ArgumentMatch, arg: string | undefined): boolean {
  if (arg === undefined) return false;
  return wanted instanceof RegExp ? textMatcher(wanted)(arg) : String(wanted) === arg;
}

/** As one would type it. */
export function commandLine({ name, args }: SentCommand): string {
  const words = args.map((arg) =>
    /^[!-~]+$/.test(arg) && !/["'\\]/.test(arg) ? arg : JSON.stringify(arg),
  );
  return [name, ...words].join(' ');
}
