// What the Tab key offers: commands, subcommands, options, keys.

import { follow, nextWords } from './arguments.ts';
import { displayName, findCommandOf, userCommands } from './command_words.ts';
import { quoteWord, splitWords } from './split_words.ts';

export interface Completion {
  /** The part of the line that is replaced. */
  readonly from: number;
  readonly to: number;
  /** Best first, each spelled as it is to be in the line. */
  readonly candidates: readonly string[];
}

/** Keys that begin with `prefix`; may come late. */
export type FindKeys = (prefix: Uint8Array) => Promise<Uint8Array[]>;

const OWN_WORDS = ['CLEAR', 'HELP'];
const NOTHING: Completion = { from: 0, to: 0, candidates: [] };

/** Completes the word that ends at `cursor`. */
export async function complete(
  line: string,
  cursor: number,
  findKeys: FindKeys,
): Promise<Completion> {
  const { words, fault } = splitWords(line.slice(0, cursor));
  if (fault === 'text behind quote') return NOTHING;
  const last = words.at(-1);
  const isNew = last === undefined || (fault === undefined && last.to < cursor);
  const before = (isNew ? words : words.slice(0, -1)).map(({ text }) => text);
  const typed = isNew ? { text: '', bytes: new Uint8Array(0), from: cursor } : last;
  const at = { from: typed.from, to: cursor };
  if (before[0]?.toLowerCase() === 'help') {
    return { ...at, candidates: matching(helpWords(before.slice(1)), typed.text) };
  }
  if (before.length === 0) return { ...at, candidates: matching(commandNames(), typed.text) };
  const found = findCommandOf(before);
  if (found === undefined) return NOTHING;
  if (found.command.subcommands.length > 0) {
    if (before.length > 1) return NOTHING;
    const names = found.command.subcommands.map(({ spec }) => spec.name.toUpperCase());
    return { ...at, candidates: matching(names, typed.text) };
  }
  const progress = follow(found.command.spec.args, before.slice(found.words));
  if (progress === undefined) return NOTHING;
  const { tokens, isKey } = nextWords(progress);
  const options = typed.text === '' && isKey ? [] : matching(tokens, typed.text);
  const keys = isKey ? (await findKeys(typed.bytes)).map(quoteWord) : [];
  return { ...at, candidates: [...options, ...keys] };
}

function commandNames(): string[] {
  const names = userCommands().map((command) => displayName(command).split(' ')[0]!);
  return [...new Set([...names, ...OWN_WORDS])].sort();
}

/** What HELP takes behind the words that were typed: names of commands, or the second words of names. */
function helpWords(typed: readonly string[]): string[] {
  const start = typed.map((word) => `${word.toUpperCase()} `).join('');
  return userCommands()
    .map(displayName)
    .filter((name) => name.startsWith(start))
    .map((name) => name.slice(start.length));
}

/** In the case that the user writes in. */
function matching(words: readonly string[], prefix: string): string[] {
  const wanted = prefix.toUpperCase();
  const isLower = prefix !== '' && prefix === prefix.toLowerCase();
  return words
    .filter((word) => word.toUpperCase().startsWith(wanted))
    .map((word) => (isLower ? word.toLowerCase() : word));
}
