// Entry point "respite/testing": stores for tests.
//
//   await using store = await startRespite({ listen: true, seed: { greeting: 'hello' } });
//   const app = new Redis(store.url);

import { TestStore, type TestStoreOptions } from './testing/test_store.ts';

export type { DataOptions, DataSetView, JsonValue, KeyView } from './testing/data_view.ts';
export {
  type ArgumentMatch,
  commandLine,
  expectCommand,
  expectKeys,
  expectTtl,
  expectValue,
} from './testing/expectations.ts';
export type {
  DelayOptions,
  DropOptions,
  Fault,
  FaultMoment,
  FaultOptions,
  Faults,
  SliceOptions,
  StateOptions,
} from './testing/faults.ts';
export {
  respiteFixture,
  type TestHooks,
  type UsedRespite,
  type UseOptions,
  useRespite,
} from './testing/hooks.ts';
export {
  bitmap,
  expiring,
  geo,
  hyperloglog,
  type SeedData,
  type SeedExpiry,
  type SeedScalar,
  type SeedValue,
  stream,
  zset,
} from './testing/seed.ts';
export type {
  CommandMatch,
  CommandTarget,
  SendingClient,
  SentCommand,
} from './testing/sent_command.ts';
export type { StoreSnapshot } from './testing/store_state.ts';
export type {
  ClientMatch,
  SeedOptions,
  TestStore,
  TestStoreOptions,
} from './testing/test_store.ts';

/** Opens a store in this process: in memory unless told otherwise, and with TCP if asked for. */
export function startRespite(options?: TestStoreOptions): Promise<TestStore> {
  return TestStore.open(options);
}
