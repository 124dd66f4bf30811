// What a page or a worker tells of itself where INFO asks for the process and the machine: little.

import type { Core } from '../core/core.ts';
import type { MachineFacts } from '../server_facts.ts';

const BYTES_PER_GIB = 1024 ** 3;

/** Chromium knows more than the standard. */
interface Chromium {
  readonly deviceMemory?: number;
  readonly userAgentData?: { readonly platform?: string };
}

/** Facts for the home of `core`. Processor time is not told to pages, and reads as 0. */
export function pageFacts(core: Core): MachineFacts {
  const chromium: Chromium = navigator as Navigator & Chromium;
  return {
    readProcess: () => ({
      residentBytes: core.bytes.length,
      systemBytes: (chromium.deviceMemory ?? 0) * BYTES_PER_GIB,
      userCpuUs: 0,
      systemCpuUs: 0,
    }),
    readLoop: () => ({ cycles: 0, activeUs: 0 }),
    systemName: () => `Browser ${chromium.userAgentData?.platform ?? navigator.userAgent}`,
    multiplexingApi: () => 'browser',
  };
}
