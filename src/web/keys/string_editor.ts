// A string: as text, as JSON, or as bytes in hexadecimal. What is typed is kept until it is saved, also while
// the value changes under it, or its key goes: then it says so.

import { html, nothing, render, type TemplateResult } from 'lit-html';
import { live } from 'lit-html/directives/live.js';
import { formatBytes } from '../ui/format.ts';
import { showError, showNote } from '../ui/toast.ts';
import type { DatabaseSession } from './database_session.ts';
import { bestForm, bytesOf, type Draft, draftOf, type Form, reshaped } from './value_draft.ts';
import type { ValueEditor } from './value_editor.ts';
import { isEqual } from './value_text.ts';

/** A longer value is shown in part, and cannot be changed here. */
const EDITED_BYTES_MAX = 1024 * 1024;
/** What is typed is looked at this long after the last keystroke. */
const CHECK_MS = 250;

export class StringEditor implements ValueEditor {
  private readonly host: HTMLElement;
  private readonly session: DatabaseSession;
  private readonly key: string | Uint8Array;
  private value = new Uint8Array(0);
  private length = 0;
  /** Type of the key as it is now; "none" when it is gone. */
  private type = 'string';
  private draft: Draft | undefined;
  private hasEdits = false;
  private isOutdated = false;
  private fault = '';
  private saving: Promise<void> | undefined;
  private checking: ReturnType<typeof setTimeout> | undefined;
  private isDisposed = false;

  constructor(host: HTMLElement, session: DatabaseSession, key: string | Uint8Array) {
    this.host = host;
    this.session = session;
    this.key = key;
  }

  get isChanged(): boolean {
    return this.hasEdits;
  }

  async refresh(): Promise<void> {
    const [type, length, value] = await this.session.bytes([
      ['TYPE', this.key],
      ['STRLEN', this.key],
      ['GETRANGE', this.key, 0, EDITED_BYTES_MAX - 1],
    ]);
    if (this.isDisposed) return;
    this.type = String(type);
    if (this.type === 'string' && value instanceof Uint8Array) {
      if (this.hasEdits && !isEqual(value, this.value)) this.isOutdated = true;
      this.length = Number(length);
      this.value = Uint8Array.from(value);
      if (!this.hasEdits) this.showValue();
    }
    this.draw();
  }

  async settle(): Promise<void> {
    await this.saving;
  }

  dispose(): void {
    this.isDisposed = true;
    clearTimeout(this.checking);
    render(nothing, this.host);
  }

  private get isWhole(): boolean {
    return this.length <= EDITED_BYTES_MAX;
  }

  private get form(): Form {
    return this.draft?.form ?? bestForm(this.value);
  }

  private showValue(): void {
    this.draft = draftOf(this.value, this.form);
    this.hasEdits = false;
    this.isOutdated = false;
    this.fault = '';
  }

  private setForm(form: Form): void {
    this.attempt(() => {
      const bytes = this.hasEdits && this.draft !== undefined ? bytesOf(this.draft) : this.value;
      this.draft = draftOf(bytes, form);
      this.fault = '';
    });
    this.draw();
  }

  private edit(draft: Draft): void {
    this.draft = draft;
    this.hasEdits = true;
    clearTimeout(this.checking);
    this.checking = setTimeout(() => this.check(), CHECK_MS);
    this.draw();
  }

  private check(): void {
    clearTimeout(this.checking);
    this.fault = '';
    this.attempt(() => this.draft && bytesOf(this.draft));
    this.draw();
  }

  private attempt(run: () => unknown): void {
    try {
      run();
    } catch (error) {
      this.fault = (error as Error).message;
    }
  }

  /** Another one that is asked for meanwhile would find the value changed, by this one. */
  private save(): void {
    this.saving ??= this.saveDraft().finally(() => {
      this.saving = undefined;
    });
  }

  private async saveDraft(): Promise<void> {
    const { draft } = this;
    this.check();
    if (draft === undefined || this.fault !== '') return;
    const bytes = Uint8Array.from(bytesOf(draft));
    const expected = this.type;
    try {
      // Where the key holds another type, there is no error but no value.
      const reads = [
        ['TYPE', this.key],
        ['MGET', this.key],
      ];
      await this.session.guarded(this.key, reads, ([type, values]) => {
        this.type = String(type);
        this.requireShown((values as (Uint8Array | null)[])[0], expected);
        return [['SET', this.key, bytes, 'KEEPTTL']];
      });
      // A change that is told of before this reply is this one.
      this.value = bytes;
      this.isOutdated = false;
      // What was typed meanwhile is not saved yet.
      if (this.draft === draft) this.hasEdits = false;
      showNote('Saved.');
      await this.refresh();
    } catch (error) {
      showError(error);
      this.draw();
    }
  }

  /** Throws when the key is not what was shown: a change that was told of is what Save replaces. */
  private requireShown(current: Uint8Array | null | undefined, expected: string): void {
    const { type } = this;
    if (type === 'none' && expected !== 'none') {
      throw new Error('The key is gone meanwhile. Save again to make it again.');
    }
    if (type !== 'none' && (type !== 'string' || expected === 'none')) {
      throw new Error(`The key holds a ${type} by now: it was not replaced.`);
    }
    if (this.isOutdated || !(current instanceof Uint8Array) || isEqual(current, this.value)) return;
    this.value = Uint8Array.from(current);
    this.length = current.length;
    this.isOutdated = true;
    throw new Error('The value was changed elsewhere meanwhile. Save again to replace that.');
  }

  private revert(): void {
    clearTimeout(this.checking);
    this.showValue();
    this.draw();
  }

  private reshape(layout: 'lines' | 'compact'): void {
    this.attempt(() => this.draft && this.edit(reshaped(this.draft, layout)));
    this.draw();
  }

  private draw(): void {
    const { draft } = this;
    if (this.isDisposed || draft === undefined) return;
    render(
      html`<div class="editor-bar">
          <div class="segmented" role="group" aria-label="Show as">
            ${this.formButton('text', 'Text')} ${this.formButton('json', 'JSON')} ${this.formButton('hex', 'Hex')}
          </div>
          <span class="muted">${formatBytes(this.length)}</span>
          <span class="grow"></span>
          ${
            this.form === 'json' && this.isWhole
              ? html`${this.action('Format', 'plain', false, () => this.reshape('lines'))}
                ${this.action('Compact', 'plain', false, () => this.reshape('compact'))}`
              : nothing
          }
          ${this.action('Revert', 'plain', !this.hasEdits, () => this.revert())}
          ${this.action('Save', 'primary', !this.hasEdits || this.fault !== '', () => this.save())}
        </div>
        ${this.notes()}
        <textarea
          class="value-text"
          aria-label="Value"
          spellcheck="false"
          autocomplete="off"
          ?readonly=${!this.isWhole}
          .value=${live(draft.text)}
          @input=${(event: InputEvent) =>
            this.edit({ ...draft, text: (event.target as HTMLTextAreaElement).value })}
          @keydown=${(event: KeyboardEvent) => {
            if (event.key !== 's' || !(event.ctrlKey || event.metaKey)) return;
            event.preventDefault();
            if (this.hasEdits) this.save();
          }}
        ></textarea>`,
      this.host,
    );
  }

  private notes(): TemplateResult {
    const note = formNote(this.draft);
    return html`<p class="fault" role="alert" ?hidden=${this.fault === ''}>${this.fault}</p>
      <p class="notice" role="status" ?hidden=${!this.isOutdated}>
        The value was changed elsewhere meanwhile. Saving replaces that; Revert shows it.
      </p>
      <p class="notice" role="status" ?hidden=${this.type === 'string'}>${
        this.type === 'none'
          ? 'The key is gone. Save makes it again.'
          : `The key holds a ${this.type} by now, which Save does not replace.`
      }</p>
      <p class="muted small form-note" ?hidden=${note === ''}>${note}</p>
      <p class="notice" ?hidden=${this.isWhole}>
        The value is ${formatBytes(this.length)} long: its first ${formatBytes(EDITED_BYTES_MAX)} are shown, to be
        read only.
      </p>`;
  }

  private action(
    label: string,
    kind: 'plain' | 'primary',
    isDisabled: boolean,
    run: () => void,
  ): TemplateResult {
    return html`<button
      type="button"
      class="button small ${kind}"
      ?disabled=${isDisabled}
      @click=${run}
    >
      ${label}
    </button>`;
  }

  private formButton(form: Form, label: string): TemplateResult {
    return html`<button
      type="button"
      aria-pressed=${this.form === form}
      @click=${() => this.setForm(form)}
    >
      ${label}
    </button>`;
  }
}

/** How what is shown differs from what is stored. */
function formNote(draft: Draft | undefined): string {
  if (draft === undefined || draft.form === 'hex') return '';
  if (draft.isReshaped) return 'Carriage returns between the parts are left out when it is saved.';
  if (draft.form === 'text' && draft.isQuoted)
    return 'Shown between quotes, with escapes: it has carriage returns, or bytes that are no text.';
  const isOneLine = draft.layout === 'compact' || draft.layout === 'spaced';
  return isOneLine ? 'Shown over several lines; it is stored in one, as it was.' : '';
}
