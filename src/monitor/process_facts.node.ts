// What the process and the machine tell about themselves under Node: memory, processor time, turns of
// the event loop, the system's name.
//
// Figures that only Linux gives (the main thread's share of the processor, huge pages) come from
// /proc and are left out elsewhere.

import { readFileSync } from 'node:fs';
import os from 'node:os';
import { performance } from 'node:perf_hooks';
import type { ProcessFacts } from './facts.ts';

/** Length of a clock tick in /proc/PID/stat: the kernel fixes it at a hundredth of a second. */
const TICK_US = 10_000;
/** Fields of /proc/PID/stat behind the program's name. */
const STAT_USER_TICKS = 11;
const STAT_SYSTEM_TICKS = 12;
const US_PER_MS = 1000;
const BYTES_PER_KB = 1024;

export interface LoopReadings {
  /** Turns of the event loop since the start. */
  readonly cycles: number;
  /** Time it did not spend waiting for something to happen. */
  readonly activeUs: number;
}

/** `uname` as INFO prints it. */
export function systemName(): string {
  return `${os.type()} ${os.release()} ${os.machine()}`;
}

/** What libuv waits with on this system. */
export function multiplexingApi(): string {
  switch (process.platform) {
    case 'linux':
    case 'android':
      return 'epoll';
    case 'win32':
      return 'iocp';
    case 'sunos':
      return 'evport';
    default:
      return 'kqueue';
  }
}

export function readProcess(): ProcessFacts {
  const { userCPUTime, systemCPUTime } = process.resourceUsage();
  const mainThread = readMainThread();
  return {
    residentBytes: process.memoryUsage.rss(),
    systemBytes: os.totalmem(),
    userCpuUs: userCPUTime,
    systemCpuUs: systemCPUTime,
    ...(mainThread === undefined ? {} : { mainThread }),
  };
}

function readMainThread(): ProcessFacts['mainThread'] {
  const text = readProc(`/proc/self/task/${process.pid}/stat`);
  if (text === undefined) return undefined;
  // The name is in parentheses and may contain blanks and parentheses.
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
  return {
    userCpuUs: Number(fields[STAT_USER_TICKS]) * TICK_US,
    systemCpuUs: Number(fields[STAT_SYSTEM_TICKS]) * TICK_US,
  };
}

/** Memory of the process in transparent huge pages. Takes the kernel a moment: not for polling. */
export function readHugePageBytes(): number {
  const text = readProc('/proc/self/smaps_rollup');
  const kilobytes = /^AnonHugePages:\s+(\d+) kB/m.exec(text ?? '')?.[1];
  return Number(kilobytes ?? 0) * BYTES_PER_KB;
}

function readProc(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}

/** Node's own counters; the types of older releases do not know the first. */
interface LoopTiming {
  readonly uvMetricsInfo?: { readonly loopCount: number };
}

export function readLoop(): LoopReadings {
  const { uvMetricsInfo } = performance.nodeTiming as unknown as LoopTiming;
  return {
    cycles: uvMetricsInfo?.loopCount ?? 0,
    activeUs: performance.eventLoopUtilization().active * US_PER_MS,
  };
}
