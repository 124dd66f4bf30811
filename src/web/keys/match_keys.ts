// The filter above the keys.

import { globMatch } from '../../util/glob.ts';
import { keyArgument } from './key_names.ts';

const encoder = new TextEncoder();

/** Text that is contained in the key, whatever its case; with a wildcard, a pattern as of KEYS. */
export function matchKeys(wanted: string): (key: string) => boolean {
  if (!/[*?[]/.test(wanted)) {
    const lower = wanted.toLowerCase();
    return (key) => key.toLowerCase().includes(lower);
  }
  return (key) => {
    const argument = keyArgument(key);
    const bytes = typeof argument === 'string' ? encoder.encode(argument) : argument;
    return globMatch(encoder.encode(wanted), bytes);
  };
}
