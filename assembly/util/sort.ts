// Heapsort of addresses: in place, O(n log n) at worst, without memory of its own.
//
// What the addresses lead to says how it compares: a class E with `before(other: E): bool`. Equal
// elements change places, so an order that has to be stable needs a tie-breaker in the class.

function siftDown<E>(at: usize, from: u32, count: u32): void {
  let hole = from;
  const moving = load<u32>(at + (hole << 2));
  while (true) {
    let child = (hole << 1) + 1;
    if (child >= count) break;
    if (child + 1 < count) {
      const left = changetype<E>(<usize>load<u32>(at + (child << 2)));
      const right = changetype<E>(<usize>load<u32>(at + ((child + 1) << 2)));
      if (left.before(right)) child += 1;
    }
    const larger = load<u32>(at + (child << 2));
    if (!changetype<E>(<usize>moving).before(changetype<E>(<usize>larger))) break;
    store<u32>(at + (hole << 2), larger);
    hole = child;
  }
  store<u32>(at + (hole << 2), moving);
}

/** Sorts the `count` addresses (u32) at `at`, smallest first. */
export function sortAddresses<E>(at: usize, count: u32): void {
  for (let i = count >> 1; i > 0; i--) siftDown<E>(at, i - 1, count);
  for (let end = count; end > 1; end--) {
    const last = at + ((end - 1) << 2);
    const largest = load<u32>(at);
    store<u32>(at, load<u32>(last));
    store<u32>(last, largest);
    siftDown<E>(at, 0, end - 1);
  }
}
