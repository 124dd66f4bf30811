// Bar charts in characters, as LATENCY GRAPH draws them.
//
//     #         rows from the top; a bar ends in _, o or # and is | below
//   _ |
//   |_|
//             an empty row
//   311         labels, written downwards
//   sms

const TIPS = '_o#';
const BODY = '|';

export interface Bar {
  readonly value: number;
  readonly label: string;
}

/** Charts of at most `columns` bars each, with an empty line between them. */
export function drawBars(bars: readonly Bar[], columns: number, rows: number): string {
  const values = bars.map(({ value }) => value);
  const low = Math.min(...values);
  const range = Math.max(...values) - low || 1;
  const steps = TIPS.length * rows;
  /** Height in steps, from 0. */
  const height = ({ value }: Bar) =>
    Math.min(Math.trunc(((value - low) * steps) / range), steps - 1);
  const charts: string[] = [];
  for (let start = 0; start < bars.length; start += columns) {
    const part = bars.slice(start, start + columns);
    const lines = [...barLines(part.map(height), rows), ...labelLines(part)];
    charts.push(lines.map((line) => `${line}\n`).join(''));
  }
  return charts.join('\n');
}

function barLines(heights: readonly number[], rows: number): string[] {
  return Array.from({ length: rows }, (_, row) => {
    const floor = (rows - row - 1) * TIPS.length;
    const cells = heights.map((height) => {
      if (height < floor) return ' ';
      return TIPS[height - floor] ?? BODY;
    });
    return cells.join('');
  });
}

function labelLines(bars: readonly Bar[]): string[] {
  const longest = Math.max(...bars.map(({ label }) => label.length));
  return [
    ' '.repeat(bars.length),
    ...Array.from({ length: longest }, (_, i) => bars.map(({ label }) => label[i] ?? ' ').join('')),
  ];
}
