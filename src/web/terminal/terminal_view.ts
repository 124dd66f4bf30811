// The terminal on the page: xterm draws, the line editor edits, the session runs.
//
//   keys ─> LineEditor ─> Enter ─> queue of lines ─> TerminalSession ─> print above the line
//                └─ change ─> LineDrawer ─> xterm
//
// While a command runs, keys are kept for afterwards, but for Ctrl-C. What is printed, and what happens to the line
// but for typing, also goes to a log that screen readers read out.

import { FitAddon } from '@xterm/addon-fit';
import { type ITheme, Terminal } from '@xterm/xterm';
import type { OpenLink } from '../../embedded/link.ts';
import { copyText } from '../ui/files.ts';
import { plural } from '../ui/format.ts';
import { showError } from '../ui/toast.ts';
import { pageTurn } from '../ui/turns.ts';
import { GREY, PLAIN, RED } from './colors.ts';
import { complete } from './complete.ts';
import { hintFor } from './hint.ts';
import type { History } from './history.ts';
import { type Key, readKeys } from './keys.ts';
import { LineEditor } from './line_editor.ts';
import { LineDrawer } from './line_layout.ts';
import { SLICE_MS, TerminalSession } from './session.ts';
import { type EditorState, EMPTY_LINE, spokenChange } from './spoken_line.ts';
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
/** Of a stream that comes faster than it can be drawn, what comes from here on until all is drawn is left out. */
const BACKLOG_MAX = 4_000_000;
const STREAMING: Readonly<Record<string, string>> = {
  monitor: 'Watching all commands ... (Ctrl-C ends it)',
  subscribed: 'Reading messages ... (Ctrl-C ends it, any key begins a command)',
};
const GAP_NOTE = '(it came faster than it can be shown: something was left out here)\n';
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
  private isDisposed = false;
  private hasHints = true;
  private pending = '';
  /** Characters that xterm has and has not drawn. */
  private backlog = 0;
  /** Whether something was left out since. */
  private hasGap = false;
  private spoken: EditorState = EMPTY_LINE;
  private readonly toLog: string[] = [];
  private logging: ReturnType<typeof setTimeout> | undefined;

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
      rest: () => this.rest(),
    });
    this.editor = new LineEditor(options.history, {
      onLine: (line) => this.enterLine(line),
      onInterrupt: (line) => this.newLine(line),
      onClear: () => this.clear(),
      complete: (line, cursor) =>
        complete(line, cursor, (prefix) => this.session.findKeys(prefix, KEYS_OFFERED_MAX)),
      onChange: () => {
        this.speak();
        this.draw();
      },
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

  /** Puts a line there to be edited. */
  propose(line: string): void {
    this.editor.setText(line);
    this.focus();
  }

  select(database: number): void {
    if (database === this.session.currentDatabase) return;
    const left = this.lines.splice(0).length;
    this.keptKeys.length = 0;
    if (left > 0) {
      this.print(`${plural(left, 'line')} left out: another database was chosen.\n`, 'note');
    }
    void this.session.select(database);
  }

  dispose(): void {
    this.isDisposed = true;
    this.lines.length = 0;
    clearTimeout(this.logging);
    this.observer.disconnect();
    this.session.dispose();
    this.terminal.dispose();
  }

  // --- Keys ---

  /** The rest is for the page and the browser: Tab leaves the terminal when nothing is typed. */
  private isOurs(event: KeyboardEvent): boolean {
    if (event.type !== 'keydown') return true;
    // With Shift, or with Caps Lock, letters are large.
    const key = event.key.toLowerCase();
    if (event.ctrlKey && !event.altKey) {
      // The browser pastes, and copies what is selected.
      if (key === 'v') return false;
      if (key === 'c' && this.terminal.hasSelection()) {
        if (event.shiftKey) this.copySelection(event);
        return false;
      }
      if (key === 'k' && event.shiftKey) return false;
    }
    const { text, searchText } = this.editor;
    const isEmpty = text === '' && searchText === undefined;
    if (isEmpty && (key === 'tab' || key === 'escape')) return false;
    return !(event.altKey && /^[0-9]$/.test(key));
  }

  /** Ctrl-Shift-C: the browsers know no such command. */
  private copySelection(event: KeyboardEvent): void {
    event.preventDefault();
    copyText(this.terminal.getSelection()).catch(showError);
  }

  private press(key: Key): void {
    const { mode } = this.session;
    if (key.name === 'interrupt' && (mode !== 'idle' || this.isRunning)) {
      this.write(this.drawer.erase());
      this.print('^C\n', 'note');
      this.lines.length = 0;
      this.keptKeys.length = 0;
      this.spoken = EMPTY_LINE;
      this.editor.setText('');
      void this.session.interrupt();
    } else if (mode === 'monitor') {
      return;
    } else if (mode === 'busy' || this.isRunning) {
      this.keptKeys.push(key);
    } else {
      this.editor.press(key);
    }
  }

  // --- Lines ---

  private enterLine(line: string): void {
    this.spoken = EMPTY_LINE;
    this.lines.push(line);
    void this.runLines();
  }

  /** Leaves the line on the screen, and begins below it. */
  private newLine(line: string): void {
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
    let sliceBegin = performance.now();
    for (;;) {
      const line = this.lines.shift();
      if (line === undefined) break;
      // Not before: its prompt tells what the lines before it have done.
      this.newLine(line);
      await this.session.run(line);
      // The engine may answer without the page having had a turn: many lines were pasted.
      if (this.lines.length === 0 || performance.now() - sliceBegin < SLICE_MS) continue;
      await this.rest();
      sliceBegin = performance.now();
    }
    this.isRunning = false;
    if (this.isDisposed) return;
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
    if (this.isDisposed) return;
    // The note that something was left out comes before what is shown next.
    this.hasGap ||= this.backlog + this.pending.length > BACKLOG_MAX;
    if (this.hasGap) return;
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

  /** Says what typing does not. */
  private speak(): void {
    const { text, cursor, searchText, candidates } = this.editor;
    const now = { text, cursor, searchText, candidates };
    const change = spokenChange(this.spoken, now);
    this.spoken = now;
    if (change !== undefined) this.log(change);
  }

  /** Many entries at once would keep the page busy: only the last ones get there. */
  private log(text: string): void {
    this.toLog.push(text);
    if (this.toLog.length > LOG_ENTRIES_MAX) this.toLog.shift();
    this.logging ??= setTimeout(() => {
      this.logging = undefined;
      const { log } = this.options;
      for (const each of this.toLog.splice(0)) {
        const entry = document.createElement('div');
        entry.textContent =
          each.length > LOG_TEXT_MAX ? `${each.slice(0, LOG_TEXT_MAX)} ...` : each;
        log.append(entry);
      }
      while (log.childElementCount > LOG_ENTRIES_MAX) log.firstElementChild!.remove();
    });
  }

  /** What is written in one turn goes to the terminal in one piece. */
  private write(output: string): void {
    if (this.pending === '') queueMicrotask(() => this.flush());
    this.pending += output;
  }

  private flush(): void {
    const output = this.pending;
    this.pending = '';
    if (output === '' || this.isDisposed) return;
    this.backlog += output.length;
    this.terminal.write(output, () => {
      this.backlog -= output.length;
      if (this.hasGap && this.backlog === 0) {
        this.hasGap = false;
        this.print(GAP_NOTE, 'note');
      }
    });
  }

  /** Resolves when what was printed is drawn, and the page has had its turn. */
  private async rest(): Promise<void> {
    this.flush();
    if (!this.isDisposed) await new Promise<void>((resolve) => this.terminal.write('', resolve));
    await pageTurn();
  }

  private resize(): void {
    const { host } = this.options;
    if (host.clientWidth > 0 && host.clientHeight > 0) this.fit.fit();
  }
}
