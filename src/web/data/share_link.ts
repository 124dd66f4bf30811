// A snapshot in a link: the bytes of a dump.rdb, compressed, as base64url behind the "#".
//
//   https://example.org/playground/#snapshot=1.<deflated bytes>
//
// The part behind "#" stays in the browser; no server sees it. The number says how it was made.

const VERSION = '1';
const PARAMETER = 'snapshot';
/** Longer links are cut or refused on their way by what people send links with. */
export const LINK_CHARACTERS_MAX = 64 * 1024;
/** What a link may unfold to: it came from anywhere. */
export const SNAPSHOT_BYTES_MAX = 64 * 1024 * 1024;

export class ShareLinkError extends Error {}

/** The part behind "#". Throws ShareLinkError when it would be too long. */
export async function toFragment(rdb: Uint8Array): Promise<string> {
  const head = `#${PARAMETER}=${VERSION}.`;
  const tooLong = `The link would be too long: ${LINK_CHARACTERS_MAX / 1024} KiB is the limit. Save a dump.rdb and send that instead.`;
  if (rdb.length > SNAPSHOT_BYTES_MAX) throw new ShareLinkError(tooLong);
  // Three bytes make four characters.
  const limit = Math.floor(((LINK_CHARACTERS_MAX - head.length) / 4) * 3);
  const packed = await through(rdb, new CompressionStream('deflate-raw'), limit, tooLong);
  return head + toBase64Url(packed);
}

export function hasSnapshot(fragment: string): boolean {
  return fragment.startsWith(`#${PARAMETER}=`);
}

/** The dump.rdb in the part behind "#". Throws ShareLinkError when there is none that can be read. */
export async function fromFragment(fragment: string): Promise<Uint8Array> {
  const match = /^#snapshot=([^.]*)\.([\w-]*)$/.exec(fragment);
  if (match === null) throw new ShareLinkError('The link is damaged: part of it is missing.');
  if (match[1] !== VERSION) {
    throw new ShareLinkError('The link was made by a newer version of this page.');
  }
  try {
    const packed = fromBase64Url(match[2]!);
    const tooMuch = `The link unpacks to more than ${SNAPSHOT_BYTES_MAX / 1024 / 1024} MiB.`;
    return await through(
      packed,
      new DecompressionStream('deflate-raw'),
      SNAPSHOT_BYTES_MAX,
      tooMuch,
    );
  } catch (error) {
    if (error instanceof ShareLinkError) throw error;
    throw new ShareLinkError('The link is damaged: what it holds cannot be unpacked.');
  }
}

/** Bytes through a stream, until there are more than `limit`: then it throws ShareLinkError with `tooMuch`. */
async function through(
  bytes: Uint8Array,
  transform: { readonly readable: ReadableStream; readonly writable: WritableStream },
  limit: number,
  tooMuch: string,
): Promise<Uint8Array> {
  const written = writeInPieces(transform.writable.getWriter(), bytes);
  // The reader tells of what is wrong; nobody waits for the writer then.
  written.catch(() => undefined);
  const pieces: Uint8Array[] = [];
  let length = 0;
  const reader: ReadableStreamDefaultReader<Uint8Array> = transform.readable.getReader();
  for (;;) {
    const { done, value } = await reader.read();
    if (done) break;
    length += value.length;
    if (length > limit) {
      void reader.cancel();
      throw new ShareLinkError(tooMuch);
    }
    pieces.push(value);
  }
  await written;
  const all = new Uint8Array(length);
  let at = 0;
  for (const piece of pieces) {
    all.set(piece, at);
    at += piece.length;
  }
  return all;
}

const PIECE = 0x8000;

/** Writes as fast as it is taken, so that little is done for nothing when nobody reads on. */
async function writeInPieces(
  writer: WritableStreamDefaultWriter<Uint8Array>,
  bytes: Uint8Array,
): Promise<void> {
  for (let at = 0; at < bytes.length; at += PIECE) {
    await writer.ready;
    await writer.write(bytes.subarray(at, at + PIECE));
  }
  await writer.close();
}

export function toBase64Url(bytes: Uint8Array): string {
  let text = '';
  for (let at = 0; at < bytes.length; at += PIECE) {
    text += String.fromCharCode(...bytes.subarray(at, at + PIECE));
  }
  return btoa(text).replaceAll('+', '-').replaceAll('/', '_').replace(/=+$/, '');
}

export function fromBase64Url(text: string): Uint8Array {
  const plain = atob(text.replaceAll('-', '+').replaceAll('_', '/'));
  return Uint8Array.from(plain, (character) => character.charCodeAt(0));
}
