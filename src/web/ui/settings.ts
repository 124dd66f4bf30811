// Choices that outlive the page, kept in localStorage where the browser allows it.

const PREFIX = 'respite.';

/** What was chosen in this visit: all there is where storage is blocked or full. */
const chosen = new Map<string, string>();

export function readSetting(name: string): string | undefined {
  try {
    return chosen.get(name) ?? localStorage.getItem(PREFIX + name) ?? undefined;
  } catch {
    return undefined;
  }
}

export function writeSetting(name: string, value: string): void {
  chosen.set(name, value);
  try {
    localStorage.setItem(PREFIX + name, value);
  } catch {
    // The choice holds for this visit.
  }
}

/** localStorage, or nothing where the browser blocks it. */
export function settingsStorage(): Storage | undefined {
  try {
    return localStorage;
  } catch {
    return undefined;
  }
}
