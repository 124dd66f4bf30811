// The interface of `respite/browser` in Chromium: in a page and in a worker, from the files that are shipped
// and from the bundle in one file.

import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { chromiumAvailable, root } from '../support/chromium.ts';
import { failuresOf, PageTests } from './page_tests.ts';

describe.skipIf(!chromiumAvailable())('respite/browser', () => {
  let tests: PageTests;

  beforeAll(async () => {
    tests = await PageTests.open(path.join(root, 'test/browser/page'), [
      'api.page.ts',
      'control.page.ts',
    ]);
  });
  afterAll(() => tests?.close());

  it('is tested by a runner that tells failures', async () => {
    const home = { program: '/respite.js', isWorker: false };
    const outcomes = await tests.run('control.page.ts', home, ['is excepted']);
    expect(outcomes.map(({ titles, state }) => `${titles.at(-1)}: ${state}`)).toEqual([
      'holds: passed',
      'fails at once: failed',
      'fails later: failed',
      'is excepted: excepted',
      'is skipped: skipped',
      'is not run: skipped',
      'a suite that cannot begin: failed',
    ]);
    expect(failuresOf(outcomes)[0]).toContain('expected 1 to be 2');
  });

  it.each([
    ['in a page', '/respite.js', false],
    ['in a worker', '/respite.js', true],
    ['in a page, from one file', '/respite.inline.js', false],
    ['in a worker, from one file', '/respite.inline.js', true],
  ] as const)('does what it says %s', async (_, program, isWorker) => {
    const outcomes = await tests.run('api.page.ts', { program, isWorker });
    expect(failuresOf(outcomes)).toEqual([]);
    expect(outcomes.every(({ state }) => state === 'passed')).toBe(true);
    expect(outcomes.length).toBeGreaterThan(30);
  });
});
