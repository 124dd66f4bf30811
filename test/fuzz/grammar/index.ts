// All families, and the mutations that turn a well-formed command into one at the edge or beyond.

import { argumentBytes } from '../../support/arguments.ts';
import type { Random } from '../../support/random.ts';
import {
  asGenerated,
  type ExpiryMode,
  type Family,
  Gen,
  type Generated,
  type Rule,
} from './base.ts';
import { bitmapFamily } from './bitmap.ts';
import { dumpFamily } from './dump.ts';
import { expireFamily, genericFamily } from './generic.ts';
import { geoFamily } from './geo.ts';
import { hashFamily } from './hash.ts';
import { hyperloglogFamily } from './hyperloglog.ts';
import { listFamily } from './list.ts';
import { connectionFamily, serverFamily } from './server.ts';
import { setFamily } from './set.ts';
import { sortFamily } from './sort.ts';
import { streamFamily } from './stream.ts';
import { numberFamily, stringFamily } from './string.ts';
import { LEX_KEY, zsetAlgebraFamily, zsetFamily, zsetLexFamily } from './zset.ts';

export const FAMILIES: readonly Family[] = [
  stringFamily,
  numberFamily,
  listFamily,
  hashFamily,
  setFamily,
  zsetFamily,
  zsetAlgebraFamily,
  zsetLexFamily,
  streamFamily,
  bitmapFamily,
  hyperloglogFamily,
  geoFamily,
  sortFamily,
  genericFamily,
  dumpFamily,
  expireFamily,
  connectionFamily,
  serverFamily,
];

/** Relative share of each family when all take part. */
const SHARES: Record<string, number> = {
  string: 10,
  number: 4,
  bitmap: 6,
  list: 8,
  hash: 8,
  set: 8,
  zset: 8,
  stream: 8,
  generic: 8,
  dump: 4,
  expire: 5,
};

/** Words that a mutation puts where they do not belong. */
const STRAY_TOKENS = [
  'NX',
  'XX',
  'GT',
  'LT',
  'EX',
  'PX',
  'EXAT',
  'PXAT',
  'GET',
  'SET',
  'KEEPTTL',
  'PERSIST',
  'BIT',
  'BYTE',
  'COUNT',
  'MATCH',
  'TYPE',
  'DB',
  'REPLACE',
  'LEN',
  'IDX',
  'INCRBY',
  'OVERFLOW',
  'HELP',
  '*',
  '',
];

const MUTATE_ONE_IN = 12;
/** How far ordinary keys may grow: LCS takes the product of two lengths. */
const MAX_WRITE_BYTES = 3000;
/** Expiries nearer than this could pass while the run goes on. */
const NEAR_MS = 100_000;

export class CommandSource {
  readonly gen: Gen;
  private readonly random: Random;
  private readonly families: { weight: number; rules: Rule[] }[];
  private readonly keyed: Rule[];

  /** `names` empty means all; `oldest` is the release of the older server. */
  constructor(random: Random, names: readonly string[], oldest: string) {
    this.random = random;
    this.gen = new Gen(random, oldest);
    const chosen = names.length ? names.map(familyNamed) : FAMILIES;
    this.families = chosen.map((family) => ({
      weight: SHARES[family.name] ?? 2,
      rules: family.rules.filter((rule) => !rule.since || this.gen.has(rule.since)),
    }));
    this.keyed = this.families.flatMap(({ rules }) => rules.filter((rule) => rule.keyed));
  }

  next(): Generated {
    for (;;) {
      const family = this.random.weighted(this.families);
      const made = asGenerated(this.random.weighted(family.rules).make(this.gen));
      if (!made.ends && !made.settleMs && this.random.oneIn(MUTATE_ONE_IN)) {
        made.args = this.mutate(made.args);
      }
      // SET with a time in the past leaves a key that counts until somebody looks at it.
      if (setsPastTime(made.args)) made.settleMs ??= 1;
      if (isAllowed(made, this.gen.expiry)) return made;
    }
  }

  /** A command on this key and nothing else: what happens to a key that has just expired. */
  onKey(key: Buffer): Generated | null {
    if (!this.keyed.length) return null;
    const { args } = asGenerated(this.random.weighted(this.keyed).make(this.gen));
    args[1] = key;
    return isAllowed({ args }, this.gen.expiry) ? { args } : null;
  }

  private mutate(args: Buffer[]): Buffer[] {
    const { random, gen } = this;
    const changed = [...args];
    const at = random.between(1, Math.max(1, changed.length - 1));
    switch (random.below(7)) {
      case 0:
        changed.splice(at, 1);
        break;
      case 1:
        changed.splice(at, 0, Buffer.from(gen.token(random.pick(STRAY_TOKENS))));
        break;
      case 2:
        changed.push(Buffer.from(gen.token(random.pick(STRAY_TOKENS))));
        break;
      case 3:
        if (changed.length > 1) changed[at] = argumentBytes(gen.integer());
        break;
      case 4:
        if (changed.length > 1) changed[at] = gen.value();
        break;
      case 5: {
        const other = random.between(1, Math.max(1, changed.length - 1));
        if (changed.length > 2) {
          [changed[at], changed[other]] = [changed[other] as Buffer, changed[at] as Buffer];
        }
        break;
      }
      default:
        changed.splice(random.between(1, changed.length));
    }
    return changed;
  }
}

function familyNamed(name: string): Family {
  const found = FAMILIES.find((family) => family.name === name);
  if (!found) {
    const known = FAMILIES.map((family) => family.name).join(', ');
    throw new Error(`no family is called ${name}: ${known}`);
  }
  return found;
}

/** A footer with a version and a checksum that are right for no bytes at all. */
const NO_PAYLOAD = '\0'.repeat(10);

/**
 * Keeps out what would stop or bend the run itself: writes far beyond the end of a value, times so
 * near that they pass while the run goes on, connections killed or paused.
 */
export function isAllowed({ args, settleMs }: Generated, expiry: ExpiryMode): boolean {
  const words = args.map((arg) => arg.toString('latin1').toLowerCase());
  const name = words[0] ?? '';
  if (words[1] !== 'large' && writesFar(name, words)) return false;
  if (!isMeaningfulLex(name, words)) return false;
  if (name === 'client') {
    if (['pause', 'tracking', 'info', 'caching'].includes(words[1] ?? '')) return false;
    if (words[1] === 'list') return words.length > 3;
    if (words[1] === 'kill') return words[2] === 'id' || words[2] === '1.2.3.4:5';
  }
  // LOLWUT draws from the server's own random numbers and its size.
  if (name === 'lolwut') return words[1] === 'version' && !/^-?\d+$/.test(words[2] ?? '0');
  // The servers need not have the same parameters and commands.
  if (name === 'config' && words[1] === 'get' && words.some((word) => /[*?[]/.test(word))) {
    return false;
  }
  if (name === 'command' && words.length < 3) return words[1] !== undefined && !isListing(words[1]);
  // Histograms hold the times that commands took.
  if (name === 'latency' && words[1] === 'histogram') {
    return words.length > 2 && words.slice(2).every((word) => word === 'nosuch');
  }
  if (name === 'memory') return words[1] === 'usage' || words.length < 2;
  // Of a payload that is nothing but a footer Redis reads the footer: zeros are an empty string then.
  if (name === 'restore' && words[3] === NO_PAYLOAD) return false;
  // Before 7.2 a HELLO that fails has already set the name when SETNAME came first.
  if (name === 'hello' && words.includes('setname')) return words.length === 4;
  // Nor has a login that fails, or the first of two, the same effect there.
  if (name === 'hello' && words.filter((word) => word === 'auth').length > 1) return false;
  // What it takes of a set that is larger is chance.
  if (name === 'spop')
    return words.length === 3 && !(Number(words[2] || 1) < 5000 && words[2] !== '0');
  // Ids that the clock makes are not the same on both sides, and FULL tells times and more since 7.2.
  if (name === 'xadd' && words.includes('*')) return false;
  if (name === 'xinfo' && (words[1] === 'consumers' || words.length > 3)) return false;
  if (isNearIdle(name, words)) return false;
  // So many repetitions would never end.
  if (name === 'hrandfield' || name === 'srandmember') {
    return !words.some((word) => Number(word) < -1000);
  }
  // Unsorted, a set shows the order of the hash table; keys of the family are compared without it.
  if (/^sort(_ro)?$/.test(name) && !words[1]?.startsWith('sort:')) {
    const by = words.lastIndexOf('by');
    if (by > 0 && !words[by + 1]?.includes('*')) return false;
  }
  if (waitsLong(name, words)) return false;
  if (name === 'quit') return args.length === 1;
  if (settleMs !== undefined) return true;
  return !relativeTimesMs(name, words).some(
    (ms) => ms > 0 && (expiry === 'absolute' || ms < NEAR_MS),
  );
}

/**
 * Ranges by lex mean something only where all scores are equal, so they are asked of one key that has
 * only scores of 0.
 */
function isMeaningfulLex(name: string, words: readonly string[]): boolean {
  const byLex = /^z.*lex/.test(name) || words.includes('bylex');
  if (!byLex && !words.includes(LEX_KEY)) return true;
  if (words.lastIndexOf(LEX_KEY) !== 1) return false;
  if (name === 'zadd') return words.every((word, i) => i < 2 || i % 2 === 1 || word === '0');
  return byLex && name !== 'zrangestore';
}

/** Whether a command may wait for longer than a moment, which would hold up both servers. */
function waitsLong(name: string, words: readonly string[]): boolean {
  const isLong = (text: string | undefined, momentS: number) => {
    const seconds = Number(text || Number.NaN);
    return seconds === 0 || (seconds > momentS && seconds < 1e12);
  };
  if (/^(blpop|brpop|bzpopmin|bzpopmax|blmove|brpoplpush)$/.test(name))
    return isLong(words.at(-1), 0.01);
  if (name === 'blmpop' || name === 'bzmpop') return isLong(words[1], 0.01);
  if (name !== 'xread' && name !== 'xreadgroup') return false;
  return words.some((word, i) => word === 'block' && isLong(words[i + 1], 10));
}

/** Whether entries become idle enough while the run goes on. */
function isNearIdle(name: string, words: readonly string[]): boolean {
  const claims = name === 'xclaim' || name === 'xautoclaim';
  if (!claims && (name !== 'xpending' || words[3] !== 'idle')) return false;
  const ms = Number(words[4]);
  return ms > 0 && ms < NEAR_MS;
}

function isListing(subcommand: string): boolean {
  return ['info', 'list', 'docs', 'count'].includes(subcommand);
}

/** Whether a write may reach beyond MAX_WRITE_BYTES; an offset that is always refused does not. */
function writesFar(name: string, words: string[]): boolean {
  if (name === 'setrange') return isFar(words[2], 1);
  if (name === 'setbit') return isFar(words[2], 8);
  if (name !== 'bitfield') return false;
  return words.some((word, i) => /^[ui]\d+$/.test(words[i - 1] ?? '') && isFar(word, 8));
}

function isFar(word: string | undefined, unitsPerByte: number): boolean {
  const digits = /^(#?)(\d+)$/.exec(word ?? '');
  if (!digits) return false;
  const widest = digits[1] ? 64 : 1;
  const bytes = (Number(digits[2]) * widest) / unitsPerByte;
  return bytes > MAX_WRITE_BYTES && bytes < 2 ** 45;
}

function setsPastTime(args: readonly Buffer[]): boolean {
  const words = args.map((arg) => arg.toString('latin1').toLowerCase());
  if (!['set', 'msetex', 'increx'].includes(words[0] ?? '')) return false;
  return words.some((word, i) => {
    const time = Number(words[i + 1] || Number.NaN);
    if (word === 'exat') return time * 1000 < Date.now();
    return word === 'pxat' && time < Date.now();
  });
}

/** The times from now that this command sets, in milliseconds. */
function relativeTimesMs(name: string, words: string[]): number[] {
  const time = (text: string | undefined, unitMs: number) => Number(text || Number.NaN) * unitMs;
  if (name === 'expire' || name === 'setex') return [time(words[2], 1000)];
  if (name === 'pexpire' || name === 'psetex') return [time(words[2], 1)];
  if (name === 'restore') return words.includes('absttl') ? [] : [time(words[2], 1)];
  if (!['set', 'getex', 'msetex', 'increx'].includes(name)) return [];
  return words.flatMap((word, i) => {
    if (word === 'ex') return [time(words[i + 1], 1000)];
    return word === 'px' ? [time(words[i + 1], 1)] : [];
  });
}
