// Where the log goes on Node: standard output, or a file.
//
// Writes are synchronous and unbuffered, so a line is there even when the process dies right after
// it. The file is opened for each write, as Redis does: a log that is renamed or deleted by a
// rotating tool starts again under its name without any signal. Log lines are rare enough for that.

import { appendFileSync, writeSync } from 'node:fs';
import type { LogSink } from './log.ts';
import { errorCode } from './util/system_error.ts';

const STANDARD_OUTPUT = 1;

/** How long a line waits for a reader of standard output that does not keep up. */
const RETRY_MS = 1;
const RETRIES_MAX = 1000;

/** The sink for `logfile`; the empty path means standard output. */
export function createLogSink(path: string): LogSink {
  return path === '' ? { write: writeToStandardOutput } : { write: (text) => append(path, text) };
}

function append(path: string, text: string): void {
  try {
    appendFileSync(path, text);
  } catch {
    // The disk may be full or the directory gone: the server goes on without its log.
  }
}

function writeToStandardOutput(text: string): void {
  const bytes = Buffer.from(text, 'utf8');
  let written = 0;
  for (let retries = 0; written < bytes.length && retries < RETRIES_MAX; ) {
    try {
      written += writeSync(STANDARD_OUTPUT, bytes, written);
    } catch (error) {
      // A pipe that someone made non-blocking may be full for a moment; nothing else can be helped.
      if (errorCode(error) !== 'EAGAIN') return;
      retries++;
      Atomics.wait(SLEEP_CELL, 0, 0, RETRY_MS);
    }
  }
}

const SLEEP_CELL = new Int32Array(new SharedArrayBuffer(4));
