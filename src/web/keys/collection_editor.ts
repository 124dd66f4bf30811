// Values of many elements as a table, a page at a time: elements are found, changed in place, added and removed.

import { html, nothing, render, type TemplateResult } from 'lit-html';
import { repeat } from 'lit-html/directives/repeat.js';
import { splitWords } from '../terminal/split_words.ts';
import { formatBytes, plural } from '../ui/format.ts';
import { icon } from '../ui/icons.ts';
import { PointerWatch } from '../ui/pointer.ts';
import { showError } from '../ui/toast.ts';
import type { Collection, Field } from './collections.ts';
import type { Element } from './element_pages.ts';
import type { ValueEditor } from './value_editor.ts';
import { fromText, fromTyped, glance, toText } from './value_text.ts';

const NAMES: Readonly<Record<string, string>> = {
  hash: 'field',
  list: 'element',
  set: 'member',
  zset: 'member',
  stream: 'entry',
};
/** What is shown of a cell. */
const SHOWN_BYTES = 2048;
/** Longer cells cannot be changed here. */
const EDITED_BYTES_MAX = 64 * 1024;
const FIND_MS = 250;

/** A cell that is being changed: its element as it was shown then, and the text its field began with. */
interface Editing {
  readonly element: Element;
  readonly column: number;
  readonly initial: string;
}

export class CollectionEditor implements ValueEditor {
  private readonly host: HTMLElement;
  private readonly type: string;
  private readonly collection: Collection;
  private elements: readonly Element[] = [];
  private next: string | undefined;
  private count = 0;
  private editing: Editing | undefined;
  /** What is on its way: Enter and leaving the field come together. */
  private saving: Promise<void> | undefined;
  private adding: Promise<void> | undefined;
  private readonly pointer = new PointerWatch();
  private pagesShown = 1;
  private wanted = '';
  private finding: ReturnType<typeof setTimeout> | undefined;
  private fault = '';
  /** Reading that began last; what an earlier one finds is out of date. */
  private reading = 0;
  private isDisposed = false;

  constructor(host: HTMLElement, type: string, collection: Collection) {
    this.host = host;
    this.type = type;
    this.collection = collection;
  }

  get isChanged(): boolean {
    const { editing, cellEditor } = this;
    const isCellChanged = editing !== undefined && cellEditor?.value !== editing.initial;
    const fields = this.host.querySelectorAll<HTMLInputElement>(
      '.add-row input, .add-row textarea',
    );
    return isCellChanged || [...fields].some(({ value }) => value !== '');
  }

  /** Reads again as many pages as are shown. */
  async refresh(): Promise<void> {
    this.reading += 1;
    const { reading } = this;
    const elements: Element[] = [];
    let next: string | undefined;
    for (let page = 0; page < this.pagesShown; page += 1) {
      const read = await this.collection.page(next, this.wanted);
      elements.push(...read.elements);
      next = read.next;
      if (next === undefined) break;
    }
    const count = await this.collection.count();
    if (this.isDisposed || reading !== this.reading) return;
    this.count = count;
    this.elements = this.withEdited(elements);
    this.next = next;
    this.draw();
  }

  async settle(): Promise<void> {
    await this.adding;
    // Whoever is still in the cell may go on typing.
    if (this.cellEditor !== document.activeElement) await this.commit();
  }

  dispose(): void {
    this.isDisposed = true;
    this.pointer.dispose();
    clearTimeout(this.finding);
    render(nothing, this.host);
  }

  private get cellEditor(): HTMLTextAreaElement | null {
    return this.host.querySelector<HTMLTextAreaElement>('.cell-editor');
  }

  /** What is being changed stays in sight, also when it is gone: saving it says so. */
  private withEdited(elements: readonly Element[]): readonly Element[] {
    const { editing } = this;
    if (editing === undefined || elements.some(({ id }) => id === editing.element.id)) {
      return elements;
    }
    return [editing.element, ...elements];
  }

  private async more(): Promise<void> {
    this.pagesShown += 1;
    await this.refresh();
  }

  private find(wanted: string): void {
    clearTimeout(this.finding);
    this.finding = setTimeout(() => {
      this.wanted = wanted;
      this.pagesShown = 1;
      void this.refresh().catch(showError);
    }, FIND_MS);
  }

  private async remove(element: Element): Promise<void> {
    try {
      await this.collection.remove(element);
    } catch (error) {
      showError(error);
    }
    await this.refresh().catch(showError);
    this.returnFocus(element.id, this.collection.columns.length);
  }

  /** Another one that is asked for meanwhile would be the same one twice. */
  private add(form: HTMLFormElement): void {
    this.adding ??= this.addTyped(form).finally(() => {
      this.adding = undefined;
    });
  }

  private async addTyped(form: HTMLFormElement): Promise<void> {
    try {
      const data = new FormData(form);
      const texts = this.collection.fields.map((_, i) => String(data.get(`field${i}`) ?? ''));
      if (texts.every((text) => text === '')) throw new Error('Nothing was filled in.');
      const values = this.collection.fields.flatMap((field, i) => valuesOf(field, texts[i]!));
      await this.collection.add(values);
      form.reset();
      this.fault = '';
      form.querySelector<HTMLElement>('input, textarea')?.focus();
      await this.refresh();
    } catch (error) {
      this.fault = (error as Error).message;
      this.draw();
    }
  }

  // --- Changing a cell ---

  /** Opens a cell, once the one that is open is stored. */
  private async edit({ id }: Element, column: number): Promise<void> {
    await this.commit();
    if (this.isDisposed) return;
    if (this.editing !== undefined) {
      this.cellEditor?.focus();
      return;
    }
    // As it is now: its place may be another one's.
    const element = this.elements.find((each) => each.id === id);
    if (element === undefined) return;
    this.editing = { element, column, initial: '' };
    this.draw();
    const { cellEditor } = this;
    // A field may give back another text than it was given.
    this.editing = { element, column, initial: cellEditor?.value ?? '' };
    cellEditor?.focus();
  }

  private leaveCell(): void {
    this.editing = undefined;
    this.draw();
    // The element may be gone by now.
    void this.refresh().catch(showError);
  }

  /** Saves the cell that is open, if one is. What cannot be saved stays as it was typed. */
  private commit(): Promise<void> {
    this.saving ??= this.save().finally(() => {
      this.saving = undefined;
    });
    return this.saving;
  }

  private async save(): Promise<void> {
    const { editing, cellEditor } = this;
    if (editing === undefined || cellEditor === null) return;
    const text = cellEditor.value;
    if (text === editing.initial) {
      this.leaveCell();
      return;
    }
    try {
      const { element, column } = editing;
      const { isQuoted } = toText(element.cells[column]!);
      const value = isQuoted ? fromText(text, true) : fromTyped(text);
      await this.collection.change(element, column, value);
      if (this.editing === editing) this.editing = undefined;
    } catch (error) {
      showError(error);
    }
    await this.refresh().catch(showError);
  }

  /** Saves the cell that is being left, but moves nothing under a pointer that is about to click. */
  private async commitLeft(): Promise<void> {
    const { editing } = this;
    await this.pointer.released();
    if (this.editing === editing) await this.commit();
  }

  /** Ends a cell with the keyboard: that goes on where the cell is. */
  private async endCell(end: () => void | Promise<void>): Promise<void> {
    const { editing } = this;
    if (editing === undefined) return;
    await end();
    if (this.editing === undefined) this.returnFocus(editing.element.id, editing.column);
  }

  /** Gives the focus that has gone with what had it to a cell's button, or else to the table. */
  private returnFocus(id: string, column: number): void {
    if (this.isDisposed || document.activeElement !== document.body) return;
    const index = this.elements.findIndex((element) => element.id === id);
    const row = this.host.querySelectorAll('.elements tbody tr')[index];
    const button = row?.children[column]?.querySelector('button');
    (button ?? this.host.querySelector<HTMLElement>('.table-scroll'))?.focus();
  }

  // --- Drawing ---

  private draw(): void {
    if (this.isDisposed) return;
    const { collection } = this;
    const more = () => void this.more().catch(showError);
    render(
      html`<form
          class="add-row"
          @submit=${(event: SubmitEvent) => {
            event.preventDefault();
            this.add(event.target as HTMLFormElement);
          }}
        >
          ${collection.fields.map((field, i) => this.addField(field, i))}
          <button class="button small">${icon('plus')}${collection.addLabel}</button>
        </form>
        <p class="fault" role="alert" ?hidden=${this.fault === ''}>${this.fault}</p>
        <div class="table-scroll" tabindex="0" role="region" aria-label="Elements">
          <table class="elements">
            <thead>
              <tr>
                ${collection.columns.map(
                  ({ label, isNumber }) =>
                    html`<th scope="col" class=${isNumber ? 'number' : ''}>${label}</th>`,
                )}
                <th scope="col"><span class="visually-hidden">Remove</span></th>
              </tr>
            </thead>
            <tbody>
              ${repeat(
                this.elements,
                ({ id }) => id,
                (element) => this.row(element),
              )}
            </tbody>
          </table>
        </div>
        <div class="pane-foot">
          <span>${this.countText()}</span>
          ${
            this.next === undefined
              ? nothing
              : html`<button type="button" class="button small plain" @click=${more}>Show more</button>`
          }
          <input
            class="find-elements"
            type="search"
            aria-label=${collection.findLabel}
            placeholder=${collection.findLabel}
            autocomplete="off"
            spellcheck="false"
            @input=${(event: InputEvent) => this.find((event.target as HTMLInputElement).value)}
          />
        </div>`,
      this.host,
    );
  }

  private countText(): string {
    const name = NAMES[this.type] ?? 'element';
    const all = plural(this.count, name, name === 'entry' ? 'entries' : undefined);
    const isAll = this.next === undefined && this.wanted.trim() === '';
    return isAll ? all : `${this.elements.length} of ${all}`;
  }

  private addField({ label, placeholder = '', isPairs }: Field, i: number): TemplateResult {
    return html`<label class="field"
      ><span>${label}</span>
      ${
        isPairs
          ? html`<textarea name="field${i}" rows="1" required placeholder=${placeholder} spellcheck="false"></textarea>`
          : html`<input
              name="field${i}"
              placeholder=${placeholder}
              autocomplete="off"
              spellcheck="false"
            />`
      }</label
    >`;
  }

  private row(element: Element): TemplateResult {
    const { columns } = this.collection;
    const cells =
      this.type === 'stream'
        ? [this.plain(element, 0), this.pairs(element)]
        : columns.map((_, i) => this.cell(element, i));
    return html`<tr>
      ${cells}
      <td class="row-actions">
        <button
          type="button"
          class="icon-button"
          aria-label="Remove ${glance(element.cells[0]!, SHOWN_BYTES)}"
          title="Remove"
          @click=${() => void this.remove(element)}
        >
          ${icon('trash')}
        </button>
      </td>
    </tr>`;
  }

  private plain(element: Element, column: number): TemplateResult {
    const isNumber = this.collection.columns[column]?.isNumber;
    return html`<td class=${isNumber ? 'number' : 'mono'}>${shown(element.cells[column]!)}</td>`;
  }

  private tooLong(bytes: Uint8Array): TemplateResult {
    return html`<td class="mono" title="Too long to be changed here: use a command in the terminal">
      ${shown(bytes)} <span class="muted small">too long to be changed here</span>
    </td>`;
  }

  private pairs({ cells }: Element): TemplateResult {
    const pairs: TemplateResult[] = [];
    for (let i = 1; i + 1 < cells.length; i += 2) {
      pairs.push(html`<dt>${shown(cells[i]!)}</dt><dd>${shown(cells[i + 1]!)}</dd>`);
    }
    return html`<td><dl class="pairs">${pairs}</dl></td>`;
  }

  private cell(element: Element, column: number): TemplateResult {
    const { isEditable, isNumber } = this.collection.columns[column]!;
    const bytes = element.cells[column]!;
    const { editing } = this;
    // Also when it has become too large meanwhile: what was typed stays.
    if (editing?.element.id === element.id && editing.column === column) {
      return this.openCell(editing.element, column);
    }
    if (!isEditable) return this.plain(element, column);
    if (bytes.length > EDITED_BYTES_MAX) return this.tooLong(bytes);
    return html`<td class=${isNumber ? 'number' : ''}>
      <button type="button" class="cell" title="Change" @click=${() => void this.edit(element, column)}
        >${bytes.length === 0 ? html`<span class="muted">(empty)</span>` : shown(bytes)}</button>
    </td>`;
  }

  private openCell({ cells }: Element, column: number): TemplateResult {
    const { text } = toText(cells[column]!);
    return html`<td>
      <textarea
        class="cell-editor"
        aria-label=${this.collection.columns[column]!.label}
        rows=${Math.min(8, text.split('\n').length)}
        spellcheck="false"
        .defaultValue=${text}
        @keydown=${(event: KeyboardEvent) => {
          // An input method's own Enter and Escape.
          if (event.isComposing) return;
          if (event.key === 'Escape') {
            void this.endCell(() => this.leaveCell());
          } else if (event.key === 'Enter' && !event.shiftKey) {
            event.preventDefault();
            void this.endCell(() => this.commit());
          }
        }}
        @blur=${() => {
          // Who goes to another window comes back to what was typed.
          if (document.hasFocus()) void this.commitLeft();
        }}
      ></textarea>
      <span class="muted small">Enter saves, Escape leaves it</span>
    </td>`;
  }
}

/** The beginning of a cell, and how much there is of it when that is not all. */
function shown(bytes: Uint8Array): TemplateResult | string {
  if (bytes.length <= SHOWN_BYTES) return toText(bytes).text;
  return html`${glance(bytes, SHOWN_BYTES)} <span class="muted">(${formatBytes(bytes.length)})</span>`;
}

/** Values that are typed into a field. Pairs are words, as in the terminal. */
function valuesOf({ isPairs, label }: Field, text: string): Uint8Array[] {
  if (!isPairs) return [fromTyped(text)];
  const { words, fault } = splitWords(text);
  if (fault !== undefined) throw new Error(`${label}: a quote is not closed, or text follows it`);
  if (words.length === 0 || words.length % 2 === 1) {
    throw new Error(`${label}: names and values take turns, such as: sensor 7 celsius 21.5`);
  }
  return words.map(({ bytes }) => bytes);
}
