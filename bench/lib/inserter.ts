// Helper process: inserts distinct keys as fast as one pipelined connection takes them.
//
//     node inserter.ts PORT COUNT        message out: "done"
//
// It runs at the lowest priority, so that the prober on the same core gets the core when its reply
// is there.

import os from 'node:os';
import { twelveDigits } from './benchmark_tests.ts';
import { report } from './helper_process.ts';
import { packCommands, RespClient } from './resp_client.ts';

os.setPriority(os.constants.priority.PRIORITY_LOW);

function* inserts(count: number): Generator<string[]> {
  for (let index = 0; index < count; index++) yield ['SET', `key:${twelveDigits(index)}`, 'xxx'];
}

const client = await RespClient.connect(Number(process.argv[2]));
await client.load(packCommands(inserts(Number(process.argv[3]))));
await client.close();
report('done');
process.disconnect();
