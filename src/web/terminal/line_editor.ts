// The line that is being typed: text, cursor, history, search in it, completion. Knows nothing of a screen.
//
//   editing ── Ctrl-R ─> searching: what is typed is looked for in the history; a key that is none of the search's
//      ▲                  ends it and acts on the line that was found
//      └── Tab ─> completing: Tab goes through the candidates, any other key keeps what is there
//
// The cursor stands between characters as people see them (grapheme clusters).

import type { Completion } from './complete.ts';
import type { History } from './history.ts';
import type { Key, KeyName } from './keys.ts';

export interface EditorHandlers {
  /** Enter was pressed; the line is empty now. */
  onLine(line: string): void;
  /** Ctrl-C on a line; `line` is what was there. */
  onInterrupt(line: string): void;
  onClear(): void;
  complete(line: string, cursor: number): Promise<Completion>;
  /** The line, the cursor or the candidates changed. */
  onChange(): void;
}

interface Completing {
  readonly completion: Completion;
  /** The line before. */
  readonly text: string;
  /** Candidate in the line. */
  index: number;
}

interface Searching {
  text: string;
  /** Age of the line that was found. */
  age: number;
  readonly before: string;
}

const segmenter = new Intl.Segmenter(undefined, { granularity: 'grapheme' });

export class LineEditor {
  private readonly history: History;
  private readonly handlers: EditorHandlers;
  private line = '';
  private at = 0;
  private killed = '';
  /** Age of the history's line that is shown, -1 for the one being typed, which is kept meanwhile. */
  private age = -1;
  private typed = '';
  private completing: Completing | undefined;
  private searching: Searching | undefined;
  private edits = 0;

  constructor(history: History, handlers: EditorHandlers) {
    this.history = history;
    this.handlers = handlers;
  }

  get text(): string {
    return this.line;
  }

  /** Offset in the text. */
  get cursor(): number {
    return this.at;
  }

  /** What is looked for in the history; undefined outside of a search. */
  get searchText(): string | undefined {
    return this.searching?.text;
  }

  /** Candidates that Tab goes through, and which one is in the line. */
  get candidates(): { list: readonly string[]; index: number } | undefined {
    if (this.completing === undefined) return undefined;
    return { list: this.completing.completion.candidates, index: this.completing.index };
  }

  setText(text: string): void {
    this.replace(text, text.length);
    this.age = -1;
    this.handlers.onChange();
  }

  press(key: Key): void {
    this.edits += 1;
    if (key.name === 'text') this.type(key.text);
    else if (key.name === 'paste') this.paste(key.text);
    else this.pressNamed(key.name);
    this.handlers.onChange();
  }

  private type(text: string): void {
    if (this.searching !== undefined) {
      this.searching.text += text;
      this.search(this.searching.age);
      return;
    }
    this.completing = undefined;
    this.replace(
      this.line.slice(0, this.at) + text + this.line.slice(this.at),
      this.at + text.length,
    );
  }

  /** Every line but the last one is run. */
  private paste(text: string): void {
    this.leaveModes();
    const lines = text.split('\n');
    const entered = lines.slice(0, -1).map((line) => {
      this.type(line);
      return this.takeLine();
    });
    this.history.addAll(entered);
    this.type(lines.at(-1)!);
    for (const line of entered) this.handlers.onLine(line);
  }

  private pressNamed(name: KeyName): void {
    if (this.searching !== undefined && this.pressInSearch(name)) return;
    if (this.completing !== undefined) {
      if (name === 'tab' || name === 'back-tab') {
        this.nextCandidate(name === 'tab' ? 1 : -1);
        return;
      }
      if (name === 'escape') this.replace(this.completing.text, this.completing.completion.to);
      this.completing = undefined;
    }
    ACTIONS[name]?.(this);
  }

  // --- Search ---

  /** True when the key belongs to the search. */
  private pressInSearch(name: KeyName): boolean {
    const searching = this.searching!;
    switch (name) {
      case 'search':
        this.search(searching.age + 1);
        return true;
      case 'backspace':
        searching.text = searching.text.slice(0, -1);
        this.search(0);
        return true;
      case 'escape':
      case 'interrupt':
        this.searching = undefined;
        this.replace(searching.before, searching.before.length);
        return true;
      default:
        this.searching = undefined;
        return false;
    }
  }

  private search(from: number): void {
    const searching = this.searching!;
    const age = this.history.search(searching.text, from);
    if (age === undefined) return;
    searching.age = age;
    const line = this.history.at(age)!;
    this.replace(line, line.indexOf(searching.text));
  }

  // --- Completion ---

  async completeNow(): Promise<void> {
    const { edits } = this;
    const completion = await this.handlers.complete(this.line, this.at);
    // Typing went on meanwhile: the candidates are of another line.
    if (edits !== this.edits || completion.candidates.length === 0) return;
    const shared = sharedStart(completion.candidates);
    const typed = this.line.slice(completion.from, completion.to);
    const [only] = completion.candidates;
    if (completion.candidates.length === 1) {
      this.substitute(completion, `${only} `);
    } else if (shared.length > typed.length) {
      this.substitute(completion, shared);
    } else {
      this.completing = { completion, text: this.line, index: -1 };
    }
    this.handlers.onChange();
  }

  private substitute(completion: Completion, word: string): void {
    const behind = this.line.slice(completion.to);
    const space = word.endsWith(' ') && behind.startsWith(' ');
    const text = space ? word.slice(0, -1) : word;
    const start = this.line.slice(0, completion.from) + text;
    this.replace(start + behind, start.length);
  }

  private nextCandidate(step: 1 | -1): void {
    const completing = this.completing!;
    const { candidates, from, to } = completing.completion;
    const count = candidates.length;
    completing.index = (Math.max(completing.index, step === 1 ? -1 : 0) + step + count) % count;
    const start = completing.text.slice(0, from) + candidates[completing.index]!;
    this.replace(start + completing.text.slice(to), start.length);
  }

  // --- Actions ---

  enter(): void {
    this.leaveModes();
    const line = this.takeLine();
    this.history.add(line);
    this.handlers.onLine(line);
  }

  interrupt(): void {
    this.handlers.onInterrupt(this.takeLine());
  }

  /** The line, which is empty from then on. */
  private takeLine(): string {
    const { line } = this;
    this.age = -1;
    this.replace('', 0);
    return line;
  }

  clearScreen(): void {
    this.handlers.onClear();
  }

  startSearch(): void {
    this.searching = { text: '', age: 0, before: this.line };
  }

  /** Goes back in the history by `step` lines, or forth. */
  recall(step: 1 | -1): void {
    const age = this.age + step;
    if (age < -1 || age >= this.history.length) return;
    if (this.age === -1) this.typed = this.line;
    this.age = age;
    const line = age === -1 ? this.typed : this.history.at(age)!;
    this.replace(line, line.length);
  }

  move(to: number): void {
    this.at = Math.max(0, Math.min(to, this.line.length));
  }

  /** Deletes from..to and keeps it for Ctrl-Y when it is to be kept. */
  cut(from: number, to: number, keep: boolean): void {
    if (from === to) return;
    if (keep) this.killed = this.line.slice(from, to);
    this.replace(this.line.slice(0, from) + this.line.slice(to), from);
  }

  yank(): void {
    this.type(this.killed);
  }

  /** Exchanges the characters around the cursor. */
  transpose(): void {
    const middle = this.at === this.line.length ? this.before() : this.at;
    const from = previousBoundary(this.line, middle);
    const to = nextBoundary(this.line, middle);
    if (from === middle || to === middle) return;
    const swapped = this.line.slice(middle, to) + this.line.slice(from, middle);
    this.replace(this.line.slice(0, from) + swapped + this.line.slice(to), to);
  }

  before(): number {
    return previousBoundary(this.line, this.at);
  }

  behind(): number {
    return nextBoundary(this.line, this.at);
  }

  wordBefore(): number {
    return /\S*\s*$/.exec(this.line.slice(0, this.at))!.index;
  }

  wordBehind(): number {
    return this.at + /^\s*\S*/.exec(this.line.slice(this.at))![0].length;
  }

  private leaveModes(): void {
    this.completing = undefined;
    this.searching = undefined;
  }

  private replace(text: string, cursor: number): void {
    this.line = text;
    this.at = cursor;
  }
}

const ACTIONS: Readonly<Partial<Record<KeyName, (editor: LineEditor) => void>>> = {
  enter: (editor) => editor.enter(),
  tab: (editor) => void editor.completeNow(),
  interrupt: (editor) => editor.interrupt(),
  clear: (editor) => editor.clearScreen(),
  search: (editor) => editor.startSearch(),
  up: (editor) => editor.recall(1),
  down: (editor) => editor.recall(-1),
  left: (editor) => editor.move(editor.before()),
  right: (editor) => editor.move(editor.behind()),
  home: (editor) => editor.move(0),
  end: (editor) => editor.move(editor.text.length),
  'word-left': (editor) => editor.move(editor.wordBefore()),
  'word-right': (editor) => editor.move(editor.wordBehind()),
  backspace: (editor) => editor.cut(editor.before(), editor.cursor, false),
  delete: (editor) => editor.cut(editor.cursor, editor.behind(), false),
  'end-of-input': (editor) => editor.cut(editor.cursor, editor.behind(), false),
  'delete-word': (editor) => editor.cut(editor.wordBefore(), editor.cursor, true),
  'delete-word-right': (editor) => editor.cut(editor.cursor, editor.wordBehind(), true),
  'kill-to-end': (editor) => editor.cut(editor.cursor, editor.text.length, true),
  'kill-to-start': (editor) => editor.cut(0, editor.cursor, true),
  yank: (editor) => editor.yank(),
  transpose: (editor) => editor.transpose(),
};

function previousBoundary(text: string, at: number): number {
  if (at === 0) return 0;
  return segmenter.segment(text).containing(at - 1)!.index;
}

function nextBoundary(text: string, at: number): number {
  if (at >= text.length) return text.length;
  const { index, segment } = segmenter.segment(text).containing(at)!;
  return index + segment.length;
}

function sharedStart(words: readonly string[]): string {
  let shared = words[0]!;
  for (const word of words) while (!word.startsWith(shared)) shared = shared.slice(0, -1);
  return shared;
}
