// The names of Node's stream layer that the direct transport needs, typed and obtained in one place.
//
// They are not public API. `process.binding('stream_wrap')` hands out the write request class and
// the state array through which the native layer returns its second results; the rest are methods
// of the handle under every TCP or Unix socket. They are the same in Node 20, 22, 24 and 26, each
// of which was tried. Later versions are not: a call the native layer does not expect aborts the
// process, which no probe can catch, so `isKnownRuntime` keeps `auto` away from them.

/** Oldest and newest major version of Node these names were tried with. */
const NODE_MAJOR_MIN = 20;
const NODE_MAJOR_MAX = 26;

/** Request object of one write; the native layer fills it only when the write is asynchronous. */
export interface WriteRequest {
  oncomplete: ((this: WriteRequest, status: number) => void) | null;
}

export interface AddressOut {
  address?: string;
  port?: number;
}

/** A connected socket's handle. Methods that return a number return a negative libuv error. */
export interface StreamHandle {
  readonly fd: number;
  onread: (this: StreamHandle) => void;
  useUserBuffer(buffer: Uint8Array): void;
  readStart(): number;
  readStop(): number;
  writeBuffer(request: WriteRequest, bytes: Uint8Array): number;
  writev(request: WriteRequest, chunks: Uint8Array[], allBuffers: true): number;
  close(callback: () => void): void;
  ref(): void;
  unref(): void;
  // TCP only:
  setNoDelay?(enable: boolean): number;
  setKeepAlive?(enable: boolean, idleSeconds: number, intervalSeconds: number, count: number): void;
  getpeername?(out: AddressOut): number;
  getsockname?(out: AddressOut): number;
}

/** A listening socket's handle. */
export interface ListenHandle {
  onconnection: (status: number, client: StreamHandle | undefined) => void;
}

export interface StreamBinding {
  readonly WriteWrap: new () => WriteRequest;
  readonly kReadBytesOrError: number;
  readonly kLastWriteWasAsync: number;
  readonly streamBaseState: Int32Array;
}

export function isKnownRuntime(): boolean {
  // Bun and Deno report a Node version too, and have nothing of this.
  if (process.versions.bun !== undefined || process.versions.deno !== undefined) return false;
  const major = Number.parseInt(process.versions.node, 10);
  return major >= NODE_MAJOR_MIN && major <= NODE_MAJOR_MAX;
}

/** The binding, or null when this runtime does not have it or does not allow it. */
export function loadStreamBinding(): StreamBinding | null {
  const host = process as unknown as {
    binding?: (name: string) => Partial<StreamBinding>;
  };
  if (typeof host.binding !== 'function') return null;
  // `process.binding` is deprecated with a warning under --pending-deprecation; the user of the
  // server can do nothing about it.
  const noDeprecation = process.noDeprecation;
  process.noDeprecation = true;
  try {
    const found = host.binding('stream_wrap');
    return isComplete(found) ? found : null;
  } catch {
    return null; // the permission model forbids it
  } finally {
    process.noDeprecation = noDeprecation;
  }
}

function isComplete(found: Partial<StreamBinding>): found is StreamBinding {
  return (
    typeof found.WriteWrap === 'function' &&
    typeof found.kReadBytesOrError === 'number' &&
    typeof found.kLastWriteWasAsync === 'number' &&
    found.streamBaseState instanceof Int32Array
  );
}

const HANDLE_METHODS = [
  'useUserBuffer',
  'readStart',
  'readStop',
  'writeBuffer',
  'writev',
  'close',
  'ref',
  'unref',
] as const satisfies readonly (keyof StreamHandle)[];

/** Whether an accepted handle has every method the direct transport calls. */
export function isUsableHandle(handle: StreamHandle): boolean {
  return HANDLE_METHODS.every((name) => typeof handle[name] === 'function') && 'onread' in handle;
}
