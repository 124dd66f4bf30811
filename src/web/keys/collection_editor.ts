// Values of many elements as a table, a page at a time: cells are changed in place, elements added and removed.

import { html, nothing, render, type TemplateResult } from 'lit-html';
import { repeat } from 'lit-html/directives/repeat.js';
import { splitWords } from '../terminal/split_words.ts';
import { plural } from '../ui/format.ts';
import { icon } from '../ui/icons.ts';
import { showError } from '../ui/toast.ts';
import type { Collection, Element, Field } from './collections.ts';
import type { ValueEditor } from './key_view.ts';
import { fromText, toText } from './value_text.ts';

const NAMES: Readonly<Record<string, string>> = {
  hash: 'field',
  list: 'element',
  set: 'member',
  zset: 'member',
  stream: 'entry',
};
const encoder = new TextEncoder();

export class CollectionEditor implements ValueEditor {
  private readonly host: HTMLElement;
  private readonly type: string;
  private readonly collection: Collection;
  private elements: Element[] = [];
  private next: string | undefined;
  private count = 0;
  private editing: { id: string; column: number } | undefined;
  private pagesShown = 1;
  private fault = '';
  private isDisposed = false;

  constructor(host: HTMLElement, type: string, collection: Collection) {
    this.host = host;
    this.type = type;
    this.collection = collection;
  }

  /** Reads again as many pages as are shown. */
  async refresh(): Promise<void> {
    const elements: Element[] = [];
    let next: string | undefined;
    for (let page = 0; page < this.pagesShown; page += 1) {
      const read = await this.collection.page(next);
      elements.push(...read.elements);
      next = read.next;
      if (next === undefined) break;
    }
    this.count = await this.collection.count();
    if (this.isDisposed) return;
    this.elements = elements;
    this.next = next;
    this.draw();
  }

  dispose(): void {
    this.isDisposed = true;
    render(nothing, this.host);
  }

  private async more(): Promise<void> {
    this.pagesShown += 1;
    await this.refresh();
  }

  /** Does something, and shows what became of it. */
  private async act(run: () => Promise<void>): Promise<void> {
    try {
      await run();
      this.editing = undefined;
      await this.refresh();
    } catch (error) {
      showError(error);
    }
  }

  private async add(form: HTMLFormElement): Promise<void> {
    try {
      const data = new FormData(form);
      const values = this.collection.fields.flatMap((field, i) =>
        valuesOf(field, String(data.get(`field${i}`) ?? '')),
      );
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

  private change(element: Element, column: number, text: string): void {
    const old = toText(element.cells[column]!);
    if (text === old.text) {
      this.editing = undefined;
      this.draw();
      return;
    }
    void this.act(async () =>
      this.collection.change(element, column, fromText(text, old.isBinary)),
    );
  }

  private draw(): void {
    const { collection } = this;
    const name = NAMES[this.type] ?? 'element';
    render(
      html`<form
          class="add-row"
          @submit=${(event: SubmitEvent) => {
            event.preventDefault();
            void this.add(event.target as HTMLFormElement);
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
                ${collection.columns.map(({ label, isNumber }) => html`<th scope="col" class=${isNumber ? 'number' : ''}>${label}</th>`)}
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
          <span>${this.next === undefined ? '' : `${this.elements.length} of `}${plural(this.count, name, name === 'entry' ? 'entries' : undefined)}</span>
          ${
            this.next === undefined
              ? nothing
              : html`<button type="button" class="button small plain" @click=${() => void this.more().catch(showError)}>Show more</button>`
          }
        </div>`,
      this.host,
    );
    this.host.querySelector<HTMLTextAreaElement>('.cell-editor')?.focus();
  }

  private addField(
    { label, placeholder = '', isOptional, isPairs }: Field,
    i: number,
  ): TemplateResult {
    return html`<label class="field"
      ><span>${label}</span>
      ${
        isPairs
          ? html`<textarea name="field${i}" rows="1" required placeholder=${placeholder} spellcheck="false"></textarea>`
          : html`<input name="field${i}" placeholder=${placeholder} autocomplete="off" spellcheck="false" data-optional=${isOptional ?? false} />`
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
          aria-label="Remove ${toText(element.cells[0]!).text}"
          title="Remove"
          @click=${() => void this.act(() => this.collection.remove(element))}
        >
          ${icon('trash')}
        </button>
      </td>
    </tr>`;
  }

  private plain(element: Element, column: number): TemplateResult {
    const isNumber = this.collection.columns[column]?.isNumber;
    return html`<td class=${isNumber ? 'number' : 'mono'}>${toText(element.cells[column]!).text}</td>`;
  }

  private pairs({ cells }: Element): TemplateResult {
    const pairs: TemplateResult[] = [];
    for (let i = 1; i + 1 < cells.length; i += 2) {
      pairs.push(html`<dt>${toText(cells[i]!).text}</dt><dd>${toText(cells[i + 1]!).text}</dd>`);
    }
    return html`<td><dl class="pairs">${pairs}</dl></td>`;
  }

  private cell(element: Element, column: number): TemplateResult {
    const { isEditable, isNumber, label } = this.collection.columns[column]!;
    if (!isEditable) return this.plain(element, column);
    const { text } = toText(element.cells[column]!);
    const isEdited = this.editing?.id === element.id && this.editing.column === column;
    if (!isEdited) {
      return html`<td class=${isNumber ? 'number' : ''}>
        <button
          type="button"
          class="cell"
          title="Change"
          @click=${() => {
            this.editing = { id: element.id, column };
            this.draw();
          }}
        
          >${text === '' ? html`<span class="muted">(empty)</span>` : text}</button>
      </td>`;
    }
    return html`<td>
      <textarea
        class="cell-editor"
        aria-label=${label}
        rows=${Math.min(8, text.split('\n').length)}
        spellcheck="false"
        .defaultValue=${text}
        @keydown=${(event: KeyboardEvent) => {
          if (event.key === 'Escape') {
            this.editing = undefined;
            this.draw();
          } else if (event.key === 'Enter' && !event.shiftKey) {
            event.preventDefault();
            this.change(element, column, (event.target as HTMLTextAreaElement).value);
          }
        }}
        @blur=${(event: FocusEvent) => {
          if (this.editing !== undefined)
            this.change(element, column, (event.target as HTMLTextAreaElement).value);
        }}
      ></textarea>
      <span class="muted small">Enter saves, Escape leaves it</span>
    </td>`;
  }
}

/** Values that are typed into a field. Pairs are words, as in the terminal. */
function valuesOf({ isPairs, label }: Field, text: string): Uint8Array[] {
  if (!isPairs) return [encoder.encode(text)];
  const { words, fault } = splitWords(text);
  if (fault !== undefined) throw new Error(`${label}: a quote is not closed, or text follows it`);
  if (words.length === 0 || words.length % 2 === 1) {
    throw new Error(`${label}: names and values take turns, such as: sensor 7 celsius 21.5`);
  }
  return words.map(({ bytes }) => bytes);
}
