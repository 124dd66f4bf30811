// One key: what it is, what it holds, and all that can be done to it.

import { html, nothing, render, type TemplateResult } from 'lit-html';
import { ask } from '../ui/dialog.ts';
import { copyText } from '../ui/files.ts';
import { formatBytes, formatDuration } from '../ui/format.ts';
import { icon } from '../ui/icons.ts';
import { Paced } from '../ui/paced.ts';
import { showError, showNote } from '../ui/toast.ts';
import { CollectionEditor } from './collection_editor.ts';
import { openCollection } from './collections.ts';
import type { DatabaseSession } from './database_session.ts';
import { displayKey, keyArgument, keyBytes, nameOfKey } from './key_names.ts';
import { askText, askToDiscard, isTimeToLive } from './key_questions.ts';
import { StringEditor } from './string_editor.ts';
import type { ValueEditor } from './value_editor.ts';
import { fromText, fromTyped, isEqual, toLine } from './value_text.ts';

export interface KeyViewOptions {
  readonly host: HTMLElement;
  readonly session: DatabaseSession;
  readonly key: string;
  onClose(): void;
  onRenamed(key: string): void;
}

interface Facts {
  type: string;
  ttlMs: number;
  askedAtMs: number;
  bytes: number;
  encoding: string;
}

const TICK_MS = 1000;
/** A key that changes all the time is read again this often. */
const REFRESH_MS = 500;

export class KeyView {
  readonly key: string;
  private readonly options: KeyViewOptions;
  private readonly name: string | Uint8Array;
  private readonly ticking: ReturnType<typeof setInterval>;
  private readonly refreshing = new Paced(() => this.refresh(), REFRESH_MS);
  private facts: Facts | undefined;
  private editor: ValueEditor | undefined;
  private editorType = '';
  private isGone = false;
  private isDisposed = false;

  constructor(options: KeyViewOptions) {
    this.options = options;
    this.key = options.key;
    this.name = keyArgument(options.key);
    this.ticking = setInterval(() => this.tick(), TICK_MS);
    this.draw();
    this.refreshing.soon();
  }

  /** Whether something was typed that is not saved. */
  get isChanged(): boolean {
    return this.editor?.isChanged ?? false;
  }

  /** Asks when something would be lost. */
  async mayLeave(): Promise<boolean> {
    await this.editor?.settle();
    return !this.isChanged || (await askToDiscard(displayKey(this.key)));
  }

  /** The key has changed. */
  refreshSoon(): void {
    this.refreshing.soon();
  }

  /** Reads again what the key is and holds. */
  private async refresh(): Promise<void> {
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
    this.refreshing.dispose();
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
    if (this.isDisposed) return;
    const type = this.facts?.type ?? 'none';
    // What was typed stays, whatever became of the key.
    if (type === this.editorType || this.isChanged) {
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

  private tick(): void {
    // What was typed into a value of another type was saved or given up by now.
    const isStale = this.editor !== undefined && this.facts?.type !== this.editorType;
    if (isStale && !this.isChanged) this.refreshing.soon();
    this.draw();
  }

  private draw(): void {
    if (this.isDisposed) return;
    const { facts } = this;
    render(
      html`<div class="key-head">
          <button type="button" class="icon-button back" aria-label="Back to the keys" @click=${() => void this.close()}>
            ${icon('back')}
          </button>
          <span class="type ${facts?.type ?? ''}">${facts?.type === 'none' ? '' : (facts?.type ?? '')}</span>
          <h2 class="key-name" title=${displayKey(this.key)}>${displayKey(this.key)}</h2>
          <div class="key-actions">
            ${this.action('copy', 'Copy the name', () => this.copyName())}
            ${this.action('edit', 'Rename', () => this.rename())}
            ${this.action('clock', 'Set when it expires', () => this.changeExpiry())}
            ${this.action('trash', 'Delete', () => this.delete())}
            ${this.action('close', 'Close', () => this.close())}
          </div>
        </div>
        <div class="key-facts">${this.isGone ? this.goneNote() : this.factsLine()}</div>
        <div class="key-body" ?hidden=${this.isGone && !this.isChanged}></div>`,
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
    const left = leftOf(facts);
    if (facts.ttlMs >= 0 && left <= 0) this.refreshing.soon();
    const ttl = facts.ttlMs < 0 ? 'does not expire' : `expires in ${formatDuration(left)}`;
    return html`<span>${ttl}</span><span>${formatBytes(facts.bytes)} in memory</span
      ><span>encoding ${facts.encoding}</span>`;
  }

  // --- Actions ---

  private async close(): Promise<void> {
    if (await this.mayLeave()) this.options.onClose();
  }

  private async copyName(): Promise<void> {
    await copyText(toLine(keyBytes(this.key)).text);
    showNote('The name is in the clipboard.');
  }

  private async rename(): Promise<void> {
    const old = keyBytes(this.key);
    const shown = toLine(old);
    const read = (text: string) => (shown.isQuoted ? fromText(text, true) : fromTyped(text));
    const text = await askText({
      title: 'Rename the key',
      label: 'New name',
      initial: shown.text,
      fault: (typed) => faultOf(() => read(typed)),
    });
    if (text === undefined || text === shown.text) return;
    const name = read(text);
    if (isEqual(name, old) || !(await this.mayLeave())) return;
    const { session } = this.options;
    const renamed = await session.command('RENAMENX', this.name, name);
    if (renamed === 0) {
      const other = displayKey(nameOfKey(name));
      const isSure = await ask('Replace the other key?', `There is a key ${other} already.`, [
        { label: 'Replace it', value: true, kind: 'danger' },
      ]);
      if (!isSure) return;
      await session.command('RENAME', this.name, name);
    }
    this.options.onRenamed(nameOfKey(name));
  }

  private async changeExpiry(): Promise<void> {
    const { facts } = this;
    const left = facts === undefined || facts.ttlMs < 0 ? -1 : leftOf(facts);
    const text = await askText({
      title: 'When the key expires',
      label: 'Seconds from now; empty for never',
      initial: left < 0 ? '' : String(Math.max(1, Math.ceil(left / 1000))),
      fault: (typed) =>
        typed.trim() === '' || isTimeToLive(typed)
          ? undefined
          : 'A whole number of seconds is needed, 1 or more, or nothing.',
    });
    if (text === undefined) return;
    const seconds = text.trim();
    const { session } = this.options;
    if (seconds === '') await session.command('PERSIST', this.name);
    else if ((await session.command('EXPIRE', this.name, seconds)) === 0) {
      throw new Error('The key is not there any more.');
    }
    this.refreshing.soon();
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

/** Milliseconds that a key with a time to live has left. */
function leftOf({ ttlMs, askedAtMs }: Facts): number {
  return ttlMs - (Date.now() - askedAtMs);
}

function faultOf(run: () => unknown): string | undefined {
  try {
    run();
    return undefined;
  } catch (error) {
    return (error as Error).message;
  }
}
