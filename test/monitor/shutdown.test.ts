// SHUTDOWN: what is asked of the server for which arguments, and what a client is told.

import { expect, it } from 'vitest';
import { registerShutdown, type ShutdownRequest } from '../../src/monitor/shutdown.ts';
import { createEngine, EngineTestClient } from '../support/engine_client.ts';

function createServer() {
  const requests: ShutdownRequest[] = [];
  const state = { waiting: [] as (() => void)[] };
  const engine = createEngine();
  registerShutdown(engine.commands, {
    begin: (request) => {
      requests.push(request);
      return new Promise((resolve) => {
        state.waiting.push(resolve);
      });
    },
    abort: () => {
      const { waiting } = state;
      state.waiting = [];
      for (const resolve of waiting) resolve();
      return waiting.length > 0;
    },
  });
  const fail = () => {
    for (const resolve of state.waiting) resolve();
    state.waiting = [];
  };
  return { engine, client: new EngineTestClient(engine), requests, fail };
}

const FAILED = 'ERR Errors trying to SHUTDOWN. Check logs.';

it('modifiers tell whether to save, to wait and to go ahead after errors', () => {
  const cases: [string, ShutdownRequest][] = [
    ['', { save: 'default', isNow: false, isForced: false }],
    ['SAVE', { save: 'always', isNow: false, isForced: false }],
    ['nosave now', { save: 'never', isNow: true, isForced: false }],
    ['force NOW save', { save: 'always', isNow: true, isForced: true }],
    ['now now', { save: 'default', isNow: true, isForced: false }],
  ];
  for (const [line, expected] of cases) {
    const { client, requests } = createServer();
    void client.call('shutdown', ...line.split(' ').filter(Boolean));
    expect(requests, line).toEqual([expected]);
  }
});

it('contradictions and unknown words are syntax errors', async () => {
  const { client, requests } = createServer();
  for (const line of [
    'save nosave',
    'abort now',
    'abort save',
    'x',
    'now x',
    'nosave force save',
  ]) {
    expect(await client.text('shutdown', ...line.split(' ')), line).toBe('ERR syntax error');
  }
  expect(requests).toEqual([]);
});

it('a client waits for the end, and is told when there will be none', async () => {
  const { engine, client, fail } = createServer();
  let told = '';
  const reply = client.text('shutdown').then((text) => {
    told = text;
  });
  const other = new EngineTestClient(engine);
  expect(await other.text('ping')).toBe('PONG');
  expect(told).toBe('');
  fail();
  await reply;
  expect(told).toBe(FAILED);
  expect(await client.text('ping')).toBe('PONG');
});

it('ABORT calls off what another client has begun', async () => {
  const { engine, client } = createServer();
  const other = new EngineTestClient(engine);
  expect(await other.text('shutdown', 'abort')).toBe('ERR No shutdown in progress.');
  const first = client.text('shutdown', 'nosave');
  expect(await other.text('shutdown', 'ABORT')).toBe('OK');
  expect(await first).toBe(FAILED);
});
