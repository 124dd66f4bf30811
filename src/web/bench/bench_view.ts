// The benchmark on the page: what to run, how far it is, and bars of what came out.

import { html, nothing, render, type TemplateResult } from 'lit-html';
import type { OpenStore } from '../store.ts';
import { formatCount, formatShort } from '../ui/format.ts';
import { icon } from '../ui/icons.ts';
import { showError } from '../ui/toast.ts';
import { BATCH_SIZES, type Measurement, runBenchmark, WORKLOADS } from './benchmark.ts';

const DURATIONS = [
  { label: 'Quick', ms: 150 },
  { label: 'Normal', ms: 500 },
  { label: 'Long', ms: 2000 },
];
const DEFAULT_WORKLOADS = ['SET', 'GET', 'INCR', 'LPUSH + LPOP', 'HSET', 'ZADD'];

export class BenchView {
  private readonly host: HTMLElement;
  private readonly open: OpenStore;
  private workloads = new Set(DEFAULT_WORKLOADS);
  private batches = new Set<number>(BATCH_SIZES);
  private durationMs = DURATIONS[0]!.ms;
  private results: Measurement[] = [];
  private running: AbortController | undefined;
  private share = 0;
  private label = '';
  private message = '';
  private isDisposed = false;

  constructor(host: HTMLElement, open: OpenStore) {
    this.host = host;
    this.open = open;
    this.draw();
  }

  dispose(): void {
    this.isDisposed = true;
    this.running?.abort();
    render(nothing, this.host);
  }

  private async start(): Promise<void> {
    const running = new AbortController();
    this.running = running;
    this.results = [];
    this.message = '';
    this.draw();
    try {
      const { store } = await this.open({});
      try {
        await runBenchmark(store, {
          workloads: [...this.workloads],
          batches: [...this.batches].sort((a, b) => a - b),
          durationMs: this.durationMs,
          signal: running.signal,
          onMeasurement: (measurement) => this.results.push(measurement),
          onProgress: (share, label) => {
            this.share = share;
            this.label = label;
            this.draw();
          },
        });
        this.message = running.signal.aborted ? 'Stopped.' : 'Done.';
      } finally {
        await store.close();
      }
    } catch (error) {
      showError(error);
    } finally {
      this.running = undefined;
      this.draw();
    }
  }

  /** Between 0 and 1. */
  private get progress(): number {
    if (this.running !== undefined) return this.share;
    return this.message === 'Done.' ? 1 : 0;
  }

  private draw(): void {
    if (this.isDisposed) return;
    const isRunning = this.running !== undefined;
    const cannotRun = this.workloads.size === 0 || this.batches.size === 0;
    render(
      html`<div class="page-head">
          <h1>Benchmark</h1>
          <p class="muted">
            The engine in this tab, in a store of its own in memory: your data are not touched. A batch crosses into
            the engine once.
          </p>
        </div>
        <form class="card bench-form" @submit=${(event: SubmitEvent) => event.preventDefault()}>
          <fieldset class="choices" ?disabled=${isRunning}>
            <legend>Commands</legend>
            ${WORKLOADS.map(({ name }) => this.check(name, this.workloads, name))}
          </fieldset>
          <fieldset class="choices" ?disabled=${isRunning}>
            <legend>Commands in a batch</legend>
            ${BATCH_SIZES.map((size) => this.check(String(size), this.batches, size))}
          </fieldset>
          <fieldset class="choices" ?disabled=${isRunning}>
            <legend>Length</legend>
            ${DURATIONS.map(
              ({ label, ms }) =>
                html`<label class="choice"
                  ><input type="radio" name="duration" ?checked=${ms === this.durationMs} @change=${() => {
                    this.durationMs = ms;
                  }} /><span>${label}</span></label
                >`,
            )}
          </fieldset>
          <div class="bench-run">
            ${
              isRunning
                ? html`<button
                    type="button"
                    class="button danger"
                    @click=${() => this.running?.abort()}
                  >
                    ${icon('stop')}Stop
                  </button>`
                : html`<button
                    type="button"
                    class="button primary"
                    ?disabled=${cannotRun}
                    @click=${() => void this.start()}
                  >
                    ${icon('play')}Run
                  </button>`
            }
            <progress max="1" .value=${this.progress} aria-label="Progress"></progress>
            <span class="muted" role="status">${isRunning ? this.label : this.message}</span>
          </div>
        </form>
        ${this.results.length === 0 ? nothing : this.chart()}`,
      this.host,
    );
  }

  private check<T>(label: string, chosen: Set<T>, value: T): TemplateResult {
    return html`<label class="choice"
      ><input
        type="checkbox"
        ?checked=${chosen.has(value)}
        @change=${() => {
          if (!chosen.delete(value)) chosen.add(value);
          this.draw();
        }}
      /><span>${label}</span></label
    >`;
  }

  /** A table whose cells are bars. */
  private chart(): TemplateResult {
    const max = Math.max(...this.results.map(({ operationsPerSecond }) => operationsPerSecond));
    const names = [...new Set(this.results.map(({ workload }) => workload))];
    return html`<section class="card" aria-labelledby="bench-results">
      <h2 id="bench-results">Operations per second</h2>
      <ul class="legend">
        ${[...new Set(this.results.map(({ batch }) => batch))]
          .sort((a, b) => a - b)
          .map(
            (batch) =>
              html`<li>
                <span class="swatch" style="--swatch:var(${barColor(batch)})"></span>${
                  batch === 1 ? 'one at a time' : `batches of ${batch}`
                }
              </li>`,
          )}
      </ul>
      <table class="bars">
        <thead>
          <tr>
            <th scope="col">Command</th>
            <th scope="col" class="number">Batch</th>
            <th scope="col">Operations per second</th>
            <th scope="col" class="number">Median of a batch</th>
          </tr>
        </thead>
        ${names.map((name) => this.group(name, max))}
      </table>
    </section>`;
  }

  private group(name: string, max: number): TemplateResult {
    const results = this.results.filter(({ workload }) => workload === name);
    return html`<tbody>
      ${results.map(
        ({ batch, operationsPerSecond, medianUs }, i) =>
          html`<tr>
            ${i === 0 ? html`<th scope="rowgroup" rowspan=${results.length}>${name}</th>` : nothing}
            <td class="number">${batch}</td>
            <td class="bar-cell">
              <span class="bar" style=${barStyle(batch, operationsPerSecond / max)}></span>
              <span class="bar-value" title=${formatCount(operationsPerSecond)}
                >${formatShort(operationsPerSecond)}</span
              >
            </td>
            <td class="number">${formatMicroseconds(medianUs)}</td>
          </tr>`,
      )}
    </tbody>`;
  }
}

/** Clocks of browsers go in steps of some microseconds: a shorter time reads as 0. */
function formatMicroseconds(us: number): string {
  return us >= 1000 ? `${(us / 1000).toFixed(1)} ms` : `${us < 0.05 ? '< 0.1' : us.toFixed(1)} µs`;
}

/** The longest bar leaves room for its figure. */
function barStyle(batch: number, share: number): string {
  return `width:${Math.max(0.5, 75 * share)}%;background:var(${barColor(batch)})`;
}

function barColor(batch: number): string {
  return `--chart-${BATCH_SIZES.indexOf(batch as (typeof BATCH_SIZES)[number]) + 1}`;
}
