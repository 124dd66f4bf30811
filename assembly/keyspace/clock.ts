// The core's notion of time: set by the host at every call, constant while a batch runs.

/** Unix time of the running call, in milliseconds. */
export let nowMs: i64 = 0;
/**
 * What expires is over before this: `nowMs`, but 0 while data is loaded. Then nothing expires, whatever
 * the clock says, because what is loaded refers to what was there when it was written.
 */
export let expiryClockMs: i64 = 0;
/** `nowMs` in whole seconds: access clocks need it for every key that is used. */
export let nowSeconds: i64 = 0;
/** The same in microseconds, as fine as the host's clock is. */
export let nowUs: i64 = 0;
/** Microseconds by the host's monotonic clock; read only to measure durations and keep budgets. */
export declare function clockUs(): f64;

/** Sets the time from Unix milliseconds, which may have a fraction. */
export function setNow(ms: f64): void {
  nowMs = <i64>ms;
  nowSeconds = nowMs / 1000;
  if (expires) expiryClockMs = nowMs;
  nowUs = <i64>(ms * 1000.0);
}

let expires: bool = true;

/** Stops or lets go on the expiring of keys and fields. */
export function setExpires(on: bool): void {
  expires = on;
  expiryClockMs = on ? nowMs : 0;
}
