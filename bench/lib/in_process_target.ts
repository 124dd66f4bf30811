// Where the in-process benchmark meets the engine: the one place that knows its API.

/** An engine in this process: whole commands in, their replies out, in one call. */
export interface BatchTarget {
  /** Executes every command in `requestBytes`; the reply is valid until the next call. */
  execute(requestBytes: Uint8Array): Uint8Array;
}

/** Opens an empty engine, or resolves with null while the engine has no in-process API. */
export async function openBatchTarget(): Promise<BatchTarget | null> {
  return null;
}
