// Unix time in milliseconds with a fraction, for TIME and MONITOR, which show microseconds.
//
// The system's clock is only readable in whole milliseconds, and the fine clock counts from the start
// of the process and does not follow when the system's is set. So the distance between the two is
// narrowed down: a reading of whole milliseconds says that it lies within one millisecond, and many
// readings at different fractions leave a small part of that.
//
//   system   |-- 1000 --|-- 1001 --|       reading 1000 at fine time 17.3: 982.7 <= distance < 983.7
//   fine        17.3      18.1             reading 1001 at fine time 18.1: 982.9 <= distance < 983.9
//
// The result never leaves the millisecond that the system's clock shows.

/** A clock made of the system's (whole milliseconds) and a fine one (milliseconds since anything). */
export function wallClock(systemMs: () => number, fineMs: () => number): () => number {
  let low = Number.NEGATIVE_INFINITY;
  let high = Number.POSITIVE_INFINITY;
  return () => {
    const now = systemMs();
    const fine = fineMs();
    low = Math.max(low, now - fine);
    high = Math.min(high, now + 1 - fine);
    // The system's clock was set, or the two drifted apart: begin again.
    if (low >= high) {
      low = now - fine;
      high = low + 1;
    }
    return Math.min(Math.max(fine + low, now), now + 0.999);
  };
}
