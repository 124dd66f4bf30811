// One field that finds views, keys and commands.

import { html, type TemplateResult } from 'lit-html';
import { type App, VIEWS } from './app.ts';
import { displayKey } from './keys/key_names.ts';
import { displayName, userCommands } from './terminal/command_words.ts';
import { openDialog } from './ui/dialog.ts';

interface Item {
  readonly label: string;
  readonly kind: 'view' | 'key' | 'command';
  run(): void;
}

const SHOWN_MAX = 12;
const KEYS_MAX = 6;

export function openPalette(app: App): void {
  let text = '';
  let active = 0;
  void openDialog<Item>((close, update) => {
    const items = find(app, text);
    active = Math.max(0, Math.min(active, items.length - 1));
    const onKey = (event: KeyboardEvent) => {
      // An input method's own keys.
      if (event.isComposing) return;
      const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
      if (step !== undefined) active = (active + step + items.length) % Math.max(1, items.length);
      else if (event.key === 'Enter') close(items[active]);
      else return;
      event.preventDefault();
      update();
    };
    return {
      title: 'Find',
      body: html`<input
          id="palette"
          class="palette-input"
          type="text"
          role="combobox"
          aria-label="Find a view, a key or a command"
          aria-expanded="true"
          aria-controls="palette-list"
          aria-activedescendant="palette-${active}"
          placeholder="View, key or command"
          autocomplete="off"
          spellcheck="false"
          autofocus
          @keydown=${onKey}
          @input=${(event: InputEvent) => {
            text = (event.target as HTMLInputElement).value;
            active = 0;
            update();
          }}
        />
        <ul id="palette-list" class="palette-list" role="listbox" aria-label="Found">
          ${items.map((item, i) => option(item, i, i === active, () => close(item)))}
        </ul>`,
    };
  }).then((item) => item?.run());
}

function option(item: Item, i: number, isActive: boolean, choose: () => void): TemplateResult {
  return html`<li id="palette-${i}" role="option" aria-selected=${isActive} @click=${choose}>
    <span>${item.label}</span><span class="muted small">${item.kind}</span>
  </li>`;
}

function find(app: App, text: string): Item[] {
  const wanted = text.trim().toLowerCase();
  const fits = (label: string) => label.toLowerCase().includes(wanted);
  const views = VIEWS.filter(({ label }) => fits(label)).map(
    ({ name, label }): Item => ({ label, kind: 'view', run: () => app.show(name) }),
  );
  const keys: Item[] = [];
  if (wanted !== '') {
    for (const key of app.keyNames) {
      if (!fits(key)) continue;
      keys.push({ label: displayKey(key), kind: 'key', run: () => app.openKey(key) });
      if (keys.length === KEYS_MAX) break;
    }
  }
  const commands = userCommands()
    .filter((command) => fits(displayName(command)))
    .sort((a, b) => startsAt(displayName(a), wanted) - startsAt(displayName(b), wanted))
    .map(
      (command): Item => ({
        label: displayName(command),
        kind: 'command',
        run: () => app.showCommand(command.fullName),
      }),
    );
  return [...views, ...keys, ...commands].slice(0, SHOWN_MAX);
}

function startsAt(label: string, wanted: string): number {
  return label.toLowerCase().indexOf(wanted);
}
