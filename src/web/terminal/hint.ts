// What is shown in grey behind what was typed: the arguments that are still to come.

import { describeRest, follow } from './arguments.ts';
import { findCommandOf } from './command_words.ts';
import { splitWords } from './split_words.ts';

/** Empty when there is nothing to tell. Begins with a space where one has to be typed first. */
export function hintFor(line: string): string {
  const { words, fault } = splitWords(line);
  if (fault === 'text behind quote') return '';
  const last = words.at(-1);
  if (last === undefined) return '';
  // A word that may still become longer is not looked at; a command's name is, once it is one.
  const isEnded = fault === undefined && last.to < line.length;
  const whole = (isEnded ? words : words.slice(0, -1)).map(({ text }) => text);
  const typed = words.map(({ text }) => text);
  const found = findCommandOf(whole.length === 0 ? typed : whole);
  if (found === undefined) return '';
  // While the name of a subcommand is typed, or could be, the command alone has no arguments to show.
  if (whole.length === 0 && found.command.subcommands.length > 0) return '';
  const names = found.command.subcommands.map(({ spec }) => spec.name.toUpperCase());
  if (names.length > 0) return whole.length === 1 && isEnded ? names.sort().join('|') : '';
  const given = whole.slice(found.words);
  const progress = follow(found.command.spec.args, given);
  if (progress === undefined) return '';
  const rest = describeRest(progress);
  return rest === '' || isEnded || line === '' ? rest : ` ${rest}`;
}
