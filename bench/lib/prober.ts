// Helper process: sends PING back to back on one connection and notes the time between replies.
//
//     node prober.ts PORT        messages in: "begin", "end"; out: "ready", then the Gaps of a window
//
// The next PING leaves when the last reply has come, so a gap is the time that a client without
// pipelining waits. Nothing is allocated per PING, so that the prober's own garbage collector does
// not show up as a gap. A gap that is still open when the window ends counts with its length so far.

import net from 'node:net';
import os from 'node:os';
import { report } from './helper_process.ts';
import type { Gaps } from './results.ts';
import { DurationHistogram } from './stats.ts';

const PING = Buffer.from('*1\r\n$4\r\nPING\r\n');
const PONG_BYTES = '+PONG\r\n'.length;

try {
  os.setPriority(-10);
} catch {
  // Not allowed: the scheduler then favours the prober over the loader a little less.
}

let histogram = new DurationHistogram();
let beganAtMs = 0;
let lastAtMs = 0;
let received = 0;

const buffer = Buffer.alloc(64);
const socket = net.connect({
  host: '127.0.0.1',
  port: Number(process.argv[2]),
  noDelay: true,
  onread: {
    buffer,
    callback(count) {
      received += count;
      if (received < PONG_BYTES) return true;
      if (received > PONG_BYTES || buffer[0] !== 0x2b)
        throw new Error('PING was not answered PONG');
      received = 0;
      const nowMs = performance.now();
      if (lastAtMs > 0) histogram.record((nowMs - lastAtMs) * 1000);
      lastAtMs = nowMs;
      socket.write(PING);
      return true;
    },
  },
});
socket.once('connect', () => {
  socket.write(PING);
  report('ready');
});
socket.on('error', (error) => {
  throw error;
});

process.on('message', (message) => {
  const nowMs = performance.now();
  if (message === 'begin') {
    histogram = new DurationHistogram();
    beganAtMs = nowMs;
    return;
  }
  histogram.record((nowMs - lastAtMs) * 1000);
  const milliseconds = (share: number) => histogram.percentileMicros(share) / 1000;
  const gaps: Gaps = {
    pings: histogram.count - 1,
    seconds: (nowMs - beganAtMs) / 1000,
    p50Ms: milliseconds(0.5),
    p99Ms: milliseconds(0.99),
    p999Ms: milliseconds(0.999),
    maxMs: histogram.maxMicros / 1000,
  };
  report(gaps);
});
process.on('disconnect', () => process.exit(0));
