// The core's notion of time: set by the host at every call, constant while a batch runs.

/** Unix time of the running call, in milliseconds. */
export let nowMs: i64 = 0;
/** The same in whole seconds: access clocks need it for every key that is used. */
export let nowSeconds: i64 = 0;
/** Microseconds by the host's monotonic clock; read only to measure durations and keep budgets. */
export declare function clockUs(): f64;

export function setNowMs(ms: i64): void {
  nowMs = ms;
  nowSeconds = ms / 1000;
}
