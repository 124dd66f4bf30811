// Keys that work everywhere on the page, and the list of them.

import { html } from 'lit-html';
import { type App, VIEWS } from './app.ts';
import { openPalette } from './palette.ts';
import { openDialog } from './ui/dialog.ts';
import { altDigit, fieldOf } from './ui/elements.ts';
import { readSetting, writeSetting } from './ui/settings.ts';
import { showError } from './ui/toast.ts';

const LIST: readonly [keys: string, what: string][] = [
  ['Alt + 1 … 6', 'Keys, Terminal, Charts, Commands, Benchmark, Data'],
  ['Ctrl + K', 'Find a command, a key or a view'],
  ['Ctrl + `', 'To the terminal'],
  ['/', 'Filter keys, or search commands'],
  ['N', 'New key'],
  ['?', 'This list'],
  ['↑ ↓ → ← Enter', 'In the keys: move, open and close folders, open a key'],
  ['Ctrl + S', 'In a value: save it'],
  ['Tab', 'In the terminal: complete; on an empty line: leave it'],
  ['↑ ↓, Ctrl + R', 'In the terminal: earlier lines, search in them'],
  ['Ctrl + C', 'In the terminal: stop what runs'],
];

/** Whoever speaks to the page, or hits keys by accident, can do without them. */
const SINGLE_KEYS = 'single-keys';
const hasSingleKeys = () => readSetting(SINGLE_KEYS) !== 'off';

export function showShortcuts(): void {
  void openDialog(() => ({
    title: 'Keyboard',
    body: html`<dl class="shortcuts">
        ${LIST.map(([keys, what]) => html`<div><dt><kbd>${keys}</kbd></dt><dd>${what}</dd></div>`)}
      </dl>
      <label class="choice"
        ><input
          type="checkbox"
          ?checked=${hasSingleKeys()}
          @change=${({ target }: Event) =>
            writeSetting(SINGLE_KEYS, (target as HTMLInputElement).checked ? 'on' : 'off')}
        /><span>Keys that work alone: /, N and ?</span></label
      >`,
  }));
}

/** `current`: the app, while there is one. */
export function installShortcuts(current: () => App | undefined): void {
  addEventListener(
    'keydown',
    (event) => {
      const app = current();
      if (app === undefined || document.querySelector('dialog[open]') !== null) return;
      const action = event.ctrlKey || event.metaKey ? withControl(app, event) : plain(app, event);
      if (action === undefined) return;
      event.preventDefault();
      event.stopPropagation();
      action();
    },
    { capture: true },
  );
}

function withControl(
  app: App,
  { key, ctrlKey, shiftKey, target }: KeyboardEvent,
): (() => void) | undefined {
  // In the terminal, Ctrl-K deletes up to the end of the line.
  const isTerminal = ctrlKey && fieldOf(target)?.closest('#terminal');
  if (key.toLowerCase() === 'k' && !shiftKey && !isTerminal) return () => openPalette(app);
  return key === '`' ? () => app.focusTerminal() : undefined;
}

function plain(app: App, event: KeyboardEvent): (() => void) | undefined {
  const field = fieldOf(event.target);
  if (event.altKey) {
    const view = VIEWS[Number(altDigit(event, field !== undefined)) - 1];
    return view === undefined ? undefined : () => app.show(view.name);
  }
  if (field !== undefined || !hasSingleKeys()) return undefined;
  switch (event.key.toLowerCase()) {
    case '?':
      return showShortcuts;
    case '/':
      return () => app.focusFilter();
    case 'n':
      return () => void app.newKey().catch(showError);
    default:
      return undefined;
  }
}
