// One store that several tabs have open: one of them, the leader, has its data in an engine, and the others
// speak to that.
//
//             lock is free                        other tab has it
//   open ──────────────────> load ──> leader      open ──────────────> follower
//                              ^                                          │
//                              └── the lock comes, because the leader is gone
//
// The browser decides who leads: all wait for one lock, and the browser hands it on when its holder closes,
// crashes or is killed. The new leader loads what is stored. What was sent to the one before and not answered
// fails with CONNECTION_LOST and is never repeated: it may have been done. So do sessions, subscriptions
// and monitors, because what they were in the middle of is gone, and messages may have been missed;
// opening them anew is the program's decision. What is sent from then on waits until the new leader is
// there. With `strict` the new leader has every change that was acknowledged.
//
// Whoever cannot load the data when its turn comes, or whose engine fails, leaves it to the next one and is closed
// with the error. So each tab leads once at most: data that no engine survives end the store in one tab after
// the other, and do not go round.

import { RespiteError } from '../../embedded/errors.ts';
import type { LinkHandlers, LinkOptions } from '../../embedded/link.ts';
import { Deferred } from '../deferred.ts';
import { type EndNotice, noticedError } from '../port_link.ts';
import type { Keeping, StoreHome } from '../store_home.ts';
import { Leader } from './leader.ts';
import {
  channelName,
  lockName,
  locksRefused,
  type SharedSettings,
  type TabMessage,
  tabLockName,
} from './messages.ts';
import { TabLink } from './tab_link.ts';

export interface OpenedHere {
  readonly home: StoreHome;
  /** The settings as they came to be. */
  readonly settings: SharedSettings;
}

export interface SharedStoreOptions {
  readonly store: string;
  /** What this tab wants, by name. */
  readonly wanted: SharedSettings;
  /** What holds when nobody has the store open, and nothing else is wanted. */
  readonly defaults: SharedSettings;
  /** The data belong to a new store, so that none may be there. */
  readonly mustLead: boolean;
  /** Loads the data; `onFailure` is called when the engine fails later. */
  openHere(settings: SharedSettings, onFailure: (error: RespiteError) => void): Promise<OpenedHere>;
}

/** Pause between two questions for the leader while opening, and how many of them stay without an answer. */
const HELLO_MS = 2000;
const HELLOS_MAX = 10;

/** Throws RespiteError, also what `openHere` throws. */
export async function openSharedStore(options: SharedStoreOptions): Promise<StoreHome> {
  if (typeof BroadcastChannel === 'undefined' || navigator.locks === undefined) {
    throw new RespiteError(
      'UNSUPPORTED',
      'A store that is kept needs Web Locks and BroadcastChannel: browsers have them on pages from https or localhost',
    );
  }
  const store = new SharedStore(options);
  await store.open();
  return store;
}

/** Leaders that are asked for one dump: making it may be what they do not survive. */
const EXPORT_LEADERS_MAX = 3;

/** A dump that is waited for, the leader that was asked for it last, and how many were. */
interface Export {
  readonly link: string;
  readonly answer: Deferred<Uint8Array>;
  asked: string | undefined;
  leaders: number;
}

class SharedStore implements StoreHome {
  private readonly options: SharedStoreOptions;
  private readonly tab = crypto.randomUUID();
  private readonly channel: BroadcastChannel;
  private settings: SharedSettings;
  /** The leader, or who is going to be; `isLed` once it has the data. */
  private leader: string | undefined;
  private isLed = false;
  private home: StoreHome | undefined;
  private leading: Leader | undefined;
  private readonly links = new Set<TabLink>();
  private readonly exports = new Set<Export>();
  private lastLink = 0;
  private readonly opened = new Deferred<void>();
  private isOpening = true;
  private unanswered = 0;
  private hellos: ReturnType<typeof setInterval> | undefined;
  /** Takes this tab out of the queue for the lock; lets go of its own lock and of the leader's. */
  private readonly queue = new AbortController();
  private readonly over = new Deferred<void>();
  private failure: Error | undefined;
  private readonly failed = new Deferred<RespiteError>();
  readonly ended = this.failed.promise;
  /** The others need not find out by the first call that fails. A page that is kept may come back. */
  private readonly onPageHide = ({ persisted }: PageTransitionEvent) => {
    if (!persisted) this.leading?.close();
  };
  private leaving: Promise<void> | undefined;

  constructor(options: SharedStoreOptions) {
    this.options = options;
    this.settings = { ...options.defaults, ...options.wanted };
    this.channel = new BroadcastChannel(channelName(options.store));
    this.channel.onmessage = ({ data }: MessageEvent<TabMessage>) => this.receive(data);
  }

  async open(): Promise<void> {
    try {
      await this.holdOwnLock();
      globalThis.addEventListener?.('pagehide', this.onPageHide);
      const { signal } = this.queue;
      navigator.locks
        .request(lockName(this.options.store), { signal }, () => this.lead())
        .catch(() => {});
      this.hellos = setInterval(() => this.hello(), HELLO_MS);
      this.hello();
      await this.opened.promise;
    } catch (error) {
      await this.leave();
      throw error;
    } finally {
      this.isOpening = false;
      clearInterval(this.hellos);
    }
  }

  // --- StoreHome ---

  readonly openLink = (handlers: LinkHandlers, options: LinkOptions): TabLink => {
    if (this.failure !== undefined) throw this.failure;
    const link = new TabLink(this.newLinkId(), handlers, options, (ended) =>
      this.links.delete(ended),
    );
    this.links.add(link);
    this.connect(link);
    return link;
  };

  get keeping(): Keeping {
    const { storage, durability } = this.settings as unknown as Keeping;
    return { storage, durability, isLeader: this.home !== undefined };
  }

  async export(): Promise<Uint8Array> {
    if (this.failure !== undefined) throw this.failure;
    const answer = new Deferred<Uint8Array>();
    const link = this.newLinkId();
    const channel = new BroadcastChannel(channelName(this.options.store, link));
    channel.onmessage = ({ data }: MessageEvent<Uint8Array | EndNotice>) => {
      if (data instanceof Uint8Array) answer.resolve(data);
      else answer.reject(noticedError(data));
    };
    const wanted: Export = { link, answer, asked: undefined, leaders: 0 };
    this.exports.add(wanted);
    this.askFor(wanted);
    try {
      return await answer.promise;
    } finally {
      this.exports.delete(wanted);
      channel.close();
    }
  }

  /** Asks the leader, once there is one: the next one, too, because a dump may be made twice. */
  private askFor(wanted: Export): void {
    const { home, leader, tab } = this;
    if (leader === undefined || !this.isLed || wanted.asked === leader) return;
    wanted.asked = leader;
    wanted.leaders += 1;
    const { link, answer } = wanted;
    if (wanted.leaders > EXPORT_LEADERS_MAX) answer.reject(lost());
    else if (home !== undefined) home.export().then(answer.resolve, answer.reject);
    else this.post({ type: 'connect', to: leader, tab, link, wants: 'export' });
  }

  async close(): Promise<void> {
    this.failure ??= new RespiteError('CLOSED', 'The store is closed');
    await this.leave();
  }

  private newLinkId(): string {
    this.lastLink += 1;
    return `${this.tab}:${this.lastLink}`;
  }

  // --- Being one of many ---

  private async holdOwnLock(): Promise<void> {
    const held = new Deferred<void>();
    navigator.locks
      .request(tabLockName(this.options.store, this.tab), () => {
        held.resolve();
        return this.over.promise;
      })
      .catch(held.reject);
    try {
      await held.promise;
    } catch (cause) {
      throw locksRefused(cause);
    }
  }

  private hello(): void {
    if (this.leader === this.tab) return;
    this.unanswered += 1;
    if (this.unanswered > HELLOS_MAX) {
      this.opened.reject(
        new RespiteError('LOCKED', 'Another tab has this store open and does not answer: close it'),
      );
    }
    this.post({ type: 'hello', tab: this.tab, settings: this.options.wanted });
  }

  private post(message: TabMessage): void {
    this.channel.postMessage(message);
  }

  private receive(message: TabMessage): void {
    if (this.failure !== undefined) return;
    switch (message.type) {
      case 'hello':
        if (this.leading !== undefined) this.leading.greet(message.tab, message.settings);
        else if (this.leader === this.tab) this.post({ type: 'election', leader: this.tab });
        return;
      case 'connect':
        if (message.to === this.tab) this.leading?.connect(message);
        return;
      case 'welcome':
        if (message.to === this.tab) this.join(message.leader, message.settings);
        return;
      case 'refused':
        if (message.to === this.tab) this.opened.reject(noticedError(message.error));
        return;
      case 'election':
        this.unanswered = 0;
        this.follow(message.leader, false);
        return;
      case 'leader':
        // A tab that is being opened does not know yet whether it may join.
        this.unanswered = 0;
        if (this.isOpening) this.hello();
        else this.follow(message.leader, true);
    }
  }

  private join(leader: string, settings: SharedSettings): void {
    if (this.options.mustLead) {
      this.opened.reject(
        new RespiteError('BAD_OPTION', 'A dump can only be loaded into a store without data'),
      );
      return;
    }
    this.settings = settings;
    this.follow(leader, true);
    this.opened.resolve();
  }

  private follow(leader: string, isLed: boolean): void {
    if (this.leader !== leader) this.loseLinks();
    this.leader = leader;
    this.isLed = isLed;
    if (!isLed) return;
    for (const link of [...this.links]) this.connect(link);
    for (const wanted of this.exports) this.askFor(wanted);
  }

  private loseLinks(): void {
    const reason = lost();
    for (const link of [...this.links]) link.lose(reason);
  }

  private connect(link: TabLink): void {
    const { home, leader, tab } = this;
    if (home !== undefined) link.attach(home.openLink);
    else if (leader !== undefined && this.isLed && link.asked !== leader) {
      link.listen(this.options.store, leader);
      this.post({ type: 'connect', to: leader, tab, link: link.id, wants: link.options });
    }
  }

  // --- Leading ---

  /** Runs while this tab has the lock. */
  private async lead(): Promise<void> {
    if (this.failure !== undefined) return;
    this.follow(this.tab, false);
    this.post({ type: 'election', leader: this.tab });
    try {
      const { store, openHere } = this.options;
      const { home, settings } = await openHere(this.settings, (error) => this.fail(error));
      if (this.failure !== undefined) {
        await home.close();
        return;
      }
      this.home = home;
      this.settings = settings;
      const { tab } = this;
      const post = (message: TabMessage) => this.post(message);
      this.leading = new Leader({ store, tab, home, settings, post });
      this.follow(tab, true);
      this.post({ type: 'leader', leader: tab });
      this.opened.resolve();
    } catch (error) {
      this.opened.reject(error);
      this.fail(error as RespiteError);
      return;
    }
    await this.over.promise;
  }

  /** This tab cannot go on. */
  private fail(error: RespiteError): void {
    this.failure ??= error;
    this.leave().catch(() => {});
    this.failed.resolve(error);
  }

  /** Ends everything; whoever is next gets the lock when what there was to be kept is kept. */
  private leave(): Promise<void> {
    this.leaving ??= this.end();
    return this.leaving;
  }

  private async end(): Promise<void> {
    this.queue.abort();
    const reason = this.failure ?? lost();
    this.failure ??= reason;
    for (const link of [...this.links]) link.fail(reason);
    for (const { answer } of this.exports) answer.reject(reason);
    const { home, leading } = this;
    this.home = undefined;
    this.leading = undefined;
    leading?.close();
    try {
      await home?.close();
    } finally {
      globalThis.removeEventListener?.('pagehide', this.onPageHide);
      this.over.resolve();
      this.channel.close();
    }
  }
}

function lost(): RespiteError {
  return new RespiteError(
    'CONNECTION_LOST',
    'The tab that had the store is gone: what it had not answered may have been done or not',
  );
}
