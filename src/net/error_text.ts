// The C library's words for system errors, which Redis prints in its logs and replies.
//
// Node gives libuv's words: the same sentence in lower case for most errors, another one for a few.

import { getSystemErrorMap } from 'node:util';

const DIFFERENT_TEXTS: ReadonlyMap<string, string> = new Map([
  ['EADDRNOTAVAIL', 'Cannot assign requested address'],
  ['EAFNOSUPPORT', 'Address family not supported by protocol'],
  ['EALREADY', 'Operation already in progress'],
  ['EBUSY', 'Device or resource busy'],
  ['EEXIST', 'File exists'],
  ['EFAULT', 'Bad address'],
  ['EHOSTUNREACH', 'No route to host'],
  ['EIO', 'Input/output error'],
  ['EISCONN', 'Transport endpoint is already connected'],
  ['EISDIR', 'Is a directory'],
  ['ELOOP', 'Too many levels of symbolic links'],
  ['ENAMETOOLONG', 'File name too long'],
  ['ENFILE', 'Too many open files in system'],
  ['ENOMEM', 'Cannot allocate memory'],
  ['ENOTCONN', 'Transport endpoint is not connected'],
  ['ENOTSUP', 'Operation not supported'],
  ['ERANGE', 'Numerical result out of range'],
  ['ESPIPE', 'Illegal seek'],
  ['ETXTBSY', 'Text file busy'],
  ['EXDEV', 'Invalid cross-device link'],
  ['ENOTFOUND', 'Name or service not known'],
  ['EAI_NONAME', 'Name or service not known'],
  ['EAI_AGAIN', 'Temporary failure in name resolution'],
]);

/** What strerror (or gai_strerror) says for an error name such as "EADDRINUSE". */
export function systemErrorText(name: string): string {
  const different = DIFFERENT_TEXTS.get(name);
  if (different !== undefined) return different;
  for (const [known, message] of getSystemErrorMap().values()) {
    if (known === name) return message.charAt(0).toUpperCase() + message.slice(1);
  }
  return `Unknown error ${name}`;
}

/** The system error name of something thrown or emitted by Node; its message when it has none. */
export function systemErrorName(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return (error as NodeJS.ErrnoException).code ?? error.message;
}
