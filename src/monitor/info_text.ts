// The text of INFO: "# Title", then one "field:value" per line, all lines ended by CRLF and sections
// separated by an empty line. Numbers look as C's printf writes them, because clients parse them so.

const KIBIBYTE = 1024;
const UNITS = ['K', 'M', 'G', 'T', 'P'];

export class InfoText {
  private readonly lines: string[] = [];

  title(text: string): void {
    if (this.lines.length > 0) this.lines.push('');
    this.lines.push(`# ${text}`);
  }

  /** Fractions of a number are dropped. */
  field(name: string, value: string | number | bigint | boolean): void {
    this.lines.push(`${name}:${plain(value)}`);
  }

  /** Several fields; the order of the properties is the order of the lines. */
  fields(values: Readonly<Record<string, string | number | bigint | boolean>>): void {
    for (const [name, value] of Object.entries(values)) this.field(name, value);
  }

  toString(): string {
    return this.lines.map((line) => `${line}\r\n`).join('');
  }
}

function plain(value: string | number | bigint | boolean): string {
  if (typeof value === 'boolean') return value ? '1' : '0';
  return typeof value === 'number' ? `${Math.trunc(value)}` : `${value}`;
}

/** As %.2f. */
export function twoDecimals(value: number): string {
  return value.toFixed(2);
}

/** A quotient, 0 where there is nothing to divide by. */
export function ratio(dividend: number, divisor: number): number {
  return divisor === 0 ? 0 : dividend / divisor;
}

/** "512B", "1.50K", "23.54G". */
export function humanBytes(bytes: number): string {
  if (bytes < KIBIBYTE) return `${Math.trunc(bytes)}B`;
  let value = bytes / KIBIBYTE;
  let unit = 0;
  while (value >= KIBIBYTE && unit < UNITS.length - 1) {
    value /= KIBIBYTE;
    unit += 1;
  }
  return `${twoDecimals(value)}${UNITS[unit]}`;
}

/** Microseconds as "seconds.microseconds". */
export function secondsWithMicros(microseconds: number): string {
  const whole = Math.trunc(microseconds);
  const fraction = String(whole % 1_000_000).padStart(6, '0');
  return `${Math.trunc(whole / 1_000_000)}.${fraction}`;
}

/** A name from outside, without the characters that would break the format. */
export function safeName(name: string): string {
  return name.replace(/[#:\n\r]/g, '_');
}
