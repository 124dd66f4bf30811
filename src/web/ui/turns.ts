// Work that takes long leaves the page its turns: keys, timers, frames.

/** Resolves when the browser has had one. */
export function nextTurn(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve));
}
