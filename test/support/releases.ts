// Releases of Redis, and where Respite stands among them.

/** Respite has the commands of the newest release, and where behaviour changed that of 7.2. */
export const RESPITE = { commands: '8.10.1', behaviour: '7.2.6' };

/** Whether release `version` comes before release `other`: "7.0.15" before "7.2". */
export function isOlder(version: string, other: string): boolean {
  const a = version.split('.').map(Number);
  const b = other.split('.').map(Number);
  for (let i = 0; i < b.length; i++) {
    const difference = (a[i] ?? 0) - (b[i] ?? 0);
    if (difference !== 0) return difference < 0;
  }
  return false;
}
