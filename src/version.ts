// The versions this program reports.
//
// REDIS_VERSION is the newest Redis release whose commands are present in full: clients and tools
// decide by it what they may send. RESPITE_VERSION is the version of the package; a test keeps it
// equal to package.json, because the same file has to work in a browser, where there is none.

export const REDIS_VERSION = '7.2.6';
export const RESPITE_VERSION = '0.1.0';

/** What INFO calls mem_allocator. */
export const ALLOCATOR_NAME = `respite-${RESPITE_VERSION}`;

/** Width of an address inside the engine: one engine reaches 4 GiB. */
export const ARCH_BITS = 32;

/** There is no commit to name in a packaged build; Redis prints the same then. */
export const GIT_SHA1 = '00000000';
export const GIT_DIRTY = 0;

/** Identifies the build in INFO and --version: FNV-1a of the versions, 64 bits, hexadecimal. */
export const BUILD_ID = fnv1a64(`${REDIS_VERSION} ${RESPITE_VERSION}`).toString(16);

function fnv1a64(text: string): bigint {
  let hash = 0xcbf29ce484222325n;
  for (let i = 0; i < text.length; i++) {
    hash = BigInt.asUintN(64, (hash ^ BigInt(text.charCodeAt(i))) * 0x100000001b3n);
  }
  return hash;
}

/**
 * The line of `--version`. Scripts take the first or the last "v=" for the Redis version, so it
 * occurs once.
 */
export function versionLine(): string {
  return (
    `Redis server v=${REDIS_VERSION} sha=${GIT_SHA1}:${GIT_DIRTY} malloc=${ALLOCATOR_NAME} ` +
    `bits=${ARCH_BITS} build=${BUILD_ID} respite=${RESPITE_VERSION}`
  );
}
