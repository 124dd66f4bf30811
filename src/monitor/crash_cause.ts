// Why a process ends by itself.

export type CrashCause =
  /** A signal that ends a process, whoever sent it. */
  | { readonly kind: 'signal'; readonly signal: NodeJS.Signals; readonly number: number }
  /** A condition that always holds did not. */
  | { readonly kind: 'assertion'; readonly expression: string; readonly place: string }
  /** Somebody found that there is no way to go on. */
  | { readonly kind: 'panic'; readonly message: string; readonly place: string };
