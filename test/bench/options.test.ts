import { describe, expect, test } from 'vitest';
import { ALL_TESTS } from '../../bench/lib/all_tests.ts';
import { type Options, parseOptions, USAGE, UsageError } from '../../bench/lib/options.ts';

function parse(line: string): Options {
  const options = parseOptions(line === '' ? [] : line.split(' '), ['throughput']);
  if (options === null) throw new Error('help was not asked for');
  return options;
}

describe('parseOptions', () => {
  test('measures the whole list as the method says when nothing is given', () => {
    const options = parse('');
    expect(options.sections).toEqual(['throughput']);
    expect(options.tests).toEqual(ALL_TESTS.map((test) => test.name));
    expect(options.pipelines).toEqual([1, 16, 64, 256]);
    expect(options.transports).toEqual(['direct', 'stream']);
    expect(options).toMatchObject({
      ...{ rounds: 3, clients: 50, keyspace: 1_000_000, dataSizeBytes: 3, keys: 1_000_000 },
      ...{ persistence: 'none', preload: true, candidate: null, jsonFile: null },
    });
  });

  test('reads lists and numbers', () => {
    const options = parse(
      '--sections memory,stall --tests set,get --pipelines 4,8 --rounds 5 --duration 0.5 ' +
        '--transports stream --persistence always --keys 1000 --no-preload --json a --svg b --readme',
    );
    expect(options).toMatchObject({
      ...{ sections: ['memory', 'stall'], tests: ['set', 'get'], pipelines: [4, 8], rounds: 5 },
      ...{ durationSeconds: 0.5, transports: ['stream'], persistence: 'always', keys: 1000 },
      ...{ preload: false, jsonFile: 'a', svgFile: 'b', writeReadme: true },
    });
  });

  test('lets explicit options win over --quick', () => {
    expect(parse('--quick').rounds).toBe(1);
    expect(parse('--quick --rounds 2').rounds).toBe(2);
    expect(parse('--rounds 2 --quick --tests incr').tests).toEqual(['incr']);
  });

  test('splits the command of a candidate', () => {
    const options = parseOptions(['--candidate', ' redis-server  --io-threads 2'], ['memory']);
    expect(options?.candidate).toEqual(['redis-server', '--io-threads', '2']);
  });

  test('gives null for --help, whatever else is there', () => {
    expect(parseOptions(['--help', '--rounds', 'x'], ['memory'])).toBeNull();
  });

  test.each([
    '--rounds 0',
    '--rounds 1.5',
    '--duration -1',
    '--pipelines 1,x',
    '--pipelines 1,,2',
    '--tests set,nosuch',
    '--sections all',
    '--transports tcp',
    '--persistence rdb',
    '--datasets nosuch',
    '--data-size 2',
    '--keyspace 2000000000000',
    '--nosuch',
    '--rounds',
    'stray',
  ])('refuses %s', (line) => {
    expect(() => parse(line)).toThrow(UsageError);
  });

  test('refuses an empty candidate', () => {
    expect(() => parseOptions(['--candidate', ' '], ['memory'])).toThrow(UsageError);
  });

  test('has every option in the help text', () => {
    const names =
      'sections tests pipelines rounds duration transports persistence clients keyspace ' +
      'data-size keys datasets no-preload candidate quick json svg readme help';
    for (const name of names.split(' ')) expect(USAGE).toContain(`--${name} `);
  });
});
