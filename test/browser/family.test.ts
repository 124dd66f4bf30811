// The families of commands, in a page and in a worker: the same sentences that servers have to satisfy, run
// in the page itself over connections of the bundle that is shipped. What cannot hold there is listed in
// exceptions.ts.

import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { chromiumAvailable, root } from '../support/chromium.ts';
import { EXCEPTIONS, exceptionsOf } from './exceptions.ts';
import type { Outcome } from './page/vitest.ts';
import { failuresOf, familyFiles, PageTests } from './page_tests.ts';

/** Sentences that all families together have, in both versions of RESP: fewer means that some got lost. */
const SENTENCES_MIN = 1100;

describe.skipIf(!chromiumAvailable())('the families of commands', () => {
  let tests: PageTests;
  const seen = new Set<string>();

  beforeAll(async () => {
    tests = await PageTests.open(path.join(root, 'test/family'), familyFiles());
  });
  afterAll(() => tests?.close());

  const run = (file: string, isWorker: boolean): Promise<Outcome[]> =>
    tests.run(file, { program: '/respite.js', isWorker }, exceptionsOf(file));

  describe.each([
    ['a page', false],
    ['a worker', true],
  ] as const)('in %s', (_, isWorker) => {
    const counts = { passed: 0, failed: 0, skipped: 0, excepted: 0 };

    it.each(familyFiles())('%s', async (file) => {
      const outcomes = await run(file, isWorker);
      for (const { state, titles } of outcomes) {
        counts[state] += 1;
        if (state === 'excepted') seen.add(`${file}: ${titles.at(-1)}`);
      }
      expect(failuresOf(outcomes)).toEqual([]);
      expect(outcomes.length).toBeGreaterThan(0);
    });

    it('all sentences were run, but for those that are excepted', () => {
      const { passed, skipped, excepted } = counts;
      process.stdout.write(
        `families ${isWorker ? 'in a worker' : 'in a page'}: ${passed} sentences hold, ${excepted} ` +
          `excepted, ${skipped} for one version or release only\n`,
      );
      expect(passed).toBeGreaterThan(SENTENCES_MIN);
      const listed = EXCEPTIONS.flatMap(({ file, titles }) => titles.map((t) => `${file}: ${t}`));
      expect([...seen].sort()).toEqual(listed.sort());
    });
  });
});
