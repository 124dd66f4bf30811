// Where the data are, and ways in and out: dump.rdb, links, starting over.

import { html, nothing, render, type TemplateResult } from 'lit-html';
import { live } from 'lit-html/directives/live.js';
import { keysIn, numberIn, parseInfo } from '../charts/info.ts';
import type { Durability, OpenedStore } from '../store.ts';
import { chooseFile } from '../ui/files.ts';
import { formatBytes, formatCount } from '../ui/format.ts';
import { type IconName, icon } from '../ui/icons.ts';
import { showError } from '../ui/toast.ts';

export interface DataActions {
  importFile(file: File): Promise<void>;
  /** What `exportFile` saves the data as. */
  fileName(): string;
  exportFile(): Promise<void>;
  /** The link, or an error with the reason. */
  shareLink(): Promise<string>;
  copyLink(link: string): Promise<void>;
  setDurability(durability: Durability): Promise<void>;
  /** Leaves a store that is gone with the page, for the one that is kept. */
  returnToStored(): Promise<void>;
  reset(): Promise<void>;
}

const BACKENDS = {
  opfs: 'the browser’s private file system (OPFS)',
  indexeddb: 'IndexedDB',
  memory: 'memory only',
};
const ROLES = {
  leader: 'This tab runs the engine; other tabs with this page share it.',
  follower: 'Another tab runs the engine; this one shares it, and takes over when that tab goes.',
};
const REFRESH_MS = 2000;

export class StoredDataView {
  private readonly host: HTMLElement;
  private readonly opened: OpenedStore;
  private readonly actions: DataActions;
  private readonly timer: ReturnType<typeof setInterval>;
  private usage: StorageEstimate | undefined;
  private isPersisted: boolean | undefined;
  private keys = 0;
  private memory = 0;
  private link: string | undefined;
  private busy = '';
  private isDisposed = false;

  constructor(host: HTMLElement, opened: OpenedStore, actions: DataActions) {
    this.host = host;
    this.opened = opened;
    this.actions = actions;
    this.draw();
    this.timer = setInterval(() => void this.refresh(), REFRESH_MS);
    void this.refresh();
  }

  dispose(): void {
    this.isDisposed = true;
    clearInterval(this.timer);
    render(nothing, this.host);
  }

  async refresh(): Promise<void> {
    if (this.host.hidden || this.isDisposed) return;
    try {
      // Without a secure context there is no storage to ask.
      const storage = navigator.storage as StorageManager | undefined;
      this.usage = await storage?.estimate?.();
      this.isPersisted = await storage?.persisted?.();
      const { store } = this.opened;
      if (!store.isClosed) {
        const info = parseInfo(String(await store.command('INFO', 'memory', 'keyspace')));
        this.memory = numberIn(info, 'used_memory');
        this.keys = keysIn(info);
      }
      this.draw();
    } catch {
      // The store says by itself what is wrong with it.
    }
  }

  /** Runs an action; while it runs, there is no other. */
  private async act(label: string, run: () => Promise<void>): Promise<void> {
    if (this.busy !== '') return;
    this.busy = label;
    this.draw();
    try {
      await run();
    } catch (error) {
      showError(error);
    } finally {
      this.busy = '';
      await this.refresh();
      this.draw();
    }
  }

  private draw(): void {
    // Another store may be shown by now.
    if (this.isDisposed) return;
    render(
      html`<div class="page-head">
          <h1>Data</h1>
          <p class="muted">Your data stays in this browser. No server sees it.</p>
        </div>
        <div class="data-grid">${this.storageCard()} ${this.dumpCard()} ${this.shareCard()} ${this.resetCard()}</div>`,
      this.host,
    );
  }

  private storageCard(): TemplateResult {
    const { name } = this.opened;
    const { backend, durability, role } = this.opened.facts();
    const isKept = name !== undefined && backend !== 'memory';
    const goBack = () => void this.act('Opening', () => this.actions.returnToStored());
    return html`<section class="card" aria-labelledby="data-storage">
      <h2 id="data-storage">Storage</h2>
      <dl class="facts">
        <div><dt>Kept in</dt><dd>${BACKENDS[backend]}</dd></div>
        <div><dt>Holds</dt><dd>${formatCount(this.keys)} keys, ${formatBytes(this.memory)} in memory</dd></div>
        ${
          isKept && this.usage?.quota !== undefined
            ? html`<div>
                <dt>Room</dt>
                <dd>
                  ${this.room(this.usage.usage ?? 0, this.usage.quota)}
                </dd>
              </div>`
            : nothing
        }
        ${role === undefined ? nothing : html`<div><dt>Tabs</dt><dd>${ROLES[role]}</dd></div>`}
      </dl>
      ${
        isKept
          ? html`<fieldset class="choices" ?disabled=${this.busy !== ''}>
              <legend>A write is answered</legend>
              ${this.durabilityChoice('relaxed', durability, 'at once; it is stored within 100 ms')}
              ${this.durabilityChoice('strict', durability, 'when it is stored')}
            </fieldset>`
          : html`<p class="notice">
              This data is gone when the page is closed.
              ${
                name === undefined
                  ? html`<button type="button" class="button small plain" @click=${goBack}>
                      Return to the stored data
                    </button>`
                  : nothing
              }
            </p>`
      }
    </section>`;
  }

  private room(used: number, quota: number): TemplateResult {
    const note = this.isPersisted ? '; the browser will not clear it by itself' : '';
    return html`<meter
        min="0"
        max="1"
        high="0.8"
        value=${used / quota}
        aria-label="Share of the room that is used"
      ></meter>
      ${formatBytes(used)} of ${formatBytes(quota)} for this site${note}`;
  }

  private durabilityChoice(value: Durability, current: Durability, label: string): TemplateResult {
    return html`<label class="choice"
      ><input
        type="radio"
        name="durability"
        value=${value}
        .checked=${live(value === current)}
        @change=${() => void this.act('Opening again', () => this.actions.setDurability(value))}
      /><span><strong>${value}</strong> ${label}</span></label
    >`;
  }

  /** A button that nothing else runs beside. */
  private button(
    label: string,
    iconName: IconName,
    kind: 'primary' | 'danger' | '',
    run: () => void,
  ): TemplateResult {
    return html`<button
      type="button"
      class="button ${kind}"
      ?disabled=${this.busy !== ''}
      @click=${run}
    >
      ${icon(iconName)}${label}
    </button>`;
  }

  private dumpCard(): TemplateResult {
    const save = () => void this.act('Saving', () => this.actions.exportFile());
    return html`<section class="card" aria-labelledby="data-dump">
      <h2 id="data-dump">dump.rdb</h2>
      <p>
        Load a snapshot that Redis or Respite wrote, look around, change it, and save it back. A file
        can also be dropped or pasted anywhere on this page.
      </p>
      <div class="button-row">
        ${this.button('Load a file …', 'upload', 'primary', () => void this.choose())}
        ${this.button(`Save ${this.actions.fileName()}`, 'download', '', save)}
      </div>
      <p class="muted" role="status">${this.busy === '' ? '' : `${this.busy} …`}</p>
    </section>`;
  }

  private async choose(): Promise<void> {
    const file = await chooseFile('.rdb,application/octet-stream');
    if (file !== undefined) await this.act('Loading', () => this.actions.importFile(file));
  }

  private shareCard(): TemplateResult {
    const make = () =>
      void this.act('Packing', async () => {
        this.link = undefined;
        this.link = await this.actions.shareLink();
      });
    return html`<section class="card" aria-labelledby="data-share">
      <h2 id="data-share">Share by link</h2>
      <p>
        A link that holds a small data set as a whole: who opens it is asked what to do with the data.
      </p>
      <div class="button-row">${this.button('Make a link', 'link', '', make)}</div>
      ${this.link === undefined ? nothing : this.linkField(this.link)}
    </section>`;
  }

  private linkField(link: string): TemplateResult {
    const select = (event: FocusEvent) => (event.target as HTMLInputElement).select();
    const copy = () => void this.actions.copyLink(link).catch(showError);
    return html`<label class="field">
        <span>Link, ${formatCount(link.length)} characters</span>
        <input id="share-link" readonly .value=${link} @focus=${select} />
      </label>
      <div class="button-row">
        <button type="button" class="button small plain" @click=${copy}>${icon('copy')}Copy</button>
      </div>`;
  }

  private resetCard(): TemplateResult {
    const reset = () => void this.act('Deleting', () => this.actions.reset());
    return html`<section class="card" aria-labelledby="data-reset">
      <h2 id="data-reset">Start over</h2>
      <p>Deletes all keys of all databases, in every tab with this page.</p>
      <div class="button-row">${this.button('Delete everything …', 'trash', 'danger', reset)}</div>
    </section>`;
  }
}
