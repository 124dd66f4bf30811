// The leader's side: answers the other tabs, and serves their connections with clients of its engine.
//
// A tab's connections end with the tab: the leader waits for the lock that the tab holds while it lives. So
// what its clients had begun (a transaction, WATCH, a blocking command) is dropped like that of a client whose
// socket broke.

import { RespiteError } from '../../embedded/errors.ts';
import { errorNotice, servePort } from '../port_link.ts';
import type { StoreHome } from '../store_home.ts';
import {
  channelName,
  type Ready,
  type SharedSettings,
  type TabMessage,
  tabLockName,
} from './messages.ts';

export interface LeaderOptions {
  readonly store: string;
  /** Name of the tab that this is. */
  readonly tab: string;
  readonly home: StoreHome;
  readonly settings: SharedSettings;
  post(message: TabMessage): void;
}

export class Leader {
  private readonly options: LeaderOptions;
  /** What ends the connections of each tab. */
  private readonly tabs = new Map<string, Set<() => void>>();
  private readonly watching = new AbortController();

  constructor(options: LeaderOptions) {
    this.options = options;
  }

  greet(tab: string, wanted: SharedSettings): void {
    const { settings, post, tab: leader } = this.options;
    const different = Object.keys(wanted).filter(
      (name) => text(wanted[name]) !== text(settings[name]),
    );
    if (different.length === 0) {
      post({ type: 'welcome', to: tab, leader, settings });
      return;
    }
    const list = different.map(
      (name) => `${name} is ${text(settings[name])}, not ${text(wanted[name])}`,
    );
    const error = new RespiteError(
      'BAD_OPTION',
      `Another tab has this store open with other options: ${list.join('; ')}`,
    );
    post({ type: 'refused', to: tab, error: errorNotice(error) });
  }

  connect({ tab, link, wants }: TabMessage & { type: 'connect' }): void {
    const { store, home, tab: leader } = this.options;
    const ends = this.connectionsOf(tab);
    const channel = new BroadcastChannel(channelName(store, link));
    if (wants === 'export') {
      void this.export(channel);
      return;
    }
    channel.postMessage({ ready: leader } satisfies Ready);
    let isOver = false;
    const drop = () => end();
    const end = servePort(channel, home.openLink, wants, () => {
      isOver = true;
      ends.delete(drop);
    });
    if (!isOver) ends.add(drop);
  }

  private async export(channel: BroadcastChannel): Promise<void> {
    const answer = await this.options.home.export().catch(errorNotice);
    if (!this.watching.signal.aborted) channel.postMessage(answer);
    channel.close();
  }

  /** Ends all connections of other tabs. */
  close(): void {
    this.watching.abort();
    for (const tab of [...this.tabs.keys()]) this.drop(tab);
  }

  private connectionsOf(tab: string): Set<() => void> {
    const known = this.tabs.get(tab);
    if (known !== undefined) return known;
    const ends = new Set<() => void>();
    this.tabs.set(tab, ends);
    const { signal } = this.watching;
    navigator.locks
      .request(tabLockName(this.options.store, tab), { signal }, () => this.drop(tab))
      .catch(() => {});
    return ends;
  }

  private drop(tab: string): void {
    const ends = this.tabs.get(tab) ?? [];
    this.tabs.delete(tab);
    for (const end of [...ends]) end();
  }
}

function text(value: unknown): string {
  return JSON.stringify(value);
}
