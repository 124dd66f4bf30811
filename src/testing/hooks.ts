// A store that lives as long as a test file, or a test, with the hooks of any framework.
//
//   vitest, jest:  const redis = useRespite({ beforeAll, beforeEach, afterAll }, { listen: true });
//   node:test:     const redis = useRespite({ before, beforeEach, after });
//
//   beforeAll: open, prepare ─> [the file's own beforeAll] ─> beforeEach: the first one remembers the data, later
//   ones go back to them ─> tests ─> afterAll: close

import { RespiteError } from '../embedded/errors.ts';
import { TestStore, type TestStoreOptions } from './test_store.ts';

type Hook = (run: () => Promise<void>) => unknown;

/** Hooks of a framework; `before` and `after` are what node:test calls `beforeAll` and `afterAll`. */
export interface TestHooks {
  readonly beforeAll?: Hook;
  readonly before?: Hook;
  readonly beforeEach: Hook;
  readonly afterAll?: Hook;
  readonly after?: Hook;
}

export interface UsedRespite {
  /** The store. Throws RespiteError BAD_OPTION outside of hooks and tests. */
  readonly store: TestStore;
}

export interface UseOptions extends TestStoreOptions {
  /** Makes the store ready, once, as a `beforeAll` of the file may do, too. */
  readonly prepare?: (store: TestStore) => Promise<void> | void;
}

/**
 * One store for the tests of a file (or of a `describe`). Each test begins with the data that were there before the
 * first one, without faults and recorded commands. Tests that run at the same time need `store.isolated()`.
 */
export function useRespite(
  hooks: TestHooks,
  { prepare, ...options }: UseOptions = {},
): UsedRespite {
  const beforeAll = hooks.beforeAll ?? hooks.before;
  const afterAll = hooks.afterAll ?? hooks.after;
  if (beforeAll === undefined || afterAll === undefined) {
    throw new RespiteError(
      'BAD_OPTION',
      'useRespite needs beforeAll and afterAll, or before and after',
    );
  }
  let store: TestStore | undefined;
  let opening: Promise<void> | undefined;
  let hasBase = false;
  const open = async (): Promise<void> => {
    store = await TestStore.open(options);
    await prepare?.(store);
  };
  beforeAll(() => {
    opening = open();
    return opening;
  });
  hooks.beforeEach(async () => {
    // Hooks of a whole file do not wait for one another under node:test.
    await opening;
    if (hasBase) await store?.reset();
    else await store?.setBase();
    store?.clearCommands();
    hasBase = true;
  });
  afterAll(async () => {
    await store?.close();
  });
  return {
    get store() {
      if (store !== undefined) return store;
      throw new RespiteError(
        'BAD_OPTION',
        'The store is opened by beforeAll: use it in tests and hooks',
      );
    },
  };
}

/**
 * A fixture for `test.extend` of vitest: a store of its own for each test that asks for it.
 *
 *   const test = base.extend({ store: respiteFixture({ listen: true }) });
 */
export function respiteFixture(
  options: TestStoreOptions = {},
): (context: object, use: (store: TestStore) => Promise<void>) => Promise<void> {
  // vitest reads from the first parameter which other fixtures are wanted: none.
  // biome-ignore lint/correctness/noEmptyPattern: it has to be a pattern
  return async ({}, use) => {
    await using store = await TestStore.open(options);
    await use(store);
  };
}
