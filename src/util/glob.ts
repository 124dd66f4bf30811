// Redis's glob patterns on the host: CONFIG GET, COMMAND LIST, ACL rules.
//
//   *        any bytes, also none          [abc] [a-z]  one byte of the set
//   ?        one byte                      [^abc]       one byte outside of it
//   \x       x itself                      anything else stands for itself
//
// The core has its own matcher for keys and channels; both follow Redis down to its oddities: an
// unclosed set ends with the pattern, a backslash at the very end stands for itself, a range may be
// given backwards, an escaped byte of a set keeps its case, and only the empty pattern matches the
// empty text. Time: O(pattern * text) in the worst case, because the last star alone is
// retried, which suffices: whatever an earlier star could take, a later one can take too.

const STAR = 0x2a;
const QUESTION = 0x3f;
const BACKSLASH = 0x5c;
const OPEN = 0x5b;
const CLOSE = 0x5d;
const CARET = 0x5e;
const DASH = 0x2d;

function lower(byte: number): number {
  return byte >= 0x41 && byte <= 0x5a ? byte + 32 : byte;
}

/** Position after the set that opens at `at`, negative when `byte` is not in it. */
function matchSet(pattern: Uint8Array, at: number, byte: number, nocase: boolean): number {
  const fold = nocase ? lower : (value: number) => value;
  const wanted = fold(byte);
  let pos = at + 1;
  const negated = pattern[pos] === CARET;
  if (negated) pos++;
  let found = false;
  for (; pos < pattern.length; pos++) {
    const first = pattern[pos]!;
    if (first === BACKSLASH && pos + 1 < pattern.length) {
      pos++;
      if (pattern[pos] === byte) found = true; // here Redis does not fold
    } else if (first === CLOSE) {
      break;
    } else if (pattern[pos + 1] === DASH && pos + 2 < pattern.length) {
      // Ordered before folding, as Redis does.
      const other = pattern[pos + 2]!;
      const low = fold(Math.min(first, other));
      const high = fold(Math.max(first, other));
      pos += 2;
      if (wanted >= low && wanted <= high) found = true;
    } else if (fold(first) === wanted) {
      found = true;
    }
  }
  const after = Math.min(pos + 1, pattern.length);
  return found !== negated ? after : -1;
}

/** Position in the pattern after the element at `at`, negative when it does not match `byte`. */
function matchOne(pattern: Uint8Array, at: number, byte: number, nocase: boolean): number {
  let pos = at;
  if (pattern[pos] === QUESTION) return pos + 1;
  if (pattern[pos] === OPEN) return matchSet(pattern, pos, byte, nocase);
  if (pattern[pos] === BACKSLASH && pos + 1 < pattern.length) pos++;
  const literal = pattern[pos]!;
  const equal = nocase ? lower(literal) === lower(byte) : literal === byte;
  return equal ? pos + 1 : -1;
}

/** Whether the whole text matches the whole pattern. `nocase` folds ASCII letters only. */
export function globMatch(pattern: Uint8Array, text: Uint8Array, nocase = false): boolean {
  if (text.length === 0) return pattern.length === 0;
  let at = 0;
  let pos = 0;
  let starAt = -1;
  let starPos = 0;
  while (pos < text.length) {
    if (pattern[at] === STAR) {
      starAt = ++at;
      starPos = pos;
      continue;
    }
    const next = at < pattern.length ? matchOne(pattern, at, text[pos]!, nocase) : -1;
    if (next >= 0) {
      at = next;
      pos++;
    } else if (starAt >= 0) {
      at = starAt;
      pos = ++starPos;
    } else {
      return false;
    }
  }
  while (pattern[at] === STAR) at++;
  return at === pattern.length;
}
