// What may differ between two servers without being a defect: the one list, with its reasons.
//
// The differential fuzzer asks it only when two replies are not equal byte for byte. A rule sees
// the command and both replies and says whether this difference is one it stands for; it must be as
// narrow as it can, for what it lets through nobody looks at again. What would differ without a
// reply to pin it to (SETNAME in a HELLO that fails, QUIT while replies are off) is not generated:
// see `isAllowed` in grammar/index.ts.

import { showReply } from '../support/reply_notation.ts';
import type { Reply } from '../support/resp_decoder.ts';
import { isOlder } from '../support/targets.ts';

export interface Difference {
  /** Lower-case latin1 words of the command. */
  words: readonly string[];
  a: Reply;
  b: Reply;
  /** Releases the two servers behave as. */
  versions: readonly [a: string, b: string];
  /** 0 in epochs where every expiry was given as a point in time. */
  ttlToleranceMs: number;
}

export interface IntendedDifference {
  name: string;
  reason: string;
  allows(difference: Difference): boolean;
  /** Whether the servers' data differ from here on, so that the rest of the epoch says nothing. */
  parts?(difference: Difference): boolean;
}

const TTL_TOLERANCE_FLOOR_MS = 2000;
const LAST_SECONDS = 9_223_372_036_854_774n;
/** Field of a COMMAND INFO entry that holds the hints. */
const HINTS = 7;

function integers({ a, b }: Difference): [bigint, bigint] | null {
  return a.kind === 'integer' && b.kind === 'integer' ? [a.value, b.value] : null;
}

function within(difference: Difference, tolerance: number): boolean {
  const values = integers(difference);
  if (!values || values[0] < 0n || values[1] < 0n) return false;
  const distance = values[0] - values[1];
  return (distance < 0n ? -distance : distance) <= BigInt(tolerance);
}

function items(reply: Reply): Reply[] | null {
  return reply.kind === 'array' || reply.kind === 'set' ? reply.items : null;
}

function text(reply: Reply | undefined): string | null {
  if (!reply) return null;
  if ('bytes' in reply) return reply.bytes.toString('latin1');
  return 'text' in reply ? reply.text : null;
}

/** The elements as sorted text, or null when one of them is no string. */
function sortedTexts(reply: Reply | undefined): string | null {
  const found = reply && items(reply)?.map(text);
  return found && !found.includes(null) ? JSON.stringify(found.sort()) : null;
}

function sameElements(a: Reply | undefined, b: Reply | undefined): boolean {
  const texts = sortedTexts(a);
  return texts !== null && texts === sortedTexts(b);
}

/** Key and value pairs of a map, or of the flat array RESP2 has in its place, as sorted text. */
function sortedPairs(reply: Reply): string | null {
  if (reply.kind === 'map') {
    return JSON.stringify(reply.entries.map((pair) => pair.map(text).join('\0')).sort());
  }
  const flat = items(reply);
  if (!flat) return null;
  const pairs: string[] = [];
  for (let i = 0; i < flat.length; i += 2) pairs.push(`${text(flat[i])}\0${text(flat[i + 1])}`);
  return JSON.stringify(pairs.sort());
}

/** Part of a COMMAND INFO entry, without what its notes on keys say in words. */
function showEntry(reply: Reply): string {
  return showReply(reply).replace(/("notes"(?:, |: ))"(?:[^"\\]|\\.)*"/g, '$1""');
}

/** A COMMAND INFO reply with the subcommands of each command sorted, as text. */
function commandEntries(reply: Reply, hints?: 'without hints'): string | null {
  const entries = items(reply)?.map((entry) => {
    if (entry.kind === 'null') return 'null';
    const fields = items(entry);
    const subcommands = items(fields?.[9] ?? entry);
    if (!fields || !subcommands) return null;
    const rest = fields.slice(0, 9).filter((_, i) => !hints || i !== HINTS);
    return [...rest.map(showEntry), ...subcommands.map(showEntry).sort()].join(' ');
  });
  return entries && !entries.includes(null) ? JSON.stringify(entries) : null;
}

function samePairs(a: Reply | undefined, b: Reply | undefined): boolean {
  const pairs = a && sortedPairs(a);
  return !!pairs && !!b && pairs === sortedPairs(b);
}

/** Whether two pages of a scan have the same cursor and, by `same`, the same elements. */
function sameScan(a: Reply, b: Reply, same: typeof samePairs): boolean {
  if (!isScanReply(a) || !isScanReply(b)) return false;
  return text(items(a)?.[0]) === text(items(b)?.[0]) && same(items(a)?.[1], items(b)?.[1]);
}

/** Entries of an XPENDING list, but for the idle time, which is the third element. */
function samePending(a: Reply, b: Reply | undefined, toleranceMs: number): boolean {
  const [left, right] = [items(a), b && items(b)];
  if (left?.length !== 4 || right?.length !== 4) return false;
  const [idleA, idleB] = [left[2], right[2]];
  if (idleA?.kind !== 'integer' || idleB?.kind !== 'integer') return false;
  if (Math.abs(Number(idleA.value - idleB.value)) > toleranceMs) return false;
  return [0, 1, 3].every((k) => showReply(left[k] as Reply) === showReply(right[k] as Reply));
}

function isScanReply(reply: Reply): boolean {
  const found = items(reply);
  return found?.length === 2 && found[0]?.kind === 'bulk' && found[1]?.kind === 'array';
}

/** A SCAN that looks at the whole small key space at once. */
function scansAll(words: readonly string[]): boolean {
  const at = words.lastIndexOf('count');
  return words[1] === '0' && at > 0 && Number(words[at + 1]) >= 1000;
}

function crosses(versions: readonly [string, string], release: string): boolean {
  return isOlder(versions[0], release) !== isOlder(versions[1], release);
}

function bothErrors({ a, b }: Difference): boolean {
  return a.kind === 'error' && b.kind === 'error';
}

/** Map entries of HELLO with what identifies server and connection taken out. */
function helloWithoutIdentity(reply: Reply): string | null {
  const flat = reply.kind === 'map' ? reply.entries.flat() : items(reply);
  if (!flat || text(flat[0]) !== 'server') return null;
  const shown = flat.map((item) => (item.kind === 'integer' ? String(item.value) : text(item)));
  for (const field of ['version', 'id']) shown[shown.indexOf(field) + 1] = '';
  return JSON.stringify(shown);
}

/** Whether two replies are the same but for how they write the same numbers. */
function sameNumbers(a: Reply, b: Reply): boolean {
  const [left, right] = [items(a), items(b)];
  if (left && right) {
    return left.length === right.length && left.every((item, i) => sameNumbers(item, right[i]!));
  }
  if (a.kind !== b.kind) return false;
  const [one, other] = [showReply(a), showReply(b)];
  if (one === other) return true;
  const number = (shown: string) =>
    Number(shown.replace(/^(?:"|double\()(.*)[")]$/, '$1') || Number.NaN);
  return number(one) === number(other);
}

/** Whether SORT of a set with these words may leave open which of two elements comes first. */
function isOpenOrder(words: readonly string[]): boolean {
  const by = words.lastIndexOf('by');
  return words.includes('alpha') || (by > 0 && !words[by + 1]?.includes('*'));
}

export const INTENDED_DIFFERENCES: readonly IntendedDifference[] = [
  // --- Types other than strings ---
  {
    name: 'encodings of lists',
    reason: 'Since 7.2 small lists are listpacks.',
    allows: (d) =>
      d.words[0] === 'object' &&
      crosses(d.versions, '7.2') &&
      text(d.a) === 'quicklist' &&
      text(d.b) === 'listpack',
  },
  {
    name: 'WITHSCORE',
    reason: 'ZRANK and ZREVRANK have it since 7.2, and so take one more argument.',
    allows: (d) =>
      ['zrank', 'zrevrank'].includes(d.words[0] ?? '') &&
      d.words.length === 4 &&
      crosses(d.versions, '7.2') &&
      d.a.kind === 'error',
  },
  {
    name: 'digits of scores',
    reason: 'Since 7.2 scores have as few digits as tell them, before that always 17.',
    allows: (d) =>
      /^b?z/.test(d.words[0] ?? '') && crosses(d.versions, '7.2') && sameNumbers(d.a, d.b),
  },
  {
    name: 'encodings of sets',
    reason: 'Since 7.2 small sets are listpacks.',
    allows: (d) =>
      d.words[0] === 'object' &&
      crosses(d.versions, '7.2') &&
      text(d.a) === 'hashtable' &&
      text(d.b) === 'listpack',
  },
  {
    name: 'payloads of DUMP',
    reason: 'The bytes follow the order of hash tables and the encoding; exchange.ts looks inside.',
    allows: (d) => d.words[0] === 'dump' && d.a.kind === 'bulk' && d.b.kind === 'bulk',
  },
  {
    name: 'order of members and fields',
    reason: 'It is the order of a hash table, which no command promises.',
    allows: (d) =>
      (/^(?:smembers|sinter|sunion|sdiff|hkeys|hvals|spop)$/.test(d.words[0] ?? '') &&
        sameElements(d.a, d.b)) ||
      (d.words[0] === 'hgetall' && samePairs(d.a, d.b)),
  },
  {
    name: 'SSCAN and HSCAN of everything',
    reason: 'One page holds all, in the order of the hash table.',
    allows: (d) =>
      /^[hs]scan$/.test(d.words[0] ?? '') &&
      sameScan(d.a, d.b, d.words[0] === 'hscan' ? samePairs : sameElements),
  },
  {
    name: 'SSCAN and HSCAN of a part',
    reason:
      'Cursors and page contents belong to the layout of the hash table; a count beyond 2^59 ' +
      'overflows in Redis and gives pages of one bucket.',
    allows: (d) => {
      const count = Number(d.words[d.words.lastIndexOf('count') + 1]);
      const whole = d.words[2] === '0' && count >= 1000 && count < 2 ** 59;
      return /^[hs]scan$/.test(d.words[0] ?? '') && !whole && isScanReply(d.a) && isScanReply(d.b);
    },
  },
  {
    name: 'random members and fields',
    reason: 'Any will do.',
    allows: (d) =>
      /^(?:hrandfield|srandmember)$/.test(d.words[0] ?? '') &&
      d.a.kind === d.b.kind &&
      d.a.kind !== 'error' &&
      items(d.a)?.length === items(d.b)?.length,
  },
  // --- Time ---
  {
    name: 'time left',
    reason: 'The servers run the same command some milliseconds apart.',
    allows: (d) =>
      (d.words[0] === 'pttl' && within(d, TTL_TOLERANCE_FLOOR_MS)) ||
      (d.words[0] === 'ttl' && within(d, 2)),
  },
  {
    name: 'point of expiry',
    reason: 'A relative expiry becomes a point in time by the clock of the server.',
    allows: (d) =>
      d.ttlToleranceMs > 0 &&
      ((d.words[0] === 'pexpiretime' && within(d, d.ttlToleranceMs)) ||
        (d.words[0] === 'expiretime' && within(d, d.ttlToleranceMs / 1000))),
  },
  {
    name: 'last representable times',
    reason: 'Redis rounds to seconds with a sum that overflows, which C leaves undefined.',
    allows: (d) => {
      const isLast = (value: bigint) => value > LAST_SECONDS || value < -LAST_SECONDS;
      const values = integers(d);
      return /^(?:ttl|expiretime)$/.test(d.words[0] ?? '') && !!values?.every(isLast);
    },
  },
  {
    name: 'idle time',
    reason:
      'It counts whole seconds of a coarse clock; integers below 10,000 are shared by all keys ' +
      'in Redis, which then shows when any of them was used.',
    allows: (d) =>
      d.words[0] === 'object' && d.words[1] === 'idletime' && within(d, Number.MAX_SAFE_INTEGER),
  },
  {
    name: 'unbalanced list of streams',
    reason: 'Since 7.2 the error quotes the command in lower case.',
    allows: (d) =>
      crosses(d.versions, '7.2') &&
      bothErrors(d) &&
      [d.a, d.b].every((reply) => text(reply)?.startsWith('ERR Unbalanced ')),
  },
  {
    name: 'the last entry',
    reason: 'Before 7.4 "+" is no id for XREAD, and XREADGROUP refuses it in other words.',
    allows: ({ words, a }) =>
      (words[0] === 'xread' || words[0] === 'xreadgroup') &&
      words.includes('+') &&
      text(a) === 'ERR Invalid stream ID specified as stream command argument',
  },
  {
    name: 'consumers of claims',
    reason: 'Since 7.2 a claim makes its consumer even if there is nothing to claim.',
    allows: (d) => {
      if (!crosses(d.versions, '7.2')) return false;
      if (d.words[0] === 'xgroup') return d.words[1] === 'createconsumer' && within(d, 1);
      const consumers = /"consumers"(, |: )\d+/g;
      const [a, b] = [d.a, d.b].map((reply) => showReply(reply).replace(consumers, ''));
      return d.words[0] === 'xinfo' && d.words[1] === 'groups' && a === b;
    },
  },
  {
    name: 'idle time of pending entries',
    reason: 'The same entry was delivered some milliseconds sooner or later.',
    allows: ({ words, a, b, ttlToleranceMs }) => {
      if (words[0] !== 'xpending') return false;
      const [left, right] = [items(a), items(b)];
      if (!left || left.length !== right?.length) return false;
      const tolerance = ttlToleranceMs + TTL_TOLERANCE_FLOOR_MS;
      return left.every((entry, i) => samePending(entry, right[i], tolerance));
    },
  },
  {
    name: 'TIME',
    reason: 'It is the clock.',
    allows: (d) => d.words[0] === 'time' && items(d.a)?.length === 2 && items(d.b)?.length === 2,
  },

  // --- Chance ---
  {
    name: 'RANDOMKEY',
    reason: 'Any key will do.',
    allows: (d) => d.words[0] === 'randomkey' && d.a.kind === 'bulk' && d.b.kind === 'bulk',
  },
  {
    name: 'access frequency',
    reason: 'The LFU counter grows by chance.',
    allows: (d) => d.words[0] === 'object' && d.words[1] === 'freq' && within(d, 255),
  },

  // --- Order and layout of the keyspace ---
  {
    name: 'order of KEYS',
    reason: 'It is the order of the hash table, which no command promises.',
    allows: (d) => d.words[0] === 'keys' && sameElements(d.a, d.b),
  },
  {
    name: 'SCAN of everything',
    reason: 'One page holds all keys, in the order of the hash table.',
    allows: (d) =>
      d.words[0] === 'scan' &&
      scansAll(d.words) &&
      isScanReply(d.a) &&
      isScanReply(d.b) &&
      text(items(d.a)?.[0]) === text(items(d.b)?.[0]) &&
      sameElements(items(d.a)?.[1], items(d.b)?.[1]),
  },
  {
    name: 'SCAN of a part',
    reason: 'Cursors and page contents belong to the layout of the hash table.',
    allows: (d) =>
      d.words[0] === 'scan' && !scansAll(d.words) && isScanReply(d.a) && isScanReply(d.b),
  },
  {
    name: 'MEMORY USAGE',
    reason: 'The servers lay their data out differently.',
    allows: (d) => {
      const values = integers(d);
      return d.words[0] === 'memory' && d.words[1] === 'usage' && !!values && values[1] > 0n;
    },
  },
  {
    name: 'reference count',
    reason: 'Redis shares the integers below 10,000 between keys and shows INT_MAX for them.',
    allows: (d) => d.words[0] === 'object' && d.words[1] === 'refcount' && within(d, 2147483647),
  },
  {
    name: 'order of CONFIG GET',
    reason: 'It is the order of the hash table of parameters.',
    allows: (d) => {
      const pairs = sortedPairs(d.a);
      return (
        d.words[0] === 'config' && d.words[1] === 'get' && !!pairs && pairs === sortedPairs(d.b)
      );
    },
  },
  {
    name: 'HELLO looks at all options first',
    reason: 'Redis 7.2 authenticates once the options are read, 7.0 as soon as it meets AUTH.',
    allows: (d) =>
      d.words[0] === 'hello' &&
      /^WRONGPASS/.test(text(d.a) ?? '') &&
      /^ERR Syntax error in HELLO option/.test(text(d.b) ?? ''),
  },
  {
    name: 'order of sets in SORT',
    reason: 'What the order asked for leaves open shows the order of the hash table.',
    allows: (d) =>
      /^sort(?:_ro)?$/.test(d.words[0] ?? '') &&
      /^sort:(?:set|ints|zset)$/.test(d.words[1] ?? '') &&
      isOpenOrder(d.words) &&
      items(d.a)?.length === items(d.b)?.length &&
      (d.words.includes('limit') || d.words.includes('get') || sameElements(d.a, d.b)),
  },
  {
    name: 'SORT after a number out of range',
    reason: 'Redis then takes every number for wrong, as errno stays set; whoever asked for it.',
    allows: (d) =>
      /^sort(?:_ro)?$/.test(d.words[0] ?? '') &&
      /^ERR One or more scores can't be converted into double$/.test(text(d.a) ?? '') &&
      (items(d.b) !== null || d.b.kind === 'integer'),
    parts: ({ words }) => words.includes('store'),
  },
  {
    name: 'timeouts beyond all times',
    reason:
      'In 7.0 such a number of seconds overflows and counts as negative; 7.2 says what is wrong.',
    allows: (d) =>
      crosses(d.versions, '7.2') &&
      text(d.a) === 'ERR timeout is negative' &&
      text(d.b) === 'ERR timeout is out of range' &&
      d.words.some((word) => Number(word) > 9e15),
  },
  {
    name: 'LPOS with the lowest rank',
    reason: 'Redis 7.2 refuses the one rank that has no opposite, 7.0 takes it.',
    allows: (d) =>
      d.words[0] === 'lpos' &&
      d.words.includes('-9223372036854775808') &&
      /^ERR value is out of range, value must between /.test(text(d.b) ?? ''),
  },
  {
    name: 'wording of notes on keys',
    reason: 'Descriptions are our own; what they are about is compared.',
    allows: (d) => {
      const entries = commandEntries(d.a);
      return d.words[0] === 'command' && !!entries && entries === commandEntries(d.b);
    },
  },
  {
    name: 'order of subcommands',
    reason: 'COMMAND INFO shows them in the order of a hash table.',
    allows: (d) => {
      const entries = commandEntries(d.a);
      return d.words[0] === 'command' && !!entries && entries === commandEntries(d.b);
    },
  },
  {
    name: 'order of COMMAND LIST',
    reason: 'It is the order of the hash table of commands.',
    allows: (d) => d.words[0] === 'command' && d.words[1] === 'list' && sameElements(d.a, d.b),
  },

  // --- Identity ---
  {
    name: 'HELLO',
    reason: 'Version and connection id are the server’s own.',
    allows: (d) => {
      const fields = helloWithoutIdentity(d.a);
      return d.words[0] === 'hello' && !!fields && fields === helloWithoutIdentity(d.b);
    },
  },
  {
    name: 'CLIENT ID',
    reason: 'Each server numbers its connections, its own included.',
    allows: (d) => d.words[0] === 'client' && d.words[1] === 'id' && within(d, 1_000_000_000),
  },

  // --- Releases ---
  {
    name: 'command hints',
    reason: 'Redis 7.2 added response policies to some commands.',
    allows: (d) => {
      const entries = commandEntries(d.a, 'without hints');
      return (
        d.words[0] === 'command' &&
        crosses(d.versions, '7.2') &&
        !!entries &&
        entries === commandEntries(d.b, 'without hints')
      );
    },
  },
  {
    name: 'COMMAND GETKEYS of one word',
    reason: 'Redis 7.2 takes a command without arguments and says what is wrong with it.',
    allows: (d) =>
      d.words[0] === 'command' &&
      /^getkeys(?:andflags)?$/.test(d.words[1] ?? '') &&
      d.words.length === 3 &&
      crosses(d.versions, '7.2') &&
      bothErrors(d),
  },
  {
    name: 'arity of PFDEBUG',
    reason: 'Redis 7.2 takes two arguments, 7.0 two or more and then complains in another way.',
    allows: (d) =>
      d.words[0] === 'pfdebug' &&
      d.words.length > 3 &&
      crosses(d.versions, '7.2') &&
      /^ERR wrong number of arguments/.test(text(d.b) ?? ''),
  },
  {
    name: 'help texts',
    reason: 'Redis 7.2 reworded the last line, and newer subcommands have lines of their own.',
    allows: (d) => {
      const [a, b] = [items(d.a), items(d.b)];
      return d.words[1] === 'help' && !!a?.length && !!b?.length && text(a[0]) === text(b[0]);
    },
  },
];

/** The rule that allows this difference, or null when it is a defect. */
export function intendedDifference(difference: Difference): IntendedDifference | null {
  return INTENDED_DIFFERENCES.find((rule) => rule.allows(difference)) ?? null;
}
