// Data to begin with, written as values of the language.
//
//   { 'user:1': { name: 'Ada' }, queue: ['a', 'b'], tags: new Set(['x']), scores: zset({ ada: 3 }) }
//
// Text, numbers and bytes are strings; arrays are lists, Sets are sets, objects and Maps are hashes; what
// looks like none of these has a function here.

import { RespiteError } from '../embedded/errors.ts';
import type { CommandArg } from '../embedded/reply.ts';

type Command = readonly CommandArg[];

export type SeedScalar = string | number | bigint | Uint8Array;

/** A value that the functions of this file make. */
export class SeedBuilder {
  /** The commands that make it; throws for what makes none. */
  readonly commandsFor: (key: string) => Command[];

  constructor(commandsFor: (key: string) => Command[]) {
    this.commandsFor = commandsFor;
  }
}

export type SeedValue =
  | SeedScalar
  | readonly SeedScalar[]
  | ReadonlySet<SeedScalar>
  | ReadonlyMap<SeedScalar, SeedScalar>
  | SeedBuilder
  | { readonly [field: string]: SeedScalar };

export type SeedData = Readonly<Record<string, SeedValue>> | ReadonlyMap<string, SeedValue>;

type Pairs<T> = Readonly<Record<string, T>> | Iterable<readonly [SeedScalar, T]>;

function pairsOf<T>(pairs: Pairs<T>): (readonly [SeedScalar, T])[] {
  return Symbol.iterator in pairs ? [...pairs] : Object.entries(pairs);
}

/** A sorted set: scores by member. */
export function zset(scores: Pairs<number>): SeedBuilder {
  const pairs = pairsOf(scores);
  return new SeedBuilder((key) => [
    ['ZADD', key, ...some(key, pairs).flatMap(([member, score]) => [score, member])],
  ]);
}

export type StreamFields = Readonly<Record<string, SeedScalar>>;

/** A stream: its entries' fields, with or without an id in front. */
export function stream(
  entries: readonly (StreamFields | readonly [id: string, fields: StreamFields])[],
): SeedBuilder {
  return new SeedBuilder((key) =>
    some(key, entries).map((entry) => {
      const [id, fields] = Array.isArray(entry)
        ? (entry as readonly [string, StreamFields])
        : (['*', entry as StreamFields] as const);
      return ['XADD', key, id, ...some(key, Object.entries(fields)).flat()];
    }),
  );
}

/** Places: longitude and latitude by member. */
export function geo(places: Pairs<readonly [longitude: number, latitude: number]>): SeedBuilder {
  const pairs = pairsOf(places);
  return new SeedBuilder((key) => [
    ['GEOADD', key, ...some(key, pairs).flatMap(([member, place]) => [...place, member])],
  ]);
}

/** A HyperLogLog that has counted these. */
export function hyperloglog(...elements: readonly SeedScalar[]): SeedBuilder {
  return new SeedBuilder((key) => [['PFADD', key, ...elements]]);
}

/** A bitmap: the offsets of the bits that are set. */
export function bitmap(...offsets: readonly number[]): SeedBuilder {
  return new SeedBuilder((key) =>
    some(key, offsets).map((offset) => ['SETBIT', key, offset, 1] as const),
  );
}

export type SeedExpiry = { readonly ttlMs: number } | { readonly at: Date | number };

/** A value that expires: after milliseconds, or at a time. */
export function expiring(value: SeedValue, expiry: SeedExpiry | number): SeedBuilder {
  return new SeedBuilder((key) => {
    const commands = seedCommands(key, value);
    if (typeof expiry === 'number') return [...commands, ['PEXPIRE', key, expiry]];
    if ('ttlMs' in expiry) return [...commands, ['PEXPIRE', key, expiry.ttlMs]];
    return [...commands, ['PEXPIREAT', key, Number(expiry.at)]];
  });
}

/** The commands that make `key` have `value`. Throws RespiteError BAD_OPTION. */
export function seedCommands(key: string, value: SeedValue): Command[] {
  if (value instanceof SeedBuilder) return value.commandsFor(key);
  if (isScalar(value)) return [['SET', key, value]];
  if (Array.isArray(value)) return [['RPUSH', key, ...scalars(key, value)]];
  if (value instanceof Set) return [['SADD', key, ...scalars(key, [...value])]];
  if (value instanceof Map) return [['HSET', key, ...scalars(key, [...value].flat())]];
  if (isPlainObject(value)) return [['HSET', key, ...scalars(key, Object.entries(value).flat())]];
  throw new RespiteError('BAD_OPTION', `'${key}' cannot be seeded with ${String(value)}`);
}

/** The commands that make all of it, in the order of the keys. */
export function seedAllCommands(data: SeedData): Command[] {
  const entries = data instanceof Map ? [...data] : Object.entries(data);
  return entries.flatMap(([key, value]) => seedCommands(key, value));
}

function isScalar(value: unknown): value is SeedScalar {
  return (
    typeof value === 'string' ||
    typeof value === 'number' ||
    typeof value === 'bigint' ||
    value instanceof Uint8Array
  );
}

function isPlainObject(value: unknown): value is Record<string, unknown> {
  if (typeof value !== 'object' || value === null) return false;
  const prototype = Object.getPrototypeOf(value);
  // An object of another realm, as tests may have them, has another Object behind it.
  return prototype === null || Object.getPrototypeOf(prototype) === null;
}

function some<T>(key: string, items: readonly T[]): readonly T[] {
  if (items.length > 0) return items;
  throw new RespiteError('BAD_OPTION', `'${key}' is empty: a collection without elements is none`);
}

function scalars(key: string, items: readonly unknown[]): SeedScalar[] {
  return some(key, items).map((item) => {
    if (isScalar(item)) return item;
    throw new RespiteError(
      'BAD_OPTION',
      `'${key}' has ${item === null ? 'null' : `a ${typeof item}`} among its elements`,
    );
  });
}
