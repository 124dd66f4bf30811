// Errors of the embedded store. Each has a code that a program can act on and a sentence for its reader.

/** What went wrong, when no command is to blame. */
export type RespiteErrorCode =
  /** The store, session or subscription was closed. */
  | 'CLOSED'
  /** An option, or a use of the interface, that makes no sense. */
  | 'BAD_OPTION'
  /** An AbortSignal ended the wait. */
  | 'ABORTED'
  /** The connection was closed from the other side: CLIENT KILL, a limit, a tab that went away. */
  | 'CONNECTION_LOST'
  /** What came over the connection is not RESP. */
  | 'PROTOCOL'
  /** Files or the browser's storage cannot be read or written. */
  | 'STORAGE'
  /** The browser gives the store no more room. */
  | 'QUOTA'
  /** Another process or tab has the data. */
  | 'LOCKED'
  /** A part of the program could not be fetched or compiled. */
  | 'NOT_LOADED'
  /** There is no memory for what was asked. */
  | 'NO_MEMORY'
  /** A dump of a release that is not known here. */
  | 'DUMP_VERSION'
  /** A dump that is broken. */
  | 'DUMP_FORMAT'
  /** The engine failed, and refuses to go on. */
  | 'CRASHED'
  /** This platform, or this kind of store, cannot do that. */
  | 'UNSUPPORTED';

export class RespiteError extends Error {
  readonly code: string;

  /** `code` is a RespiteErrorCode, or the first word of an error reply. */
  constructor(code: RespiteErrorCode | (string & {}), message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'RespiteError';
    this.code = code;
  }
}

/** An error that a command replied: `message` is the whole line, `code` its first word ("WRONGTYPE"). */
export class ReplyError extends RespiteError {
  constructor(message: string, options?: ErrorOptions) {
    super(/^[A-Z][A-Z0-9_]*(?= |$)/.exec(message)?.[0] ?? 'ERR', message, options);
    this.name = 'ReplyError';
  }
}

/** What an aborted wait rejects with. */
export function abortError(signal: AbortSignal): RespiteError {
  const error = new RespiteError('ABORTED', 'The wait was aborted', { cause: signal.reason });
  error.name = 'AbortError';
  return error;
}
