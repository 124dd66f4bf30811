// Glob patterns as KEYS, SCAN MATCH, PSUBSCRIBE and CONFIG GET use them.
//
//   *       any bytes, also none          [abc]   one byte of a class
//   ?       any one byte                  [^abc]  one byte that is not of the class
//   \x      the byte x itself             [a-f]   a range; its ends may be in either order
//
// Exactly as in Redis, oddities included:
// - Bytes are signed, so a range with one end above 127 runs through -1 and 0.
// - A class that is never closed ends with the pattern: "[ab" is "[ab]", and "[^" is any byte.
// - A backslash that ends the pattern, or a class that is not closed, stands for itself.
// - The empty string matches the empty pattern only, not even "*".
// - A pattern in which more than 1000 runs of stars are met matches nothing.
//
// Every part between two stars is matched at the first place where it fits; a later place could
// only leave less for the rest. So a failure returns to the last star alone, and no pattern takes
// more than O(pattern * string) steps. There is no recursion.

const STAR: u8 = 42;
const DASH: u8 = 45;
const QUESTION: u8 = 63;
const CLASS_OPEN: u8 = 91;
const BACKSLASH: u8 = 92;
const CLASS_CLOSE: u8 = 93;
const CARET: u8 = 94;

const STAR_RUNS_MAX: u32 = 1000;

/** Where the class that `matchClass` read last ends: the address after its bracket. */
let classEnd: usize = 0;

/** tolower of the C locale on a signed byte. */
function lower(byte: i32): i32 {
  return <u32>(byte - 65) < 26 ? byte + 32 : byte;
}

/**
 * Whether a byte is of the class that starts after the bracket at `pattern`. The address after the
 * class is left in `classEnd`.
 */
function matchClass(pattern: usize, patternEnd: usize, subject: i32, nocase: bool): bool {
  pattern++;
  const negated = pattern < patternEnd && load<u8>(pattern) == CARET;
  if (negated) pattern++;
  const wanted = nocase ? lower(subject) : subject;
  let found = false;
  while (pattern < patternEnd) {
    const byte = load<u8>(pattern);
    const left = patternEnd - pattern;
    if (byte == BACKSLASH && left >= 2) {
      // An escaped byte is compared with its case, even when the rest is not.
      if (<i32>load<i8>(pattern + 1) == subject) found = true;
      pattern += 2;
    } else if (byte == CLASS_CLOSE) {
      pattern++;
      break;
    } else if (left >= 3 && load<u8>(pattern + 1) == DASH) {
      const start = <i32>load<i8>(pattern);
      const end = <i32>load<i8>(pattern + 2);
      let low = min(start, end);
      let high = max(start, end);
      if (nocase) {
        low = lower(low);
        high = lower(high);
      }
      if (wanted >= low && wanted <= high) found = true;
      pattern += 3;
    } else {
      const member = <i32>load<i8>(pattern);
      if ((nocase ? lower(member) : member) == wanted) found = true;
      pattern++;
    }
  }
  classEnd = pattern;
  return found != negated;
}

/** Whether the whole string matches the whole pattern; `nocase` takes A-Z and a-z as the same. */
export function globMatch(
  pattern: usize,
  patternLen: usize,
  string: usize,
  stringLen: usize,
  nocase: bool,
): bool {
  if (stringLen == 0) return patternLen == 0;
  const patternEnd = pattern + patternLen;
  const stringEnd = string + stringLen;
  // The pattern after the last star met, and the place in the string where it is being tried.
  let retryPattern: usize = 0;
  let retryString: usize = 0;
  let starRuns: u32 = 0;

  while (true) {
    let matched = false;
    if (pattern < patternEnd) {
      let byte = load<u8>(pattern);
      if (byte == STAR) {
        pattern++;
        while (pattern < patternEnd && load<u8>(pattern) == STAR) pattern++;
        if (pattern == patternEnd) return true;
        if (++starRuns > STAR_RUNS_MAX) return false;
        retryPattern = pattern;
        retryString = string;
        continue;
      }
      if (byte == QUESTION) {
        matched = true;
        pattern++;
      } else if (byte == CLASS_OPEN) {
        matched = matchClass(pattern, patternEnd, load<i8>(string), nocase);
        pattern = classEnd;
      } else {
        if (byte == BACKSLASH && patternEnd - pattern >= 2) byte = load<u8>(++pattern);
        const subject = load<u8>(string);
        matched = byte == subject || (nocase && lower(byte) == lower(subject));
        pattern++;
      }
    }
    if (matched) {
      string++;
      if (string < stringEnd) continue;
      // Nothing is left to match: only stars may follow. Trying elsewhere could not help, as there
      // the rest of the pattern would find even fewer bytes.
      while (pattern < patternEnd && load<u8>(pattern) == STAR) pattern++;
      return pattern == patternEnd;
    }
    if (retryPattern == 0 || ++retryString == stringEnd) return false;
    pattern = retryPattern;
    string = retryString;
  }
}
