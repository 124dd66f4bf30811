// Where the page begins: theme, store, views; a link that brings data; what to say when the store does not open.

import { html, render } from 'lit-html';
import { App, chosenDurability } from './app.ts';
import { fromFragment, hasSnapshot } from './data/share_link.ts';
import { installDrop } from './drop.ts';
import { openStore } from './open_store.ts';
import { installShortcuts, showShortcuts } from './shortcuts.ts';
import type { OpenedStore } from './store.ts';
import { element } from './ui/elements.ts';
import { icon } from './ui/icons.ts';
import { installSplitter } from './ui/splitter.ts';
import { ThemeSwitch } from './ui/theme.ts';
import { showError } from './ui/toast.ts';

const DEFAULT_NAME = 'playground';

/** `?store=name`: another set of data. */
const name = new URL(location.href).searchParams.get('store') || DEFAULT_NAME;

let app: App | undefined;
let isOpening = false;

const theme = new ThemeSwitch((current) => {
  render(icon(current === 'dark' ? 'sun' : 'moon'), element('theme'));
  app?.restyle();
});
element('theme').addEventListener('click', () => theme.toggle());
element('help').addEventListener('click', showShortcuts);
element('store-chip').addEventListener('click', () => app?.show('data'));
element('skip').addEventListener('click', (event) => {
  // Its address is that of no view.
  event.preventDefault();
  element('main').focus();
});
installShortcuts(() => app);
installDrop(element('drop'), (file) => void app?.importFile(file).catch(showError));
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
addEventListener('hashchange', () => void takeSnapshot());

function start(opened: OpenedStore): void {
  element('failure').hidden = true;
  app = new App({ open: openStore, name, onLost: (reason) => lose(reason) }, opened);
  void takeSnapshot();
}

/** Data that the link brings are asked about, and never put in place of others by themselves. */
async function takeSnapshot(): Promise<void> {
  const fragment = location.hash;
  if (app === undefined || !hasSnapshot(fragment)) return;
  app.show('keys');
  try {
    await app.importDump(await fromFragment(fragment), 'The link you followed');
  } catch (error) {
    showError(error);
  }
}

async function open(inMemory: boolean): Promise<void> {
  if (isOpening) return;
  isOpening = true;
  drawFailure();
  try {
    start(await openStore(inMemory ? {} : { name, durability: chosenDurability(name) }));
  } catch (error) {
    showFailure('The store did not open', error as Error);
  } finally {
    isOpening = false;
    drawFailure();
  }
}

/** The store has come to an end, and the views of it with it. */
function lose(reason: Error): void {
  app = undefined;
  showFailure('The store has come to an end', reason);
}

let failure: { title: string; error: Error } | undefined;

function showFailure(title: string, error: Error): void {
  failure = { title, error };
  for (const view of document.querySelectorAll<HTMLElement>('main > .view')) view.hidden = true;
  element('failure').hidden = false;
  element('store-chip-text').textContent = 'Not open';
  drawFailure();
  // What had the focus is gone with its view.
  element('failure').querySelector('button')?.focus();
}

function drawFailure(): void {
  if (failure === undefined) return;
  const { title, error } = failure;
  const code = 'code' in error && typeof error.code === 'string' ? error.code : error.name;
  render(
    html`<div class="card failure" role="alert">
      <h1>${title}</h1>
      <p>${error.message}</p>
      <p class="muted">Code ${code}. What is stored in this browser is as it was.</p>
      <div class="button-row">
        <button type="button" class="button primary" ?disabled=${isOpening} @click=${() => void open(false)}>
          Try again
        </button>
        <button type="button" class="button" ?disabled=${isOpening} @click=${() => void open(true)}>
          Go on in memory only
        </button>
      </div>
    </div>`,
    element('failure'),
  );
}

void open(false);
