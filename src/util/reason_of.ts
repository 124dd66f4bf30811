// What to say of anything that was thrown: an error's message, else what it is as text.

export function reasonOf(thrown: unknown): string {
  return thrown instanceof Error ? thrown.message : String(thrown);
}
