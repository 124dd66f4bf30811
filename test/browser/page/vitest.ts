// `vitest` for tests that run in a page: its own runner and assertions, which need no Node, with a report in
// place of a terminal. Snapshots, mocks and the like are not there.

import {
  chai,
  getState,
  JestAsymmetricMatchers,
  JestChaiExpect,
  JestExtend,
  setState,
} from '@vitest/expect';
import {
  afterAll,
  afterEach,
  beforeAll,
  beforeEach,
  describe,
  it,
  startTests,
  type Task,
  test,
  type VitestRunner,
} from '@vitest/runner';

export { afterAll, afterEach, beforeAll, beforeEach, describe, it, test };

chai.use(JestExtend);
chai.use(JestChaiExpect);
chai.use(JestAsymmetricMatchers);

export const expect = ((value: unknown, message?: string) =>
  chai.expect(value, message)) as unknown as typeof import('vitest').expect;
setState({ ...getState(expect as never), assertionCalls: 0 } as never, expect as never);

export interface Outcome {
  /** Titles from the outside to the inside. */
  readonly titles: readonly string[];
  readonly state: 'passed' | 'failed' | 'skipped';
  readonly error: string;
}

/** Tests may take this long; a machine may be slow. */
const TEST_MS = 120_000;

/** Runs what `load` declares. */
export async function runTests(name: string, load: () => Promise<unknown>): Promise<Outcome[]> {
  const runner: VitestRunner = {
    config: {
      root: '/',
      setupFiles: [],
      name: undefined,
      passWithNoTests: false,
      testNamePattern: undefined,
      allowOnly: false,
      sequence: { seed: 0, hooks: 'stack', setupFiles: 'list' },
      chaiConfig: undefined,
      maxConcurrency: 1,
      testTimeout: TEST_MS,
      hookTimeout: TEST_MS,
      retry: 0,
      includeTaskLocation: false,
      tags: [],
      tagsFilter: undefined,
      strictTags: true,
    },
    importFile: load,
  };
  const files = await startTests([{ filepath: `/${name}` }], runner);
  return files.flatMap((file) => {
    const outcomes = file.tasks.flatMap((task) => outcomesOf(task, []));
    // Of a file that could not be loaded there is nothing else.
    const errors = file.result?.errors ?? [];
    return errors.length === 0 ? outcomes : [...outcomes, failure([name], errors)];
  });
}

function failure(titles: readonly string[], errors: readonly { stack?: string }[]): Outcome {
  const error = errors.map((each) => each.stack ?? JSON.stringify(each)).join('\n');
  return { titles, state: 'failed', error };
}

function outcomesOf(task: Task, outer: readonly string[]): Outcome[] {
  const titles = [...outer, task.name];
  if (task.type === 'suite') {
    const inner = task.tasks.flatMap((each) => outcomesOf(each, titles));
    const errors = task.result?.errors ?? [];
    return errors.length === 0 ? inner : [...inner, failure(titles, errors)];
  }
  if (task.mode === 'skip' || task.result?.state === 'skip') {
    return [{ titles, state: 'skipped', error: '' }];
  }
  if (task.result?.state === 'pass') return [{ titles, state: 'passed', error: '' }];
  return [failure(titles, task.result?.errors ?? [{ stack: `state ${task.result?.state}` }])];
}
