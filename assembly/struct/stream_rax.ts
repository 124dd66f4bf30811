// How many nodes Redis's rax would have for the nodes of a stream, which XINFO reports.
//
// A rax (radix tree) has a node for each key's end, one for each place where keys part, and one for each
// way between those that is longer than the byte in the node above. Keys are ids as 16 bytes, the
// highest first. Going through them in order, the places where neighbours part make up the tree.

import { IdAt, idTreeFirst } from './id_tree';
import { treeNext } from './ordered_tree';
import { Stream } from './stream_nodes';

/** Bytes of an id as Redis keys its rax with: both parts, the highest byte first. */
const ID_KEY_BYTES: u32 = 16;
/** Depths at which keys part on the way to the last one looked at, each below the next. */
const depths: usize = memory.data(32, 8);

/** How many bytes two ids have in common from the highest on; they are not equal. */
function commonBytes(a: u64, b: u64): u32 {
  const ms = IdAt.ms(a) ^ IdAt.ms(b);
  if (ms != 0) return <u32>clz(ms) >> 3;
  return 8 + (<u32>clz(IdAt.seq(a) ^ IdAt.seq(b)) >> 3);
}

/** Whether a rax has a node for the bytes between two places where keys part or end. */
function hasChain(from: u32, to: u32): u32 {
  return to - from > 1 ? 1 : 0;
}

/**
 * How many nodes a rax with the keys of this stream would have: one for each key's end, one for each
 * place where keys part, and one for each way between those of more than a byte. O(nodes).
 */
export function streamRaxNodes(s: Stream): u32 {
  let at = idTreeFirst(s.nodes());
  if (at == 0) return 1;
  let nodes: u32 = s.nodesSize;
  let open: u32 = 0; // depths noted
  let before: u32 = 0;
  while (true) {
    const next = treeNext(at);
    const common: u32 = next != 0 ? commonBytes(at, next) : 0;
    // The way from where this key parts from its nearer neighbour to its end.
    if (s.nodesSize > 1) nodes += hasChain(max(before, common), ID_KEY_BYTES);
    while (open > 0) {
      const depth: u32 = load<u8>(depths + open - 1);
      if (next != 0 ? depth <= common : false) break;
      open -= 1;
      const above: u32 = open > 0 ? load<u8>(depths + open - 1) : 0;
      if (next != 0) nodes += hasChain(max(above, common), depth);
      else if (open > 0) nodes += hasChain(above, depth);
      else nodes += depth > 0 ? 1 : 0;
    }
    if (next == 0) break;
    if (open == 0 || <u32>load<u8>(depths + open - 1) < common) {
      store<u8>(depths + open, <u8>common);
      open += 1;
      nodes += 1;
    }
    before = common;
    at = next;
  }
  return s.nodesSize > 1 ? nodes : 2;
}
