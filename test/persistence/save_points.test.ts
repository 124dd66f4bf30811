// When a snapshot is due.

import { expect, it } from 'vitest';
import {
  firstDueSavePoint,
  mayTrySave,
  type SaveHistory,
} from '../../src/persistence/save_points.ts';

const POINTS = [
  { seconds: 3600n, changes: 1 },
  { seconds: 300n, changes: 100 },
  { seconds: 60n, changes: 10000 },
];

function history(changed: Partial<SaveHistory>): SaveHistory {
  return {
    nowSeconds: 10_000,
    lastSaveSeconds: 10_000,
    lastTrySeconds: 0,
    wasLastOk: true,
    dirty: 0,
    ...changed,
  };
}

it('a point is due when more than its seconds are over and its changes are made', () => {
  const due = (elapsed: number, dirty: number) =>
    firstDueSavePoint(POINTS, history({ lastSaveSeconds: 10_000 - elapsed, dirty }));
  expect(due(60, 10_000)).toBeUndefined();
  expect(due(61, 9999)).toBeUndefined();
  expect(due(61, 10_000)).toBe(POINTS[2]);
  expect(due(301, 100)).toBe(POINTS[1]);
  expect(due(3600, 99)).toBeUndefined();
  expect(due(3601, 0)).toBeUndefined();
  expect(due(3601, 1)).toBe(POINTS[0]);
  expect(firstDueSavePoint([], history({ lastSaveSeconds: 0, dirty: 1e9 }))).toBeUndefined();
});

it('a point without changes is due whatever was changed', () => {
  const point = { seconds: 1n, changes: 0 };
  expect(firstDueSavePoint([point], history({ lastSaveSeconds: 9998 }))).toBe(point);
});

it('after a save that failed the next one waits for more than five seconds', () => {
  expect(mayTrySave(history({ wasLastOk: false, lastTrySeconds: 9995 }))).toBe(false);
  expect(mayTrySave(history({ wasLastOk: false, lastTrySeconds: 9994 }))).toBe(true);
  expect(mayTrySave(history({ wasLastOk: true, lastTrySeconds: 10_000 }))).toBe(true);
  const overdue = { lastSaveSeconds: 0, dirty: 1 };
  expect(
    firstDueSavePoint(POINTS, history({ ...overdue, wasLastOk: false, lastTrySeconds: 9995 })),
  ).toBeUndefined();
  expect(
    firstDueSavePoint(POINTS, history({ ...overdue, wasLastOk: false, lastTrySeconds: 9994 })),
  ).toBe(POINTS[0]);
});
