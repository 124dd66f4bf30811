// Work that takes long leaves the page its turns: keys, timers, frames.

/** Resolves when the browser has had one: by a timer, which lets it draw, as messages and tasks would not. */
export function pageTurn(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve));
}
