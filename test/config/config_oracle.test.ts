// The same CONFIG commands to our handlers and to a real redis-server: equal bytes, whether a value
// is taken or refused, and equal values afterwards.

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { KnownDirective } from '../../src/config/directives.ts';
import { DIRECTIVES } from '../../src/config/directives.ts';
import { ConfigHarness, hasOracle, Oracle } from './oracle.ts';

/** Setting these on the oracle would cut it off, stop it or touch the machine. */
const DANGEROUS = new Set([
  'appendonly', // writes files
  'bind',
  'port',
  'requirepass',
  'tls-cluster', // needs certificates
  'tls-port',
  'tls-replication', // needs certificates
  'watchdog-period',
  'oom-score-adj',
  'maxclients', // bounded by the limit on open files
  'client-output-buffer-limit', // could drop our own connection
]);

/** Not in 7.0, or with other names for values there. */
const NEWER = new Set([
  'backup-dir',
  'backup-keep',
  'backup-schedule',
  'backup-sealed-ttl',
  'backupdirname',
  'cluster-announce-human-nodename',
  'hide-user-data-from-log',
  'locale-collate',
  'loglevel',
  'set-max-listpack-entries',
  'set-max-listpack-value',
  'stream-idmp-duration',
  'stream-idmp-maxsize',
]);

/** [directive, value]; accepted or not, both must agree. */
const CASES: readonly (readonly [name: string, value: string])[] = [
  ...['yes', 'no', 'YES', 'No', '1', '', 'yess', 'yes\0x', ' yes'].map(
    (value) => ['rdbcompression', value] as const,
  ),
  ...['5', '0', '-1', '+1', '05', '', ' 5', '5 ', '2147483647', '2147483648', 'x', '1kb'].map(
    (value) => ['timeout', value] as const,
  ),
  ...['99999999999999999999', '-9223372036854775808', '9223372036854775807', '0x10', '1.5'].map(
    (value) => ['latency-monitor-threshold', value] as const,
  ),
  ...['-1', '-2', '0', '9223372036854775808'].map(
    (value) => ['slowlog-log-slower-than', value] as const,
  ),
  ...['1', '100', '0', '101', '99'].map((value) => ['active-defrag-cycle-max', value] as const),
  ...['100', '1k', '1kb', '1K', '1Kb', '2m', '2MB', '3g', '3gb', '4b', '1t', 'kb', '', '-1'].map(
    (value) => ['maxmemory', value] as const,
  ),
  ...['1.5gb', '1 gb', ' 1gb', '1gb ', '18446744073709551615', '18446744073709551616'].map(
    (value) => ['maxmemory', value] as const,
  ),
  ...['17179869184gb', '17179869185gb', '9223372036854775808', '0', '1gb\0x', '1gbx'].map(
    (value) => ['maxmemory', value] as const,
  ),
  ['maxmemory', `${'0'.repeat(130)}1`],
  ['maxmemory', `${'0'.repeat(120)}1`],
  ...['0', '1', '9223372036854775807', '9223372036854775808', '18446744073709551615'].map(
    (value) => ['repl-backlog-size', value] as const,
  ),
  ...['5%', '100%', '101%', '-5%', '%', '05%', '0%', '5%%', '1gb', '18446744073709551615'].map(
    (value) => ['maxmemory-clients', value] as const,
  ),
  ...['9223372036854775808', '18446744073709551500', '200%', 'x%', ''].map(
    (value) => ['maxmemory-clients', value] as const,
  ),
  ...['1mb', '1048575', '1048576', '9223372036854775807'].map(
    (value) => ['proto-max-bulk-len', value] as const,
  ),
  ...['-1', '9223372036854775807', '9223372036854775808', '0'].map(
    (value) => ['hash-max-listpack-entries', value] as const,
  ),
  ...['-2147483648', '-2147483649', '-5'].map((value) => ['list-max-ziplist-size', value] as const),
  ...['ALLKEYS-LRU', 'volatile-ttl', 'lru', '', 'noeviction '].map(
    (value) => ['maxmemory-policy', value] as const,
  ),
  ...['always', 'no', 'yes', 'everysec'].map((value) => ['appendfsync', value] as const),
  ...['default', 'save', 'nosave now', 'force now', 'save nosave', '', 'now  force', 'x'].map(
    (value) => ['shutdown-on-sigterm', value] as const,
  ),
  ...['now now', 'default force', 'nosave FORCE now', 'now\0x'].map(
    (value) => ['shutdown-on-sigint', value] as const,
  ),
  ...['KEA', 'AKE', 'g$lshzxetd', 'g$lshzxet', 'n', 'KEn', 'An', 'm', 'Km', '', 'Q', 'KEx '].map(
    (value) => ['notify-keyspace-events', value] as const,
  ),
  ...['900 1', '900 1 60 5', '', '900', 'a b', '0 1', '1 0', '1 -1', '900  1', '900 '].map(
    (value) => ['save', value] as const,
  ),
  ...['+900 +1', '900 4294967297', '99999999999999999999 1', '\t9 1', '9\0x 1', '900 1 '].map(
    (value) => ['save', value] as const,
  ),
  ...['50 99 99.9', '', '0.0078125 0.0234375', '100', '100.1', '-1', '-0', '1e1', '1e-400'].map(
    (value) => ['latency-tracking-info-percentiles', value] as const,
  ),
  ...['0x10', '0x1.8p1', 'inf', '-inf', 'nan', '.5', '5.', '.', 'e1', '1e', '+7', ' 7', '7 '].map(
    (value) => ['latency-tracking-info-percentiles', value] as const,
  ),
  ...['99.9999999', '0.00000049', '33.333333333'].map(
    (value) => ['latency-tracking-info-percentiles', value] as const,
  ),
  ...['1 2', '1 2 3', '1 2 3 4', '-2000 0 2000', '2001 0 0', 'a 0 0', '', '+1 0 0', '1  2'].map(
    (value) => ['oom-score-adj-values', value] as const,
  ),
  ...['normal 0 0 0', 'slave 1gb 1mb 60', 'REPLICA 1k 1kb 5', 'pubsub 32mb 8mb 60', ''].map(
    (value) => ['client-output-buffer-limit', value] as const,
  ),
  ...['normal 0 0', 'master 0 0 0', 'other 0 0 0', 'slave x 0 0', 'slave 0 0 -1', 'a'].map(
    (value) => ['client-output-buffer-limit', value] as const,
  ),
  ...['slave 0 0 4294967296', 'slave 0 0 2147483648', 'slave 18446744073709551615 0 0'].map(
    (value) => ['client-output-buffer-limit', value] as const,
  ),
  ['client-output-buffer-limit', 'slave 1 2 3 pubsub 4 5 6'],
  ['client-output-buffer-limit', 'slave 1 2 3 pubsub x 5 6'],
  ...['{title}', '{x}', '', ' ', '{', '{{', 'a{{b', '{title', '{port} {tls-port}', '}{'].map(
    (value) => ['proc-title-template', value] as const,
  ),
  ...['host.example', 'a_b', '', 'x'.repeat(255), 'x'.repeat(256), 'ü'].map(
    (value) => ['cluster-announce-hostname', value] as const,
  ),
  ...['yes', 'no', 'x'].map((value) => ['activedefrag', value] as const),
  ...['some text', '', 'with\0nul', 'quote"', '\xff\xfe'].map(
    (value) => ['replica-announce-ip', value] as const,
  ),
  ...['secret', '', 'with\0nul'].map((value) => ['masterauth', value] as const),
  ...['0', '1', '10', '11'].map((value) => ['active-expire-effort', value] as const),
  ...['0', '-1', '4294967296'].map((value) => ['maxclients', value] as const),
  ...['0', '1', '501', '-1'].map((value) => ['hz', value] as const),
  ...['x', '1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17'].map((value) => ['port', value] as const),
  ['bind', '1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17'],
  ['dbfilename', 'x'],
  ['dir', '/'],
  ['nothing', '1'],
  ['', ''],
];

/** Whole commands, after CONFIG. */
const COMMANDS: readonly (readonly string[])[] = [
  ['set', 'hz', '1', 'timeout'],
  ['set', 'hz', '5', 'timeout', '7'],
  ['set', 'hz', '5', 'timeout', 'x', 'nope', '1'],
  ['set', 'hz', '5', 'nope', '1', 'daemonize', 'yes'],
  ['set', 'hz', '5', 'daemonize', 'yes', 'nope', '1'],
  ['set', 'hz', '5', 'HZ', '6', 'daemonize', 'yes'],
  ['set', 'slave-priority', '5', 'replica-priority', '6'],
  ['set', 'slave-priority', '5', 'replica-priority', 'x'],
  ['set', 'slave-priority', '7', 'replica-priority', '8', 'timeout', 'x'],
  ['get', 'replica-priority'],
  ['set', 'SLAVE-priority', 'x'],
  ['set', 'Timeout', 'x'],
  ['set', 'timeout\0x', '1'],
  ['set', 'un\r\nknown', '1'],
  ['set', 'un\0known', '1'],
  ['set', '\xff', '1'],
  ['get', 'timeout'],
  ['get', 'TimeOut', 'timeout'],
  ['get', 'timeou?'],
  ['get', '[t]imeout'],
  ['get', '[T]imeout'],
  ['get', '[\\t]imeout'],
  ['get', '[\\T]imeout'],
  ['get', '[s-u]imeout'],
  ['get', '[u-s]imeout'],
  ['get', '[^s-u]imeout'],
  ['get', '[^a]imeout'],
  ['get', 'timeou[t'],
  ['get', 'timeou[x'],
  ['get', 'timeou[^'],
  ['get', '[]timeout'],
  ['get', '\\timeou?'],
  ['get', 'ti*m*t'],
  ['get', '*-proxy-*', 'slowlog-max-*'],
  ['get', '?'],
  ['get', 'nothing'],
  ['get', ''],
  ['get', 'timeout\0x'],
  ['get', 'timeou?\0x'],
];

describe.skipIf(!hasOracle)('CONFIG against redis-server', () => {
  let oracle: Oracle;
  beforeAll(async () => {
    oracle = await Oracle.start(['--save', '']);
  });
  afterAll(() => oracle.stop());

  it('takes and refuses the same values, with the same texts', async () => {
    const harness = new ConfigHarness();
    harness.run('set', 'save', '');
    for (const [name, value] of CASES) {
      const label = JSON.stringify([name, value]);
      const theirs = await oracle.send('config', 'set', name, value);
      const ours = harness.start(['set', name, value]) as Buffer;
      expect(ours.toString('latin1'), label).toBe(theirs.toString('latin1'));
      const theirValue = await oracle.send('config', 'get', name);
      if (['bind', 'port', 'dir', 'maxclients'].includes(name)) continue;
      const ourValue = harness.start(['get', name]) as Buffer;
      expect(ourValue.toString('latin1'), label).toBe(theirValue.toString('latin1'));
    }
  });

  it('answers whole commands alike', async () => {
    const harness = new ConfigHarness();
    for (const name of ['hz', 'timeout', 'replica-priority', 'slowlog-max-len']) {
      await oracle.send('config', 'set', name, harness.value(name)!);
    }
    for (const words of COMMANDS) {
      const theirs = await oracle.send('config', ...words);
      const ours = harness.start(words) as Buffer;
      expect(ours.toString('latin1'), JSON.stringify(words)).toBe(theirs.toString('latin1'));
    }
  });

  it('agrees on random values for every directive that can be set', async () => {
    const seed = Number(process.env.RESPITE_SEED ?? Date.now() % 2 ** 31);
    console.log(`config_oracle seed ${seed}`);
    const random = generator(seed);
    const harness = new ConfigHarness();
    const directives = DIRECTIVES.filter(
      ({ name, immutable, hidden }) =>
        !immutable && !hidden && !DANGEROUS.has(name) && !NEWER.has(name),
    );
    for (const directive of directives) {
      const { name } = directive;
      await oracle.send('config', 'set', name, harness.value(name)!);
      for (let i = 0; i < 12; i++) {
        const value = randomValue(directive, random);
        const label = `seed ${seed}: ${JSON.stringify([name, value])}`;
        const theirs = await oracle.send('config', 'set', name, value);
        const ours = harness.start(['set', name, value]) as Buffer;
        expect(ours.toString('latin1'), label).toBe(theirs.toString('latin1'));
        const theirValue = await oracle.send('config', 'get', name);
        const ourValue = harness.start(['get', name]) as Buffer;
        if (name !== 'dir') {
          expect(ourValue.toString('latin1'), label).toBe(theirValue.toString('latin1'));
        }
      }
    }
  });
});

type Random = (below: number) => number;

/** A small deterministic generator (xorshift32). */
function generator(seed: number): Random {
  let state = seed | 1;
  return (below) => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) % below;
  };
}

function pick<T>(items: readonly T[], random: Random): T {
  return items[random(items.length)]!;
}

const ODD_TEXTS = [
  '',
  ' ',
  'yes',
  'no',
  '-',
  '%',
  '0',
  '1 2',
  'x',
  '\xff',
  '-1',
  '1e3',
  '00',
  '1%',
];
const SUFFIXES = ['', '', '', 'k', 'kb', 'M', 'mb', 'GB', 'g', 'b', '%', ' ', 'x'];

/** Often near the directive's bounds, sometimes nonsense. */
function randomValue(directive: KnownDirective, random: Random): string {
  if (random(5) === 0) return pick(ODD_TEXTS, random);
  switch (directive.type) {
    case 'bool':
      return pick(['yes', 'no', 'Yes', 'NO', 'true'], random);
    case 'enum': {
      const names = directive.values.map(([name]) => name);
      const count = 1 + random(3);
      return Array.from({ length: count }, () => pick(names, random)).join(' ');
    }
    case 'string':
    case 'sds':
    case 'special': {
      const words = ['a', '1', '60', '/tmp', 'A', 'K', 'normal', '1mb', '99.5', '{title}', '3 4'];
      return Array.from({ length: random(5) }, () => pick(words, random)).join(' ');
    }
    default: {
      const bound = BigInt(random(2) === 0 ? directive.min : directive.max);
      const base = pick([bound, 0n, BigInt(random(2 ** 31)), bound / 2n], random);
      const radix = directive.type === 'octal' ? 8 : 10;
      return (base + BigInt(random(5) - 2)).toString(radix) + pick(SUFFIXES, random);
    }
  }
}
