// Finds the command at the beginning of a line, among the records of all commands.

import { allCommands, type CompiledCommand, findCommand } from '../../commands/index.ts';

export interface FoundCommand {
  readonly command: CompiledCommand;
  /** Words that name it: 2 for a subcommand. */
  readonly words: number;
}

export function findCommandOf(words: readonly string[]): FoundCommand | undefined {
  const [name, sub] = words.map((word) => word.toLowerCase());
  if (name === undefined) return undefined;
  const command = findCommand(name);
  if (command === undefined) return undefined;
  const inner = sub === undefined ? undefined : findCommand(`${name}|${sub}`);
  return inner === undefined ? { command, words: 1 } : { command: inner, words: 2 };
}

/** "CONFIG GET" */
export function displayName({ fullName }: CompiledCommand): string {
  return fullName.toUpperCase().replace('|', ' ');
}

/** Commands for users, those with subcommands without themselves, by name. */
export function userCommands(): CompiledCommand[] {
  return allCommands()
    .filter(({ spec, subcommands }) => !spec.system && subcommands.length === 0)
    .sort((a, b) => (a.fullName < b.fullName ? -1 : 1));
}
