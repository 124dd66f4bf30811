// Kills the tab or worker that leads a store at random moments under load, and asks whether its successor has
// what the durability promises. Numbers are written as in kill.ts:
//
//   RPUSH list:i n | MULTI, INCR left:i, INCR right:i, EXEC | SET done:i n
//
// by several writers in the tab that is killed, and in half of the rounds by one in a second tab, which goes
// through the first one and takes over. What was acknowledged is told to this process at once. Then
//
//   strict    every acknowledged number is there
//   relaxed   every number acknowledged more than the window before the kill is there
//
// and what is there is whole. A crash ends the process of the page; closing it and terminating the worker end
// it in the middle of what it does. Snapshots run meanwhile.

import { setTimeout as sleep } from 'node:timers/promises';
import type { Page } from 'playwright-core';
import type { BackendName } from '../../src/browser/storage/backend.ts';
import { type Durability, WINDOW_MS } from '../../src/browser/storage/persistent_store.ts';
import { command, crash, openIn, openStorePage } from '../browser/store_page.ts';
import { bundles, startChromium, startSite, stopChromium } from '../support/chromium.ts';
import type { Random } from '../support/random.ts';
import { PromiseBroken } from './kill.ts';

export interface BrowserKillOptions {
  backend: BackendName;
  durability: Durability;
  kills: number;
  random: Random;
  /** Longest time under load before a kill, in milliseconds. */
  loadMs: number;
  onRound: (round: BrowserRound) => void;
}

type Kill = 'crash of the page' | 'closing the page' | 'termination of the worker';

export interface BrowserRound {
  kill: Kill;
  isTakenOver: boolean;
  acknowledged: number;
  /** Acknowledged and gone. */
  lost: number;
  /** How long before the kill the oldest of those was acknowledged. */
  oldestLostMs: number;
}

const WRITERS = 3;
const FOLLOWING_WRITER = WRITERS;
/** Clocks of pages are coarse. */
const CLOCK_MS = 2;
const KILLS: readonly Kill[] = [
  'crash of the page',
  'closing the page',
  'termination of the worker',
];

interface Acknowledged {
  readonly number: number;
  readonly atMs: number;
}

type Acknowledge = (writer: number, number: number, atMs: number) => Promise<void>;

/** In the page: writes numbers until the store is gone, or it is stopped. Two at a time. */
async function write(writer: number): Promise<void> {
  const tell = (window as unknown as { acknowledge: Acknowledge }).acknowledge;
  try {
    const session = await window.stores.db!.session();
    for (let number = 1; !(window as unknown as { isStopped?: boolean }).isStopped; number += 2) {
      const replies: Promise<unknown>[] = [];
      for (const each of [number, number + 1]) {
        replies.push(
          session.command('RPUSH', `list:${writer}`, each),
          session.command('MULTI'),
          session.command('INCR', `left:${writer}`),
          session.command('INCR', `right:${writer}`),
          session.command('EXEC'),
          session.command('SET', `done:${writer}`, each, 'EX', 100000),
        );
      }
      await Promise.all(replies);
      // One that does not wait for it fills the pipe that the kill has to go through.
      await tell(writer, number + 1, Date.now());
    }
  } catch (error) {
    (window as unknown as { ended: string }).ended = String(error);
  }
}

async function integer(page: Page, ...args: [string, ...string[]]): Promise<number> {
  const reply = await command(page, ...args);
  if (reply === null) return 0;
  const number = Number(reply);
  if (Number.isNaN(number)) throw new PromiseBroken(`${args.join(' ')}: ${reply}`);
  return number;
}

/** Checks what is there of a writer's numbers; returns the last one. */
async function lastWhole(page: Page, writer: number): Promise<number> {
  const done = await integer(page, 'GET', `done:${writer}`);
  const length = await integer(page, 'LLEN', `list:${writer}`);
  const left = await integer(page, 'GET', `left:${writer}`);
  const right = await integer(page, 'GET', `right:${writer}`);
  const state = `writer ${writer}: done ${done}, list ${length}, left ${left}, right ${right}`;
  if (left !== right) throw new PromiseBroken(`half a transaction, ${state}`);
  if (length < done || length > done + 1 || left < done || left > length) {
    throw new PromiseBroken(`commands are missing in the middle, ${state}`);
  }
  const items = (await command(page, 'LRANGE', `list:${writer}`, '0', '-1')) as string[];
  const wrong = items.findIndex((item, i) => item !== String(i + 1));
  if (wrong >= 0) throw new PromiseBroken(`element ${wrong} is wrong, ${state}`);
  return done;
}

/** Throws PromiseBroken when a store lost more than it may, or cannot be opened. */
export async function killInBrowser(options: BrowserKillOptions): Promise<void> {
  const site = await startSite({ '/bundle/': bundles });
  try {
    const browser = await startChromium();
    const round = new Rounds(options, site.origin, browser.context);
    for (let i = 0; i < options.kills; i++) options.onRound(await round.run());
  } finally {
    await stopChromium();
    await site.close();
  }
}

class Rounds {
  private readonly options: BrowserKillOptions;
  private readonly origin: string;
  private readonly context: Parameters<typeof openStorePage>[0];
  private acknowledged: Acknowledged[][] = [];

  constructor(options: BrowserKillOptions, origin: string, context: Rounds['context']) {
    this.options = options;
    this.origin = origin;
    this.context = context;
  }

  async run(): Promise<BrowserRound> {
    const { random, backend, durability, loadMs } = this.options;
    const kill = random.pick(KILLS);
    const isTakenOver = random.chance(0.5);
    const how = { name: 'killed', storage: backend, durability } as const;
    this.acknowledged = Array.from({ length: WRITERS + 1 }, () => []);
    const victim = await this.open(how, kill === 'termination of the worker');
    await command(victim, 'FLUSHALL');
    await command(victim, 'SAVE');
    const follower = isTakenOver ? await this.open(how, false) : undefined;
    for (let writer = 0; writer < WRITERS; writer++)
      void victim.evaluate(write, writer).catch(() => {});
    const following = follower?.evaluate(write, FOLLOWING_WRITER);
    if (random.chance(0.4)) void command(victim, 'SAVE').catch(() => {});
    await sleep(random.below(loadMs));

    const killedAtMs = Date.now();
    await this.kill(victim, kill);
    // Who was acknowledged has been told of, or will be in a moment.
    const heir = follower ?? (await this.openAgain(how));
    await led(heir);
    // One that had not begun before the kill goes on with the new leader.
    await heir.evaluate(() => {
      (window as unknown as { isStopped: boolean }).isStopped = true;
    });
    await following;
    const round = await this.check(heir, killedAtMs);
    await heir.close();
    await victim.close();
    return { kill, isTakenOver, ...round };
  }

  private async open(
    how: { name: string; storage: BackendName; durability: Durability },
    hasWorker: boolean,
  ): Promise<Page> {
    const page = await openStorePage(this.context, this.origin);
    await page.exposeFunction('acknowledge', (writer: number, number: number, atMs: number) => {
      this.acknowledged[writer]?.push({ number, atMs });
    });
    if (!hasWorker) {
      await openIn(page, how);
      return page;
    }
    await page.evaluate(
      async ([options, address]) => {
        const worker = new Worker(address, { type: 'module' });
        (window as unknown as { worker: Worker }).worker = worker;
        window.stores.db = await window.openStore({ ...options, worker });
      },
      [how, `${this.origin}/bundle/worker.js`] as const,
    );
    return page;
  }

  private async openAgain(how: Parameters<Rounds['open']>[0]): Promise<Page> {
    try {
      return await this.open(how, false);
    } catch (error) {
      throw new PromiseBroken(`the store cannot be opened: ${error}`);
    }
  }

  private async kill(victim: Page, kill: Kill): Promise<void> {
    if (kill === 'crash of the page') await crash(victim);
    else if (kill === 'closing the page') await victim.close();
    else await victim.evaluate(() => (window as unknown as { worker: Worker }).worker.terminate());
  }

  private async check(
    heir: Page,
    killedAtMs: number,
  ): Promise<Pick<BrowserRound, 'acknowledged' | 'lost' | 'oldestLostMs'>> {
    const { durability } = this.options;
    const found = { acknowledged: 0, lost: 0, oldestLostMs: 0 };
    for (let writer = 0; writer <= FOLLOWING_WRITER; writer++) {
      const last = await lastWhole(heir, writer);
      for (const { number, atMs } of this.acknowledged[writer] ?? []) {
        found.acknowledged += 2;
        if (number <= last) continue;
        found.lost += 2;
        const ageMs = killedAtMs - atMs;
        found.oldestLostMs = Math.max(found.oldestLostMs, ageMs);
        if (durability === 'strict' || ageMs > WINDOW_MS + CLOCK_MS) {
          throw new PromiseBroken(
            `number ${number} of writer ${writer}, acknowledged ${ageMs} ms before the kill, is ` +
              `gone: ${last} is the last one`,
          );
        }
      }
    }
    return found;
  }
}

/** Waits until a tab knows its leader, and what was told before has come. */
async function led(page: Page): Promise<void> {
  for (;;) {
    const reply = await command(page, 'PING');
    if (reply === 'PONG') return;
    if (!String(reply).startsWith('CONNECTION_LOST')) throw new PromiseBroken(String(reply));
    await sleep(5);
  }
}
