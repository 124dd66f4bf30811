// One key: what it is, what it holds, and all that can be done to it.

import { html, nothing, render, type TemplateResult } from 'lit-html';
import { ask, openDialog } from '../ui/dialog.ts';
import { copyText } from '../ui/files.ts';
import { formatBytes, formatDuration, plural } from '../ui/format.ts';
import { icon } from '../ui/icons.ts';
import { showError, showNote } from '../ui/toast.ts';
import { CollectionEditor } from './collection_editor.ts';
import { openCollection } from './collections.ts';
import type { DatabaseSession } from './database_session.ts';
import { displayKey, keyArgument } from './key_names.ts';
import { StringEditor } from './string_editor.ts';

export interface KeyViewOptions {
  readonly host: HTMLElement;
  readonly session: DatabaseSession;
  readonly key: string;
  onClose(): void;
  onRenamed(key: string): void;
}

/** The part of the view that shows a value of one type. */
export interface ValueEditor {
  /** The value may have changed. */
  refresh(): Promise<void>;
  dispose(): void;
}

interface Facts {
  type: string;
  ttlMs: number;
  askedAtMs: number;
  bytes: number;
  encoding: string;
}

const TICK_MS = 1000;

export class KeyView {
  readonly key: string;
  private readonly options: KeyViewOptions;
  private readonly name: string | Uint8Array;
  private readonly ticking: ReturnType<typeof setInterval>;
  private facts: Facts | undefined;
  private editor: ValueEditor | undefined;
  private editorType = '';
  private isGone = false;
  private isDisposed = false;

  constructor(options: KeyViewOptions) {
    this.options = options;
    this.key = options.key;
    this.name = keyArgument(options.key);
    this.ticking = setInterval(() => this.draw(), TICK_MS);
    this.draw();
    void this.refresh();
  }

  /** Reads again what the key is and holds. */
  async refresh(): Promise<void> {
    try {
      await this.readFacts();
      if (this.isDisposed) return;
      this.draw();
      await this.showEditor();
    } catch (error) {
      if (!this.isDisposed) showError(error);
    }
  }

  dispose(): void {
    this.isDisposed = true;
    clearInterval(this.ticking);
    this.editor?.dispose();
    render(nothing, this.options.host);
  }

  private async readFacts(): Promise<void> {
    const { session } = this.options;
    const [type, ttlMs, bytes, encoding] = await session.batch([
      ['TYPE', this.name],
      ['PTTL', this.name],
      ['MEMORY', 'USAGE', this.name],
      ['OBJECT', 'ENCODING', this.name],
    ]);
    this.isGone = type === 'none';
    this.facts = {
      type: typeof type === 'string' ? type : 'none',
      ttlMs: typeof ttlMs === 'number' ? ttlMs : -1,
      askedAtMs: Date.now(),
      bytes: typeof bytes === 'number' ? bytes : 0,
      encoding: typeof encoding === 'string' ? encoding : '',
    };
  }

  private async showEditor(): Promise<void> {
    const { host, session } = this.options;
    const type = this.facts?.type ?? 'none';
    if (type === this.editorType) {
      await this.editor?.refresh();
      return;
    }
    this.editor?.dispose();
    this.editor = undefined;
    this.editorType = type;
    const body = host.querySelector<HTMLElement>('.key-body')!;
    render(nothing, body);
    if (type === 'none') return;
    const collection = openCollection(type, session, this.name);
    if (type === 'string') this.editor = new StringEditor(body, session, this.name);
    else if (collection !== undefined) this.editor = new CollectionEditor(body, type, collection);
    else
      render(html`<p class="pane-empty">There is no editor for values of type ${type}.</p>`, body);
    await this.editor?.refresh();
  }

  private draw(): void {
    const { facts } = this;
    render(
      html`<div class="key-head">
          <button type="button" class="icon-button back" aria-label="Back to the keys" @click=${() => this.options.onClose()}>
            ${icon('back')}
          </button>
          <span class="type ${facts?.type ?? ''}">${facts?.type === 'none' ? '' : (facts?.type ?? '')}</span>
          <h2 class="key-name" title=${displayKey(this.key)}>${displayKey(this.key)}</h2>
          <div class="key-actions">
            ${this.action('copy', 'Copy the name', () => this.copyName())}
            ${this.action('edit', 'Rename', () => this.rename())}
            ${this.action('clock', 'Set when it expires', () => this.changeExpiry())}
            ${this.action('trash', 'Delete', () => this.delete())}
            ${this.action('close', 'Close', () => Promise.resolve(this.options.onClose()))}
          </div>
        </div>
        <div class="key-facts">${this.isGone ? this.goneNote() : this.factsLine()}</div>
        <div class="key-body" ?hidden=${this.isGone}></div>`,
      this.options.host,
    );
  }

  private action(
    name: 'copy' | 'edit' | 'clock' | 'trash' | 'close',
    label: string,
    run: () => Promise<void>,
  ): TemplateResult {
    return html`<button
      type="button"
      class="icon-button ${name}"
      aria-label=${label}
      title=${label}
      ?disabled=${this.isGone && name !== 'close' && name !== 'copy'}
      @click=${() => void run().catch(showError)}
    >
      ${icon(name)}
    </button>`;
  }

  private goneNote(): TemplateResult {
    return html`<span role="status">This key is not there any more: it was deleted, or has expired.</span>`;
  }

  private factsLine(): TemplateResult | typeof nothing {
    const { facts } = this;
    if (facts === undefined) return nothing;
    const left = facts.ttlMs - (Date.now() - facts.askedAtMs);
    if (facts.ttlMs >= 0 && left <= 0) void this.refresh();
    const ttl = facts.ttlMs < 0 ? 'does not expire' : `expires in ${formatDuration(left)}`;
    return html`<span>${ttl}</span><span>${formatBytes(facts.bytes)} in memory</span
      ><span>encoding ${facts.encoding}</span>`;
  }

  // --- Actions ---

  private async copyName(): Promise<void> {
    await copyText(displayKey(this.key));
    showNote('The name is in the clipboard.');
  }

  private async rename(): Promise<void> {
    const name = await askText('Rename the key', 'New name', displayKey(this.key));
    if (name === undefined || name === this.key) return;
    const { session } = this.options;
    const renamed = await session.command('RENAMENX', this.name, name);
    if (renamed === 0) {
      const isSure = await ask('Replace the other key?', `There is a key ${name} already.`, [
        { label: 'Replace it', value: true, kind: 'danger' },
      ]);
      if (!isSure) return;
      await session.command('RENAME', this.name, name);
    }
    this.options.onRenamed(name);
  }

  private async changeExpiry(): Promise<void> {
    const left =
      this.facts !== undefined && this.facts.ttlMs >= 0 ? Math.ceil(this.facts.ttlMs / 1000) : '';
    const text = await askText(
      'When the key expires',
      'Seconds from now; empty for never',
      String(left),
      /^\s*\d*\s*$/,
    );
    if (text === undefined) return;
    const { session } = this.options;
    if (text.trim() === '') await session.command('PERSIST', this.name);
    else await session.command('EXPIRE', this.name, text.trim());
    await this.refresh();
  }

  private async delete(): Promise<void> {
    const isSure = await ask(
      'Delete the key?',
      `${displayKey(this.key)} and its value will be gone.`,
      [{ label: 'Delete', value: true, kind: 'danger' }],
    );
    if (!isSure) return;
    await this.options.session.command('UNLINK', this.name);
    showNote(`${displayKey(this.key)} was deleted.`);
    this.options.onClose();
  }
}

/** One line of text; undefined when the question was closed. */
export function askText(
  title: string,
  label: string,
  initial: string,
  pattern?: RegExp,
): Promise<string | undefined> {
  let fault = '';
  return openDialog<string>((close, update) => ({
    title,
    body: html`<form
      @submit=${(event: SubmitEvent) => {
        event.preventDefault();
        const text = new FormData(event.target as HTMLFormElement).get('text') as string;
        if (pattern === undefined || pattern.test(text)) close(text);
        else {
          fault = 'A whole number is needed.';
          update();
        }
      }}
    >
      <label class="field"><span>${label}</span><input name="text" .defaultValue=${initial} autocomplete="off" spellcheck="false" autofocus /></label>
      <p class="fault" role="alert">${fault}</p>
      <div class="dialog-buttons">
        <button class="button primary">OK</button>
        <button type="button" class="button plain" @click=${() => close(undefined)}>Cancel</button>
      </div>
    </form>`,
  }));
}

/** What stands above a value: how much there is of it. */
export function amount(count: number, one: string): string {
  return plural(count, one);
}
