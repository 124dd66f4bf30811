// Why a process ends by itself.

import type { CoreCrash } from '../engine.ts';

export type CrashCause =
  /** A signal that ends a process, whoever sent it. */
  | { readonly kind: 'signal'; readonly signal: string; readonly number: number }
  /** A condition that always holds did not. */
  | {
      readonly kind: 'assertion';
      readonly expression: string;
      readonly place: string;
      readonly stack?: string;
    }
  /** Somebody found that there is no way to go on. */
  | { readonly kind: 'panic'; readonly message: string; readonly place: string }
  /** The core did what WebAssembly does not allow. */
  | { readonly kind: 'trap'; readonly message: string; readonly stack?: string };

/** What ended the core: one of its assertions, or a trap. */
export function causeOfCoreCrash(crash: CoreCrash): CrashCause {
  const stack = crash.cause instanceof Error ? crash.cause.stack : crash.stack;
  const traced = stack === undefined ? {} : { stack };
  // An assertion leaves its file and line; a trap's message has none.
  if (!/:\d+$/.test(crash.place)) return { kind: 'trap', message: crash.place, ...traced };
  const expression = `assertion in '${crash.command}'`;
  return { kind: 'assertion', expression, place: crash.place, ...traced };
}
