// Short forms for the parts of a command's record: its arguments and where its keys are.
//
// They build plain ArgSpec and KeySpec objects, so that a record reads like the command's syntax:
// `oneof('condition', [token('NX'), token('XX')], { optional: true })` is `[NX | XX]`.

import type { ArgSpec, ArgType, KeyFlag, KeySpec } from './spec.ts';

type More = Omit<Partial<ArgSpec>, 'name' | 'type' | 'args'>;

function argument(type: ArgType, name: string, more: More | undefined): ArgSpec {
  return { name, type, ...more };
}

export function string(name: string, more?: More): ArgSpec {
  return argument('string', name, more);
}

export function integer(name: string, more?: More): ArgSpec {
  return argument('integer', name, more);
}

export function double(name: string, more?: More): ArgSpec {
  return argument('double', name, more);
}

export function pattern(name: string, more?: More): ArgSpec {
  return argument('pattern', name, more);
}

export function unixTime(name: string, more?: More): ArgSpec {
  return argument('unix-time', name, more);
}

/** A word that stands for itself; its name is the word in lower case unless given. */
export function token(word: string, name = word.toLowerCase(), more?: More): ArgSpec {
  return { name, type: 'pure-token', token: word, ...more };
}

/** A key; `keySpecIndex` is the entry of the record's `keys` that finds it. */
export function key(name: string, keySpecIndex: number, more?: More): ArgSpec {
  return { name, type: 'key', keySpecIndex, ...more };
}

export function oneof(name: string, args: ArgSpec[], more?: More): ArgSpec {
  return { name, type: 'oneof', args, ...more };
}

export function block(name: string, args: ArgSpec[], more?: More): ArgSpec {
  return { name, type: 'block', args, ...more };
}

// --- Parts that many commands have in common ---

/** `LIMIT offset count` */
export function limit(more?: More): ArgSpec {
  return block('limit', [integer('offset'), integer('count')], {
    token: 'LIMIT',
    optional: true,
    ...more,
  });
}

/** `[MATCH pattern] [COUNT count]` of the SCAN family. */
export function walkOptions(): ArgSpec[] {
  return [
    pattern('pattern', { token: 'MATCH', optional: true }),
    integer('count', { token: 'COUNT', optional: true }),
  ];
}

/** `[NX | XX | GT | LT]` of commands that set an expiry. */
export function expiryCondition(more?: More): ArgSpec {
  return oneof('condition', [token('NX'), token('XX'), token('GT'), token('LT')], {
    optional: true,
    ...more,
  });
}

/** `[EX seconds | PX milliseconds | EXAT time | PXAT time | word]` */
export function expiration(word: string): ArgSpec {
  return oneof(
    'expiration',
    [
      integer('seconds', { token: 'EX' }),
      integer('milliseconds', { token: 'PX' }),
      unixTime('unix-time-seconds', { token: 'EXAT' }),
      unixTime('unix-time-milliseconds', { token: 'PXAT' }),
      token(word),
    ],
    { optional: true },
  );
}

/** `LEFT | RIGHT`: an end of a list. */
export function listEnd(name: string): ArgSpec {
  return oneof(name, [token('LEFT'), token('RIGHT')]);
}

/** `MIN | MAX`: an end of a sorted set. */
export function scoreEnd(): ArgSpec {
  return oneof('where', [token('MIN'), token('MAX')]);
}

/** `[WEIGHTS weight ...] [AGGREGATE SUM | MIN | MAX | COUNT]` */
export function aggregation(): ArgSpec[] {
  return [
    integer('weight', { token: 'WEIGHTS', optional: true, multiple: true }),
    oneof(
      'aggregate',
      [token('SUM'), token('MIN'), token('MAX'), token('COUNT', 'count', { since: '8.8.0' })],
      { token: 'AGGREGATE', optional: true },
    ),
  ];
}

// --- Keys ---

/** One key, the argument at `index`. */
export function keyAt(index: number, flags: KeyFlag[], notes?: string): KeySpec {
  return keyRange(index, 0, 1, flags, notes);
}

/** Every `step`-th argument from `index` on; `lastKey` counts from `index`, or from the end if < 0. */
export function keyRange(
  index: number,
  lastKey: number,
  step: number,
  flags: KeyFlag[],
  notes?: string,
): KeySpec {
  return {
    flags,
    begin: { type: 'index', index },
    find: { type: 'range', lastKey, step, limit: 0 },
    ...(notes === undefined ? {} : { notes }),
  };
}

/** As many keys as an argument says; both offsets count from `index`. */
export function keyCount(
  index: number,
  keyNumIndex: number,
  firstKey: number,
  step: number,
  flags: KeyFlag[],
  notes?: string,
): KeySpec {
  return {
    flags,
    begin: { type: 'index', index },
    find: { type: 'keynum', keyNumIndex, firstKey, step },
    ...(notes === undefined ? {} : { notes }),
  };
}

/** Keys that no spec can find: the record's extractor does, if anything can. */
export function unknownKeys(flags: KeyFlag[], notes: string): KeySpec {
  return { flags, begin: { type: 'unknown' }, find: { type: 'unknown' }, notes };
}
