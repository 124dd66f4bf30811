// The ABI: every function the host may call. The host never sees a structure's layout; it passes
// addresses, sizes and the numbers of abi.ts.
//
// Calls do not nest: while one runs, the only way back to the host is the clock. Time and random
// seed are arguments, so the same calls give the same bytes.

import {
  ABI_ASSERT_FILE,
  ABI_ASSERT_LINE,
  ABI_CMD_STATS,
  ABI_COMMANDS,
  ABI_CURRENT_CONN,
  ABI_ERROR_STATS,
  ABI_INPUT,
  ABI_NAMES,
  ABI_OUT_LEN,
  ABI_OUT_PTR,
  ABI_PAYLOAD_FAULT,
  ABI_PROPAGATED_LEN,
  ABI_PROPAGATED_PTR,
  ABI_RECORDS,
  ABI_SCRATCH,
  ABI_SEQUEL,
  ABI_SNAPSHOT_LEN,
  ABI_SNAPSHOT_PTR,
  ABI_STATS,
  CFG_COUNT,
  CFG_GUARDS,
  CFG_LIST_COMPRESS_DEPTH,
  CFG_LIST_MAX_LISTPACK_SIZE,
  CFG_MAXMEMORY_POLICY,
  CFG_NOTIFY_EVENTS,
  CFG_SLOWLOG_MAX_LEN,
  CLIENT_AUTHENTICATED,
  CLIENT_MONITOR,
  INPUT_BYTES,
  SCRATCH_BYTES,
  SEQUEL_DEADLINE,
  SEQUEL_PAYLOAD,
  SEQUEL_PUSHED,
  SEQUEL_UNBLOCKED,
  STAT_OVERHEAD_MEMORY,
  STAT_PEAK_MEMORY,
  STAT_SYSTEM_MEMORY,
  STAT_TAKEN_MEMORY,
  STAT_USED_MEMORY,
  STATUS_HOST_COMMAND,
} from './abi';
import {
  anyUnblocked,
  blockedBytes,
  blockedClients,
  blockedForget,
  blockingKeys,
  clientsWithDeadline,
  firstDeadlineMs,
  keysOnNoKey,
  popUnblocked,
} from './client/blocked';
import { CHAINS, clientIdAdd, clientIdRemove, firstOfChain } from './client/client_ids';
import { monitorAdd, monitorRemove } from './client/monitor';
import { notifySettingChanged } from './client/notify';
import {
  pubsubClients,
  subscriptionCount,
  TOPIC_CHANNEL,
  TOPIC_PATTERN,
  TOPIC_SHARD,
  topicCount,
  unsubscribeSilently,
} from './client/pubsub';
import { slowlogTrim } from './client/slowlog';
import {
  broadcastPending,
  trackingBroadcast,
  trackingClients,
  trackingForget,
  trackingLimit,
  trackingOverLimit,
  trackingRedirect,
} from './client/tracking';
import { prefixCount } from './client/tracking_prefixes';
import { trackedFreeStep, trackedItems, trackedKeys } from './client/tracking_table';
import { queuedBytes, queuedCommands, transactionEnd } from './client/transaction';
import { watchedKeys, watchingClients } from './client/watch';
import { COMMAND_COUNT, COMMAND_NAMES, COMMAND_RECORDS } from './generated/command_table';
import { clockUs, setExpires, setNow } from './keyspace/clock';
import { database, databaseCount, databasesInit } from './keyspace/db';
import { evictionPending, evictionPolicyChanged, usedMemory } from './keyspace/evict';
import { tableBytes, tableShrink } from './keyspace/key_table';
import { lazyfreeStep } from './keyspace/lazyfree';
import { copiedBytes } from './keyspace/preserve';
import {
  propagatedBytes,
  propagatedPtr,
  propagating,
  propagationIsLost,
  setPropagating,
  propagationReset as streamReset,
  propagationTaken as streamTaken,
} from './keyspace/propagation';
import { areKeysKept, isLoading, Settings, settingsInit } from './keyspace/settings';
import { Stats, statsBlock } from './keyspace/stats';
import { setAssertBlock } from './memory/abort';
import { alloc, allocInit, free, peakBytes, resetPeak, tryAlloc } from './memory/alloc';
import { unpackTexts } from './memory/packed_texts';
import { linearMemoryBytes, staticBytes, takenBytes } from './memory/pages';
import { redactArg } from './resp/args';
import {
  anyDirty,
  BUFFER_SLACK,
  Conn,
  connFree,
  popDirty,
  pushTaken,
  queryTrim,
  tryConnNew,
  trySetAddr,
  trySetName,
} from './resp/connection';
import {
  countError,
  errorStats,
  resetErrorStats,
  setDiskError as setDiskErrorInCore,
} from './resp/errors';
import { parserInit } from './resp/parser';
import {
  outputCommit,
  outputLen,
  outputPtr,
  outputReserve,
  outputReset,
  writerInit,
} from './resp/writer';
import { abiBlock, abiGet, abiSet } from './server/abi_block';
import * as batch from './server/batch';
import {
  commandLookupInit,
  lookupCommand,
  NO_COMMAND,
  tryRenameCommand,
} from './server/command_lookup';
import {
  commandStats,
  commandStatsInit,
  resetCommandStats,
  resetHistogram,
} from './server/command_stats';
import { drainEffects } from './server/consequences';
import { tryPopulate } from './server/debug';
import { eventsInit, eventsTaken as eventsTakenInCore } from './server/events';
import {
  transferBegin as beginTransfer,
  transferDelete as deleteTransferred,
  transferHasKey as hasTransferred,
} from './server/key_transfer';
import { expireStepTimed, tryFreeMemoryTimed } from './server/latency_events';
import { emptyDataset as emptyDatasetInCore } from './server/reload';
import { replayErrorsBlock, replayErrorsClear } from './server/replay';
import * as unblock from './server/unblock';
import { isReadingFile, loadStep as loadPiece, loadStart } from './snapshot/load';
import { forgetPayloadFault, payloadFault } from './snapshot/payload';
import * as walk from './snapshot/walk';
import { listSetOptions } from './struct/list';
import { Tree } from './struct/ordered_tree';
import { seedRandom } from './util/prng';
import { setHashSeed } from './util/siphash';

let input: usize = 0;

// --- Life ---

/**
 * Sets the core up; the first call of all. The seeds come from a secure source (the key hash must not
 * be guessable). `limitPages`: linear memory's limit in 64 KiB pages, 0 for 4 GiB. Returns the
 * address of the ABI block.
 */
export function init(seed0: u64, seed1: u64, databaseTotal: u32, limitPages: u32): usize {
  unpackTexts();
  setAssertBlock(abiBlock);
  allocInit(limitPages);
  settingsInit();
  setHashSeed(seed0, seed1);
  seedRandom(seed0 ^ seed1);
  input = alloc(<usize>INPUT_BYTES + BUFFER_SLACK);
  const scratch = alloc(SCRATCH_BYTES);
  databasesInit(databaseTotal);
  writerInit();
  parserInit();
  commandLookupInit();
  commandStatsInit();
  eventsInit();
  abiSet(ABI_INPUT, <u32>input);
  abiSet(ABI_SCRATCH, <u32>scratch);
  abiSet(ABI_STATS, <u32>statsBlock);
  abiSet(ABI_CMD_STATS, <u32>commandStats);
  abiSet(ABI_ERROR_STATS, <u32>errorStats);
  abiSet(ABI_RECORDS, <u32>COMMAND_RECORDS);
  abiSet(ABI_COMMANDS, COMMAND_COUNT);
  abiSet(ABI_NAMES, <u32>COMMAND_NAMES);
  abiSet(ABI_ASSERT_LINE, 0);
  abiSet(ABI_ASSERT_FILE, 0);
  publishOutput();
  return abiBlock;
}

function publishOutput(): void {
  abiSet(ABI_OUT_PTR, <u32>outputPtr());
  abiSet(ABI_OUT_LEN, outputLen());
  let sequel: u32 = anyUnblocked() ? SEQUEL_UNBLOCKED : 0;
  if (firstDeadlineMs() != announcedMs) sequel |= SEQUEL_DEADLINE;
  if (anyDirty()) sequel |= SEQUEL_PUSHED;
  if (payloadFault != 0) {
    abiSet(ABI_PAYLOAD_FAULT, payloadFault);
    sequel |= SEQUEL_PAYLOAD;
  }
  abiSet(ABI_SEQUEL, sequel);
  if (propagating) publishPropagated();
}

function publishPropagated(): void {
  abiSet(ABI_PROPAGATED_PTR, <u32>propagatedPtr());
  abiSet(ABI_PROPAGATED_LEN, <u32>propagatedBytes);
}

/** The deadline the host knows of. */
let announcedMs: i64 = 0;

/** Memory for the host's own data; 0 when exhausted. */
export function hostAlloc(bytes: usize): usize {
  return tryAlloc(bytes);
}

export function hostFree(ptr: usize): void {
  free(ptr);
}

/** Changes a setting (CFG_*). */
export function setConfig(id: u32, value: f64): void {
  assert(id < <u32>CFG_COUNT);
  Settings.set(id, <i64>value);
  if (id == CFG_GUARDS) setExpires(!isLoading());
  if (id == CFG_MAXMEMORY_POLICY) evictionPolicyChanged();
  if (id == CFG_SLOWLOG_MAX_LEN) slowlogTrim();
  if (id == CFG_NOTIFY_EVENTS) notifySettingChanged();
  if (id == CFG_LIST_MAX_LISTPACK_SIZE || id == CFG_LIST_COMPRESS_DEPTH) {
    const fill = <i32>Settings.get(CFG_LIST_MAX_LISTPACK_SIZE);
    listSetOptions(fill, <i32>Settings.get(CFG_LIST_COMPRESS_DEPTH));
  }
}

// --- Copies ---
//
// The host makes an instance of the module with linear memory of the same size, copies all taken pages and
// the globals (memory/carry.ts), and calls `becomeCopy` there.

export { carryF64, carryI32, carryI64, carryStart } from './memory/carry';
export { stretchEnd } from './memory/pages';

/** Whether a copy of this moment would be whole: no host command is under way, and no file is being loaded. */
export function isCopyable(): bool {
  return !batch.isInterrupted() && !isReadingFile() && !isLoading();
}

/**
 * Forgets, in a copy, what belongs to the original's host: connections with all they wait for, listen to and
 * track, the snapshot under way, the stream of changes, server states (GUARD_*) and unread events. Data,
 * settings and statistics stay.
 */
export function becomeCopy(): void {
  setConfig(CFG_GUARDS, 0);
  for (let i: u32 = 0; i < CHAINS; i++) {
    for (let ptr = firstOfChain(i); ptr != 0; ptr = firstOfChain(i)) connDelete(ptr);
  }
  unblock.serveHeld();
  announcedMs = 0;
  walk.walkAbort();
  walk.walkFinished();
  walk.walkReleased();
  publishSnapshot();
  propagationOn(false);
  eventsTakenInCore();
  replayErrorsClear();
  forgetPayloadFault();
  outputReset();
  publishOutput();
}

// --- Connections ---

/** A connection block, or 0 when memory is exhausted. */
export function connNew(id: f64, nowMs: f64, authenticated: bool): usize {
  const ptr = tryConnNew(<u64>id, <i64>nowMs);
  if (ptr == 0) return 0;
  const c = changetype<Conn>(ptr);
  if (authenticated) c.flags = CLIENT_AUTHENTICATED;
  clientIdAdd(c);
  return ptr;
}

export function connDelete(ptr: usize): void {
  const c = changetype<Conn>(ptr);
  batch.abandon(c);
  if (c.flags & CLIENT_MONITOR) monitorRemove(c);
  transactionEnd(c);
  unsubscribeSilently(c);
  blockedForget(c);
  trackingForget(c);
  clientIdRemove(c);
  connFree(c);
  publishOutput();
}

/** Copies the peer's address, as MONITOR and SLOWLOG print it. False: memory is exhausted. */
export function connSetAddr(ptr: usize, text: usize, bytes: u32): bool {
  return trySetAddr(changetype<Conn>(ptr), text, bytes);
}

/** Copies the name given by CLIENT SETNAME. False: memory is exhausted. */
export function connSetName(ptr: usize, text: usize, bytes: u32): bool {
  return trySetName(changetype<Conn>(ptr), text, bytes);
}

/** Gives back query buffer memory that an idle connection does not use. */
export function connTrimQuery(ptr: usize): void {
  queryTrim(changetype<Conn>(ptr));
}

/** Turns a connection into a monitor or back. */
export function connMonitor(ptr: usize, on: bool): void {
  const c = changetype<Conn>(ptr);
  const was = (c.flags & CLIENT_MONITOR) != 0;
  if (on == was) return;
  c.flags ^= CLIENT_MONITOR;
  if (on) monitorAdd(c);
  else monitorRemove(c);
}

/** Unlinks and returns the first connection with pushed output, 0 when there is none. */
export function nextDirty(): usize {
  return popDirty();
}

/** The pushed output of a connection has been written out. */
export function connPushTaken(ptr: usize): void {
  pushTaken(changetype<Conn>(ptr));
}

// --- Batches ---

/** Runs `length` bytes of the input region for a connection. Returns STATUS_*. */
export function feed(ptr: usize, length: u32, nowMs: f64): i32 {
  const c = changetype<Conn>(ptr);
  setNow(nowMs);
  c.lastActiveMs = <i64>nowMs;
  const status = batch.feed(c, input, length);
  if (broadcastPending()) endOfBatch(status);
  publishOutput();
  return status;
}

/** A host command in between does not end the batch. */
function endOfBatch(status: i32): void {
  if (status != STATUS_HOST_COMMAND) trackingBroadcast();
}

/** Goes on after a host command has its reply, STATUS_FLUSH or STATUS_PAUSED. */
export function resume(ptr: usize, nowMs: f64): i32 {
  setNow(nowMs);
  const status = batch.resume(changetype<Conn>(ptr));
  if (broadcastPending()) endOfBatch(status);
  publishOutput();
  return status;
}

/** The host command under way will be answered later. What was replied before it may be written. */
export function suspend(ptr: usize): void {
  batch.suspend(changetype<Conn>(ptr));
  publishOutput();
}

/** The reply of a suspended host command is about to be appended; then `resume` is to be called. */
export function answer(ptr: usize, nowMs: f64): void {
  setNow(nowMs);
  batch.answer(changetype<Conn>(ptr));
  publishOutput();
}

/** Keeps an argument of the host command under way out of MONITOR and SLOWLOG. */
export function redactArgument(index: u32): void {
  redactArg(index);
}

/** Address for `bytes` of a host command's reply, 0 when memory is exhausted. */
export function replyReserve(bytes: usize): usize {
  return outputReserve(bytes);
}

/** `bytes` of reply were written at the reserved address. Counts an error reply as one. */
export function replyCommit(bytes: usize): void {
  const at = outputPtr() + outputLen();
  outputCommit(bytes);
  if (bytes > 0 && load<u8>(at) == 45) countError(at, <u32>bytes);
  publishOutput();
}

/** Forgets the output, once the host has written it. */
export function outputTaken(): void {
  outputReset();
  publishOutput();
}

/** Address of the errors that replayed commands replied with: REPLAY_ERRORS_*. */
export function replayErrors(): usize {
  return replayErrorsBlock();
}

export function replayErrorsTaken(): void {
  replayErrorsClear();
}

export function eventsTaken(): void {
  eventsTakenInCore();
}

// --- Blocked clients ---

/** Unlinks and returns the first client that waits no longer and has input; `resume` it. 0: none. */
export function nextUnblocked(): usize {
  const ptr = popUnblocked();
  publishOutput();
  return ptr;
}

/** The first deadline of a blocked client, in Unix milliseconds, 0 when there is none. */
export function nextDeadline(): f64 {
  announcedMs = firstDeadlineMs();
  publishOutput();
  return <f64>announcedMs;
}

/** Answers the clients whose deadline is before now. */
export function serveDeadlines(nowMs: f64): void {
  setNow(nowMs);
  unblock.serveDeadlines();
  publishOutput();
}

/** CLIENT PAUSE has ended or holds less back: serves whom it kept from being served. */
export function serveHeld(nowMs: f64): void {
  setNow(nowMs);
  unblock.serveHeld();
  publishOutput();
}

/**
 * CLIENT UNBLOCK, during that host command: answers a client that waits as if its time were up, or
 * with an error. False when it does not wait.
 */
export function unblockClient(ptr: usize, withError: bool): bool {
  const c = changetype<Conn>(ptr);
  const did = unblock.tryUnblock(changetype<Conn>(<usize>abiGet(ABI_CURRENT_CONN)), c, withError);
  publishOutput();
  return did;
}

/** Bytes that a client's waiting takes. */
export function connBlockedBytes(ptr: usize): u32 {
  return blockedBytes(changetype<Conn>(ptr));
}

export function blockedClientCount(): u32 {
  return blockedClients;
}

/** Keys that clients wait for. */
export function blockingKeyCount(): u32 {
  return blockingKeys();
}

/** Those among them whose deletion concerns a client, too. */
export function blockingKeyOnNoKeyCount(): u32 {
  return keysOnNoKey;
}

/** Blocked clients with a deadline. */
export function deadlineCount(): u32 {
  return clientsWithDeadline();
}

// --- Background work ---

/**
 * Expiry, eviction, freeing and shrinking for about `budgetUs`. Returns 1 while there is work that
 * should not wait for the next tick.
 */
export function cron(nowMs: f64, budgetUs: f64): bool {
  setNow(nowMs);
  const deadline = clockUs() + budgetUs;
  let more = lazyfreeStep(deadline);
  if (!areKeysKept()) {
    if (evictionPending()) {
      tryFreeMemoryTimed();
      if (evictionPending()) more = true;
    }
    if (expireStepTimed(deadline)) more = true;
  }
  if (trackedFreeStep(deadline)) more = true;
  drainEffects(0);
  if (trackingOverLimit()) trackingLimit(0);
  unblock.serveReadyAlone();
  if (broadcastPending()) trackingBroadcast();
  publishOutput();
  // Room that was made for keys to be loaded has to stay.
  if (isLoading()) return more;
  for (let i: u32 = 0; i < databaseCount; i++) {
    while (tableShrink(database(i), 64)) {
      if (clockUs() >= deadline) {
        more = true;
        break;
      }
    }
  }
  return more;
}

// --- The stream of changes, for append-only files: keyspace/propagation.ts ---

/** Switches the stream on, empty and no longer lost, or off. It is off at first. */
export function propagationOn(on: bool): void {
  setPropagating(on);
  publishPropagated();
}

/**
 * What comes next goes somewhere else: it begins with SELECT. All that was written is in whole units, even
 * if a transaction is under way: take it first.
 */
export function propagationReset(): void {
  streamReset();
  publishPropagated();
}

/** The first `bytes` at ABI_PROPAGATED_PTR are safe elsewhere. */
export function propagationTaken(bytes: u32): void {
  streamTaken(bytes);
  publishPropagated();
}

/** Whether memory for the stream ran out: it ends with whole units, but without what came then. */
export function propagationLost(): bool {
  return propagationIsLost;
}

// --- Figures ---

/** Brings the words of the statistics block up to date that are not counted as they happen. */
export function refreshStats(): void {
  const used = usedMemory();
  Stats.set(STAT_USED_MEMORY, used);
  Stats.set(STAT_PEAK_MEMORY, max(<f64>peakBytes() + staticBytes(), used));
  Stats.set(STAT_SYSTEM_MEMORY, linearMemoryBytes());
  Stats.set(STAT_TAKEN_MEMORY, takenBytes());
  Stats.set(STAT_OVERHEAD_MEMORY, staticBytes());
}

export function resetPeakMemory(): void {
  resetPeak();
}

/** CONFIG RESETSTAT: forgets per-command and error statistics. */
export function resetStats(): void {
  resetCommandStats();
  resetErrorStats();
}

export function resetLatencyHistogram(id: u32): void {
  resetHistogram(id);
}

export function databaseKeys(index: u32): u32 {
  return database(index).keys;
}

export function databaseExpires(index: u32): u32 {
  return database(index).expires;
}

/** Hashes with fields that expire. */
export function databaseSubexpiry(index: u32): u32 {
  return changetype<Tree>(database(index).expiryTree).size;
}

export function databaseAverageTtl(index: u32): f64 {
  return database(index).averageTtlMs;
}

export function databaseTableBytes(index: u32): f64 {
  return tableBytes(database(index));
}

/** Bucket count and chained buckets, for DEBUG HTSTATS. */
export function databaseBuckets(index: u32): u32 {
  return database(index).buckets;
}

export function databaseOverflow(index: u32): u32 {
  return database(index).overflow;
}

export { allocatorStats } from './memory/alloc_stats';
export { keySizesBegin, keySizesStep } from './server/key_sizes';

// --- Snapshots: snapshot/walk.ts ---

/** Begins a snapshot of this moment; SNAPSHOT_*. False while another one is under way. */
export function snapshotBegin(flags: u32): bool {
  const begun = walk.walkBegin(flags);
  publishSnapshot();
  return begun;
}

/** Puts bytes in front of everything else; they count for the checksum. */
export function snapshotHeader(ptr: usize, len: u32): void {
  walk.walkHeader(ptr, len);
  publishSnapshot();
}

/** The lowest RDB version that holds the data of this moment. */
export function snapshotVersion(): u32 {
  return walk.walkVersion();
}

/** Writes for about `budgetUs`. Returns SNAPSHOT_*; behind SNAPSHOT_DONE call `snapshotEnd`. */
export function snapshotStep(nowMs: f64, budgetUs: f64): i32 {
  setNow(nowMs);
  const status = walk.walkStep(clockUs() + budgetUs);
  publishSnapshot();
  return status;
}

/** `bytes` of what a step showed were taken; commands may have added to it. */
export function snapshotTaken(bytes: u32): void {
  walk.walkTaken(bytes);
  publishSnapshot();
}

/** Whether commands that wait for the snapshot should be tried again: `resume` them. */
export function snapshotReleased(): bool {
  return walk.walkReleased();
}

/** The last bytes are taken. */
export function snapshotEnd(): void {
  walk.walkFinished();
  publishSnapshot();
}

/** Gives up the snapshot under way. */
export function snapshotAbort(): void {
  walk.walkAbort();
  publishSnapshot();
}

/** Keys written so far. */
export function snapshotKeys(): f64 {
  return walk.walkKeys();
}

/** Bytes of entries that the snapshot wrote before their turn, or kept, because commands changed them. */
export function snapshotCopied(): f64 {
  return copiedBytes;
}

function publishSnapshot(): void {
  abiSet(ABI_SNAPSHOT_PTR, <u32>walk.walkOutput());
  abiSet(ABI_SNAPSHOT_LEN, walk.walkOutputBytes());
}

// --- For MIGRATE ---

export { transferEnd } from './server/key_transfer';

/** Whether a key exists; counts as reading it. */
export function transferHasKey(databaseId: u32, key: usize, keyLen: u32): bool {
  const found = hasTransferred(databaseId, key, keyLen);
  publishPropagated();
  return found;
}

/**
 * Makes the payload of a key and describes it at `out`, TRANSFER_BYTES. Returns TRANSFER_*; only after
 * TRANSFER_DUMPED there is one, until `transferEnd`.
 */
export function transferBegin(databaseId: u32, key: usize, keyLen: u32, out: usize): u32 {
  const outcome = beginTransfer(databaseId, key, keyLen, out);
  publishPropagated();
  return outcome;
}

/** Deletes a key that arrived elsewhere; between batches only. False when it was gone already. */
export function transferDelete(databaseId: u32, key: usize, keyLen: u32, nowMs: f64): bool {
  setNow(nowMs);
  const deleted = deleteTransferred(databaseId, key, keyLen);
  drainEffects(0);
  publishPropagated();
  return deleted;
}

// --- For persistence ---

/** Removes all keys without counting that as changes. `current`: connection that asks, 0 for none. */
export function emptyDataset(current: usize): void {
  emptyDatasetInCore(current);
  publishOutput();
}

/**
 * The error that GUARD_DISK_ERROR makes writes fail with, code word included: `bytes` at `text`. None
 * for the one about snapshots.
 */
export function setDiskError(text: usize, bytes: u32): void {
  setDiskErrorInCore(text, bytes);
}

// --- Loading RDB files ---

export { loadEnd } from './snapshot/load';

/** The host knows what was wrong with a payload. */
export function payloadFaultTaken(): void {
  forgetPayloadFault();
  publishOutput();
}

/** See snapshot/load.ts. */
export function loadBegin(flags: u32, totalBytes: f64, nowMs: f64): usize {
  setNow(nowMs);
  return loadStart(flags, totalBytes);
}

export function loadStep(ptr: usize, len: usize, isLast: bool, keysMax: u32, nowMs: f64): u32 {
  setNow(nowMs);
  return loadPiece(ptr, len, isLast, keysMax);
}

// --- For DEBUG ---

export { datasetDigest, valueDigest } from './server/dataset_digest';
export { describeKey, tableChains } from './server/debug';

/** DEBUG POPULATE. False when memory is exhausted; then some keys are set. */
export function populate(
  databaseId: u32,
  count: f64,
  prefix: usize,
  prefixLen: u32,
  valueBytes: u32,
): bool {
  const good = tryPopulate(databaseId, <u64>count, prefix, prefixLen, valueBytes);
  publishPropagated();
  return good;
}

/** Commands a connection has queued since MULTI. */
export function connQueuedCommands(ptr: usize): u32 {
  return queuedCommands(changetype<Conn>(ptr));
}

/** Bytes its transaction holds. */
export function connQueuedBytes(ptr: usize): u32 {
  return queuedBytes(changetype<Conn>(ptr));
}

/** Its subscriptions: 0 channels, 1 patterns, 2 shard channels. */
export function connSubscriptions(ptr: usize, kind: u32): u32 {
  return subscriptionCount(changetype<Conn>(ptr), kind);
}

/** Connections that listen to a channel, shard channel or pattern. */
export function pubsubClientCount(): u32 {
  return pubsubClients;
}

export function channelCount(): u32 {
  return topicCount(TOPIC_CHANNEL);
}

export function patternCount(): u32 {
  return topicCount(TOPIC_PATTERN);
}

export function shardChannelCount(): u32 {
  return topicCount(TOPIC_SHARD);
}

/** Connections that watch a key. */
export function watchingClientCount(): u32 {
  return watchingClients;
}

export function watchedKeyCount(): u32 {
  return watchedKeys;
}

/** Connections that track keys. */
export function trackingClientCount(): u32 {
  return trackingClients;
}

export function trackedKeyCount(): u32 {
  return trackedKeys();
}

/** Clients noted with all tracked keys together. */
export function trackedItemCount(): f64 {
  return trackedItems;
}

export function trackedPrefixCount(): u32 {
  return prefixCount();
}

/** Id of the client that gets a connection's messages; 0: itself, -1: it does not track. */
export function connTrackingRedirect(ptr: usize): f64 {
  return <f64>trackingRedirect(changetype<Conn>(ptr));
}

// --- Commands ---

/** rename-command: both names in the scratch region. False when it cannot be done. */
export function renameCommand(from: usize, fromLen: u32, to: usize, toLen: u32): bool {
  const id = lookupCommand(from, fromLen);
  return id != NO_COMMAND && tryRenameCommand(id, to, toLen);
}
