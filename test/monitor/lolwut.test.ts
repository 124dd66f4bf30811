// LOLWUT: its arguments against a live server, and the size of the pictures.

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { CONN_RESP } from '../../assembly/abi.ts';
import { Canvas } from '../../src/monitor/canvas.ts';
import { drawHills, drawSchotter, registerLolwut } from '../../src/monitor/lolwut.ts';
import { createEngine, EngineTestClient, replyText } from '../support/engine_client.ts';
import { Random } from '../support/random.ts';
import { RespClient } from '../support/resp_client.ts';
import { realRedisAvailable, startServer, type TestServer } from '../support/server.ts';

function createClient() {
  const engine = createEngine();
  const random = new Random(1);
  registerLolwut(engine.commands, () => random.u32() / 2 ** 32);
  return { engine, client: new EngineTestClient(engine) };
}

/** Lines of the picture alone, and characters of the longest one; colours do not count. */
function sizeOf(picture: string): [lines: number, characters: number] {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: that is what colours are made of
  const lines = picture.replace(/\u001b\[[0-9;]*m/g, '').split('\n');
  const drawn = lines.filter((line) => /^([\u2800-\u28ff]+| +)$/.test(line));
  return [drawn.length, Math.max(...drawn.map((line) => line.length))];
}

it('ends with the version', async () => {
  const { client } = createClient();
  const text = 'Redis ver. 7.2.6\n';
  expect(await client.text('lolwut')).toBe(text);
  expect(await client.text('lolwut', 'version', '7')).toBe(text);
  for (const version of ['5', '6']) {
    const picture = await client.text('lolwut', 'VERSION', version);
    expect(picture.endsWith(text)).toBe(true);
    expect(picture.length).toBeGreaterThan(1000);
  }
});

it('is a verbatim string in RESP3', async () => {
  const { engine, client } = createClient();
  engine.core.data.setUint32(client.client.ptr + CONN_RESP, 3, true);
  expect(await client.call('lolwut')).toMatchObject({ kind: 'verbatim', format: 'txt' });
});

it('a picture differs from the one before', async () => {
  const { client } = createClient();
  for (const version of ['5', '6']) {
    const first = await client.text('lolwut', 'version', version);
    expect(await client.text('lolwut', 'version', version)).not.toBe(first);
  }
});

describe.skipIf(!realRedisAvailable())('compared with a live server', () => {
  let server: TestServer;
  let real: RespClient;

  beforeAll(async () => {
    server = await startServer({ kind: 'redis' });
    real = await RespClient.connect({ port: server.port });
  });

  afterAll(async () => {
    await real.close();
    await server.stop();
  });

  it('pictures have the same size for the same arguments', async () => {
    const { client } = createClient();
    const commands = ['version 5', 'version 5 20', 'version 5 20 4', 'version 5 20 4 6'];
    commands.push('version 5 2 1 1', 'version 5 1 1 1', 'version 5 0 -1 0', 'version 6');
    commands.push('version 6 10', 'version 6 7 3', 'version 6 0 0', 'version 6 2000 2');
    commands.push('version 5 30 300 3', 'version 4294967301');
    for (const line of commands) {
      const args = line.split(' ');
      const expected = sizeOf(replyText(await real.call('lolwut', ...args)));
      const found = sizeOf(await client.text('lolwut', ...args));
      expect(found, line).toEqual(expected);
    }
  });

  it('errors are the same', async () => {
    const { client } = createClient();
    for (const line of [
      'version x',
      'version 5 x',
      'version 5 1 x',
      'version 6 1 x',
      'version 5 1 1 x',
    ]) {
      const args = line.split(' ');
      expect(await client.call('lolwut', ...args), line).toEqual(
        await real.call('lolwut', ...args),
      );
    }
  });
});

it('sizes are limited', () => {
  expect(sizeOf(drawHills(1, 1, () => 0.5))).toEqual([1, 1]);
  expect(sizeOf(drawHills(1000, 3, () => 0.999))).toEqual([3, 1000]);
  expect(sizeOf(drawSchotter(1, 1, 1, () => 0.5))).toEqual([1, 1]);
});

it('the canvas shows each dot with its bit', () => {
  const canvas = new Canvas(3, 5);
  expect(canvas.toBraille()).toBe('⠀⠀\n⠀⠀');
  canvas.set(0, 0);
  canvas.set(1, 3);
  canvas.set(2, 4);
  canvas.set(99, 0);
  canvas.set(0, -1);
  expect(canvas.toBraille()).toBe('⢁⠀\n⠀⠁');
  const lines = new Canvas(4, 4);
  lines.line(0, 0, 3, 3);
  lines.line(3, 0, 3, 0);
  expect(lines.toBraille()).toBe('⠑⢌');
});
