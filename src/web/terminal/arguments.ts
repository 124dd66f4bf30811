// How far the words of a line go through a command's syntax, and what may come next.
//
//   SET key value [NX|XX] [EX seconds|PX milliseconds]
//   set a   b      ······  ex ·······                      words so far
//
// `follow` takes the words; `describeRest` says what is left of the syntax (the grey hint, and with no words
// the whole syntax); `nextWords` says what the next word may be (completion). Optional arguments that
// stand together come in any order, and none of them behind the required argument that follows.

import type { ArgSpec } from '../../commands/spec.ts';

/** How much of an argument was typed. */
interface Taken {
  readonly spec: ArgSpec;
  /** Words that went into it. */
  words: number;
  hasToken: boolean;
  /** Nothing of it is missing; of an argument that may come several times, of the last time. */
  isWhole: boolean;
  /** Comes several times, and may come again. */
  mayRepeat: boolean;
  /** A later optional argument was begun: what is missing here is not asked for any more. */
  isLeft: boolean;
  /** Of a block: all; of a choice: the one that was taken. */
  inner: Taken[];
}

function untouched(spec: ArgSpec): Taken {
  return {
    spec,
    words: 0,
    hasToken: false,
    isWhole: false,
    mayRepeat: false,
    isLeft: false,
    inner: spec.type === 'block' ? (spec.args ?? []).map(untouched) : [],
  };
}

export interface Progress {
  readonly taken: readonly Taken[];
}

/** Undefined when a word has no place in the syntax. */
export function follow(args: readonly ArgSpec[], words: readonly string[]): Progress | undefined {
  const { taken, count } = takeAll(args, words, 0);
  return count === words.length ? { taken } : undefined;
}

// --- Taking words ---

function takeAll(
  args: readonly ArgSpec[],
  words: readonly string[],
  at: number,
): { taken: Taken[]; count: number } {
  const taken = args.map(untouched);
  let next = at;
  for (let i = 0; i < args.length && next < words.length; ) {
    if (args[i]!.optional) {
      const end = endOfOptional(args, i);
      next += takeOptional(taken, i, end, words, next);
      i = end;
    } else {
      const one = take(args[i]!, words, next);
      if (one === undefined) return { taken, count: 0 };
      taken[i] = one;
      next += one.words;
      i += 1;
    }
  }
  return { taken, count: next - at };
}

function endOfOptional(args: readonly ArgSpec[], from: number): number {
  let end = from;
  while (args[end]?.optional) end += 1;
  return end;
}

/** Takes words into the optional arguments from..end in any order; returns how many. */
function takeOptional(
  taken: Taken[],
  from: number,
  end: number,
  words: readonly string[],
  at: number,
): number {
  let next = at;
  let last: Taken | undefined;
  while (next < words.length) {
    const found = firstTaken(taken, from, end, words, next);
    if (found === undefined) break;
    if (last !== undefined) last.isLeft = true;
    last = taken[found.index] = found.one;
    next += found.one.words;
  }
  return next - at;
}

function firstTaken(
  taken: readonly Taken[],
  from: number,
  end: number,
  words: readonly string[],
  at: number,
): { index: number; one: Taken } | undefined {
  for (let index = from; index < end; index += 1) {
    if (taken[index]!.words > 0) continue;
    const one = take(taken[index]!.spec, words, at);
    if (one !== undefined) return { index, one };
  }
  return undefined;
}

/** An argument with its repetitions; undefined when the first word does not fit. */
function take(spec: ArgSpec, words: readonly string[], at: number): Taken | undefined {
  const first = takeOnce(spec, words, at, false);
  if (first === undefined || !spec.multiple) return first;
  let latest = first;
  let count = first.words;
  while (latest.isWhole && at + count < words.length) {
    const again = takeOnce(spec, words, at + count, !spec.multipleToken);
    if (again === undefined) break;
    count += again.words;
    latest = again;
  }
  return { ...latest, words: count, hasToken: true, mayRepeat: true };
}

function takeOnce(
  spec: ArgSpec,
  words: readonly string[],
  at: number,
  isTokenKnown: boolean,
): Taken | undefined {
  const one = untouched(spec);
  let next = at;
  if (spec.token !== undefined && !isTokenKnown) {
    if (words[at]?.toLowerCase() !== spec.token.toLowerCase()) return undefined;
    next += 1;
    one.hasToken = true;
    one.words = 1;
    if (spec.type === 'pure-token') one.isWhole = true;
    if (spec.type === 'pure-token' || next === words.length) return one;
  }
  const body = takeBody(one, words, next);
  if (body === 0) return undefined;
  one.words = next - at + body;
  return one;
}

/** What comes behind the token; returns how many words went into it. */
function takeBody(one: Taken, words: readonly string[], at: number): number {
  const { spec } = one;
  switch (spec.type) {
    case 'block': {
      const { taken, count } = takeAll(spec.args ?? [], words, at);
      one.inner = taken;
      one.isWhole = count > 0 && taken.every(({ isWhole, mayRepeat }) => isWhole && !mayRepeat);
      return count;
    }
    case 'oneof':
      for (const choice of spec.args ?? []) {
        const chosen = take(choice, words, at);
        if (chosen === undefined) continue;
        one.inner = [chosen];
        one.isWhole = chosen.isWhole && !chosen.mayRepeat;
        return chosen.words;
      }
      return 0;
    case 'integer':
    case 'unix-time':
      one.isWhole = /^[+-]?\d/.test(words[at]!);
      return one.isWhole ? 1 : 0;
    case 'double':
      one.isWhole = /^[+-]?(\d|\.\d|inf)/i.test(words[at]!);
      return one.isWhole ? 1 : 0;
    default:
      one.isWhole = true;
      return 1;
  }
}

// --- What is left ---

/** The rest of the syntax, as one line; empty when nothing can follow. */
export function describeRest({ taken }: Progress): string {
  return describeAll(taken, ' ');
}

/** A command's arguments, as one line. */
export function describeSyntax(args: readonly ArgSpec[]): string {
  return describeAll(args.map(untouched), ' ');
}

function describeAll(all: readonly Taken[], separator: string): string {
  const parts: string[] = [];
  for (let i = 0; i < all.length; ) {
    if (!all[i]!.spec.optional) {
      parts.push(describe(all[i]!));
      i += 1;
      continue;
    }
    let end = i;
    while (all[end]?.spec.optional) end += 1;
    const group = all.slice(i, end);
    // What was begun comes first: it has to be ended before anything else.
    const begun = group.filter((one) => one.words > 0);
    parts.push(...begun.map(describe));
    // Behind the required argument that follows, none of the group may come any more.
    if (end === all.length || all[end]!.words === 0) {
      parts.push(...group.filter((one) => one.words === 0).map(describe));
    }
    i = end;
  }
  return parts.filter((part) => part !== '').join(separator);
}

function describe(one: Taken): string {
  const { spec } = one;
  if (one.isLeft) return '';
  const body = one.isWhole ? '' : describeBody(one);
  const text = [body, spec.multiple ? describeRepetition(spec) : '']
    .filter((part) => part !== '')
    .join(' ');
  if (one.isWhole && !one.mayRepeat) return '';
  return spec.optional && one.words === 0 ? `[${text}]` : text;
}

function describeBody(one: Taken): string {
  const { spec } = one;
  const token = spec.token !== undefined && !one.hasToken ? spec.token : '';
  const inner = (() => {
    switch (spec.type) {
      case 'pure-token':
        return '';
      case 'oneof':
        return one.inner.length > 0
          ? describeAll(one.inner, '|')
          : describeAll((spec.args ?? []).map(untouched), '|');
      case 'block':
        return describeAll(one.inner, ' ');
      default:
        return nameOf(spec);
    }
  })();
  return [token, inner].filter((part) => part !== '').join(' ');
}

function describeRepetition(spec: ArgSpec): string {
  const fresh = describeBody({ ...untouched(spec), hasToken: !spec.multipleToken });
  return `[${fresh} ...]`;
}

function nameOf(spec: ArgSpec): string {
  return spec.display ?? spec.name;
}

// --- What may come next ---

export interface NextWords {
  /** Words that stand for themselves. */
  readonly tokens: readonly string[];
  /** The next word may be a key, of a type that the command does not tell. */
  readonly isKey: boolean;
}

export function nextWords({ taken }: Progress): NextWords {
  const found = { tokens: new Set<string>(), isKey: false };
  collectAll(taken, found);
  return { tokens: [...found.tokens], isKey: found.isKey };
}

interface Found {
  readonly tokens: Set<string>;
  isKey: boolean;
}

/** True when what follows can come next too. */
function collectAll(all: readonly Taken[], found: Found): boolean {
  for (let i = 0; i < all.length; ) {
    if (all[i]!.spec.optional) {
      let end = i;
      while (all[end]?.spec.optional) end += 1;
      const group = all.slice(i, end);
      const incomplete = group.find((one) => one.words > 0 && !one.isWhole && !one.isLeft);
      if (incomplete !== undefined && !collect(incomplete, found)) return false;
      if (end === all.length || all[end]!.words === 0) {
        for (const one of group) if (one.words === 0 || one.mayRepeat) collect(one, found);
      }
      i = end;
    } else {
      if (!collect(all[i]!, found)) return false;
      i += 1;
    }
  }
  return true;
}

function collect(one: Taken, found: Found): boolean {
  const { spec } = one;
  if (one.isLeft) return true;
  if (one.isWhole) {
    if (one.mayRepeat) collectBody({ ...untouched(spec), hasToken: !spec.multipleToken }, found);
    return true;
  }
  return collectBody(one, found);
}

function collectBody(one: Taken, found: Found): boolean {
  const { spec } = one;
  if (spec.token !== undefined && !one.hasToken) {
    found.tokens.add(spec.token);
    return false;
  }
  switch (spec.type) {
    case 'oneof': {
      const choices = one.inner.length > 0 ? one.inner : (spec.args ?? []).map(untouched);
      for (const choice of choices) collect(choice, found);
      return false;
    }
    case 'block':
      return collectAll(one.inner, found);
    case 'key':
      found.isKey = true;
      return false;
    default:
      return false;
  }
}
