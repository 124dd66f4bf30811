// What the store does, over the last minutes: four charts, each with its figures in words and as a table.

import { html, render, type TemplateResult } from 'lit-html';
import uPlot from 'uplot';
import type { Store } from '../store.ts';
import { formatBytes, formatCount, formatShort } from '../ui/format.ts';
import { styleColor } from '../ui/theme.ts';
import { showError } from '../ui/toast.ts';
import { type Sample, Sampler } from './info.ts';

interface Series {
  readonly label: string;
  readonly color: string;
  value(sample: Sample): number | null;
  readonly isDashed?: boolean;
}

interface ChartSpec {
  readonly title: string;
  readonly series: readonly Series[];
  format(value: number): string;
  readonly max?: number;
}

const CHARTS: readonly ChartSpec[] = [
  {
    title: 'Operations per second',
    format: formatShort,
    series: [
      { label: 'operations', color: '--chart-1', value: (sample) => sample.operationsPerSecond },
    ],
  },
  {
    title: 'Memory',
    format: formatBytes,
    series: [
      { label: 'used', color: '--chart-2', value: (sample) => sample.memoryBytes },
      {
        label: 'peak',
        color: '--chart-4',
        value: (sample) => sample.peakMemoryBytes,
        isDashed: true,
      },
    ],
  },
  {
    title: 'Hit rate',
    format: (value) => `${formatShort(value)} %`,
    max: 100,
    series: [
      { label: 'reads that found a key', color: '--chart-3', value: (sample) => sample.hitPercent },
    ],
  },
  {
    title: 'Keys',
    format: formatShort,
    series: [
      { label: 'keys', color: '--chart-1', value: (sample) => sample.keys },
      {
        label: 'expired per second',
        color: '--chart-4',
        value: (sample) => sample.expiredPerSecond,
        isDashed: true,
      },
    ],
  },
];

const INTERVAL_MS = 1000;
const MINUTES = 5;
const TABLE_ROWS = 10;
const CHART_HEIGHT = 180;
/** Steps of an axis of bytes: powers of two, so that its labels are round. */
const BYTE_STEPS = Array.from({ length: 32 }, (_, i) => 2 ** (i + 4));

export class ChartsView {
  private readonly host: HTMLElement;
  private readonly store: Store;
  private readonly sampler = new Sampler(MINUTES * 60_000);
  private readonly timer: ReturnType<typeof setInterval>;
  private readonly observer: ResizeObserver;
  private plots: uPlot[] = [];
  private isAsking = false;
  private hasFailed = false;
  private isVisible = false;
  private isDisposed = false;

  constructor(host: HTMLElement, store: Store) {
    this.host = host;
    this.store = store;
    this.draw();
    this.observer = new ResizeObserver(() => this.fit());
    this.observer.observe(host);
    this.timer = setInterval(() => void this.sample(), INTERVAL_MS);
    void this.sample();
  }

  /** It samples all the time, and draws while it is looked at. */
  setVisible(isVisible: boolean): void {
    this.isVisible = isVisible;
    if (!isVisible) return;
    if (this.plots.length === 0) this.makePlots();
    this.update();
  }

  /** Colors have changed. */
  restyle(): void {
    for (const plot of this.plots) plot.destroy();
    this.plots = [];
    if (this.isVisible) this.setVisible(true);
  }

  dispose(): void {
    this.isDisposed = true;
    clearInterval(this.timer);
    this.observer.disconnect();
    for (const plot of this.plots) plot.destroy();
    render('', this.host);
  }

  private async sample(): Promise<void> {
    if (this.isAsking || this.isDisposed || this.store.isClosed) return;
    this.isAsking = true;
    try {
      const text = await this.store.command('INFO', 'everything');
      if (typeof text === 'string') this.sampler.add(text, Date.now(), 1);
      this.hasFailed = false;
      if (this.isVisible) this.update();
    } catch (error) {
      if (!this.hasFailed && !this.store.isClosed) showError(error);
      this.hasFailed = true;
    } finally {
      this.isAsking = false;
    }
  }

  // --- Drawing ---

  private update(): void {
    if (this.isDisposed) return;
    this.draw();
    const { samples } = this.sampler;
    const times = samples.map(({ atMs }) => atMs / 1000);
    CHARTS.forEach((chart, i) => {
      const data = chart.series.map(({ value }) => samples.map(value));
      this.plots[i]?.setData([times, ...data] as uPlot.AlignedData);
    });
  }

  private makePlots(): void {
    this.plots = CHARTS.map((chart, i) => {
      const host = this.host.querySelector<HTMLElement>(`#chart-${i}`)!;
      return new uPlot(plotOptions(chart, host.clientWidth), [[]], host);
    });
  }

  private fit(): void {
    for (const plot of this.plots) {
      const width = plot.root.parentElement?.clientWidth ?? 0;
      if (width > 0 && width !== plot.width) plot.setSize({ width, height: CHART_HEIGHT });
    }
  }

  private draw(): void {
    render(
      html`<div class="page-head">
          <h1>Charts</h1>
          <p class="muted">
            The last ${MINUTES} minutes of the store, one look a second. What the other views of this page ask to
            show keys and values counts as well.
          </p>
        </div>
        <div class="chart-grid">${CHARTS.map((chart, i) => this.figure(chart, i))}</div>`,
      this.host,
    );
  }

  private figure(chart: ChartSpec, i: number): TemplateResult {
    const { samples } = this.sampler;
    const latest = samples.at(-1);
    return html`<figure class="card chart" aria-labelledby="chart-title-${i}">
      <figcaption>
        <h2 id="chart-title-${i}">${chart.title}</h2>
        <ul class="legend">
          ${chart.series.map(
            ({ label, color, value, isDashed }) =>
              html`<li>
                <span class="swatch ${isDashed ? 'dashed' : ''}" style="--swatch:var(${color})"></span>${label}
                <strong>${latest === undefined ? '–' : formatValue(chart, value(latest))}</strong>
              </li>`,
          )}
        </ul>
      </figcaption>
      <div id="chart-${i}" class="plot" aria-hidden="true"></div>
      <details>
        <summary>Figures</summary>
        ${this.table(chart, samples.slice(-TABLE_ROWS).reverse())}
      </details>
    </figure>`;
  }

  private table(chart: ChartSpec, samples: readonly Sample[]): TemplateResult {
    return html`<table class="figures">
      <thead>
        <tr>
          <th scope="col">Time</th>
          ${chart.series.map(({ label }) => html`<th scope="col">${label}</th>`)}
        </tr>
      </thead>
      <tbody>
        ${samples.map(
          (sample) =>
            html`<tr>
              <td>${new Date(sample.atMs).toLocaleTimeString()}</td>
              ${chart.series.map(({ value }) => html`<td>${formatValue(chart, value(sample))}</td>`)}
            </tr>`,
        )}
      </tbody>
    </table>`;
  }
}

function formatValue(chart: ChartSpec, value: number | null): string {
  if (value === null) return 'no reads';
  return Number.isInteger(value) && value < 10_000 && chart.format === formatShort
    ? formatCount(value)
    : chart.format(value);
}

function plotOptions(chart: ChartSpec, width: number): uPlot.Options {
  const muted = styleColor('--muted');
  const line = styleColor('--line');
  const axis = {
    stroke: muted,
    font: '11px system-ui',
    grid: { stroke: line, width: 1 },
    ticks: { show: false },
  };
  return {
    width,
    height: CHART_HEIGHT,
    legend: { show: false },
    cursor: { y: false },
    scales: {
      y: { range: (_plot, _min, max) => [0, chart.max ?? Math.max(1, (max ?? 1) * 1.15)] },
    },
    axes: [
      { ...axis, space: 70, size: 28, values: '{HH}:{mm}:{ss}' as unknown as uPlot.Axis.Values },
      {
        ...axis,
        size: 64,
        space: 32,
        values: (_plot, values) => values.map((value) => chart.format(value)),
        ...(chart.format === formatBytes ? { incrs: BYTE_STEPS } : {}),
      },
    ],
    series: [
      {},
      ...chart.series.map(
        ({ label, color, isDashed }): uPlot.Series => ({
          label,
          stroke: styleColor(color),
          width: 1.75,
          points: { show: false },
          ...(isDashed ? { dash: [4, 4] } : { fill: `${styleColor(color)}1f` }),
        }),
      ),
    ],
  };
}
