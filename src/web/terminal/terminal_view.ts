// The terminal on the page: xterm draws, the line editor edits, the session runs.
//
//   keys ─> LineEditor ─> Enter ─> queue of lines ─> TerminalSession ─> print above the line
//                └─ change ─> LineDrawer ─> xterm
//
// While a command runs, keys are kept for afterwards, but for Ctrl-C. What is printed also goes to a log that
// screen readers read out.

import { FitAddon } from '@xterm/addon-fit';
import { type ITheme, Terminal } from '@xterm/xterm';
import type { OpenLink } from '../../embedded/link.ts';
import { complete } from './complete.ts';
import { hintFor } from './hint.ts';
import type { History } from './history.ts';
import { type Key, readKeys } from './keys.ts';
import { LineEditor } from './line_editor.ts';
import { LineDrawer } from './line_layout.ts';
import { TerminalSession } from './session.ts';
import { visible } from './visible.ts';

export interface TerminalViewOptions {
  readonly host: HTMLElement;
  /** Element that screen readers read out. */
  readonly log: HTMLElement;
  readonly openLink: OpenLink;
  readonly history: History;
  readonly theme: ITheme;
  readonly onDatabase: (database: number) => void;
}

const KEYS_OFFERED_MAX = 50;
const LOG_ENTRIES_MAX = 30;
const LOG_TEXT_MAX = 2000;
const SCROLLBACK_LINES = 5000;
/** Printed in one piece per frame: more lines than this of a stream are printed, but drawn together. */
const RED = '\x1b[31m';
const GREY = '\x1b[90m';
const PLAIN = '\x1b[0m';
const STREAMING: Readonly<Record<string, string>> = {
  monitor: 'Watching all commands ... (Ctrl-C ends it)',
  subscribed: 'Reading messages ... (Ctrl-C ends it, any key begins a command)',
};
const GREETING =
  'A store that speaks Redis, in this tab. Type a command, press Tab to complete it, or HELP.\n';

export class TerminalView {
  private readonly options: TerminalViewOptions;
  private readonly terminal: Terminal;
  private readonly fit = new FitAddon();
  private readonly session: TerminalSession;
  private readonly editor: LineEditor;
  private readonly drawer = new LineDrawer();
  private readonly lines: string[] = [];
  private readonly keptKeys: Key[] = [];
  private readonly observer: ResizeObserver;
  private isRunning = false;
  private hasHints = true;
  private pending = '';

  constructor(options: TerminalViewOptions) {
    this.options = options;
    this.terminal = new Terminal({
      convertEol: true,
      cursorBlink: !matchMedia('(prefers-reduced-motion: reduce)').matches,
      fontFamily: getComputedStyle(options.host).getPropertyValue('--mono') || 'monospace',
      fontSize: 13,
      lineHeight: 1.35,
      scrollback: SCROLLBACK_LINES,
      theme: options.theme,
      minimumContrastRatio: 4.5,
    });
    this.terminal.loadAddon(this.fit);
    this.terminal.open(options.host);
    this.terminal.textarea?.setAttribute('aria-label', 'Command line');
    this.terminal.write('\x1b[?2004h');
    this.session = new TerminalSession(options.openLink, {
      print: (text, kind) => this.print(text, kind),
      clear: () => this.clear(),
      onChange: () => this.sessionChanged(),
      setHints: (on) => {
        this.hasHints = on;
      },
    });
    this.editor = new LineEditor(options.history, {
      onLine: (line) => this.enterLine(line),
      onInterrupt: () => this.newLine(),
      onClear: () => this.clear(),
      complete: (line, cursor) =>
        complete(line, cursor, (prefix) => this.session.findKeys(prefix, KEYS_OFFERED_MAX)),
      onChange: () => this.draw(),
    });
    this.terminal.onData((data) => {
      for (const key of readKeys(data)) this.press(key);
    });
    this.terminal.attachCustomKeyEventHandler((event) => this.isOurs(event));
    this.terminal.onResize(({ cols }) => {
      this.drawer.resized(cols);
      this.draw();
    });
    this.observer = new ResizeObserver(() => this.resize());
    this.observer.observe(options.host);
    this.resize();
    this.print(GREETING, 'note');
    this.draw();
  }

  focus(): void {
    this.terminal.focus();
  }

  setTheme(theme: ITheme): void {
    this.terminal.options.theme = theme;
  }

  /** Runs a line as if it had been typed. */
  run(line: string): void {
    this.editor.setText(line);
    this.editor.press({ name: 'enter' });
  }

  /** Puts a line there to be edited. */
  propose(line: string): void {
    this.editor.setText(line);
    this.focus();
  }

  select(database: number): void {
    if (database !== this.session.currentDatabase) void this.session.select(database);
  }

  dispose(): void {
    this.observer.disconnect();
    this.session.dispose();
    this.terminal.dispose();
  }

  // --- Keys ---

  /** Keys that the page or the browser want: Tab leaves the terminal when there is nothing to complete. */
  private isOurs(event: KeyboardEvent): boolean {
    if (event.type !== 'keydown') return true;
    const isCopy = event.key === 'c' && event.ctrlKey && this.terminal.hasSelection();
    if (isCopy) return false;
    if (event.ctrlKey && (event.key === 'k' || event.key === 'v') && event.shiftKey) return false;
    if (event.key === 'Tab' && this.editor.text === '') return false;
    if (event.key === 'Escape' && this.editor.text === '') return false;
    return !(event.altKey && /^[0-9]$/.test(event.key));
  }

  private press(key: Key): void {
    const { mode } = this.session;
    if (key.name === 'interrupt' && mode !== 'idle') {
      this.write(this.drawer.erase());
      this.print('^C\n', 'note');
      this.lines.length = 0;
      this.keptKeys.length = 0;
      this.editor.setText('');
      void this.session.interrupt();
    } else if (mode === 'monitor') {
      return;
    } else if (mode === 'busy') {
      this.keptKeys.push(key);
    } else {
      this.editor.press(key);
    }
  }

  // --- Lines ---

  private enterLine(line: string): void {
    this.newLine(line);
    this.lines.push(line);
    void this.runLines();
  }

  /** Leaves the line on the screen, and begins below it. */
  private newLine(line = this.editor.text): void {
    // The editor is empty already: what was entered is drawn for the last time.
    this.write(
      this.drawer.draw(
        { prompt: this.session.prompt, text: line, cursor: line.length, hint: '' },
        this.terminal.cols,
      ) + this.drawer.finish(this.terminal.cols),
    );
  }

  private async runLines(): Promise<void> {
    if (this.isRunning) return;
    this.isRunning = true;
    for (;;) {
      const line = this.lines.shift();
      if (line === undefined) break;
      await this.session.run(line);
    }
    this.isRunning = false;
    this.options.onDatabase(this.session.currentDatabase);
    for (const key of this.keptKeys.splice(0)) this.press(key);
    this.draw();
  }

  private sessionChanged(): void {
    if (!this.isRunning) this.options.onDatabase(this.session.currentDatabase);
    this.draw();
  }

  // --- The screen ---

  private draw(): void {
    const { mode, prompt } = this.session;
    if (this.isRunning && mode !== 'monitor') {
      this.write(this.drawer.erase());
      return;
    }
    const { editor, drawer, terminal } = this;
    const streaming = editor.text === '' ? STREAMING[mode] : undefined;
    if (streaming !== undefined) {
      const note = { prompt: '', text: '', cursor: 0, hint: streaming };
      this.write(drawer.draw(note, terminal.cols));
      return;
    }
    const search = editor.searchText;
    const line = {
      prompt: search === undefined ? prompt : `(search) '${search}': `,
      text: editor.text,
      cursor: editor.cursor,
      hint: search === undefined ? this.hint() : '',
    };
    this.write(drawer.draw(line, terminal.cols));
  }

  private hint(): string {
    const { candidates, text } = this.editor;
    if (candidates !== undefined) {
      const rest = candidates.list.slice(candidates.index + 1);
      return `   ${rest.join('  ')}`;
    }
    return this.hasHints ? hintFor(text) : '';
  }

  private print(text: string, kind: 'reply' | 'error' | 'note'): void {
    const shown = visible(text);
    const color = kind === 'error' ? RED : kind === 'note' ? GREY : '';
    this.write(`${this.drawer.erase()}${color}${shown}${PLAIN}`);
    if (!this.isRunning || this.session.mode === 'monitor') this.draw();
    this.log(shown);
  }

  private clear(): void {
    this.write('\x1b[2J\x1b[3J\x1b[H');
    this.drawer.forget();
    this.options.log.replaceChildren();
    this.draw();
  }

  private log(text: string): void {
    const entry = document.createElement('div');
    entry.textContent = text.length > LOG_TEXT_MAX ? `${text.slice(0, LOG_TEXT_MAX)} ...` : text;
    const { log } = this.options;
    log.append(entry);
    while (log.childElementCount > LOG_ENTRIES_MAX) log.firstElementChild!.remove();
  }

  /** What is written in one turn goes to the terminal in one piece. */
  private write(output: string): void {
    if (this.pending === '') queueMicrotask(() => this.flush());
    this.pending += output;
  }

  private flush(): void {
    const output = this.pending;
    this.pending = '';
    this.terminal.write(output);
  }

  private resize(): void {
    const { host } = this.options;
    if (host.clientWidth > 0 && host.clientHeight > 0) this.fit.fit();
  }
}
