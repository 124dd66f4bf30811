// The filter above the keys.

import { globMatch } from '../../util/glob.ts';
import { keyBytes } from './key_names.ts';

const encoder = new TextEncoder();

/** Text that is contained in the key, whatever its case; with a wildcard, a pattern as of KEYS. */
export function matchKeys(wanted: string): (key: string) => boolean {
  if (!/[*?[]/.test(wanted)) {
    const lower = wanted.toLowerCase();
    return (key) => key.toLowerCase().includes(lower);
  }
  const pattern = encoder.encode(wanted);
  return (key) => globMatch(pattern, keyBytes(key));
}
