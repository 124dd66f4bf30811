// The command that makes a key of any type, from what was typed into one field.

import type { CommandArg } from '../../embedded/reply.ts';
import { splitWords } from '../terminal/split_words.ts';
import { fromTyped } from './value_text.ts';

export const NEW_TYPES = ['string', 'hash', 'list', 'set', 'zset', 'stream'] as const;
export type NewType = (typeof NEW_TYPES)[number];

/** The command that makes the key. Throws an error with a sentence for who filled in the form. */
export function newKeyCommand(type: NewType, key: CommandArg, value: string): CommandArg[] {
  const lines = value.split('\n').filter((line) => line.trim() !== '');
  if (type !== 'string' && lines.length === 0) throw new Error('It needs at least one line.');
  switch (type) {
    case 'string':
      return ['SET', key, fromTyped(value), 'NX'];
    case 'hash':
      return ['HSET', key, ...lines.flatMap((line) => pairOf(line))];
    case 'list':
      return ['RPUSH', key, ...lines.map(fromTyped)];
    case 'set':
      return ['SADD', key, ...lines.map(fromTyped)];
    case 'zset':
      return ['ZADD', key, ...lines.flatMap((line) => pairOf(line))];
    case 'stream':
      return ['XADD', key, '*', ...lines.flatMap((line) => pairOf(line))];
  }
}

/** The first word of a line, and the rest; words in quotes are read as in the terminal. */
function pairOf(line: string): CommandArg[] {
  const { words, fault } = splitWords(line);
  const [first, second, ...more] = words;
  if (first === undefined || second === undefined)
    throw new Error(`Two words are needed here: ${line}`);
  if (fault === undefined && more.length === 0) return [first.bytes, second.bytes];
  return [first.bytes, line.slice(second.from).trim()];
}
