// Where text comes to stand on a terminal that wraps, and the output that draws the line being typed.
//
// What is drawn at once: prompt, text, and in grey the hint, as much of it as fits into the last row. The
// cursor's row is remembered, so that the next drawing begins where this one did.

import { BOLD, GREY, PLAIN } from './colors.ts';

export interface Place {
  readonly row: number;
  readonly column: number;
}

const segmenter = new Intl.Segmenter(undefined, { granularity: 'grapheme' });

/** East Asian wide and fullwidth characters, and pictographs, take two cells. */
const WIDE = new RegExp(
  `^[${[
    '\\u1100-\\u115f\\u2e80-\\u303e\\u3041-\\ua4cf\\ua960-\\ua97c\\uac00-\\ud7a3\\uf900-\\ufaff',
    '\\ufe30-\\ufe6f\\uff00-\\uff60\\uffe0-\\uffe6',
    '\\u{1f300}-\\u{1f64f}\\u{1f680}-\\u{1f6ff}\\u{1f900}-\\u{1f9ff}\\u{20000}-\\u{3fffd}',
  ].join('')}]`,
  'u',
);

export function cellsOf(grapheme: string): number {
  return WIDE.test(grapheme) ? 2 : 1;
}

/** Where the cursor is behind `text`, when it begins in the first column. */
export function placeBehind(text: string, columns: number): Place {
  let row = 0;
  let column = 0;
  for (const { segment } of segmenter.segment(text)) {
    const cells = cellsOf(segment);
    if (column + cells > columns) {
      row += 1;
      column = 0;
    }
    column += cells;
  }
  // Behind the last column is the next row's first one.
  return column === columns ? { row: row + 1, column: 0 } : { row, column };
}

export interface LineDrawing {
  readonly prompt: string;
  readonly text: string;
  /** Offset in the text. */
  readonly cursor: number;
  readonly hint: string;
}

export class LineDrawer {
  /** Row of the cursor, counted from the prompt's. */
  private cursorRow = 0;
  private drawn: LineDrawing | undefined;

  /** Output that replaces what was drawn before. */
  draw(line: LineDrawing, columns: number): string {
    const all = line.prompt + line.text;
    const end = placeBehind(all, columns);
    const cursor = placeBehind(line.prompt + line.text.slice(0, line.cursor), columns);
    const hint = cut(line.hint, columns - end.column - 1);
    let output = `${this.toStart()}\x1b[J${BOLD}${line.prompt}${PLAIN}${line.text}`;
    if (end.column === 0 && end.row > 0) output += '\r\n';
    if (hint !== '') output += `${GREY}${hint}${PLAIN}`;
    // The hint stays in the row of the text's end.
    if (end.row > cursor.row) output += `\x1b[${end.row - cursor.row}A`;
    output += cursor.column === 0 ? '\r' : `\r\x1b[${cursor.column}C`;
    this.cursorRow = cursor.row;
    this.drawn = line;
    return output;
  }

  /** Output that removes the line, so that something else can be printed in its place. */
  erase(): string {
    const output = `${this.toStart()}\x1b[J`;
    this.forget();
    return output;
  }

  /** Output that leaves the line as it is, without its hint, and goes to the row below it. */
  finish(columns: number): string {
    const { drawn } = this;
    if (drawn === undefined) return '';
    const text = this.draw({ ...drawn, cursor: drawn.text.length, hint: '' }, columns);
    this.forget();
    return `${text}\r\n`;
  }

  /** The terminal has another width, and has laid out anew what is on it. */
  resized(columns: number): void {
    if (this.drawn === undefined) return;
    const { prompt, text, cursor } = this.drawn;
    this.cursorRow = placeBehind(prompt + text.slice(0, cursor), columns).row;
  }

  forget(): void {
    this.cursorRow = 0;
    this.drawn = undefined;
  }

  private toStart(): string {
    return this.cursorRow > 0 ? `\x1b[${this.cursorRow}A\r` : '\r';
  }
}

function cut(text: string, cells: number): string {
  let kept = '';
  let left = cells;
  for (const { segment } of segmenter.segment(text)) {
    left -= cellsOf(segment);
    if (left < 0) break;
    kept += segment;
  }
  return kept;
}
