// Goal: a command that runs out of memory half-way and keeps what it did is written as far as it came.
// Method: the stream has room already, all other memory is taken away but for the reserve that a command
// may use up, and the command needs more. What is written then makes the same data in another engine.

import { expect, it } from 'vitest';
import { encodeCommand } from '../support/arguments.ts';
import { ChangeRig, parseCommands } from '../support/change_stream.ts';

const MEMORY_LIMIT_BYTES = 64 * 1024 * 1024;
const PAGE_BYTES = 65_536;
/** Arguments that the parser keeps room for once it needed it. */
const ARGUMENTS = 16_000;

/** So many members that a command of `step` arguments for each takes 6 MB. */
function members(step: number): string[] {
  const length = Math.floor((6_000_000 / ARGUMENTS) * step);
  const count = Math.floor(ARGUMENTS / step);
  return Array.from({ length: count }, (_, i) => `${i}`.padEnd(length, 'x'));
}

const pairs = members(2).flatMap((value, i) => [`f${i}`, value]);

const CASES: [name: string, command: string[]][] = [
  ['SADD', ['SADD', 'key', ...members(1)]],
  ['HSET', ['HSET', 'key', ...pairs]],
  ['HSETEX', ['HSETEX', 'key', 'EX', '9', 'FIELDS', String(pairs.length / 2), ...pairs]],
  ['ZADD', ['ZADD', 'key', ...members(2).flatMap((member) => ['1', member])]],
  ['GEOADD', ['GEOADD', 'key', ...members(3).flatMap((member) => ['1', '1', member])]],
];

const DELETION = encodeCommand(['DEL', 'large']);

/** Takes memory away until no more than the reserve is left, which blocks of several pages may not use. */
function takeMemory(rig: ChangeRig): void {
  for (let pages = 32; pages >= 2; pages /= 2) {
    while (rig.core.exports.hostAlloc(PAGE_BYTES * pages) !== 0);
  }
}

it.each(CASES)('%s that runs out of memory', (_, command) => {
  const rig = new ChangeRig({ memoryLimitBytes: MEMORY_LIMIT_BYTES });
  const other = new ChangeRig();
  const reader = other.connect();
  const replay = () => {
    for (const written of parseCommands(rig.take())) reader.send(encodeCommand(written));
  };
  rig.stream.turn(true);
  const client = rig.connect();
  const many = encodeCommand(['EXISTS', ...Array.from({ length: ARGUMENTS + 300 }, () => 'x')]);
  client.send(many.subarray(0, -2));
  client.send(many.subarray(-2));
  // Room for the stream: a buffer that is not empty is not given back.
  for (let i = 0; i < 9; i++) client.call('SET', 'large', 'x'.repeat(1_000_000));
  client.send(DELETION);
  for (const written of parseCommands(Buffer.from(rig.stream.view()))) {
    reader.send(encodeCommand(written));
  }
  rig.stream.taken(rig.stream.length - DELETION.length);

  const bytes = encodeCommand(command);
  client.send(bytes.subarray(0, -2));
  takeMemory(rig);
  const reply = client.send(bytes.subarray(-2));
  expect(reply).toMatch(/^-.*OOM/);
  expect(rig.stream.isLost).toBe(false);
  expect(rig.stream.length).toBeGreaterThan(1_000_000);
  replay();
  expect(other.digest()).toBe(rig.digest());
});
