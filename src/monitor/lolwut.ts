// LOLWUT: computer art, and which version this is.
//
//   LOLWUT [VERSION n [arguments ...]]
//   n = 5   squares in rows that lose their order on the way down, after Georg Nees's Schotter
//           [columns [squares per row [squares per column]]]
//   n = 6   hills at night under stars and a moon
//           [columns [rows]]
//   else    the version alone, which is also what there is without VERSION
//
// The art is drawn anew every time. Sizes are limited, so that it stays a cheap command.

import { CommandError, type HostCommands } from '../host_command.ts';
import { parseI64 } from '../util/integers.ts';
import { REDIS_VERSION } from '../version.ts';
import { Canvas } from './canvas.ts';

/** A number from 0 to 1, 1 excluded. */
export type RandomSource = () => number;

const SIZE_MAX = 1000;
const SQUARES_MAX = 200;

export function registerLolwut(commands: HostCommands, random: RandomSource = Math.random): void {
  commands.register('lolwut', ({ args, reply }) => {
    reply.verbatim(`${picture(args.slice(1), random)}Redis ver. ${REDIS_VERSION}\n`);
  });
}

function picture(args: readonly Uint8Array[], random: RandomSource): string {
  const asksVersion =
    args.length >= 2 && /^version$/i.test(Buffer.from(args[0]!).toString('latin1'));
  if (!asksVersion) return '';
  const version = BigInt.asUintN(32, integerOrError(args[1]!));
  const sizes = (defaults: readonly number[], limits: readonly number[]) =>
    defaults.map((value, i) => {
      const given = args[i + 2];
      return given === undefined ? value : clamp(integerOrError(given), limits[i]!);
    }) as [number, number, number];
  if (version === 5n) {
    const [columns, perRow, perColumn] = sizes([66, 8, 12], [SIZE_MAX, SQUARES_MAX, SQUARES_MAX]);
    return `${drawSchotter(columns, perRow, perColumn, random)}\nAfter Georg Nees, Schotter, 1968. `;
  }
  if (version === 6n) {
    const [columns, rows] = sizes([80, 20], [SIZE_MAX, SIZE_MAX]);
    return `${drawHills(columns, rows, random)}\nHills at night, different every time. `;
  }
  return '';
}

function integerOrError(text: Uint8Array): bigint {
  const value = parseI64(text);
  if (value === undefined) throw new CommandError('ERR value is not an integer or out of range');
  return value;
}

function clamp(value: bigint, most: number): number {
  if (value < 1n) return 1;
  return value > BigInt(most) ? most : Number(value);
}

// --- Version 5 ---

const MARGIN_DOTS = 2;

/** `columns` is the width of the picture in characters; each shows two dots by four. */
export function drawSchotter(
  columns: number,
  perRow: number,
  perColumn: number,
  random: RandomSource,
): string {
  const width = columns * 2;
  const margin = width > MARGIN_DOTS * 2 ? MARGIN_DOTS : 0;
  const side = (width - margin * 2) / perRow;
  const canvas = new Canvas(width, Math.max(Math.floor(side * perColumn) + margin * 2, 1));
  for (let row = 0; row < perColumn; row++) {
    // The first two rows are in order.
    const disorder = row < 2 ? 0 : row / perColumn;
    const offset = () => (random() * 2 - 1) * disorder;
    for (let column = 0; column < perRow; column++) {
      const x = margin + (column + 0.5 + offset() / 3) * side;
      const y = margin + (row + 0.5 + offset() / 3) * side;
      canvas.square(x, y, side, offset());
    }
  }
  return canvas.toBraille();
}

// --- Version 6 ---

/** Shades from the sky's to the foreground's, as terminals show them: foreground and background. */
const SHADES = ['0;30;40m', '0;90;100m', '0;37;47m', '0;97;107m'];
const SKY = 0;
const LIGHT = 3;
const ESCAPE = '\u001b[';
const STAR_SHARE = 0.02;

/** Ranges of hills from far to near: shade, and between which heights (from the top) they run. */
const RANGES = [
  { shade: 2, top: 0.25, bottom: 0.6 },
  { shade: 1, top: 0.5, bottom: 0.75 },
  { shade: 0, top: 0.7, bottom: 0.95 },
];

export function drawHills(columns: number, rows: number, random: RandomSource): string {
  const shades = new Uint8Array(columns * rows).fill(SKY);
  const set = (x: number, y: number, shade: number) => {
    if (x >= 0 && x < columns && y >= 0 && y < rows) shades[y * columns + x] = shade;
  };
  const skyRows = Math.ceil(rows * 0.6);
  const stars = Math.floor(columns * skyRows * STAR_SHARE);
  for (let i = 0; i < stars; i++) {
    set(Math.floor(random() * columns), Math.floor(random() * skyRows), 1 + (i % LIGHT));
  }
  drawMoon(columns, rows, random, set);
  for (const { shade, top, bottom } of RANGES) {
    for (const [x, level] of ridge(columns, random).entries()) {
      for (let y = Math.floor(rows * (top + level * (bottom - top))); y < rows; y++) {
        set(x, y, shade);
      }
    }
  }
  const lines = Array.from({ length: rows }, (_, y) =>
    [...shades.subarray(y * columns, (y + 1) * columns)]
      .map((shade) => `${ESCAPE}${SHADES[shade]} ${ESCAPE}0m`)
      .join(''),
  );
  return lines.join('\n');
}

/** A disc; characters are about twice as high as wide. */
function drawMoon(
  columns: number,
  rows: number,
  random: RandomSource,
  set: (x: number, y: number, shade: number) => void,
): void {
  const radius = Math.max(rows / 10, 1);
  const centerX = columns * (0.15 + random() * 0.7);
  const centerY = radius + 1 + random() * rows * 0.1;
  for (let y = Math.floor(centerY - radius); y <= centerY + radius; y++) {
    for (let x = Math.floor(centerX - radius * 2); x <= centerX + radius * 2; x++) {
      if (((x - centerX) / 2) ** 2 + (y - centerY) ** 2 <= radius ** 2) set(x, y, LIGHT);
    }
  }
}

/** A jagged line from 0 to 1, by halving: each half gets a middle that is off by a bit less. */
function ridge(length: number, random: RandomSource): number[] {
  let points = [random(), random()];
  for (let roughness = 1; points.length < length; roughness *= 0.6) {
    points = points.flatMap((point, i) => {
      const next = points[i + 1];
      if (next === undefined) return [point];
      return [point, (point + next) / 2 + (random() - 0.5) * roughness];
    });
  }
  const line = points.slice(0, length);
  const low = Math.min(...line);
  const range = Math.max(...line) - low || 1;
  return line.map((point) => (point - low) / range);
}
