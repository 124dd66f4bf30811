// Work that is asked for more often than it is done.

import { expect, it, vi } from 'vitest';
import { Paced } from '../../src/web/ui/paced.ts';

it('runs at once, and once more for all who asked meanwhile, after a pause', async () => {
  vi.useFakeTimers();
  try {
    let begun = 0;
    let finish: () => void = () => undefined;
    const paced = new Paced(() => {
      begun += 1;
      return new Promise<void>((resolve) => {
        finish = resolve;
      });
    }, 500);
    paced.soon();
    expect(begun).toBe(1);
    for (let i = 0; i < 5; i += 1) paced.soon();
    finish();
    await vi.advanceTimersByTimeAsync(499);
    expect(begun).toBe(1);
    await vi.advanceTimersByTimeAsync(1);
    expect(begun).toBe(2);
    finish();
    await vi.advanceTimersByTimeAsync(5000);
    expect(begun).toBe(2);
    paced.soon();
    expect(begun).toBe(3);
    paced.soon();
    paced.dispose();
    finish();
    await vi.advanceTimersByTimeAsync(5000);
    expect(begun).toBe(3);
  } finally {
    vi.useRealTimers();
  }
});
