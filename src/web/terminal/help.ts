// What HELP prints: a command's syntax and facts, a group's commands, or how to use the terminal.

import type { CompiledCommand } from '../../commands/index.ts';
import { describeSyntax } from './arguments.ts';
import { displayName, findCommandOf, userCommands } from './command_words.ts';

const USAGE = `
  HELP command      tells about a command: HELP SET, HELP CONFIG GET
  HELP @group       lists a group: HELP @list
  Tab               completes commands, options and keys
  Up, Down, Ctrl-R  earlier lines, and search in them
  Ctrl-C            ends MONITOR, SUBSCRIBE, and commands that wait
  3 INCR counter    runs a command three times
  HELLO 3           shows replies as RESP3 has them; HELLO 2 returns
  CLEAR             clears the screen

`;

export function commandHelp(words: readonly string[]): string {
  const [first] = words;
  if (first === undefined) return USAGE;
  if (first.startsWith('@')) return groupHelp(first.slice(1).toLowerCase());
  const found = findCommandOf(words);
  if (found === undefined) return `There is no command ${words.join(' ').toUpperCase()}.\n`;
  const { command } = found;
  if (command.subcommands.length === 0) return entry(command);
  return [...command.subcommands].map(entry).join('');
}

/** The command's name and arguments. */
function syntaxOf(command: CompiledCommand): string {
  return `${displayName(command)} ${describeSyntax(command.spec.args)}`.trim();
}

function entry(command: CompiledCommand): string {
  const { spec } = command;
  const complexity = spec.complexity === undefined ? '' : `  complexity: ${spec.complexity}\n`;
  return `\n  ${syntaxOf(command)}\n  summary: ${spec.summary}\n  since: ${spec.since}\n${complexity}  group: ${spec.group}\n\n`;
}

function groupHelp(group: string): string {
  const commands = userCommands().filter(({ spec }) => spec.group === group);
  if (commands.length > 0) return commands.map(entry).join('');
  const groups = new Set(userCommands().map(({ spec }) => `@${spec.group}`));
  return `The groups are ${[...groups].sort().join(' ')}.\n`;
}
