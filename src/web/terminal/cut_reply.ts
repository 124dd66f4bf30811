// Replies that are too long to be read are cut before they are rendered: what is quoted takes four times its room,
// and the terminal keeps some thousand lines.

import type { RawReply } from '../resp/raw_reply.ts';

/** What an element takes on the screen beside its contents: number, quotes, line feed. */
const ITEM_BYTES = 16;

export interface CutReply {
  readonly reply: RawReply;
  readonly isCut: boolean;
}

/** The beginning of a reply: contents of `bytesMax` bytes, and the aggregates around them. */
export function cutReply(reply: RawReply, bytesMax: number): CutReply {
  let left = bytesMax;
  let isCut = false;
  const cut = (each: RawReply): RawReply => {
    if (each.kind === 'bulk' || each.kind === 'verbatim') {
      const bytes = each.bytes.subarray(0, left);
      if (bytes.length < each.bytes.length) isCut = true;
      left -= bytes.length;
      return { kind: each.kind, bytes };
    }
    if (!('items' in each)) return each;
    // A map keeps whole pairs.
    const step = each.kind === 'map' ? 2 : 1;
    const items: RawReply[] = [];
    for (const item of each.items) {
      if (left === 0 && items.length % step === 0) {
        isCut = true;
        break;
      }
      left = Math.max(0, left - ITEM_BYTES);
      items.push(cut(item));
    }
    return { kind: each.kind, items };
  };
  const shown = cut(reply);
  return { reply: isCut ? shown : reply, isCut };
}
