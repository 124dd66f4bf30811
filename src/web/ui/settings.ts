// Choices that outlive the page, kept in localStorage where the browser allows it.

const PREFIX = 'respite.';

export function readSetting(name: string): string | undefined {
  try {
    return localStorage.getItem(PREFIX + name) ?? undefined;
  } catch {
    return undefined;
  }
}

export function writeSetting(name: string, value: string): void {
  try {
    localStorage.setItem(PREFIX + name, value);
  } catch {
    // Storage is blocked or full: the choice holds for this visit.
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
