// The types of `command(...)`: which arguments a command takes, and what it replies.
//
//   command('SET', 'k', 'v', 'EX', 10)   'OK' | null     from generated/command_types.ts, by the name
//   command('MODULE', 'LIST')            Reply           names that are not known take anything
//
// Names may be in either case. Options are in upper case here, as they are in the documentation; the engine takes
// both, so a text that is not known before the program runs goes through unchecked as `string`.

import type { CommandArguments, CommandReplies } from './generated/command_types.ts';
import type { CommandArg, Reply } from './reply.ts';

/** A key, a member, a text. `& {}` keeps the words that may stand in its place in an editor's list. */
export type Value = (string & {}) | number | bigint | Uint8Array;

/** An argument that the engine reads as an integer. */
export type Integer = number | bigint | `${bigint}`;

/** An argument that the engine reads as a number, or as a bound of scores: "(1.5", "-inf". */
export type Double =
  | number
  | bigint
  | `${number}`
  | `(${string}`
  | `${'' | '+' | '-'}${'inf' | 'infinity' | 'Infinity'}`;

/** An integer reply that may be too large to be exact as a number; then it is a bigint. */
export type Int = number | bigint;

/** Whether a word is among the arguments. */
export type Has<A extends readonly unknown[], Word> = true extends {
  [I in keyof A]: A[I] extends Word ? true : never;
}[number]
  ? true
  : false;

/** The reply of a command with subcommands: of the one that the first argument names. */
export type BySubcommand<A extends readonly unknown[], Replies> = A extends readonly [
  infer Name extends string,
  ...unknown[],
]
  ? Uppercase<Name> extends keyof Replies
    ? Replies[Uppercase<Name>]
    : Reply
  : Reply;

/** Commands whose arguments and replies have types. */
export type CommandName = keyof CommandArguments;

/** A name as one writes it: those that are known are offered, and others may be given. */
export type AnyCommandName = CommandName | (string & {});

/** What follows the name. */
export type ArgumentsOf<Name extends string> =
  Uppercase<Name> extends CommandName ? CommandArguments[Uppercase<Name>] : CommandArg[];

/** What the command replies; bulk strings are B. */
export type ReplyOf<Name extends string, A extends readonly unknown[], B = string> =
  Uppercase<Name> extends CommandName ? CommandReplies<B, A>[Uppercase<Name>] : Reply;
