// Helper process: overwrites random keys as fast as one pipelined connection takes them, until it is
// stopped.
//
//     node overwriter.ts PORT KEYS        messages in: "begin", "end", "stop"; out: "ready", "began", and for
//                                         the other two the commands and milliseconds since "begin"
//
// It runs at the lowest priority, so that the prober on the same core gets the core when its reply is
// there.

import os from 'node:os';
import { twelveDigits } from './benchmark_tests.ts';
import { report } from './helper_process.ts';
import { type Chunk, encodeCommand, RespClient } from './resp_client.ts';

os.setPriority(os.constants.priority.PRIORITY_LOW);

const PIPELINE = 64;
const BATCHES = 500;

export interface Overwritten {
  readonly commands: number;
  readonly milliseconds: number;
}

const keys = Number(process.argv[3]);
/** Made beforehand: what is measured is the server. */
const batches = Array.from({ length: BATCHES }, (): Chunk => {
  const commands = Array.from({ length: PIPELINE }, () => {
    const index = Math.floor(Math.random() * keys);
    return encodeCommand(['SET', `key:${twelveDigits(index)}`, `w${index % 90}`]);
  });
  return { bytes: Buffer.from(commands.join(''), 'latin1'), commands: PIPELINE };
});
const client = await RespClient.connect(Number(process.argv[2]));
let commands = 0;
let beganAtMs = 0;
let running = true;

process.on('message', (message) => {
  const nowMs = performance.now();
  if (message === 'begin') {
    commands = 0;
    beganAtMs = nowMs;
    report('began');
    return;
  }
  report({ commands, milliseconds: nowMs - beganAtMs } satisfies Overwritten);
  if (message === 'stop') running = false;
});

function* endless(): Generator<Chunk> {
  for (let i = 0; running; i = (i + 1) % BATCHES) {
    yield batches[i]!;
    commands += PIPELINE;
  }
}

report('ready');
await client.load(endless());
await client.close();
process.disconnect();
