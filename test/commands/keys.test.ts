// Key specs of every form, also those that no command of today uses.

import { describe, expect, it } from 'vitest';
import { allCommands, type CompiledCommand, findCommand } from '../../src/commands/index.ts';
import { hasKeys, keyPositions } from '../../src/commands/keys.ts';
import type { KeySpec } from '../../src/commands/spec.ts';

function command(...keys: KeySpec[]): CompiledCommand {
  const get = findCommand('get')!;
  return { ...get, spec: { ...get.spec, keys } };
}

function indexes(of: CompiledCommand, line: string, channels = false): number[] | undefined {
  const args = line.split(' ').map((word) => Buffer.from(word));
  return keyPositions(of, args, channels)?.map(({ index }) => index);
}

function spec(begin: KeySpec['begin'], find: KeySpec['find'], flags: KeySpec['flags'] = ['RO']) {
  return { flags, begin, find };
}

const range = (lastKey: number, step = 1, limit = 0): KeySpec['find'] => ({
  type: 'range',
  lastKey,
  step,
  limit,
});

describe('a range', () => {
  it('of one key is that key', () => {
    expect(indexes(command(spec({ type: 'index', index: 2 }, range(0))), 'x a b c')).toEqual([2]);
  });

  it('may end relative to its first key or to the last argument', () => {
    const begin = { type: 'index', index: 1 } as const;
    expect(indexes(command(spec(begin, range(1))), 'x a b c')).toEqual([1, 2]);
    expect(indexes(command(spec(begin, range(-1))), 'x a b c')).toEqual([1, 2, 3]);
    expect(indexes(command(spec(begin, range(-2))), 'x a b c')).toEqual([1, 2]);
    expect(indexes(command(spec(begin, range(-1, 2))), 'x a 1 b 2')).toEqual([1, 3]);
  });

  it('that goes beyond the arguments is malformed', () => {
    const begin = { type: 'index', index: 2 } as const;
    expect(indexes(command(spec(begin, range(0))), 'x a')).toBeUndefined();
    expect(indexes(command(spec(begin, range(2))), 'x a b c')).toBeUndefined();
    expect(indexes(command(spec(begin, range(-3))), 'x a b c')).toBeUndefined();
  });
});

describe('a keyword', () => {
  const streams = command(
    spec({ type: 'keyword', keyword: 'STREAMS', startFrom: 1 }, range(-1, 1, 2)),
  );

  it('is found in any case, and halves what follows when told so', () => {
    expect(indexes(streams, 'xread streams a 0')).toEqual([2]);
    expect(indexes(streams, 'xread count 5 StReAmS a b c 0 0 0')).toEqual([4, 5, 6]);
  });

  it('that is not there leaves no keys', () => {
    expect(indexes(streams, 'xread count 5')).toEqual([]);
  });

  it('at the very end announces nothing', () => {
    expect(indexes(streams, 'xread count streams')).toEqual([]);
  });

  it('is looked for backwards from a negative start', () => {
    const keys = command(spec({ type: 'keyword', keyword: 'KEYS', startFrom: -2 }, range(-1)));
    expect(indexes(keys, 'migrate h p keys 0 5 KEYS a b')).toEqual([7, 8]);
    expect(indexes(keys, 'migrate h p k 0 5')).toEqual([]);
  });
});

describe('a count', () => {
  const begin = { type: 'index', index: 2 } as const;
  const counted = command(spec(begin, { type: 'keynum', keyNumIndex: 0, firstKey: 1, step: 1 }));

  it('says how many keys follow', () => {
    expect(indexes(counted, 'x d 2 a b rest')).toEqual([3, 4]);
    expect(indexes(counted, 'x d 1 a')).toEqual([3]);
  });

  it.each(['0', '-1', '3', 'x', '01', '1x', '+1', '', '4294967297', '99999999999999999999'])(
    'of "%s" with two keys there is malformed',
    (count) => {
      const args = ['x', 'd', count, 'a', 'b'].map((word) => Buffer.from(word));
      expect(keyPositions(counted, args)).toBeUndefined();
    },
  );

  it('that is missing is malformed', () => {
    expect(indexes(counted, 'x d')).toBeUndefined();
  });
});

describe('several specs', () => {
  it('give their keys in their own order', () => {
    const both = command(
      spec({ type: 'index', index: 2 }, range(-1), ['RO', 'access']),
      spec({ type: 'index', index: 1 }, range(0), ['OW', 'update']),
    );
    const args = ['x', 'd', 'a', 'b'].map((word) => Buffer.from(word));
    expect(keyPositions(both, args)).toEqual([
      { index: 2, flags: ['RO', 'access'] },
      { index: 3, flags: ['RO', 'access'] },
      { index: 1, flags: ['OW', 'update'] },
    ]);
  });

  it('fail together when one cannot tell', () => {
    const unknown = spec({ type: 'unknown' }, { type: 'unknown' });
    const incomplete = spec({ type: 'index', index: 1 }, range(0), ['RO', 'incomplete']);
    const plain = spec({ type: 'index', index: 1 }, range(0));
    expect(indexes(command(plain, unknown), 'x a')).toBeUndefined();
    expect(indexes(command(incomplete), 'x a')).toBeUndefined();
  });
});

describe('a channel', () => {
  const publish = command(spec({ type: 'index', index: 1 }, range(0), ['not_key']));

  it('is no key, but is routed like one on request', () => {
    expect(hasKeys(publish)).toBe(false);
    expect(indexes(publish, 'spublish ch message')).toEqual([]);
    expect(indexes(publish, 'spublish ch message', true)).toEqual([1]);
  });
});

describe('SORT', () => {
  const sort = findCommand('sort')!;

  it('has its source and the last destination', () => {
    expect(indexes(sort, 'sort k')).toEqual([1]);
    expect(indexes(sort, 'sort k by w:* get h:*->f limit 0 5 desc')).toEqual([1]);
    expect(indexes(sort, 'sort k STORE d desc store e')).toEqual([1, 6]);
    expect(indexes(sort, 'sort k by store limit store store get store store d')).toEqual([1, 10]);
    expect(indexes(sort, 'sort k alpha store')).toEqual([1]);
    expect(indexes(findCommand('sort_ro')!, 'sort_ro k store d')).toEqual([1]);
  });
});

it('every extractor that a record names exists', () => {
  for (const each of allCommands()) {
    if (each.spec.keyExtractor === undefined) continue;
    const args = Array.from({ length: 8 }, () => Buffer.from('x'));
    expect(() => keyPositions(each, args), each.fullName).not.toThrow();
  }
});
