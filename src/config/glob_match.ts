// Redis's glob: the patterns of CONFIG GET.
//
//   *        any run of characters      [abc] [a-z] [^a]   one of, a range, none of
//   ?        any one character          \c                 c itself
//
// A set that is never closed ends with the pattern. Time is O(pattern * text): only the last "*" is
// ever tried again, which is enough because an earlier one could not match more.

import { lowerCase } from './byte_text.ts';

export function globMatch(pattern: string, text: string, ignoreCase: boolean): boolean {
  const fold = ignoreCase ? lowerCase : (char: string) => char;
  let p = 0;
  let t = 0;
  let starAt = -1;
  let starText = 0;
  while (t < text.length) {
    if (pattern[p] === '*') {
      starAt = p++;
      starText = t;
      continue;
    }
    const end = p < pattern.length ? matchElement(pattern, p, text[t]!, fold) : 0;
    if (end > 0) {
      p = end;
      t++;
    } else if (starAt >= 0) {
      p = starAt + 1;
      t = ++starText;
    } else {
      return false;
    }
  }
  while (pattern[p] === '*') p++;
  return p === pattern.length;
}

type Fold = (char: string) => string;

/** The index after the element at `at` when it matches `char`, else 0. */
function matchElement(pattern: string, at: number, char: string, fold: Fold): number {
  if (pattern[at] === '?') return at + 1;
  if (pattern[at] === '[') return matchSet(pattern, at + 1, char, fold);
  const literal = pattern[at] === '\\' && at + 1 < pattern.length ? at + 1 : at;
  return fold(pattern[literal]!) === fold(char) ? literal + 1 : 0;
}

/** As matchElement, for a set whose first character is at `start`. */
function matchSet(pattern: string, start: number, char: string, fold: Fold): number {
  const negated = pattern[start] === '^';
  let at = negated ? start + 1 : start;
  let found = false;
  while (at < pattern.length && pattern[at] !== ']') {
    if (pattern[at] === '\\' && at + 1 < pattern.length) {
      found ||= pattern[at + 1] === char; // Redis does not fold case here
      at += 2;
    } else if (pattern[at + 1] === '-' && at + 2 < pattern.length) {
      const [low, high] = [pattern[at]!, pattern[at + 2]!].sort() as [string, string];
      found ||= fold(char) >= fold(low) && fold(char) <= fold(high);
      at += 3;
    } else {
      found ||= fold(pattern[at]!) === fold(char);
      at++;
    }
  }
  const end = Math.min(at + 1, pattern.length);
  return found !== negated ? end : 0;
}
