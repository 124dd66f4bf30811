// The pane with all keys: database, filter, tree. It follows what changes, from wherever the change comes.

import { html, nothing, render, type TemplateResult } from 'lit-html';
import { live } from 'lit-html/directives/live.js';
import type { Store } from '../store.ts';
import { formatBytes, formatCount, formatDuration, plural } from '../ui/format.ts';
import { icon } from '../ui/icons.ts';
import { showError } from '../ui/toast.ts';
import { VirtualList } from '../ui/virtual_list.ts';
import { KeyIndex } from './key_index.ts';
import { displayKey } from './key_names.ts';
import { KeyTree } from './key_tree.ts';
import { matchKeys } from './match_keys.ts';
import { type FolderRow, type KeyRow, type Row, TreeRows } from './tree_rows.ts';

export interface KeysViewOptions {
  readonly host: HTMLElement;
  readonly store: Store;
  readonly databases: number;
  onOpen(key: string): void;
  onNew(): void;
  onDatabase(database: number): void;
  /** These keys have changed; undefined for all. */
  onChanged(keys: ReadonlySet<string> | undefined): void;
}

const ROW_HEIGHT = 30;
/** What a filter found is shown with all folders open up to this many keys. */
const OPEN_MATCHES_MAX = 500;
const REDRAW_MS = 120;
/** Redrawing takes this share of the time at most, however many keys there are. */
const REDRAW_SHARE = 0.2;
const TTL_MS = 1000;

export class KeysView {
  private readonly options: KeysViewOptions;
  private readonly list: VirtualList;
  private readonly listHost: HTMLElement;
  private readonly ticking: ReturnType<typeof setInterval>;
  private index: KeyIndex;
  private filter = '';
  private matches: KeyTree | undefined;
  /** What `matches` was made of. */
  private filtered = { text: '', index: undefined as KeyIndex | undefined, version: -1 };
  private rows = new TreeRows();
  private selected: string | undefined;
  /** A key to scroll to once it is among the rows: one that was just made comes a little later. */
  private revealing: string | undefined;
  private redrawing: ReturnType<typeof setTimeout> | undefined;
  private redrawMs = 0;

  constructor(options: KeysViewOptions) {
    this.options = options;
    this.index = this.openIndex(0);
    this.drawFrame();
    this.listHost = options.host.querySelector<HTMLElement>('#key-list')!;
    this.list = new VirtualList({
      host: this.listHost,
      rowHeight: ROW_HEIGHT,
      row: (i, id, isActive) => this.row(this.rows.at(i)!, id, isActive, i),
      onShown: (from, to) => this.wantFacts(from, to),
    });
    this.listHost.addEventListener('keydown', (event) => this.onKey(event));
    this.ticking = setInterval(() => this.tick(), TTL_MS);
    this.redraw();
  }

  get database(): number {
    return this.index.database;
  }

  get keyIndex(): KeyIndex {
    return this.index;
  }

  /** Shows another database. */
  select(database: number): void {
    if (database === this.index.database) return;
    this.index.dispose();
    this.index = this.openIndex(database);
    this.selected = undefined;
    this.revealing = undefined;
    this.redraw();
  }

  /** Marks the key that is open, and shows where it is. */
  reveal(key: string | undefined): void {
    this.selected = key;
    this.revealing = key;
    if (key !== undefined) this.tree.reveal(key);
    this.redraw();
  }

  focusList(): void {
    this.listHost.focus();
  }

  focusFilter(): void {
    this.options.host.querySelector<HTMLInputElement>('#key-filter')?.focus();
  }

  dispose(): void {
    clearInterval(this.ticking);
    clearTimeout(this.redrawing);
    this.list.dispose();
    this.index.dispose();
    render(nothing, this.options.host);
  }

  private get tree(): KeyTree {
    return this.matches ?? this.index.tree;
  }

  private openIndex(database: number): KeyIndex {
    return new KeyIndex(this.options.store, database, {
      onKeys: () => this.redrawSoon(),
      onFacts: () => this.list?.drawSoon(),
      onChanged: (keys) => this.options.onChanged(keys),
      onError: showError,
    });
  }

  // --- Drawing ---

  private tick(): void {
    if (document.hidden) return;
    this.list.drawSoon();
    void this.index.checkSwaps();
  }

  private redrawSoon(): void {
    const waitMs = Math.max(REDRAW_MS, this.redrawMs / REDRAW_SHARE);
    this.redrawing ??= setTimeout(() => this.redraw(), waitMs);
  }

  private redraw(): void {
    clearTimeout(this.redrawing);
    this.redrawing = undefined;
    const beganMs = performance.now();
    this.applyFilter();
    this.takeRows();
    this.drawFrame();
    this.activateRevealed();
    this.redrawMs = performance.now() - beganMs;
  }

  private activateRevealed(): void {
    const row = this.revealing === undefined ? -1 : this.rows.indexOfKey(this.revealing);
    if (row < 0) return;
    this.revealing = undefined;
    this.list.activate(row);
  }

  /** Takes the rows of the tree; the row at hand stays the same one, wherever it is now. */
  private takeRows(): void {
    const active = this.rows.at(this.list.active);
    this.rows = this.tree.rows();
    const at = active === undefined ? -1 : this.rows.indexOf(active);
    this.list.setCount(this.rows.length, at < 0 ? this.list.active : at);
  }

  private drawFrame(): void {
    const { options, index } = this;
    const { size } = index.tree;
    const databases = Array.from({ length: options.databases }, (_, i) => i);
    render(
      html`<div class="pane-head">
          <h2>Keys</h2>
          <label class="visually-hidden" for="key-database">Database</label>
          <select id="key-database" class="small" @change=${(event: Event) =>
            options.onDatabase(Number((event.target as HTMLSelectElement).value))}>
            ${databases.map(
              (each) =>
                html`<option value=${each} .selected=${live(each === index.database)}>db ${each}</option>`,
            )}
          </select>
          <span class="grow"></span>
          <button type="button" class="button small primary" @click=${() => options.onNew()}>
            ${icon('plus')}New key
          </button>
        </div>
        <div class="filter">
          ${icon('search')}
          <label class="visually-hidden" for="key-filter">Filter keys</label>
          <input
            id="key-filter"
            type="search"
            placeholder="Filter: text or pattern*"
            autocomplete="off"
            spellcheck="false"
            @input=${(event: InputEvent) => this.setFilter((event.target as HTMLInputElement).value)}
            @keydown=${(event: KeyboardEvent) => {
              if (event.key !== 'ArrowDown' || this.rows.length === 0) return;
              event.preventDefault();
              this.listHost.focus();
            }}
          />
        </div>
        <div
          id="key-list"
          class="key-list"
          tabindex="0"
          role=${this.rows.length > 0 ? 'tree' : 'group'}
          aria-label="Keys"
        ></div>
        <div class="pane-empty" ?hidden=${this.rows.length > 0 || index.isScanning}>
          ${size > 0 ? this.nothingFound() : this.emptyDatabase()}
        </div>
        <div class="pane-foot" role="status">
          ${this.matches === undefined ? plural(size, 'key') : `${formatCount(this.matches.size)} of ${plural(size, 'key')}`}
          ${index.isScanning ? html`<span class="muted">scanning …</span>` : nothing}
        </div>`,
      options.host,
    );
  }

  private emptyDatabase(): TemplateResult {
    return html`<p>No keys in db ${this.index.database} yet.</p>
      <p class="muted">Make one, type <code>SET greeting hello</code>, or drop a <code>dump.rdb</code> here.</p>`;
  }

  private nothingFound(): TemplateResult {
    return html`<p>No key matches “${this.filter}”.</p>`;
  }

  private row(row: Row, id: string, isActive: boolean, index: number): TemplateResult {
    return row.kind === 'folder'
      ? this.folderRow(row, id, isActive, index)
      : this.keyRow(row, id, isActive, index);
  }

  private folderRow(row: FolderRow, id: string, isActive: boolean, index: number): TemplateResult {
    return html`<div
      id=${id}
      class="row folder ${isActive ? 'active' : ''}"
      style=${indentOf(row)}
      role="treeitem"
      aria-level=${row.depth + 1}
      aria-posinset=${row.position}
      aria-setsize=${row.siblings}
      aria-expanded=${row.isOpen}
      @click=${() => this.toggle(index)}
    >
      <span class="twist ${row.isOpen ? 'open' : ''}">${icon('chevron')}</span>
      <span class="name">${displayKey(row.path, row.name)}</span>
      <span class="count">${formatCount(row.count)}</span>
    </div>`;
  }

  private keyRow(row: KeyRow, id: string, isActive: boolean, index: number): TemplateResult {
    const facts = this.index.factsOf(row.key);
    const isSelected = row.key === this.selected;
    const left = facts && facts.ttlMs >= 0 ? facts.ttlMs - (Date.now() - facts.askedAtMs) : -1;
    return html`<div
      id=${id}
      class="row key ${isActive ? 'active' : ''} ${isSelected ? 'selected' : ''}"
      style=${indentOf(row)}
      role="treeitem"
      aria-level=${row.depth + 1}
      aria-posinset=${row.position}
      aria-setsize=${row.siblings}
      aria-selected=${isSelected}
      title=${displayKey(row.key)}
      @click=${() => {
        this.list.activate(index);
        this.options.onOpen(row.key);
      }}
    >
      <span class="type ${facts?.type ?? ''}">${typeLabel(facts?.type)}</span>
      <span class="name">${displayKey(row.key, row.name)}</span>
      ${left >= 0 ? html`<span class="ttl" title="Expires in">${formatDuration(left)}</span>` : nothing}
      <span class="size">${facts ? formatBytes(facts.bytes) : ''}</span>
    </div>`;
  }

  private wantFacts(from: number, to: number): void {
    const keys: string[] = [];
    for (let i = from; i < to; i += 1) {
      const row = this.rows.at(i);
      if (row?.kind === 'key') keys.push(row.key);
    }
    if (keys.length > 0) void this.index.want(keys);
  }

  // --- Filter ---

  private setFilter(text: string): void {
    this.filter = text;
    this.listHost.scrollTop = 0;
    this.redraw();
  }

  /** Makes the tree of what matches, when the filter or the keys have changed; its folders stay as they are. */
  private applyFilter(): void {
    const { index, filtered } = this;
    const text = this.filter.trim();
    if (text === '') {
      this.matches = undefined;
      return;
    }
    const { version } = index;
    const isSame = filtered.text === text && filtered.index === index;
    if (this.matches !== undefined && isSame && filtered.version === version) return;
    const tree = new KeyTree();
    const matches = matchKeys(text);
    for (const key of index.tree.keys()) if (matches(key)) tree.add(key);
    if (this.matches !== undefined && isSame) tree.openAs(this.matches);
    tree.isAllOpen = tree.size <= OPEN_MATCHES_MAX;
    this.matches = tree;
    this.filtered = { text, index, version };
  }

  // --- Keyboard ---

  private toggle(index: number): void {
    const row = this.rows.at(index);
    if (row?.kind !== 'folder') return;
    this.revealing = undefined;
    this.tree.toggle(row.path);
    this.takeRows();
    this.list.activate(this.rows.indexOf(row));
  }

  private onKey(event: KeyboardEvent): void {
    // Keys of the browser: Alt and an arrow goes back.
    if (event.altKey || event.ctrlKey || event.metaKey) return;
    const { list, rows } = this;
    const at = list.active;
    const row = rows.at(at);
    this.revealing = undefined;
    const moves: Record<string, number> = {
      ArrowDown: at + 1,
      ArrowUp: at < 0 ? 0 : at - 1,
      Home: 0,
      End: rows.length - 1,
      PageDown: at + list.rowsPerPage,
      PageUp: at - list.rowsPerPage,
    };
    const to = moves[event.key];
    if (to !== undefined) {
      list.activate(to);
    } else if (event.key === 'ArrowRight' && row?.kind === 'folder') {
      if (row.isOpen) list.activate(at + 1);
      else this.toggle(at);
    } else if (event.key === 'ArrowLeft' && row !== undefined) {
      if (row.kind === 'folder' && row.isOpen) this.toggle(at);
      else this.activateParent(at, row.depth);
    } else if ((event.key === 'Enter' || event.key === ' ') && row !== undefined) {
      if (row.kind === 'folder') this.toggle(at);
      else this.options.onOpen(row.key);
    } else {
      return;
    }
    event.preventDefault();
  }

  private activateParent(at: number, depth: number): void {
    for (let i = at - 1; i >= 0; i -= 1) {
      if (this.rows.at(i)!.depth < depth) {
        this.list.activate(i);
        return;
      }
    }
  }
}

function indentOf({ depth }: Row): string {
  return `padding-left:${8 + depth * 14}px`;
}

const TYPE_LABELS: Readonly<Record<string, string>> = {
  string: 'str',
  hash: 'hash',
  list: 'list',
  set: 'set',
  zset: 'zset',
  stream: 'strm',
};

function typeLabel(type: string | undefined): string {
  return type === undefined ? '' : (TYPE_LABELS[type] ?? type);
}
