// A canvas of dots that is shown with braille characters, two dots wide and four high each.
//
//   bits of a character:  0 3
//                         1 4
//                         2 5
//                         6 7

const BRAILLE_START = 0x2800;
const CELL_WIDTH = 2;
const CELL_HEIGHT = 4;
/** Bit of each dot of a cell, row by row. */
const BITS = [0, 3, 1, 4, 2, 5, 6, 7];

export class Canvas {
  readonly width: number;
  readonly height: number;
  private readonly dots: Uint8Array;

  constructor(width: number, height: number) {
    this.width = width;
    this.height = height;
    this.dots = new Uint8Array(width * height);
  }

  /** Dots outside are ignored. */
  set(x: number, y: number): void {
    if (x >= 0 && x < this.width && y >= 0 && y < this.height) this.dots[y * this.width + x] = 1;
  }

  has(x: number, y: number): boolean {
    return x < this.width && y < this.height && this.dots[y * this.width + x] === 1;
  }

  /** A straight line, both ends included. */
  line(fromX: number, fromY: number, toX: number, toY: number): void {
    const steps = Math.max(Math.abs(toX - fromX), Math.abs(toY - fromY), 1);
    for (let i = 0; i <= steps; i++) {
      const x = fromX + ((toX - fromX) * i) / steps;
      const y = fromY + ((toY - fromY) * i) / steps;
      this.set(Math.round(x), Math.round(y));
    }
  }

  /** A square around a center, turned by `angle` (radians). */
  square(x: number, y: number, side: number, angle: number): void {
    const radius = side / Math.SQRT2;
    const corners = [0, 1, 2, 3].map((i) => {
      const direction = Math.PI / 4 + (Math.PI / 2) * i + angle;
      return [x + Math.cos(direction) * radius, y + Math.sin(direction) * radius] as const;
    });
    for (const [i, [fromX, fromY]] of corners.entries()) {
      const [toX, toY] = corners[(i + 1) % corners.length]!;
      this.line(Math.round(fromX), Math.round(fromY), Math.round(toX), Math.round(toY));
    }
  }

  /** Lines of characters, without a line end behind the last. */
  toBraille(): string {
    const lines: string[] = [];
    for (let y = 0; y < this.height; y += CELL_HEIGHT) {
      let line = '';
      for (let x = 0; x < this.width; x += CELL_WIDTH) line += this.cell(x, y);
      lines.push(line);
    }
    return lines.join('\n');
  }

  private cell(x: number, y: number): string {
    let bits = 0;
    for (const [i, bit] of BITS.entries()) {
      if (this.has(x + (i % CELL_WIDTH), y + Math.floor(i / CELL_WIDTH))) bits |= 1 << bit;
    }
    return String.fromCharCode(BRAILLE_START + bits);
  }
}
