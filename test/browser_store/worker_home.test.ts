// How long a page waits for a worker that it was given: one that is slow is none that runs another program.

import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { openInWorker } from '../../src/browser/worker_home.ts';
import type { WorkerAnswer, WorkerStart } from '../../src/browser/worker_messages.ts';
import type { RespiteError } from '../../src/embedded/errors.ts';

const SECOND = 1000;

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
});

afterEach(() => {
  vi.useRealTimers();
});

/** A worker that keeps what it is sent until its program has come. */
class SlowWorker extends EventTarget {
  private start: WorkerStart | undefined;
  isTerminated = false;

  postMessage(message: WorkerStart): void {
    this.start = message;
  }

  terminate(): void {
    this.isTerminated = true;
  }

  /** The program of the store has come, and does what it is asked. */
  load(): void {
    const { port } = this.start as WorkerStart;
    const answer = (id: number) =>
      port.postMessage({ id, result: undefined } satisfies WorkerAnswer);
    port.onmessage = ({ data }) => answer(data.id);
    answer(0);
  }
}

/** Opens a store in a worker; `outcome` is that, or the error, and undefined as long as there is neither. */
function open(isOwn = false) {
  const worker = new SlowWorker();
  const state: { outcome?: string } = {};
  const opening = openInWorker(worker as unknown as Worker, isOwn, {}, undefined).then(
    async (home) => {
      state.outcome = 'opened';
      await home.close();
    },
    ({ code, message }: RespiteError) => {
      state.outcome = `${code}: ${message}`;
    },
  );
  return { worker, opening, state };
}

it.each([true, false])(
  'a worker that comes late is waited for; the store’s own: %s',
  async (own) => {
    const { worker, opening, state } = open(own);
    await vi.advanceTimersByTimeAsync(100 * SECOND);
    expect(state.outcome).toBeUndefined();
    worker.load();
    await opening;
    expect(state.outcome).toBe('opened');
    expect(vi.getTimerCount()).toBe(0);
  },
);

it('a worker that is never heard of is given up', async () => {
  const { opening, state, worker } = open();
  await vi.advanceTimersByTimeAsync(120 * SECOND);
  await opening;
  expect(state.outcome).toMatch(/^NOT_LOADED: The worker has not answered for 120 seconds/);
  expect(worker.isTerminated).toBe(false);
});

it.each(['message', 'messageerror'])('another program is known by its %s', async (sign) => {
  const { worker, opening, state } = open();
  await vi.advanceTimersByTimeAsync(100 * SECOND);
  worker.dispatchEvent(new Event(sign));
  await vi.advanceTimersByTimeAsync(9 * SECOND);
  expect(state.outcome).toBeUndefined();
  worker.dispatchEvent(new Event(sign));
  await vi.advanceTimersByTimeAsync(SECOND);
  await opening;
  expect(state.outcome).toBe(
    'BAD_OPTION: The worker does not run the program respite/browser/worker',
  );
});

it('messages of the program around the store do no harm', async () => {
  const { worker, opening, state } = open();
  worker.dispatchEvent(new Event('message'));
  worker.load();
  await opening;
  expect(state.outcome).toBe('opened');
});

it('a program that cannot be loaded is told of at once', async () => {
  const { worker, opening, state } = open();
  worker.dispatchEvent(new Event('error'));
  await opening;
  expect(state.outcome).toMatch(/^NOT_LOADED: The worker's program could not be loaded/);
  expect(vi.getTimerCount()).toBe(0);
});
