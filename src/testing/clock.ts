// The time of a store under test.
//
// The system's clock is the global one, `Date` and timers as they are at the moment of use: a test that puts
// fakes in their place moves the store's time with them.

/** What faults wait by. */
export interface TestClock {
  /** Unix milliseconds. */
  now(): number;
  sleep(milliseconds: number): Promise<void>;
}

export const systemClock: TestClock = {
  now: () => Date.now(),
  sleep: (milliseconds) =>
    new Promise((resolve) => {
      setTimeout(resolve, milliseconds);
    }),
};
