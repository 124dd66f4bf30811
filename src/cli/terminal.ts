// What the tool needs from whoever runs it: places for results, for what it tells of its work, and for
// questions. Results go to standard output, everything else to standard error.

import { createInterface } from 'node:readline';
import type { Readable, Writable } from 'node:stream';
import { Presets, SingleBar } from 'cli-progress';
import type { Progress, Report } from '../backup/report.ts';

export interface Terminal {
  /** A line of the result. */
  print(line: string): void;
  /** Why there is none: one line. */
  fail(message: string): void;
  /** Whether the answer is yes. */
  confirm(question: string): Promise<boolean>;
  readonly report: Report;
}

export interface TerminalStreams {
  readonly input: Readable;
  readonly output: Writable;
  readonly error: Writable & { readonly isTTY?: boolean };
}

/** Below this, work is over before a bar can be read. */
const BAR_BYTES_MIN = 4 << 20;
const BAR_FORMAT = '{what} [{bar}] {percentage}% | {done} of {all} | {eta_formatted} left';
const COUNT_FORMAT = '{what} | {done} | {duration_formatted}';

export class StreamTerminal implements Terminal {
  readonly report: Report;
  private readonly streams: TerminalStreams;

  constructor(streams: TerminalStreams, isQuiet = false) {
    this.streams = streams;
    const note = (text: string) => {
      if (!isQuiet) streams.error.write(`${text}\n`);
    };
    this.report = {
      note,
      progress: (what, total) => {
        if (isQuiet) return NO_PROGRESS;
        return streams.error.isTTY === true ? bar(streams.error, what, total) : line(note, what);
      },
    };
  }

  print(text: string): void {
    this.streams.output.write(`${text}\n`);
  }

  fail(message: string): void {
    this.streams.error.write(`respite: ${message.replace(/\s*\n\s*/g, ' ')}\n`);
  }

  confirm(question: string): Promise<boolean> {
    const { input, output } = this.streams;
    return new Promise((resolve) => {
      const reader = createInterface({ input, output });
      let isYes = false;
      reader.question(`${question} [y/N] `, (answer) => {
        isYes = /^y(es)?$/i.test(answer.trim());
        reader.close();
      });
      // Without an answer the input ends.
      reader.once('close', () => resolve(isYes));
    });
  }
}

const NO_PROGRESS: Progress = { update: () => {}, end: () => {} };

/** A line at the end of the work. */
function line(note: (text: string) => void, what: string): Progress {
  let done = 0;
  return {
    update: (bytes) => {
      done = bytes;
    },
    end: () => note(`${what}: ${bytesText(done)}`),
  };
}

function bar(stream: Writable, what: string, total: number): Progress {
  if (total !== 0 && total < BAR_BYTES_MIN) return NO_PROGRESS;
  const shown = new SingleBar(
    {
      format: total === 0 ? COUNT_FORMAT : BAR_FORMAT,
      stream: stream as NodeJS.WritableStream,
      hideCursor: true,
    },
    Presets.shades_classic,
  );
  shown.start(total, 0, { what, done: bytesText(0), all: bytesText(total) });
  return {
    update: (done) => shown.update(done, { done: bytesText(done) }),
    end: () => shown.stop(),
  };
}

const UNITS = ['bytes', 'KiB', 'MiB', 'GiB', 'TiB'];

/** "7.3 MiB" */
export function bytesText(bytes: number): string {
  let value = bytes;
  let unit = 0;
  while (value >= 1024 && unit < UNITS.length - 1) {
    value /= 1024;
    unit++;
  }
  return `${unit === 0 ? value : value.toFixed(1)} ${UNITS[unit]}`;
}
