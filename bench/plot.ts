// Draws the chart of a result: one panel per pipeline depth, a group of bars per test, a bar per
// contender that is not a real server. A bar is the ratio of its requests per second to those of the
// fastest real server; the line at 1.0x is where they are equal.
//
//     npx tsx bench/plot.ts RESULT.json CHART.svg
//
// Plain SVG, written by hand: no library, no fonts beyond the reader's own.

import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { captionLines } from './lib/report.ts';
import { isBaseline, type Point, parseResults, type Results } from './lib/results.ts';
import { colour, escapeXml, FAINT, INK, line, MUTED, round, text } from './lib/svg.ts';

const WIDTH = 1240;
const MARGIN_LEFT = 64;
const MARGIN_RIGHT = 24;
const TITLE_HEIGHT = 76;
const PANEL_HEIGHT = 260;
const PLOT_TOP = 34;
const PLOT_BOTTOM = 66;
const CAPTION_LINE_HEIGHT = 16;
const CAPTION_COLUMNS = 170;
const GROUP_SHARE = 0.78;

export function renderSvg(results: Results): string {
  const series = results.servers.filter((server) => !isBaseline(server)).map(({ id }) => id);
  const pipelines = [...new Set(results.throughput.map((point) => point.pipeline))];
  const caption = captionLines(results).flatMap((line) => wrap(line, CAPTION_COLUMNS));
  const captionTop = TITLE_HEIGHT + pipelines.length * PANEL_HEIGHT + 18;
  const height = captionTop + caption.length * CAPTION_LINE_HEIGHT + 12;
  const body = [
    `<rect width="${WIDTH}" height="${height}" fill="#ffffff"/>`,
    text(MARGIN_LEFT, 30, 'Requests per second over the fastest real server', {
      size: 20,
      weight: 600,
    }),
    legend(series),
    ...pipelines.map((pipeline, index) =>
      panel(
        pipeline,
        results.throughput.filter((point) => point.pipeline === pipeline),
        series,
        TITLE_HEIGHT + index * PANEL_HEIGHT,
      ),
    ),
    ...caption.map((line, index) =>
      text(MARGIN_LEFT, captionTop + index * CAPTION_LINE_HEIGHT, line, {
        size: 11,
        fill: MUTED,
      }),
    ),
  ];
  return (
    `<svg xmlns="http://www.w3.org/2000/svg" width="${WIDTH}" height="${height}" ` +
    `viewBox="0 0 ${WIDTH} ${height}" font-family="system-ui, sans-serif">\n` +
    `${body.join('\n')}\n</svg>\n`
  );
}

/** Upper end and step of an axis from 0 that holds `largest` and about five steps. */
export function axisFor(largest: number): { max: number; step: number } {
  const rough = Math.max(largest, 1.2) / 5;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 2.5, 5, 10].map((factor) => factor * power).find((size) => size >= rough)!;
  return {
    max: Math.ceil((Math.max(largest, 1.2) * 1.08) / step) * step,
    step,
  };
}

function panel(
  pipeline: number,
  points: readonly Point[],
  series: readonly string[],
  top: number,
): string {
  const plotTop = top + PLOT_TOP;
  const plotBottom = top + PANEL_HEIGHT - PLOT_BOTTOM;
  const right = WIDTH - MARGIN_RIGHT;
  const ratios = points.flatMap((point) => Object.values(point.ratios)).filter(Number.isFinite);
  const axis = axisFor(Math.max(0, ...ratios));
  const y = (ratio: number) => plotBottom - (ratio / axis.max) * (plotBottom - plotTop);
  const parts = [text(MARGIN_LEFT, top + 20, `P=${pipeline}`, { size: 15, weight: 600 })];
  for (let tick = 0; tick <= axis.max + axis.step / 2; tick += axis.step) {
    parts.push(line(MARGIN_LEFT, right, y(tick), FAINT));
    const label = `${Number(tick.toFixed(2))}x`;
    parts.push(
      text(MARGIN_LEFT - 8, y(tick) + 4, label, {
        size: 11,
        anchor: 'end',
        fill: MUTED,
      }),
    );
  }
  const slot = (right - MARGIN_LEFT) / Math.max(points.length, 1);
  const groups = points.map((point, index) =>
    group(point, series, MARGIN_LEFT + slot * index, slot, y),
  );
  // The line lies over the bars and under the figures.
  parts.push(...groups.flatMap(({ bars }) => bars));
  parts.push(line(MARGIN_LEFT, right, y(1), '#b3261e', '5 3', 1.5));
  parts.push(...groups.flatMap(({ labels }) => labels));
  return `<g>\n${parts.join('\n')}\n</g>`;
}

function group(
  point: Point,
  series: readonly string[],
  left: number,
  slot: number,
  y: (ratio: number) => number,
): { bars: string[]; labels: string[] } {
  const bars: string[] = [];
  const labels: string[] = [];
  const centre = left + slot / 2;
  const measured = series.filter((id) => Number.isFinite(point.ratios[id]));
  const barWidth = Math.min(34, (slot * GROUP_SHARE) / Math.max(series.length, 1));
  const begin = centre - (barWidth * series.length) / 2;
  series.forEach((id, index) => {
    const ratio = point.ratios[id];
    if (ratio === undefined || !Number.isFinite(ratio)) return;
    const x = begin + barWidth * index;
    bars.push(
      `<rect x="${round(x)}" y="${round(y(ratio))}" width="${round(barWidth - 1)}" ` +
        `height="${round(y(0) - y(ratio))}" fill="${colour(index)}"/>`,
    );
    labels.push(
      text(x + barWidth / 2, y(ratio) - 4, ratio.toFixed(ratio < 10 ? 2 : 1), {
        size: 9,
        anchor: 'middle',
        halo: true,
      }),
    );
  });
  if (measured.length === 0) {
    const label = point.refused !== undefined ? 'refused' : 'n/a';
    labels.push(
      text(centre, y(0) - 6, label, {
        size: 10,
        anchor: 'middle',
        fill: MUTED,
      }),
    );
  }
  const labelY = y(0) + 14;
  labels.push(
    `<text x="${round(centre)}" y="${round(labelY)}" font-size="11" fill="${INK}" ` +
      `text-anchor="end" transform="rotate(-30 ${round(centre)} ${round(labelY)})">` +
      `${escapeXml(point.test)}</text>`,
  );
  return { bars, labels };
}

function legend(series: readonly string[]): string {
  let x = MARGIN_LEFT;
  const parts: string[] = [];
  series.forEach((id, index) => {
    parts.push(`<rect x="${x}" y="46" width="12" height="12" fill="${colour(index)}"/>`);
    parts.push(text(x + 18, 56, id, { size: 12 }));
    x += 18 + id.length * 7.5 + 24;
  });
  parts.push(
    `<line x1="${round(x)}" x2="${round(x + 24)}" y1="52" y2="52" stroke="#b3261e" ` +
      'stroke-width="1.5" stroke-dasharray="5 3"/>',
    text(x + 30, 56, 'as fast as the fastest real server', { size: 12 }),
  );
  return parts.join('\n');
}

function wrap(content: string, columns: number): string[] {
  const lines: string[] = [];
  let current = '';
  for (const word of content.split(' ')) {
    if (current !== '' && current.length + 1 + word.length > columns) {
      lines.push(current);
      current = word;
    } else current = current === '' ? word : `${current} ${word}`;
  }
  return [...lines, current];
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const [input, output] = process.argv.slice(2);
  if (input === undefined || output === undefined) {
    process.stderr.write('Usage: npx tsx bench/plot.ts RESULT.json CHART.svg\n');
    process.exit(2);
  }
  writeFileSync(output, renderSvg(parseResults(readFileSync(input, 'utf8'))));
}
