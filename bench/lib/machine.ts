// What a result depends on beside the code: the machine, and the versions of everything that ran.

import { readFileSync } from 'node:fs';
import os from 'node:os';
import { loadGeneratorPath } from './load_generator.ts';
import { cores, firstLine } from './processes.ts';
import type { Machine } from './results.ts';

export function describeMachine(): Machine {
  const tool = loadGeneratorPath();
  return {
    cpu: cpuModel(),
    cores: os.availableParallelism(),
    memoryBytes: os.totalmem(),
    kernel: `${os.type()} ${os.release()}`,
    node: process.version,
    loadGenerator: (tool && firstLine(tool, '--version')) ?? 'unknown',
    pinned: cores,
  };
}

/** The commit that is checked out, with "-dirty" when tracked files differ from it. */
export function describeCommit(): string {
  return (
    firstLine('git', 'describe', '--always', '--dirty', '--abbrev=10', '--exclude=*') ?? 'unknown'
  );
}

function cpuModel(): string {
  const fromNode = os.cpus()[0]?.model.trim();
  if (fromNode && fromNode !== 'unknown') return fromNode;
  try {
    const info = readFileSync('/proc/cpuinfo', 'latin1');
    return /^model name\s*:\s*(.+)$/m.exec(info)?.[1] ?? 'unknown processor';
  } catch {
    return 'unknown processor';
  }
}
