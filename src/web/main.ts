// Where the page begins: theme, store, views; a link that brings data; what to say when the store does not open.

import { html, render } from 'lit-html';
import { App } from './app.ts';
import { fromFragment, hasSnapshot } from './data/share_link.ts';
import { installDrop } from './drop.ts';
import { openStore } from './open_store.ts';
import { installShortcuts, showShortcuts } from './shortcuts.ts';
import type { OpenedStore } from './store.ts';
import { icon } from './ui/icons.ts';
import { readSetting } from './ui/settings.ts';
import { installSplitter } from './ui/splitter.ts';
import { ThemeSwitch } from './ui/theme.ts';
import { showError } from './ui/toast.ts';

const DEFAULT_NAME = 'playground';

/** `?store=name`: another set of data. */
const name = new URL(location.href).searchParams.get('store') || DEFAULT_NAME;

function element(id: string): HTMLElement {
  return document.getElementById(id)!;
}

let app: App | undefined;

const theme = new ThemeSwitch((current) => {
  render(icon(current === 'dark' ? 'sun' : 'moon'), element('theme'));
  app?.restyle();
});
element('theme').addEventListener('click', () => theme.toggle());
element('help').addEventListener('click', showShortcuts);
element('store-chip').addEventListener('click', () => app?.show('data'));

function start(opened: OpenedStore): void {
  element('failure').hidden = true;
  const started = new App({ open: openStore, name }, opened);
  app = started;
  installShortcuts(started);
  installDrop(element('drop'), (file) => void started.importFile(file).catch(showError));
  installSplitter({
    handle: element('split-keys'),
    target: element('workspace'),
    property: '--keys-width',
    direction: 'column',
    initial: 320,
    min: 220,
    rest: 420,
  });
  installSplitter({
    handle: element('split-editor'),
    target: element('workspace'),
    property: '--value-height',
    direction: 'row',
    initial: Math.round(innerHeight * 0.55),
    min: 140,
    rest: 120,
  });
  void takeSnapshot(started);
  addEventListener('hashchange', () => void takeSnapshot(started));
}

/** Data that the link brings are asked about, and never put in place of others by themselves. */
async function takeSnapshot(started: App): Promise<void> {
  const fragment = location.hash;
  if (!hasSnapshot(fragment)) return;
  started.show('keys');
  try {
    await started.importDump(await fromFragment(fragment), 'The link you followed');
  } catch (error) {
    showError(error);
  }
}

async function openStored(): Promise<OpenedStore> {
  const durability = readSetting('durability') === 'strict' ? 'strict' : 'relaxed';
  try {
    return await openStore({ name, durability });
  } catch (error) {
    // Another tab has it open with the other durability: that holds then.
    if ((error as { code?: string }).code !== 'BAD_OPTION') throw error;
    return openStore({ name });
  }
}

async function open(inMemory: boolean): Promise<void> {
  try {
    start(await (inMemory ? openStore({}) : openStored()));
  } catch (error) {
    showFailure(error as Error);
  }
}

function showFailure(error: Error): void {
  const code = 'code' in error && typeof error.code === 'string' ? error.code : error.name;
  element('workspace').hidden = true;
  element('failure').hidden = false;
  element('store-chip-text').textContent = 'Not open';
  render(
    html`<div class="card failure">
      <h1>The store did not open</h1>
      <p>${error.message}</p>
      <p class="muted">Code ${code}. What is stored in this browser is as it was.</p>
      <div class="button-row">
        <button type="button" class="button primary" @click=${() => void open(false)}>Try again</button>
        <button type="button" class="button" @click=${() => void open(true)}>Go on in memory only</button>
      </div>
    </div>`,
    element('failure'),
  );
}

void open(false);
