// Publish and subscribe: who listens to which channel, shard channel or pattern.
//
//   topic:        next u32 | kind u32 | hash u64 | subscriptions u32 | count u32 | capacity u32 |
//                 name length u32 | name bytes
//   subscription: connection u32 | topic u32 | index in the topic u32 | next, previous of the
//                 connection u32 each
//
// Topics hang in chains by the hash of their name; patterns also form a list in the order they came
// into being, since every PUBLISH has to try them all. A topic owns an array of its subscriptions,
// and a subscription knows its place in it, so that leaving costs O(1) however many others listen.
//
// A message is encoded once per protocol version and pushed to each listener. What is pushed to the
// publisher itself goes out behind the reply of its command.

import { CLIENT_PUBSUB } from '../abi';
import { free, tryAlloc, tryRealloc, usableSize } from '../memory/alloc';
import { Conn, tryPush } from '../resp/connection';
import { bytesEqual, copySmall } from '../util/bytes';
import { globMatch } from '../util/glob';
import { formatU64 } from '../util/number_format';
import { hashBytes } from '../util/siphash';
import { putText } from '../util/text';

export const TOPIC_CHANNEL: u32 = 0;
export const TOPIC_PATTERN: u32 = 1;
export const TOPIC_SHARD: u32 = 2;

@unmanaged
export class Topic {
  next: usize; // of the hash chain
  kind: u32;
  hash: u64;
  members: usize; // u32 per subscription
  count: u32;
  capacity: u32;
  nameLen: u32;
  nextPattern: usize; // list of patterns, oldest first
  previousPattern: usize;
}

@unmanaged
class Subscription {
  conn: usize;
  topic: usize;
  index: u32;
  next: usize;
  previous: usize;
}

/** What hangs off a connection that ever subscribed. */
@unmanaged
class Listener {
  first: usize; // its subscriptions, newest first
  channels: u32;
  patterns: u32;
  shards: u32;
}

const TOPIC_BYTES: usize = offsetof<Topic>();
const CHAINS: u32 = 4096;
const chains: usize = memory.data(16384, 8);

let firstPattern: usize = 0;
let lastPattern: usize = 0;
let channelTopics: u32 = 0;
let patternTopics: u32 = 0;
let shardTopics: u32 = 0;
/** Connections with at least one subscription. */
export let pubsubClients: u32 = 0;

function topicName(t: Topic): usize {
  return changetype<usize>(t) + TOPIC_BYTES;
}

/** Bytes of a topic's name, for replies. */
export function topicNamePtr(t: Topic): usize {
  return topicName(t);
}

function chainOf(hash: u64): usize {
  return chains + ((<u32>(hash >> 24) & (CHAINS - 1)) << 2);
}

/** Topics of a kind that have listeners. */
export function topicCount(kind: u32): u32 {
  return kind == TOPIC_CHANNEL
    ? channelTopics
    : kind == TOPIC_PATTERN
      ? patternTopics
      : shardTopics;
}

/** The topic of this name, or 0. */
export function findTopic(kind: u32, name: usize, len: u32): usize {
  const hash = hashBytes(name, len);
  let at: usize = load<u32>(chainOf(hash));
  while (at != 0) {
    const t = changetype<Topic>(at);
    if (t.hash == hash && t.kind == kind && t.nameLen == len) {
      if (bytesEqual(topicName(t), name, len)) return at;
    }
    at = t.next;
  }
  return 0;
}

function bumpTopics(kind: u32, by: i32): void {
  if (kind == TOPIC_CHANNEL) channelTopics += by;
  else if (kind == TOPIC_PATTERN) patternTopics += by;
  else shardTopics += by;
}

function tryNewTopic(kind: u32, name: usize, len: u32): usize {
  const ptr = tryAlloc(TOPIC_BYTES + len);
  if (ptr == 0) return 0;
  memory.fill(ptr, 0, TOPIC_BYTES);
  const t = changetype<Topic>(ptr);
  t.kind = kind;
  t.hash = hashBytes(name, len);
  t.nameLen = len;
  copySmall(topicName(t), name, len);
  t.next = load<u32>(chainOf(t.hash));
  store<u32>(chainOf(t.hash), <u32>ptr);
  if (kind == TOPIC_PATTERN) {
    t.previousPattern = lastPattern;
    if (lastPattern != 0) changetype<Topic>(lastPattern).nextPattern = ptr;
    else firstPattern = ptr;
    lastPattern = ptr;
  }
  bumpTopics(kind, 1);
  return ptr;
}

function freeTopic(t: Topic): void {
  const ptr = changetype<usize>(t);
  const link = chainOf(t.hash);
  if (<usize>load<u32>(link) == ptr) store<u32>(link, <u32>t.next);
  else {
    let at = changetype<Topic>(<usize>load<u32>(link));
    while (at.next != ptr) at = changetype<Topic>(at.next);
    at.next = t.next;
  }
  if (t.kind == TOPIC_PATTERN) {
    if (t.previousPattern != 0) changetype<Topic>(t.previousPattern).nextPattern = t.nextPattern;
    else firstPattern = t.nextPattern;
    if (t.nextPattern != 0) changetype<Topic>(t.nextPattern).previousPattern = t.previousPattern;
    else lastPattern = t.previousPattern;
  }
  bumpTopics(t.kind, -1);
  if (t.members != 0) free(t.members);
  free(ptr);
}

// --- Subscribing ---

function listenerOf(c: Conn): Listener {
  return changetype<Listener>(c.listener);
}

/** Number of subscriptions of a kind that a connection has. */
export function subscriptionCount(c: Conn, kind: u32): u32 {
  if (c.listener == 0) return 0;
  const l = listenerOf(c);
  return kind == TOPIC_CHANNEL ? l.channels : kind == TOPIC_PATTERN ? l.patterns : l.shards;
}

function bump(c: Conn, kind: u32, by: i32): void {
  const l = listenerOf(c);
  const before = l.channels + l.patterns + l.shards;
  if (kind == TOPIC_CHANNEL) l.channels += by;
  else if (kind == TOPIC_PATTERN) l.patterns += by;
  else l.shards += by;
  const after = l.channels + l.patterns + l.shards;
  if (before == 0) {
    pubsubClients += 1;
    c.flags |= CLIENT_PUBSUB;
  } else if (after == 0) {
    pubsubClients -= 1;
    c.flags &= ~CLIENT_PUBSUB;
  }
}

function findSubscription(c: Conn, topic: usize): usize {
  // The shorter of the two lists is searched: a topic with few listeners, or a client with few topics.
  const t = changetype<Topic>(topic);
  const l = listenerOf(c);
  if (t.count < l.channels + l.patterns + l.shards) {
    for (let i: u32 = 0; i < t.count; i++) {
      const ptr: usize = load<u32>(t.members + (i << 2));
      if (changetype<Subscription>(ptr).conn == changetype<usize>(c)) return ptr;
    }
    return 0;
  }
  let at = l.first;
  while (at != 0) {
    const s = changetype<Subscription>(at);
    if (s.topic == topic) return at;
    at = s.next;
  }
  return 0;
}

function tryJoin(c: Conn, t: Topic): bool {
  if (t.count == t.capacity) {
    const wanted = (<usize>max<u32>(t.count << 1, 4)) << 2;
    const wider = t.members == 0 ? tryAlloc(wanted) : tryRealloc(t.members, wanted);
    if (wider == 0) return false;
    t.members = wider;
    t.capacity = <u32>(usableSize(wider) >> 2);
  }
  const ptr = tryAlloc(offsetof<Subscription>());
  if (ptr == 0) return false;
  const l = listenerOf(c);
  const s = changetype<Subscription>(ptr);
  s.conn = changetype<usize>(c);
  s.topic = changetype<usize>(t);
  s.index = t.count;
  s.next = l.first;
  s.previous = 0;
  if (l.first != 0) changetype<Subscription>(l.first).previous = ptr;
  l.first = ptr;
  store<u32>(t.members + (t.count << 2), <u32>ptr);
  t.count += 1;
  bump(c, t.kind, 1);
  c.ownedBytes += <u32>offsetof<Subscription>();
  return true;
}

/** Subscribes; nothing happens when the client already is. False when memory is exhausted. */
export function trySubscribe(c: Conn, kind: u32, name: usize, len: u32): bool {
  if (c.listener == 0) {
    const ptr = tryAlloc(offsetof<Listener>());
    if (ptr == 0) return false;
    memory.fill(ptr, 0, offsetof<Listener>());
    c.listener = ptr;
  }
  let topic = findTopic(kind, name, len);
  if (topic != 0 && findSubscription(c, topic) != 0) return true;
  if (topic == 0) topic = tryNewTopic(kind, name, len);
  if (topic == 0) return false;
  if (tryJoin(c, changetype<Topic>(topic))) return true;
  if (changetype<Topic>(topic).count == 0) freeTopic(changetype<Topic>(topic));
  return false;
}

function leave(c: Conn, subscription: usize): void {
  const s = changetype<Subscription>(subscription);
  const t = changetype<Topic>(s.topic);
  const l = listenerOf(c);
  t.count -= 1;
  const moved: usize = load<u32>(t.members + (t.count << 2));
  store<u32>(t.members + (s.index << 2), <u32>moved);
  changetype<Subscription>(moved).index = s.index;
  if (s.previous != 0) changetype<Subscription>(s.previous).next = s.next;
  else l.first = s.next;
  if (s.next != 0) changetype<Subscription>(s.next).previous = s.previous;
  bump(c, t.kind, -1);
  c.ownedBytes -= <u32>offsetof<Subscription>();
  free(subscription);
  if (t.count == 0) freeTopic(t);
}

/** Ends one subscription, if there is one. */
export function unsubscribe(c: Conn, kind: u32, name: usize, len: u32): void {
  if (c.listener == 0) return;
  const topic = findTopic(kind, name, len);
  if (topic == 0) return;
  const s = findSubscription(c, topic);
  if (s != 0) leave(c, s);
}

/** A topic of this kind that the client listens to, or 0; for leaving one after the other. */
export function anyTopic(c: Conn, kind: u32): usize {
  if (subscriptionCount(c, kind) == 0) return 0;
  let at = listenerOf(c).first;
  while (at != 0) {
    const s = changetype<Subscription>(at);
    if (changetype<Topic>(s.topic).kind == kind) return s.topic;
    at = s.next;
  }
  return 0;
}

/** Ends all subscriptions without a word, for a connection that goes or is reset. */
export function unsubscribeSilently(c: Conn): void {
  if (c.listener == 0) return;
  while (listenerOf(c).first != 0) leave(c, listenerOf(c).first);
  free(c.listener);
  c.listener = 0;
}

// --- Publishing ---

/** Bytes of a bulk string of `len` bytes. */
function bulkBytes(len: u32): u64 {
  return 16 + <u64>len;
}

let out: usize = 0;

function putBulk(ptr: usize, len: u32): void {
  store<u8>(out, 36);
  out += 1;
  out += formatU64(len, out);
  store<u16>(out, 0x0a0d);
  out += 2;
  copySmall(out, ptr, len);
  out += len;
  store<u16>(out, 0x0a0d);
  out += 2;
}

/** Pushes one encoded message to every listener of a topic. Returns how many there are. */
function deliver(t: Topic, channel: usize, channelLen: u32, message: usize, messageLen: u32): u32 {
  const isPattern = t.kind == TOPIC_PATTERN;
  let bytes = 64 + bulkBytes(channelLen) + bulkBytes(messageLen);
  if (isPattern) bytes += bulkBytes(t.nameLen);
  if (bytes > 0xf0000000) return 0;
  const buffer = tryAlloc(<usize>bytes);
  if (buffer == 0) return 0;
  // The two protocols differ in the first byte alone.
  out = buffer + 1;
  if (isPattern) {
    out = putText(out, '4\r\n$8\r\npmessage\r\n');
    putBulk(topicName(t), t.nameLen);
  } else if (t.kind == TOPIC_SHARD) out = putText(out, '3\r\n$8\r\nsmessage\r\n');
  else out = putText(out, '3\r\n$7\r\nmessage\r\n');
  putBulk(channel, channelLen);
  putBulk(message, messageLen);
  const length = <u32>(out - buffer);
  for (let i: u32 = 0; i < t.count; i++) {
    const s = changetype<Subscription>(<usize>load<u32>(t.members + (i << 2)));
    const c = changetype<Conn>(s.conn);
    store<u8>(buffer, c.resp == 3 ? 62 : 42);
    tryPush(c, buffer, length);
  }
  free(buffer);
  return t.count;
}

/** Sends a message to a channel and, unless it is a shard channel, to matching patterns. */
export function publish(
  kind: u32,
  channel: usize,
  channelLen: u32,
  message: usize,
  messageLen: u32,
): u32 {
  let receivers: u32 = 0;
  const topic = findTopic(kind, channel, channelLen);
  if (topic != 0) {
    receivers += deliver(changetype<Topic>(topic), channel, channelLen, message, messageLen);
  }
  if (kind == TOPIC_SHARD) return receivers;
  let at = firstPattern;
  while (at != 0) {
    const t = changetype<Topic>(at);
    if (globMatch(topicName(t), t.nameLen, channel, channelLen, false)) {
      receivers += deliver(t, channel, channelLen, message, messageLen);
    }
    at = t.nextPattern;
  }
  return receivers;
}

/** Whether anybody would hear a message at all: saves composing notifications. */
export function hasListeners(): bool {
  return pubsubClients != 0;
}

// --- Walking topics, for PUBSUB CHANNELS ---

let walkChain: u32 = 0;
let walkAt: usize = 0;

/** Starts a walk; `nextTopic` gives topics until 0. Nothing may change in between. */
export function walkTopics(): void {
  walkChain = 0;
  walkAt = load<u32>(chains);
}

/** The next topic of a kind, 0 at the end. */
export function nextTopic(kind: u32): usize {
  while (true) {
    while (walkAt == 0) {
      walkChain += 1;
      if (walkChain == CHAINS) return 0;
      walkAt = load<u32>(chains + (walkChain << 2));
    }
    const t = changetype<Topic>(walkAt);
    walkAt = t.next;
    if (t.kind == kind) return changetype<usize>(t);
  }
}
