// Stream: entries in the order of their ids, and the consumer groups that read them.
//
//   Stream (stream_nodes.ts) ── id tree of listpacks: entries
//                            ├─ name tree: consumer groups (stream_group.ts)
//                            └─ what producers sent lately (stream_idmp.ts)
//
// This file has what concerns the whole: making, copying, freeing, counting bytes.
//
// Differences from Redis: rax trees are counted B+trees (ordered_tree.ts), which are smaller and
// need no memory to delete. Nodes are packed closer than listpacks (stream_packed.ts).

import { free, tryAlloc, usableSize } from '../memory/alloc';
import {
  IdAt,
  idLeafAddress,
  idLeafCount,
  idTreeDropLeaf,
  idTreeFirst,
  idTreeLastLeaf,
  idTreeVerify,
} from './id_tree';
import { firstNamed, namedAt, tryAddNamed } from './name_tree';
import { treeNext } from './ordered_tree';
import {
  GroupPtr,
  groupBytes,
  groupDetach,
  groupDrainStep,
  groupFirst,
  groupVerify,
  Nack,
  nackFind,
  StreamConsumer,
  StreamGroup,
  tryConsumerCreate,
  tryGroupCreate,
  tryNackAssign,
  tryNackCreate,
} from './stream_group';
import { Idmp, idmpBytes, idmpDrainStep, idmpVerify, tryIdmpCopy } from './stream_idmp';
import {
  idMs,
  idSeq,
  Stream,
  StreamPtr,
  streamCompareId,
  streamEdgeId,
  streamNodeLength,
  streamNodeVerify,
  tryStreamAddCopy,
} from './stream_nodes';

const STREAM_BYTES: usize = 108;

/** An empty stream, or 0 when memory is exhausted. */
export function tryStreamNew(): StreamPtr {
  if (offsetof<Stream>('groupsRoot') != 16) ERROR('the trees of a stream');
  if (offsetof<Stream>() != 108) ERROR('Stream is 108 bytes');
  const block = tryAlloc(STREAM_BYTES);
  if (block != 0) memory.fill(block, 0, STREAM_BYTES);
  return block;
}

/** A copy of a stream, its groups included; 0 when memory is exhausted. O(n). */
export function tryStreamCopy(s: Stream): StreamPtr {
  const block = tryStreamNew();
  if (block == 0) return 0;
  const copy = changetype<Stream>(block);
  if (tryCopyNodes(s, copy) && tryCopyGroups(s, copy) && tryIdmpCopy(s, copy)) {
    copy.length = s.length;
    copy.lastMs = s.lastMs;
    copy.lastSeq = s.lastSeq;
    copy.firstMs = s.firstMs;
    copy.firstSeq = s.firstSeq;
    copy.maxDeletedMs = s.maxDeletedMs;
    copy.maxDeletedSeq = s.maxDeletedSeq;
    copy.entriesAdded = s.entriesAdded;
    return block;
  }
  streamFree(block);
  return 0;
}

function tryCopyNodes(s: Stream, copy: Stream): bool {
  for (let at = idTreeFirst(s.nodes()); at != 0; at = treeNext(at)) {
    if (!tryStreamAddCopy(copy, at)) return false;
  }
  return true;
}

function tryCopyGroups(s: Stream, copy: Stream): bool {
  for (let at = groupFirst(s); at != 0; at = treeNext(at)) {
    const g = changetype<StreamGroup>(namedAt(at));
    const name = g.namePtr;
    const group = tryGroupCreate(copy, name, g.nameLen, g.lastMs, g.lastSeq, g.entriesRead);
    if (group == 0 || !tryCopyPending(g, changetype<StreamGroup>(group))) return false;
  }
  return true;
}

/** Copies pending entries, first without their consumers, then the consumers with theirs. */
function tryCopyPending(from: StreamGroup, to: StreamGroup): bool {
  for (let at = idTreeFirst(from.pel()); at != 0; at = treeNext(at)) {
    const n = changetype<Nack>(IdAt.address(at));
    const time = n.deliveryTimeMs;
    if (tryNackCreate(to, IdAt.ms(at), IdAt.seq(at), 0, time, n.deliveryCount) == 0) return false;
  }
  for (let at = firstNamed(from.consumers()); at != 0; at = treeNext(at)) {
    const c = changetype<StreamConsumer>(namedAt(at));
    const consumer = tryConsumerCreate(to, c.namePtr, c.nameLen, c.seenTimeMs);
    if (consumer == 0) return false;
    changetype<StreamConsumer>(consumer).activeTimeMs = c.activeTimeMs;
    for (let own = idTreeFirst(c.pel()); own != 0; own = treeNext(own)) {
      const ms = IdAt.ms(own);
      const seq = IdAt.seq(own);
      if (!tryNackAssign(nackFind(to, ms, seq), ms, seq, consumer)) return false;
    }
  }
  return true;
}

/**
 * Takes a group out of its stream and into one of its own, for it to be freed in steps. 0 when memory is
 * exhausted; then nothing changed.
 */
export function tryStreamOfGroup(s: Stream, group: GroupPtr): StreamPtr {
  const block = tryStreamNew();
  if (block == 0) return 0;
  if (!tryAddNamed(changetype<Stream>(block).groups(), group)) {
    free(block);
    return 0;
  }
  groupDetach(s, group);
  return block;
}

/**
 * Frees about `budget` nodes, consumers and pending entries of a stream that nobody uses any more. True
 * when it is gone; until then call again, and nothing else.
 */
export function streamFreeStep(stream: StreamPtr, budget: u32): bool {
  const s = changetype<Stream>(stream);
  let left = budget;
  for (let leaf = idTreeLastLeaf(s.nodes()); leaf != 0; leaf = idTreeLastLeaf(s.nodes())) {
    if (left == 0) return false;
    const count = idLeafCount(leaf);
    for (let i: u32 = 0; i < count; i++) free(idLeafAddress(leaf, i));
    idTreeDropLeaf(s.nodes());
    left -= min(left, count);
  }
  while (s.groupsSize != 0) {
    const group = namedAt(groupFirst(s));
    left = groupDrainStep(group, left);
    if (left == 0) return false;
    groupDetach(s, group);
    free(group);
  }
  if (s.idmp != 0) {
    if (left == 0 || idmpDrainStep(changetype<Idmp>(s.idmp), left) == 0) return false;
    free(s.idmp);
  }
  free(stream);
  return true;
}

/** Frees a stream at once. O(n). */
export function streamFree(stream: StreamPtr): void {
  const gone = streamFreeStep(stream, u32.MAX_VALUE);
  assert(gone);
}

/**
 * About how many blocks of a stream have to be freed: nodes, pending entries, iids. O(groups).
 */
export function streamEffort(stream: StreamPtr): u32 {
  const s = changetype<Stream>(stream);
  let parts: u64 = s.nodesSize + s.groupsSize;
  for (let at = groupFirst(s); at != 0; at = treeNext(at)) {
    const g = changetype<StreamGroup>(namedAt(at));
    parts += g.pelSize + g.consumersSize;
  }
  if (s.idmp != 0) parts += changetype<Idmp>(s.idmp).tracked;
  return <u32>min<u64>(parts, u32.MAX_VALUE);
}

/** Exact bytes of a stream: header, nodes and groups. O(groups and consumers). */
export function streamBytes(stream: StreamPtr): f64 {
  const s = changetype<Stream>(stream);
  let bytes = <f64>usableSize(stream);
  bytes += <f64>(s.listpackBytes + s.nodesTreeBytes + s.groupsTreeBytes);
  for (let at = groupFirst(s); at != 0; at = treeNext(at)) bytes += groupBytes(namedAt(at));
  if (s.idmp != 0) bytes += <f64>idmpBytes(changetype<Idmp>(s.idmp));
  return bytes;
}

/** Walks everything and asserts the invariants; for tests. */
export function streamVerify(s: Stream): void {
  idTreeVerify(s.nodes());
  let length: u64 = 0;
  let bytes: u64 = 0;
  for (let at = idTreeFirst(s.nodes()); at != 0; at = treeNext(at)) {
    const lp = IdAt.address(at);
    streamNodeVerify(at);
    length += streamNodeLength(lp);
    bytes += <u64>usableSize(lp);
  }
  assert(length == s.length && bytes == s.listpackBytes);
  if (streamEdgeId(s, true, false)) assert(idMs == s.firstMs && idSeq == s.firstSeq);
  else assert(s.firstMs == 0 && s.firstSeq == 0 && s.length == 0);
  if (streamEdgeId(s, false, true)) {
    assert(streamCompareId(idMs, idSeq, s.lastMs, s.lastSeq) <= 0);
  }
  for (let at = groupFirst(s); at != 0; at = treeNext(at)) groupVerify(namedAt(at));
  if (s.idmp != 0) idmpVerify(changetype<Idmp>(s.idmp));
}
