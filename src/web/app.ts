// The page: which view is shown, which store it shows, and what reaches across views.
//
//   App ── views of one store: keys, value, terminal, charts, commands, benchmark, data
//    └─ another store (a dump to look at, other durability): all views are made anew

import { html, render } from 'lit-html';
import { BenchView } from './bench/bench_view.ts';
import { ChartsView } from './charts/charts_view.ts';
import { databasesIn, numberIn, parseInfo } from './charts/info.ts';
import { StoredDataView } from './data/data_view.ts';
import { importQuestion } from './data/import_question.ts';
import { hasSnapshot, toFragment } from './data/share_link.ts';
import { copyStore, countKeys, deleteOthers, type TransferResult } from './data/transfer.ts';
import { commandAddress, commandAt } from './docs/address.ts';
import { DocsView } from './docs/docs_view.ts';
import { KeyView } from './keys/key_view.ts';
import { KeysView } from './keys/keys_view.ts';
import { askNewKey } from './keys/new_key.ts';
import type { Durability, OpenedStore, OpenStore, Store } from './store.ts';
import { History } from './terminal/history.ts';
import { TerminalView } from './terminal/terminal_view.ts';
import { terminalTheme } from './terminal/theme.ts';
import { ask } from './ui/dialog.ts';
import { element } from './ui/elements.ts';
import { copyText, saveFile } from './ui/files.ts';
import { plural } from './ui/format.ts';
import { type IconName, icon } from './ui/icons.ts';
import { readSetting, settingsStorage, writeSetting } from './ui/settings.ts';
import { showError, showNote, showProgress } from './ui/toast.ts';

export type ViewName = 'keys' | 'terminal' | 'charts' | 'commands' | 'benchmark' | 'data';

export const VIEWS: readonly { name: ViewName; label: string; icon: IconName }[] = [
  { name: 'keys', label: 'Keys', icon: 'keys' },
  { name: 'terminal', label: 'Terminal', icon: 'terminal' },
  { name: 'charts', label: 'Charts', icon: 'charts' },
  { name: 'commands', label: 'Commands', icon: 'commands' },
  { name: 'benchmark', label: 'Benchmark', icon: 'benchmark' },
  { name: 'data', label: 'Data', icon: 'data' },
];

export interface AppOptions {
  readonly open: OpenStore;
  /** Name of the store that is kept in the browser. */
  readonly name: string;
  /** The store has come to an end by itself, and the app with it. */
  onLost(reason: Error): void;
}

/** How the data of this name are to be kept. */
export function chosenDurability(name: string): Durability {
  return readSetting(`durability.${name}`) === 'strict' ? 'strict' : 'relaxed';
}

export class App {
  private readonly options: AppOptions;
  private opened: OpenedStore;
  private readonly history = new History(settingsStorage());
  private keys!: KeysView;
  private terminal!: TerminalView;
  private charts!: ChartsView;
  private docs!: DocsView;
  private bench!: BenchView;
  private data!: StoredDataView;
  private value: KeyView | undefined;
  private view: ViewName = 'keys';
  private readonly fileNames = new WeakMap<Store, string>();
  /** Changes to a store in memory that a dump.rdb has, or that it began with. */
  private savedChanges = 0;
  private readonly listening = new AbortController();

  constructor(options: AppOptions, opened: OpenedStore) {
    this.options = options;
    this.opened = opened;
    this.makeViews();
    const { signal } = this.listening;
    addEventListener('hashchange', () => this.route(), { signal });
    const keepDraft = (event: Event) => {
      if (this.value?.isChanged) event.preventDefault();
    };
    addEventListener('beforeunload', keepDraft, { signal });
    this.route();
    // Who comes to type can begin; on a touch screen a keyboard would cover half of the page.
    if (this.isTerminalVisible() && matchMedia('(pointer: fine)').matches) this.terminal.focus();
  }

  get store() {
    return this.opened.store;
  }

  get keyNames(): IterableIterator<string> {
    return this.keys.keyIndex.tree.keys();
  }

  // --- Views ---

  show(view: ViewName): void {
    if (hasSnapshot(location.hash)) history.replaceState(undefined, '', `#/${view}`);
    else if (location.hash !== `#/${view}`) location.hash = `#/${view}`;
    this.apply(view);
  }

  focusFilter(): void {
    if (this.view === 'commands') this.docs.focusSearch();
    else {
      if (this.view !== 'keys') this.show('keys');
      this.keys.focusFilter();
    }
  }

  focusTerminal(): void {
    if (!this.isTerminalVisible()) this.show('terminal');
    this.terminal.focus();
  }

  openKey(key: string): void {
    void this.showKey(key).catch(showError);
  }

  private async showKey(key: string): Promise<void> {
    if (this.view !== 'keys' && this.view !== 'terminal') this.show('keys');
    if (this.value?.key === key || !(await this.mayLeaveKey())) return;
    this.value?.dispose();
    this.setEditorShown(true);
    this.value = new KeyView({
      host: element('editor'),
      session: this.keys.keyIndex.session,
      key,
      onClose: () => {
        this.closeKey();
        if (document.activeElement === document.body) this.keys.focusList();
      },
      onRenamed: (name) => {
        this.closeKey();
        this.openKey(name);
      },
    });
    this.keys.reveal(key);
  }

  /** Asks when something that was typed would be lost. */
  private async mayLeaveKey(): Promise<boolean> {
    return (await this.value?.mayLeave()) ?? true;
  }

  private closeKey(): void {
    this.value?.dispose();
    this.value = undefined;
    this.setEditorShown(false);
    this.keys.reveal(undefined);
  }

  showCommand(fullName: string): void {
    this.show('commands');
    this.docs.show(fullName);
    history.replaceState(undefined, '', commandAddress(fullName));
  }

  /** The theme has changed. */
  restyle(): void {
    this.terminal.setTheme(terminalTheme());
    this.charts.restyle();
  }

  async newKey(): Promise<void> {
    const key = await askNewKey(this.keys.keyIndex.session);
    if (key !== undefined) this.openKey(key);
  }

  private route(): void {
    const { hash } = location;
    const isView = hash === '' || hash.startsWith('#/');
    const [, name = 'keys', detail] = isView ? hash.split('/') : [];
    // Data, or a place on the page, leave the view as it is.
    const view = isView ? (VIEWS.find((each) => each.name === name)?.name ?? 'keys') : this.view;
    this.apply(view);
    if (view === 'commands' && detail) this.docs.show(commandAt(detail));
  }

  private apply(view: ViewName): void {
    this.view = view;
    document.body.dataset.view = view;
    const isWorkspace = view === 'keys' || view === 'terminal';
    element('workspace').hidden = !isWorkspace;
    for (const { name } of VIEWS) {
      if (name !== 'keys' && name !== 'terminal') element(name).hidden = name !== view;
    }
    this.charts.setVisible(view === 'charts');
    if (view === 'data') void this.data.refresh();
    if (view === 'terminal') this.terminal.focus();
    this.drawNavigation();
  }

  private isTerminalVisible(): boolean {
    return element('terminal').offsetParent !== null;
  }

  private setEditorShown(isShown: boolean): void {
    element('editor').hidden = !isShown;
    element('split-editor').hidden = !isShown;
    element('workspace').classList.toggle('has-value', isShown);
  }

  private drawNavigation(): void {
    render(
      html`${VIEWS.map(
        ({ name, label, icon: iconName }, i) =>
          html`<a
            href="#/${name}"
            class="view-${name}"
            aria-current=${name === this.view ? 'page' : 'false'}
            title="Alt+${i + 1}"
            >${icon(iconName)}<span>${label}</span></a
          >`,
      )}`,
      element('views'),
    );
  }

  private drawChip(): void {
    const { backend } = this.opened.facts();
    const isKept = this.opened.name !== undefined && backend !== 'memory';
    element('store-chip').classList.toggle('kept', isKept);
    element('store-chip-text').textContent = isKept ? 'Stored in this browser' : 'In memory only';
  }

  private makeViews(): void {
    const { store } = this.opened;
    this.terminal = new TerminalView({
      host: element('terminal-host'),
      log: element('terminal-log'),
      openLink: (handlers, options) => store.connect(handlers, options),
      history: this.history,
      theme: terminalTheme(),
      onDatabase: (database) => void this.select(database).catch(showError),
    });
    this.keys = new KeysView({
      host: element('keys'),
      store,
      databases: this.opened.databases,
      onOpen: (key) => this.openKey(key),
      onNew: () => void this.newKey().catch(showError),
      onDatabase: (database) => void this.select(database).catch(showError),
      onChanged: (changed) => {
        if (this.value !== undefined && (changed?.has(this.value.key) ?? true))
          this.value.refreshSoon();
      },
    });
    this.charts = new ChartsView(element('charts'), store);
    this.docs = new DocsView({
      host: element('commands'),
      open: this.options.open,
      onTry: (line) => {
        this.show('terminal');
        this.terminal.propose(line);
      },
      onCommand: (name) => history.replaceState(undefined, '', commandAddress(name)),
    });
    this.bench = new BenchView(element('benchmark'), this.options.open);
    this.data = new StoredDataView(element('data'), this.opened, {
      importFile: (file) => this.importFile(file),
      fileName: () => this.fileName(),
      exportFile: () => this.exportFile(),
      shareLink: () => this.shareLink(),
      copyLink: async (link) => {
        await copyText(link);
        showNote('The link is in the clipboard.');
      },
      setDurability: (durability) => this.setDurability(durability),
      returnToStored: () => this.returnToStored(),
      reset: () => this.reset(),
    });
    this.drawChip();
    void store.ended.then((reason) => {
      if (store === this.store) this.lose(reason);
    });
  }

  private disposeViews(): void {
    this.closeKey();
    for (const view of [this.keys, this.terminal, this.charts, this.docs, this.bench, this.data])
      view.dispose();
  }

  /** The terminal and the keys are in one database. */
  private async select(database: number): Promise<void> {
    if (database !== this.keys.database) {
      if (await this.mayLeaveKey()) {
        this.closeKey();
        this.keys.select(database);
      } else this.keys.reveal(this.value?.key);
    }
    this.terminal.select(this.keys.database);
  }

  // --- Stores ---

  private async useStore(opened: OpenedStore): Promise<void> {
    const old = this.opened;
    const changes = await changesOf(opened);
    this.disposeViews();
    this.opened = opened;
    this.savedChanges = changes;
    this.makeViews();
    this.apply(this.view);
    // What it could not store is gone with it, but the other one is there.
    if (!old.store.isClosed) await old.store.close().catch(showError);
  }

  /** There is no store any more. */
  private lose(reason: Error): void {
    this.disposeViews();
    this.listening.abort();
    // It lets go of what it still holds, so that it can be opened again.
    this.opened.store.close().catch(() => {});
    this.options.onLost(reason);
  }

  private async openStored(durability: Durability): Promise<void> {
    await this.useStore(await this.options.open({ name: this.options.name, durability }));
  }

  private async returnToStored(): Promise<void> {
    if (!(await this.mayLeaveKey()) || !(await this.mayLeaveMemory())) return;
    await this.openStored(chosenDurability(this.options.name));
  }

  private async setDurability(durability: Durability): Promise<void> {
    if (!(await this.mayLeaveKey())) return;
    const { name } = this.options;
    // A store that is kept is open once; in between there is none.
    try {
      await this.opened.store.close();
      await this.openStored(durability);
    } catch (error) {
      this.lose(error as Error);
      return;
    }
    const held = this.opened.facts().durability;
    if (held !== durability) {
      throw new Error(
        `Another tab has the data open, and answers writes as before (${held}): close it first`,
      );
    }
    writeSetting(`durability.${name}`, durability);
  }

  /** What the data are saved as: the name of the file that they came from. */
  private fileName(): string {
    return this.fileNames.get(this.opened.store) ?? 'dump.rdb';
  }

  private async exportFile(): Promise<void> {
    const changes = await changesOf(this.opened);
    saveFile(this.fileName(), Uint8Array.from(await this.opened.store.export()));
    this.savedChanges = changes;
  }

  /** Asks when changes would be gone that are only in memory. */
  private async copyInto(
    target: OpenedStore,
    source: OpenedStore,
    overwrite: boolean,
    title: string,
  ): Promise<TransferResult> {
    const progress = showProgress(`Loading ${title}`);
    try {
      return await copyStore(source, target, {
        overwrite,
        onProgress: (done, total) => progress.show(done, total),
      });
    } finally {
      progress.end();
    }
  }

  private async mayLeaveMemory(): Promise<boolean> {
    const { store, facts } = this.opened;
    if (facts().backend !== 'memory' || store.isClosed) return true;
    if ((await changesOf(this.opened)) === this.savedChanges) return true;
    const choice = await ask(
      'Leave the data in memory?',
      'They have changed since they were loaded or saved, and will be gone.',
      [
        { label: `Save ${this.fileName()}`, value: 'save', kind: 'primary' },
        { label: 'Leave without saving', value: 'leave', kind: 'danger' },
      ],
    );
    if (choice === 'save') await this.exportFile();
    return choice !== undefined;
  }

  private async shareLink(): Promise<string> {
    const fragment = await toFragment(await this.opened.store.export());
    return `${location.href.split('#')[0]}${fragment}`;
  }

  private async reset(): Promise<void> {
    const count = await countKeys(this.opened);
    const isSure = await ask(
      'Delete everything?',
      `${plural(count, 'key')} in all databases will be gone, for all tabs with this page. Save a dump.rdb first if you may want them back.`,
      [{ label: 'Delete everything', value: true, kind: 'danger' }],
    );
    if (!isSure) return;
    await this.opened.store.command('FLUSHALL');
    this.closeKey();
    showNote('All keys were deleted.');
  }

  async importFile(file: File): Promise<void> {
    await this.importDump(new Uint8Array(await file.arrayBuffer()), file.name, file.name);
  }

  /** Loads a dump the way the user wants it. Nothing is changed by one that cannot be read. */
  async importDump(rdb: Uint8Array, title: string, fileName?: string): Promise<void> {
    const source = await this.options.open({ rdb });
    let isKept = false;
    try {
      const { databases } = this.opened;
      const count = await countKeys(source);
      const present = await countKeys(this.opened);
      const beyond = await databasesBeyond(source, databases);
      const choice = await importQuestion({
        title,
        bytes: rdb.length,
        keys: count,
        present,
        beyond,
      });
      if (choice === undefined) return;
      if (choice === 'separate') {
        if (!(await this.mayLeaveKey()) || !(await this.mayLeaveMemory())) return;
        isKept = true;
        if (fileName !== undefined) this.fileNames.set(source.store, fileName);
        await this.useStore(source);
        showNote(`${title}: ${plural(count, 'key')}. Your stored data are as they were.`);
        return;
      }
      const target = this.opened;
      const result = await this.copyInto(target, source, choice !== 'keep', title);
      // What is not in the file goes last: were the copy to fail half way, it would still be there.
      if (choice === 'replace') await deleteOthers(source, target);
      if ((choice === 'replace' || present === 0) && fileName !== undefined) {
        this.fileNames.set(target.store, fileName);
      }
      const kept = result.kept > 0 ? `; ${plural(result.kept, 'key')} kept as they were` : '';
      showNote(`${plural(result.copied, 'key')} loaded from ${title}${kept}.`);
    } finally {
      if (!isKept) await source.store.close();
    }
  }
}

async function changesOf({ store }: OpenedStore): Promise<number> {
  const info = String(await store.command('INFO', 'persistence'));
  return numberIn(parseInfo(info), 'rdb_changes_since_last_save');
}

/** Databases with keys that a store of so many databases has no room for. */
async function databasesBeyond(source: OpenedStore, databases: number): Promise<number[]> {
  const info = String(await source.store.command('INFO', 'keyspace'));
  return [...databasesIn(parseInfo(info)).keys()].filter((each) => each >= databases);
}
