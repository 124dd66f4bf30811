// Numbers, sizes and times as people read them.

const integers = new Intl.NumberFormat('en');

export function formatCount(count: number): string {
  return integers.format(Math.round(count));
}

/** "1.2M" */
export function formatShort(value: number): string {
  const steps: [number, string][] = [
    [1e9, 'G'],
    [1e6, 'M'],
    [1e3, 'k'],
  ];
  for (const [step, unit] of steps) {
    if (Math.abs(value) >= step) return `${trimmed(value / step)}${unit}`;
  }
  return trimmed(value);
}

export function formatBytes(bytes: number): string {
  const steps: [number, string][] = [
    [1024 ** 3, 'GiB'],
    [1024 ** 2, 'MiB'],
    [1024, 'KiB'],
  ];
  for (const [step, unit] of steps) if (bytes >= step) return `${trimmed(bytes / step)} ${unit}`;
  return `${formatCount(bytes)} B`;
}

/** "2 d 3 h", "12 s": the two largest units. */
export function formatDuration(ms: number): string {
  const seconds = Math.max(0, Math.ceil(ms / 1000));
  const parts: [number, string][] = [
    [Math.floor(seconds / 86400), 'd'],
    [Math.floor(seconds / 3600) % 24, 'h'],
    [Math.floor(seconds / 60) % 60, 'min'],
    [seconds % 60, 's'],
  ];
  const first = parts.findIndex(([value]) => value > 0);
  if (first < 0) return '0 s';
  return parts
    .slice(first, first + 2)
    .filter(([value]) => value > 0)
    .map(([value, unit]) => `${value} ${unit}`)
    .join(' ');
}

export function plural(count: number, one: string, many = `${one}s`): string {
  return `${formatCount(count)} ${count === 1 ? one : many}`;
}

function trimmed(value: number): string {
  return value >= 100 ? String(Math.round(value)) : String(Number(value.toFixed(1)));
}
