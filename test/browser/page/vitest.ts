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

export const expect = chai.expect as unknown as typeof import('vitest').expect;
setState({ ...(getState(expect as never) as object), assertionCalls: 0 }, expect as never);

export interface Outcome {
  /** Titles from the outside to the inside. */
  readonly titles: readonly string[];
  /** `excepted`: one of those that were not to be run. */
  readonly state: 'passed' | 'failed' | 'skipped' | 'excepted';
  readonly error: string;
}

/** Shorter than the time that the file has outside, so that it is told what hangs. */
const TEST_MS = 30_000;

/** Runs what `load` declares, but for those whose titles `isExcepted` knows. */
export async function runTests(
  name: string,
  load: () => Promise<unknown>,
  isExcepted: (titles: readonly string[]) => boolean,
): Promise<Outcome[]> {
  const excepted = new Set<Task>();
  const except = (task: Task, outer: readonly string[]) => {
    const titles = [...outer, task.name];
    if (task.type === 'suite') for (const each of task.tasks) except(each, titles);
    else if (task.mode === 'run' && isExcepted(titles)) {
      task.mode = 'skip';
      excepted.add(task);
    }
  };
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
    onCollected: ([file]) => {
      for (const task of file?.tasks ?? []) except(task, []);
    },
  };
  const files = await startTests([{ filepath: `/${name}` }], runner);
  return files.flatMap((file) => {
    const outcomes = file.tasks.flatMap((task) => outcomesOf(task, [], excepted));
    // Of a file that could not be loaded there is nothing else.
    const errors = file.result?.errors ?? [];
    return errors.length === 0 ? outcomes : [...outcomes, failure([name], errors)];
  });
}

function failure(titles: readonly string[], errors: readonly { stack?: string }[]): Outcome {
  const error = errors.map((each) => each.stack ?? JSON.stringify(each)).join('\n');
  return { titles, state: 'failed', error };
}

function outcomesOf(task: Task, outer: readonly string[], excepted: ReadonlySet<Task>): Outcome[] {
  const titles = [...outer, task.name];
  if (task.type === 'suite') {
    const inner = task.tasks.flatMap((each) => outcomesOf(each, titles, excepted));
    const errors = task.result?.errors ?? [];
    return errors.length === 0 ? inner : [...inner, failure(titles, errors)];
  }
  if (excepted.has(task)) return [{ titles, state: 'excepted', error: '' }];
  if (task.mode === 'skip' || task.result?.state === 'skip') {
    return [{ titles, state: 'skipped', error: '' }];
  }
  if (task.result?.state === 'pass') return [{ titles, state: 'passed', error: '' }];
  return [failure(titles, task.result?.errors ?? [{ stack: `state ${task.result?.state}` }])];
}
