// Pieces of SVG that the charts share. No library, no fonts beyond the reader's own.

const COLOURS = ['#1d6fb8', '#e08a1e', '#4b9b57', '#8a5fb0'];
export const INK = '#1f2328';
export const FAINT = '#d8dee4';
export const MUTED = '#59636e';

export function colour(index: number): string {
  return COLOURS[index % COLOURS.length]!;
}

export interface TextStyle {
  size: number;
  weight?: number;
  anchor?: 'middle' | 'end';
  fill?: string;
  /** A white outline, for text that lies over lines. */
  halo?: boolean;
}

export function text(x: number, y: number, content: string, style: TextStyle): string {
  const weight = style.weight === undefined ? '' : ` font-weight="${style.weight}"`;
  const anchor = style.anchor === undefined ? '' : ` text-anchor="${style.anchor}"`;
  const halo = style.halo ? ' stroke="#ffffff" stroke-width="2.5" paint-order="stroke"' : '';
  return (
    `<text x="${round(x)}" y="${round(y)}" font-size="${style.size}"${weight}${anchor}${halo} ` +
    `fill="${style.fill ?? INK}">${escapeXml(content)}</text>`
  );
}

export function line(
  x1: number,
  x2: number,
  y: number,
  stroke: string,
  dash = '',
  width = 1,
): string {
  const dashes = dash === '' ? '' : ` stroke-dasharray="${dash}"`;
  return (
    `<line x1="${x1}" x2="${x2}" y1="${round(y)}" y2="${round(y)}" stroke="${stroke}" ` +
    `stroke-width="${width}"${dashes}/>`
  );
}

export function round(value: number): number {
  return Math.round(value * 10) / 10;
}

export function escapeXml(content: string): string {
  return content.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}
