// Comparing with a secret.

import { expect, it } from 'vitest';
import { isSecret } from '../../src/util/secret.ts';

const bytes = (text: string) => Buffer.from(text);

it.each([
  ['', '', true],
  ['a', '', false],
  ['', 'a', false],
  ['secret', 'secret', true],
  ['secreT', 'secret', false],
  ['secre', 'secret', false],
  // The secret begins again behind its end.
  ['secretsecret', 'secret', false],
  ['secret', 'secretsecret', false],
  ['\0', '', false],
  ['ü', 'ü', true],
])('%j is %j: %s', (tried, secret, expected) => {
  expect(isSecret(bytes(tried), bytes(secret))).toBe(expected);
});
