// All commands with what is known of them, and examples that run where they stand.

import { html, nothing, render, type TemplateResult } from 'lit-html';
import type { CompiledCommand } from '../../commands/index.ts';
import type { ArgSpec } from '../../commands/spec.ts';
import type { OpenStore } from '../store.ts';
import { describeSyntax } from '../terminal/arguments.ts';
import { displayName, userCommands } from '../terminal/command_words.ts';
import { plural } from '../ui/format.ts';
import { icon } from '../ui/icons.ts';
import { showError } from '../ui/toast.ts';
import { commandAddress } from './address.ts';
import { type Example, examplesOf } from './examples.ts';
import { type ExampleLine, runExample } from './run_example.ts';

export interface DocsViewOptions {
  readonly host: HTMLElement;
  /** Opens a store for an example, beside the user's data. */
  readonly open: OpenStore;
  /** Puts a line into the terminal. */
  onTry(line: string): void;
  /** Another command is shown. */
  onCommand(name: string): void;
}

const GROUP_TITLES: Readonly<Record<string, string>> = {
  string: 'Strings',
  generic: 'Keys',
  hash: 'Hashes',
  list: 'Lists',
  set: 'Sets',
  'sorted-set': 'Sorted sets',
  stream: 'Streams',
  bitmap: 'Bitmaps',
  hyperloglog: 'HyperLogLog',
  geo: 'Places',
  pubsub: 'Messages',
  transactions: 'Transactions',
  connection: 'Connection',
  server: 'Server',
};

const FLAG_WORDS: Readonly<Record<string, string>> = {
  write: 'writes',
  readonly: 'reads',
  blocking: 'may wait',
  admin: 'for administrators',
  denyoom: 'refused when memory is full',
  fast: 'fast',
  pubsub: 'messages',
};

export class DocsView {
  private readonly options: DocsViewOptions;
  private readonly commands = userCommands();
  private readonly runs = new Map<Example, ExampleLine[]>();
  private search = '';
  private shown: CompiledCommand;
  private isListShown = true;
  private isDisposed = false;

  constructor(options: DocsViewOptions) {
    this.options = options;
    this.shown = this.commands.find(({ fullName }) => fullName === 'set')!;
    this.draw();
  }

  /** Shows a command by its full name. */
  show(fullName: string): void {
    const command = this.commands.find((each) => each.fullName === fullName);
    if (command === undefined) return;
    this.shown = command;
    this.isListShown = false;
    this.draw();
    this.options.host.querySelector('.doc')?.scrollTo(0, 0);
    this.options.host
      .querySelector('.doc-list [aria-current]')
      ?.scrollIntoView({ block: 'nearest' });
  }

  focusSearch(): void {
    this.options.host.querySelector<HTMLInputElement>('#doc-search')?.focus();
  }

  dispose(): void {
    this.isDisposed = true;
    render(nothing, this.options.host);
  }

  private matching(): CompiledCommand[] {
    const wanted = this.search.trim().toLowerCase();
    if (wanted === '') return this.commands;
    const name = (command: CompiledCommand) => displayName(command).toLowerCase();
    const byName = this.commands.filter((command) => name(command).includes(wanted));
    const bySummary = this.commands.filter(
      (command) => !byName.includes(command) && command.spec.summary.toLowerCase().includes(wanted),
    );
    byName.sort((a, b) => Number(name(b).startsWith(wanted)) - Number(name(a).startsWith(wanted)));
    return [...byName, ...bySummary];
  }

  private draw(): void {
    const found = this.matching();
    const groups = new Map<string, CompiledCommand[]>();
    for (const command of found) {
      const group = groups.get(command.spec.group) ?? [];
      groups.set(command.spec.group, group);
      group.push(command);
    }
    const isSearch = this.search.trim() !== '';
    render(
      html`<div class="docs ${this.isListShown ? 'list-shown' : ''}">
        <nav class="doc-nav" aria-label="Commands">
          <div class="filter">
            ${icon('search')}
            <label class="visually-hidden" for="doc-search">Search commands</label>
            <input
              id="doc-search"
              type="search"
              placeholder="Search ${this.commands.length} commands"
              autocomplete="off"
              spellcheck="false"
              @input=${(event: InputEvent) => {
                this.search = (event.target as HTMLInputElement).value;
                this.draw();
              }}
              @keydown=${(event: KeyboardEvent) => {
                if (event.key === 'Enter' && !event.isComposing && found[0]) this.open(found[0]);
              }}
            />
          </div>
          <div class="doc-list">
            ${
              isSearch
                ? html`<p class="muted small" role="status">${plural(found.length, 'command')}</p>
                  <ul>${found.map((command) => this.entry(command))}</ul>`
                : [...groups].map(
                    ([group, commands]) =>
                      html`<h2>${GROUP_TITLES[group] ?? group}</h2>
                        <ul>${commands.map((command) => this.entry(command))}</ul>`,
                  )
            }
          </div>
        </nav>
        <article class="doc" tabindex="-1">${this.doc(this.shown)}</article>
      </div>`,
      this.options.host,
    );
  }

  private entry(command: CompiledCommand): TemplateResult {
    return html`<li>
      <a
        href=${commandAddress(command.fullName)}
        aria-current=${command === this.shown ? 'page' : nothing}
        @click=${(event: MouseEvent) => {
          event.preventDefault();
          this.open(command);
        }}
        >${displayName(command)}</a
      >
    </li>`;
  }

  private open(command: CompiledCommand): void {
    this.show(command.fullName);
    this.options.onCommand(command.fullName);
  }

  private doc(command: CompiledCommand): TemplateResult {
    const { spec } = command;
    const examples = examplesOf(command.fullName);
    const flags = spec.flags.map((flag) => FLAG_WORDS[flag]).filter((word) => word !== undefined);
    return html`<button type="button" class="button small plain doc-back" @click=${() => {
      this.isListShown = true;
      this.draw();
    }}>${icon('back')}All commands</button>
      <h1>${displayName(command)}</h1>
      <p class="lead">${spec.summary}</p>
      ${
        spec.deprecated
          ? html`<p class="notice">Out of date since ${spec.deprecated.since}: ${spec.deprecated.replacedBy} does it.</p>`
          : nothing
      }
      <pre class="syntax" tabindex="0" aria-label="Syntax"><strong>${displayName(command)}</strong> ${describeSyntax(spec.args)}</pre>
      <dl class="facts">
        <div><dt>Since</dt><dd>Redis ${spec.since}</dd></div>
        ${spec.complexity ? html`<div><dt>Time</dt><dd>${spec.complexity}</dd></div>` : nothing}
        <div><dt>Group</dt><dd>${GROUP_TITLES[spec.group] ?? spec.group}</dd></div>
        ${flags.length > 0 ? html`<div><dt>Kind</dt><dd>${flags.join(', ')}</dd></div>` : nothing}
      </dl>
      ${spec.notes ? html`<p class="notice">${spec.notes}</p>` : nothing}
      ${examples.length > 0 ? html`<h2>Examples</h2>` : nothing}
      ${examples.map((example) => this.example(example))}
      <p>
        <button type="button" class="button small plain" @click=${() => this.options.onTry(`${displayName(command)} `)}>
          ${icon('terminal')}Try it in the terminal
        </button>
      </p>
      ${spec.args.length > 0 ? html`<h2>Arguments</h2>${argumentList(spec.args)}` : nothing}
      ${
        spec.history && spec.history.length > 0
          ? html`<h2>Changes</h2>
            <ul class="history">${spec.history.map(([version, change]) => html`<li><strong>${version}</strong> ${change}</li>`)}</ul>`
          : nothing
      }`;
  }

  private example(example: Example): TemplateResult {
    const run = this.runs.get(example);
    return html`<section class="example card" aria-label=${example.title}>
      <div class="example-head">
        <h3>${example.title}</h3>
        <button type="button" class="button small primary" @click=${() => void this.run(example)}>
          ${icon('play')}Run
        </button>
      </div>
      <pre tabindex="0" aria-label="Commands" aria-live="polite">${
        run === undefined
          ? example.lines.map((line) => html`<span class="prompt">db&gt; </span>${line}\n`)
          : run.map(
              ({ prompt, line, reply }) =>
                html`<span class="prompt">${prompt}</span>${line}\n<span class="reply">${reply}</span>`,
            )
      }</pre>
    </section>`;
  }

  private async run(example: Example): Promise<void> {
    try {
      const { store } = await this.options.open({});
      try {
        this.runs.set(example, await runExample(store, example.lines));
      } finally {
        await store.close();
      }
      if (!this.isDisposed) this.draw();
    } catch (error) {
      showError(error);
    }
  }
}

function argumentList(args: readonly ArgSpec[]): TemplateResult {
  return html`<ul class="arguments">
    ${args.map(
      (arg) =>
        html`<li>
          <code>${argumentLabel(arg)}</code>
          <span class="muted">${describeArgument(arg)}</span>
          ${arg.args === undefined ? nothing : argumentList(arg.args)}
        </li>`,
    )}
  </ul>`;
}

function argumentLabel({ token, type, display, name }: ArgSpec): string {
  const isNamed = type !== 'pure-token' && type !== 'block' && type !== 'oneof';
  return [token ?? '', isNamed ? (display ?? name) : ''].join(' ').trim();
}

const TYPE_WORDS: Readonly<Record<ArgSpec['type'], string>> = {
  string: 'text or bytes',
  integer: 'whole number',
  double: 'number',
  key: 'key',
  pattern: 'pattern',
  'unix-time': 'Unix time',
  'pure-token': 'word',
  oneof: 'one of',
  block: 'together',
};

function describeArgument(arg: ArgSpec): string {
  const parts = [TYPE_WORDS[arg.type]];
  if (arg.optional) parts.push('may be left out');
  if (arg.multiple) parts.push('several');
  if (arg.since !== undefined) parts.push(`since ${arg.since}`);
  return parts.join(', ');
}
