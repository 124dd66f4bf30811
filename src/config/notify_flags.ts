// The classes of `notify-keyspace-events`: one letter and one bit each.
//
// "A" stands for all classes except key misses (m) and new keys (n), and does not choose where the
// events go (K, E). The bits are Redis's, so that modules and tools that know them agree.

export const NOTIFY_KEYSPACE = 1;
export const NOTIFY_KEYEVENT = 2;
export const NOTIFY_GENERIC = 4;
export const NOTIFY_STRING = 8;
export const NOTIFY_LIST = 16;
export const NOTIFY_SET = 32;
export const NOTIFY_HASH = 64;
export const NOTIFY_ZSET = 128;
export const NOTIFY_EXPIRED = 256;
export const NOTIFY_EVICTED = 512;
export const NOTIFY_STREAM = 1024;
export const NOTIFY_KEY_MISS = 2048;
export const NOTIFY_MODULE = 8192;
export const NOTIFY_NEW = 16384;
export const NOTIFY_ALL =
  NOTIFY_GENERIC |
  NOTIFY_STRING |
  NOTIFY_LIST |
  NOTIFY_SET |
  NOTIFY_HASH |
  NOTIFY_ZSET |
  NOTIFY_EXPIRED |
  NOTIFY_EVICTED |
  NOTIFY_STREAM |
  NOTIFY_MODULE;

/** Classes that "A" covers, then "n", which Redis prints only when "A" does not apply. */
const CLASS_LETTERS: readonly (readonly [letter: string, flag: number])[] = [
  ['g', NOTIFY_GENERIC],
  ['$', NOTIFY_STRING],
  ['l', NOTIFY_LIST],
  ['s', NOTIFY_SET],
  ['h', NOTIFY_HASH],
  ['z', NOTIFY_ZSET],
  ['x', NOTIFY_EXPIRED],
  ['e', NOTIFY_EVICTED],
  ['t', NOTIFY_STREAM],
  ['d', NOTIFY_MODULE],
  ['n', NOTIFY_NEW],
];

const TARGET_LETTERS: readonly (readonly [letter: string, flag: number])[] = [
  ['K', NOTIFY_KEYSPACE],
  ['E', NOTIFY_KEYEVENT],
  ['m', NOTIFY_KEY_MISS],
];

const FLAG_OF_LETTER: ReadonlyMap<string, number> = new Map([
  ...CLASS_LETTERS,
  ...TARGET_LETTERS,
  ['A', NOTIFY_ALL] as const,
]);

/** The bits of `letters`, or null when one of them names no class. */
export function parseNotifyFlags(letters: string): number | null {
  let flags = 0;
  for (const letter of letters) {
    const flag = FLAG_OF_LETTER.get(letter);
    if (flag === undefined) return null;
    flags |= flag;
  }
  return flags;
}

export function formatNotifyFlags(flags: number): string {
  const set = ([, flag]: readonly [string, number]) => (flags & flag) !== 0;
  const letter = ([text]: readonly [string, number]) => text;
  const classes =
    (flags & NOTIFY_ALL) === NOTIFY_ALL ? 'A' : CLASS_LETTERS.filter(set).map(letter).join('');
  return classes + TARGET_LETTERS.filter(set).map(letter).join('');
}
