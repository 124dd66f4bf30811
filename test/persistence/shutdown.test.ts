// A shutdown from the outside of what it saves: its steps in order, and what becomes of those who asked
// when there is none.

import { expect, it } from 'vitest';
import { Logger } from '../../src/log.ts';
import type { ShutdownRequest } from '../../src/monitor/shutdown.ts';
import { Shutdown } from '../../src/persistence/shutdown.ts';

const REQUEST: ShutdownRequest = { save: 'default', isNow: false, isForced: false };

function create(options: { isLoading?: boolean; hasPidFile?: boolean } = {}) {
  const steps: string[] = [];
  const prepared: ((outcome: { mayEnd: boolean }) => void)[] = [];
  const log = new Logger({
    pid: 1,
    sink: { write: (text) => void steps.push(text.trim().replace(/^.* [*#] /, '')) },
  });
  const shutdown = new Shutdown({
    log,
    isLoading: () => options.isLoading ?? false,
    hold: (on) => void steps.push(on ? 'hold' : 'let go'),
    prepareExit: ({ save, isForced }) => {
      steps.push(`prepare ${save}${isForced ? ' by force' : ''}`);
      return new Promise((resolve) => void prepared.push(resolve));
    },
    abortSave: () => void steps.push('abort save'),
    stop: () => void steps.push('stop'),
    removePidFile: () => options.hasPidFile ?? false,
    exit: (code) => void steps.push(`exit ${code}`),
  });
  const settle = async (mayEnd: boolean) => {
    prepared.shift()?.({ mayEnd });
    await new Promise(setImmediate);
  };
  return { shutdown, steps, settle };
}

it('writes are held, what has to be saved is saved, and the process ends with 0', async () => {
  const { shutdown, steps, settle } = create({ hasPidFile: true });
  void shutdown.begin(REQUEST);
  expect(shutdown.isUnderWay).toBe(true);
  await settle(true);
  expect(steps).toEqual([
    'User requested shutdown...',
    'hold',
    'prepare default',
    'Removing the pid file.',
    'stop',
    'Respite is now ready to exit, bye bye...',
    'exit 0',
  ]);
});

it('everyone who asked is told when the process must not end, and it serves on', async () => {
  const { shutdown, steps, settle } = create();
  const told: number[] = [];
  void shutdown.begin(REQUEST).then(() => told.push(1));
  void shutdown.begin({ ...REQUEST, save: 'never' }).then(() => told.push(2));
  await settle(false);
  expect(told).toEqual([1, 2]);
  expect(shutdown.isUnderWay).toBe(false);
  expect(steps).toEqual([
    'User requested shutdown...',
    'hold',
    'prepare default',
    'Errors trying to shut down the server. Check the logs for more information.',
    'let go',
  ]);
});

it('it can be called off while it saves, and asked for again', async () => {
  const { shutdown, steps, settle } = create();
  const told: number[] = [];
  expect(shutdown.abort()).toBe(false);
  void shutdown.begin(REQUEST).then(() => told.push(1));
  expect(shutdown.abort()).toBe(true);
  expect(shutdown.abort()).toBe(false);
  await settle(false);
  expect(told).toEqual([1]);
  expect(steps.slice(3)).toEqual(['Shutdown manually aborted.', 'abort save', 'let go']);
  void shutdown.begin({ ...REQUEST, save: 'always', isForced: true });
  expect(steps.at(-1)).toBe('prepare always by force');
});

it('a save that was through when it was called off does not end the process', async () => {
  const { shutdown, steps, settle } = create();
  void shutdown.begin(REQUEST);
  shutdown.abort();
  await settle(true);
  expect(steps).not.toContain('exit 0');
  expect(shutdown.isUnderWay).toBe(false);
});

it('while the data are loaded nothing is saved over them', () => {
  const { shutdown, steps } = create({ isLoading: true });
  void shutdown.begin({ ...REQUEST, save: 'always' });
  expect(steps.at(-1)).toBe('prepare never');
});

it('one that waits for the next tick can be called off before it begins', async () => {
  const { shutdown, steps } = create();
  const told: number[] = [];
  void shutdown.schedule(REQUEST).then(() => told.push(1));
  expect(steps).toEqual([]);
  expect(shutdown.abort()).toBe(true);
  shutdown.tick();
  await new Promise(setImmediate);
  expect(steps).toEqual(['Shutdown manually aborted.']);
  expect(told).toEqual([1]);
  expect(shutdown.abort()).toBe(false);
  void shutdown.schedule(REQUEST);
  shutdown.tick();
  expect(steps.at(-1)).toBe('prepare default');
});
