// Kills a server at random moments under load, starts it anew in the same directory, and asks whether it
// kept what its policy promises.
//
// Several writers send small pipelines. Number n of writer i is
//
//   RPUSH list:i n | MULTI, INCR left:i, INCR right:i, EXEC | SET done:i n
//
// so that the list must hold 1, 2, 3 ... without a gap, the two counters must be equal, and none of
// them may be more than a pipeline ahead of `done`. What was acknowledged and when is noted:
//
//   always     every acknowledged number is there
//   everysec   every number acknowledged more than two seconds before the kill is there
//   no         what is there is whole
//
// A kill leaves what the process had handed to the system, so a power failure is a different matter;
// that is what the storage fake simulates (test/persistence). Rewrites and snapshots run meanwhile, for
// kills to hit them, too.

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Random } from '../support/random.ts';
import { RespClient } from '../support/resp_client.ts';
import { type ServerKind, startServer, type TestServer } from '../support/server.ts';

export type FsyncPolicy = 'always' | 'everysec' | 'no';

export interface KillOptions {
  kind: ServerKind;
  policy: FsyncPolicy;
  kills: number;
  random: Random;
  /** Longest time under load before a kill, in milliseconds. */
  loadMs: number;
  args?: readonly string[];
  onRound?: (round: Round) => void;
}

export interface Round {
  number: number;
  /** Numbers that were acknowledged in this round, by all writers. */
  acknowledged: number;
  /** Of those that were, the ones that are gone: allowed by the policy, or the run fails. */
  lost: number;
}

const WRITERS = 8;
const PIPELINE = 4;
const EVERYSEC_MS = 2000;

interface Acknowledged {
  number: number;
  atMs: number;
}

class Writer {
  readonly index: number;
  /** The next number to be sent. */
  next = 1;
  readonly acknowledged: Acknowledged[] = [];

  constructor(index: number) {
    this.index = index;
  }

  private commands(number: number): string[][] {
    const { index } = this;
    return [
      ['RPUSH', `list:${index}`, String(number)],
      ['MULTI'],
      ['INCR', `left:${index}`],
      ['INCR', `right:${index}`],
      ['EXEC'],
      ['SET', `done:${index}`, String(number), 'EX', '100000'],
    ];
  }

  /** Sends numbers until the connection ends. */
  async run(port: number): Promise<void> {
    const client = await RespClient.connect({ port });
    try {
      for (;;) {
        const first = this.next;
        this.next += PIPELINE;
        const batch: string[][] = [];
        for (let i = 0; i < PIPELINE; i++) batch.push(...this.commands(first + i));
        const replies = await client.pipeline(batch);
        for (const reply of replies) {
          if (reply.kind === 'error') throw new RefusedError(reply.text);
        }
        const atMs = performance.now();
        for (let i = 0; i < PIPELINE; i++) this.acknowledged.push({ number: first + i, atMs });
      }
    } catch (error) {
      if (error instanceof RefusedError) throw error;
    } finally {
      await client.close();
    }
  }
}

class RefusedError extends Error {}

/** What a server that was killed broke of its promise. */
export class PromiseBroken extends Error {}

async function integer(client: RespClient, ...args: string[]): Promise<number> {
  const reply = await client.call(...args);
  if (reply.kind === 'integer') return Number(reply.value);
  if (reply.kind === 'bulk') return Number(reply.bytes.toString());
  return 0;
}

/** Waits until the data is loaded. */
async function ready(client: RespClient): Promise<void> {
  for (;;) {
    const reply = await client.call('PING');
    if (reply.kind === 'simple') return;
    await sleep(5);
  }
}

/** Checks what is there of a writer's numbers; returns the last one. */
async function lastWhole(client: RespClient, { index, next }: Writer): Promise<number> {
  const done = await integer(client, 'GET', `done:${index}`);
  const length = await integer(client, 'LLEN', `list:${index}`);
  const left = await integer(client, 'GET', `left:${index}`);
  const right = await integer(client, 'GET', `right:${index}`);
  const state = `writer ${index}: done ${done}, list ${length}, left ${left}, right ${right}`;
  if (left !== right) throw new PromiseBroken(`half a transaction, ${state}`);
  if (length < done || length > done + 1 || left < done || left > length) {
    throw new PromiseBroken(`commands are missing in the middle, ${state}`);
  }
  if (length >= next) throw new PromiseBroken(`more than was sent (${next - 1}), ${state}`);
  const items = await client.call('LRANGE', `list:${index}`, '0', '-1');
  if (items.kind === 'array') {
    items.items.forEach((item, i) => {
      if (item.kind !== 'bulk' || item.bytes.toString() !== String(i + 1)) {
        throw new PromiseBroken(`element ${i} of list:${index} is wrong, ${state}`);
      }
    });
  }
  return done;
}

/** Throws PromiseBroken when the server lost more than it may. */
export async function killRepeatedly(options: KillOptions): Promise<void> {
  const dir = mkdtempSync(path.join(tmpdir(), 'respite-kill-'));
  const start = (): Promise<TestServer> =>
    startServer({
      kind: options.kind,
      args: [
        ...['--dir', dir, '--appendonly', 'yes', '--appendfsync', options.policy],
        ...['--auto-aof-rewrite-min-size', '256kb', '--save', '3600', '100000'],
        ...(options.args ?? []),
      ],
    });
  try {
    for (let number = 1; number <= options.kills; number++) {
      const round = await killOnce(options, start);
      options.onRound?.({ ...round, number });
    }
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
}

async function killOnce(
  { policy, random, loadMs }: KillOptions,
  start: () => Promise<TestServer>,
): Promise<Omit<Round, 'number'>> {
  const server = await start();
  let killedAtMs = 0;
  const admin = await RespClient.connect({ port: server.port });
  await ready(admin);
  await admin.call('FLUSHALL');
  const writers = Array.from({ length: WRITERS }, (_, i) => new Writer(i));
  const running = writers.map((writer) => writer.run(server.port));
  if (random.chance(0.5)) admin.send(`${random.pick(['BGSAVE', 'BGREWRITEAOF'])}\r\n`);
  await sleep(random.below(loadMs));
  if (random.chance(0.3)) {
    admin.send('BGREWRITEAOF\r\n');
    await sleep(random.below(20));
  }
  killedAtMs = performance.now();
  server.kill('SIGKILL');
  await Promise.all(running);
  await server.stop();
  await admin.close();

  const again = await start();
  const client = await RespClient.connect({ port: again.port });
  await ready(client);
  let acknowledged = 0;
  let lost = 0;
  try {
    for (const writer of writers) {
      const last = await lastWhole(client, writer);
      acknowledged += writer.acknowledged.length;
      for (const { number, atMs } of writer.acknowledged) {
        if (number <= last) continue;
        lost++;
        const age = killedAtMs - atMs;
        if (policy === 'always' || (policy === 'everysec' && age > EVERYSEC_MS)) {
          throw new PromiseBroken(
            `number ${number} of writer ${writer.index}, acknowledged ${age.toFixed(0)} ms ` +
              `before the kill, is gone: ${last} is the last one\n${again.stdout()}`,
          );
        }
      }
    }
  } finally {
    await client.close();
    await again.stop();
  }
  return { acknowledged, lost };
}
