// Parts of the program that do not come, as when the site has a later release than the page.

import { expect, it } from 'vitest';
import { part, startedWorker } from '../../src/browser/part.ts';

it('a part that does not come is an error with a code', async () => {
  const coming = Promise.reject(new TypeError('404'));
  await expect(part(coming)).rejects.toMatchObject({ name: 'RespiteError', code: 'NOT_LOADED' });
  expect(await part(Promise.resolve(1))).toBe(1);
});

it('a worker that may not be started is an error with a code', () => {
  const forbidden = () => {
    throw new DOMException('no', 'SecurityError');
  };
  expect(() => startedWorker(forbidden)).toThrow(expect.objectContaining({ code: 'NOT_LOADED' }));
});
