// Hashes: commands about the expiries of fields.

import {
  block,
  expiration,
  expiryCondition,
  integer,
  key,
  keyAt,
  oneof,
  string,
  token,
  unixTime,
} from './grammar.ts';
import type { ArgSpec, CommandSpec } from './spec.ts';

const fields = block('fields', [integer('numfields'), string('field', { multiple: true })], {
  token: 'FIELDS',
});

const condition = expiryCondition();

/** A command that sets expiries. */
function expire(name: string, time: ArgSpec, summary: string): CommandSpec {
  return {
    name,
    owner: 'core',
    file: 'hash_expire',
    arity: -6,
    flags: ['write', 'denyoom', 'fast'],
    categories: ['hash'],
    keys: [keyAt(1, ['RW', 'update'])],
    args: [key('key', 0), time, condition, fields],
    group: 'hash',
    since: '7.4.0',
    complexity: 'O(N log M), N being the number of fields given, M of those that expire',
    summary,
    reply: 'array',
  };
}

/** A command that asks for expiries. */
function ask(name: string, summary: string, hints?: string[]): CommandSpec {
  return {
    name,
    owner: 'core',
    file: 'hash_expire',
    arity: -5,
    flags: ['readonly', 'fast'],
    categories: ['hash'],
    keys: [keyAt(1, ['RO', 'access'])],
    args: [key('key', 0), fields],
    group: 'hash',
    since: '7.4.0',
    complexity: 'O(N), N being the number of fields given',
    summary,
    ...(hints === undefined ? {} : { hints }),
    reply: 'array',
  };
}

export const hashExpiryCommands: CommandSpec[] = [
  expire('hexpire', integer('seconds'), 'Sets the time to live of fields, in seconds.'),
  expire(
    'hexpireat',
    unixTime('unix-time-seconds'),
    'Sets the Unix time at which fields expire, in seconds.',
  ),
  ask('hexpiretime', 'Returns the Unix time at which fields expire, in seconds.'),
  {
    name: 'hgetdel',
    owner: 'core',
    file: 'hash_ex',
    arity: -5,
    flags: ['write', 'fast'],
    categories: ['hash'],
    keys: [keyAt(1, ['RW', 'access', 'delete'])],
    args: [key('key', 0), fields],
    group: 'hash',
    since: '8.0.0',
    complexity: 'O(N), N being the number of fields given',
    summary: 'Returns the values of fields and deletes them.',
    reply: 'array',
  },
  {
    name: 'hgetex',
    owner: 'core',
    file: 'hash_ex',
    arity: -5,
    flags: ['write', 'fast'],
    categories: ['hash'],
    keys: [
      keyAt(1, ['RW', 'access', 'update'], 'RW and UPDATE because it changes the time to live'),
    ],
    args: [key('key', 0), expiration('PERSIST'), fields],
    group: 'hash',
    since: '8.0.0',
    complexity: 'O(N log M), N being the number of fields given, M of those that expire',
    summary: 'Returns the values of fields, and can set their expiry in the same step.',
    reply: 'array',
  },
  ask('hpexpiretime', 'Returns the Unix time at which fields expire, in milliseconds.'),
  {
    name: 'hpersist',
    owner: 'core',
    file: 'hash_expire',
    arity: -5,
    flags: ['write', 'fast'],
    categories: ['hash'],
    keys: [keyAt(1, ['RW', 'update'])],
    args: [key('key', 0), fields],
    group: 'hash',
    since: '7.4.0',
    complexity: 'O(N log M), N being the number of fields given, M of those that expire',
    summary: 'Takes away the expiry of fields.',
    reply: 'array',
  },
  expire('hpexpire', integer('milliseconds'), 'Sets the time to live of fields, in milliseconds.'),
  expire(
    'hpexpireat',
    unixTime('unix-time-milliseconds'),
    'Sets the Unix time at which fields expire, in milliseconds.',
  ),
  ask('hpttl', 'Returns the time to live of fields, in milliseconds.', ['nondeterministic_output']),
  {
    name: 'hsetex',
    owner: 'core',
    file: 'hash_ex',
    arity: -6,
    flags: ['write', 'denyoom', 'fast'],
    categories: ['hash'],
    keys: [keyAt(1, ['RW', 'update'])],
    args: [
      key('key', 0),
      oneof('condition', [token('FNX'), token('FXX')], { optional: true }),
      expiration('KEEPTTL'),
      block(
        'fields',
        [
          integer('numfields'),
          block('data', [string('field'), string('value')], { multiple: true }),
        ],
        { token: 'FIELDS' },
      ),
    ],
    group: 'hash',
    since: '8.0.0',
    complexity: 'O(N log M), N being the number of fields given, M of those that expire',
    summary: 'Sets fields, if wanted only all or none of them, and can set their expiry.',
    reply: 'integer',
  },
  ask('httl', 'Returns the time to live of fields, in seconds.', ['nondeterministic_output']),
];
