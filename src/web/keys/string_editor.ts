// A string: as text, as JSON, or as bytes in hexadecimal. What is typed is kept until it is saved, also while
// the value changes under it: then it says so.

import { html, nothing, render, type TemplateResult } from 'lit-html';
import { live } from 'lit-html/directives/live.js';
import { formatBytes } from '../ui/format.ts';
import { showError, showNote } from '../ui/toast.ts';
import type { DatabaseSession } from './database_session.ts';
import type { ValueEditor } from './key_view.ts';
import { compactJson, formatJson, fromHex, fromText, isJson, toHex, toText } from './value_text.ts';

type Form = 'text' | 'json' | 'hex';

/** A longer value is shown in part, and cannot be changed here. */
const EDITED_BYTES_MAX = 1024 * 1024;

export class StringEditor implements ValueEditor {
  private readonly host: HTMLElement;
  private readonly session: DatabaseSession;
  private readonly key: string | Uint8Array;
  private value = new Uint8Array(0);
  private length = 0;
  private form: Form | undefined;
  private draft = '';
  private isChanged = false;
  private isOutdated = false;
  private fault = '';

  constructor(host: HTMLElement, session: DatabaseSession, key: string | Uint8Array) {
    this.host = host;
    this.session = session;
    this.key = key;
  }

  async refresh(): Promise<void> {
    const [length, value] = await this.session.bytes([
      ['STRLEN', this.key],
      ['GETRANGE', this.key, 0, EDITED_BYTES_MAX - 1],
    ]);
    if (!(value instanceof Uint8Array)) return;
    const isSame = this.form !== undefined && isEqual(value, this.value);
    this.length = Number(length);
    this.value = Uint8Array.from(value);
    if (this.form === undefined) this.form = this.bestForm();
    if (!this.isChanged) this.showValue();
    else if (!isSame) this.isOutdated = true;
    this.draw();
  }

  dispose(): void {
    render(nothing, this.host);
  }

  private get isWhole(): boolean {
    return this.length <= EDITED_BYTES_MAX;
  }

  private bestForm(): Form {
    const { text, isBinary } = toText(this.value);
    if (isBinary) return 'hex';
    return isJson(text) ? 'json' : 'text';
  }

  private showValue(): void {
    this.draft = this.draftOf(this.value);
    this.isChanged = false;
    this.isOutdated = false;
    this.fault = '';
  }

  private draftOf(value: Uint8Array): string {
    const { text } = toText(value);
    if (this.form === 'hex') return toHex(value);
    return this.form === 'json' && isJson(text) ? formatJson(text) : text;
  }

  /** The bytes that the draft stands for. Throws when it stands for none. */
  private bytesOfDraft(): Uint8Array {
    if (this.form === 'hex') return fromHex(this.draft);
    if (this.form === 'json') {
      formatJson(this.draft);
      return fromText(this.draft, false);
    }
    return fromText(this.draft, toText(this.value).isBinary);
  }

  private setForm(form: Form): void {
    try {
      const bytes = this.isChanged ? this.bytesOfDraft() : this.value;
      this.form = form;
      this.draft = this.draftOf(bytes);
      this.fault = '';
    } catch (error) {
      this.fault = (error as Error).message;
    }
    this.draw();
  }

  private edit(text: string): void {
    this.draft = text;
    this.isChanged = true;
    try {
      this.bytesOfDraft();
      this.fault = '';
    } catch (error) {
      this.fault = (error as Error).message;
    }
    this.draw();
  }

  private async save(): Promise<void> {
    try {
      await this.session.command('SET', this.key, this.bytesOfDraft(), 'KEEPTTL');
      this.isChanged = false;
      showNote('Saved.');
      await this.refresh();
    } catch (error) {
      showError(error);
    }
  }

  private revert(): void {
    this.showValue();
    this.draw();
  }

  private reshape(reshape: (text: string) => string): void {
    try {
      this.edit(reshape(this.draft));
    } catch (error) {
      this.fault = (error as Error).message;
      this.draw();
    }
  }

  private draw(): void {
    render(
      html`<div class="editor-bar">
          <div class="segmented" role="group" aria-label="Show as">
            ${this.formButton('text', 'Text')} ${this.formButton('json', 'JSON')} ${this.formButton('hex', 'Hex')}
          </div>
          <span class="muted">${formatBytes(this.length)}</span>
          <span class="grow"></span>
          ${
            this.form === 'json' && this.isWhole
              ? html`<button type="button" class="button small plain" @click=${() => this.reshape(formatJson)}>Format</button>
                <button type="button" class="button small plain" @click=${() => this.reshape(compactJson)}>Compact</button>`
              : nothing
          }
          <button type="button" class="button small plain" ?disabled=${!this.isChanged} @click=${() => this.revert()}>Revert</button>
          <button type="button" class="button small primary" ?disabled=${!this.isChanged || this.fault !== ''} @click=${() => void this.save()}>Save</button>
        </div>
        ${this.notes()}
        <textarea
          class="value-text"
          aria-label="Value"
          spellcheck="false"
          autocomplete="off"
          ?readonly=${!this.isWhole}
          .value=${live(this.draft)}
          @input=${(event: InputEvent) => this.edit((event.target as HTMLTextAreaElement).value)}
          @keydown=${(event: KeyboardEvent) => {
            if (event.key !== 's' || !(event.ctrlKey || event.metaKey)) return;
            event.preventDefault();
            if (this.isChanged && this.fault === '') void this.save();
          }}
        ></textarea>`,
      this.host,
    );
  }

  private notes(): TemplateResult {
    return html`<p class="fault" role="alert" ?hidden=${this.fault === ''}>${this.fault}</p>
      <p class="notice" role="status" ?hidden=${!this.isOutdated}>
        The value was changed elsewhere meanwhile. Saving replaces that; Revert shows it.
      </p>
      <p class="notice" ?hidden=${this.isWhole}>
        The value is ${formatBytes(this.length)} long: its first ${formatBytes(EDITED_BYTES_MAX)} are shown, to be
        read only.
      </p>`;
  }

  private formButton(form: Form, label: string): TemplateResult {
    return html`<button type="button" aria-pressed=${this.form === form} @click=${() => this.setForm(form)}>${label}</button>`;
  }
}

function isEqual(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, i) => byte === b[i]);
}
