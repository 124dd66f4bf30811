// How a key is stored: OBJECT and MEMORY USAGE.
//
// Looking at a key this way is no use of it, so access clocks stay as they are.

import {
  CFG_MAXMEMORY,
  CFG_MAXMEMORY_POLICY,
  POLICY_ALLKEYS_RANDOM,
  POLICY_NOEVICTION,
  POLICY_VOLATILE_RANDOM,
  POLICY_VOLATILE_TTL,
} from '../abi';
import { idleSeconds, lfuCounter, policyIsLfu } from '../keyspace/access_clock';
import { lookupKeyInspect, lookupKeyQuiet } from '../keyspace/db';
import { ENCODING_INT, Entry, EntryPtr, TYPE_STRING } from '../keyspace/entry';
import { KEY_SHARE_BYTES } from '../keyspace/key_table';
import { Settings } from '../keyspace/settings';
import { entryBytes } from '../keyspace/value';
import { argI64, argI64OrReply } from '../resp/arg_number';
import { Arg, argc, argIs } from '../resp/args';
import { ERR_SYNTAX, replyError } from '../resp/errors';
import { helpEnd, helpLine, helpStart } from '../resp/help';
import { replyBulkText, replyInt, replyNull } from '../resp/writer';
import { encodingName } from './type_names';

/** Integers from 0 up to this are shared objects in Redis, of which it reports SHARED_REFCOUNT. */
const SHARED_INTEGERS: i64 = 10000;
const SHARED_REFCOUNT: i64 = i32.MAX_VALUE;

/** The entry of argument 2; 0 after replying that there is none. */
function lookupOrReply(): EntryPtr {
  const e = lookupKeyInspect(Arg.ptr(2), Arg.len(2), Arg.hash(2));
  if (e == 0) replyNull();
  return e;
}

/** OBJECT ENCODING key */
export function objectEncodingCommand(): void {
  const e = lookupOrReply();
  if (e != 0) replyBulkText(encodingName(Entry.encoding(e)));
}

/** Whether Redis would share small integers: not while it needs an access clock of each. */
function integersAreShared(): bool {
  if (!Settings.on(CFG_MAXMEMORY)) return true;
  const policy = Settings.get(CFG_MAXMEMORY_POLICY);
  return (
    policy == POLICY_NOEVICTION ||
    policy == POLICY_ALLKEYS_RANDOM ||
    policy == POLICY_VOLATILE_RANDOM ||
    policy == POLICY_VOLATILE_TTL
  );
}

/** OBJECT REFCOUNT key: nothing is shared here; the reply says what Redis would say. */
export function objectRefcountCommand(): void {
  const e = lookupOrReply();
  if (e == 0) return;
  const isInt = Entry.type(e) == TYPE_STRING && Entry.encoding(e) == ENCODING_INT;
  const shared = isInt && <u64>Entry.intValue(e) < <u64>SHARED_INTEGERS && integersAreShared();
  replyInt(shared ? SHARED_REFCOUNT : 1);
}

/** OBJECT IDLETIME key */
export function objectIdletimeCommand(): void {
  const e = lookupOrReply();
  if (e == 0) return;
  if (policyIsLfu()) {
    replyError(
      'ERR An LFU maxmemory policy is selected, idle time not tracked. Please note that when switching between policies at runtime LRU and LFU data will take some time to adjust.',
    );
  } else replyInt(idleSeconds(e));
}

/** OBJECT FREQ key */
export function objectFreqCommand(): void {
  const e = lookupOrReply();
  if (e == 0) return;
  if (!policyIsLfu()) {
    replyError(
      'ERR An LFU maxmemory policy is not selected, access frequency not tracked. Please note that when switching between policies at runtime LRU and LFU data will take some time to adjust.',
    );
  } else replyInt(lfuCounter(e));
}

/** OBJECT HELP */
export function objectHelpCommand(): void {
  helpStart();
  helpLine('ENCODING <key>');
  helpLine('    Return the kind of internal representation used in order to store the value');
  helpLine('    associated with a <key>.');
  helpLine('FREQ <key>');
  helpLine('    Return the access frequency index of the <key>. The returned integer is');
  helpLine('    proportional to the logarithm of the recent access frequency of the key.');
  helpLine('IDLETIME <key>');
  helpLine('    Return the idle time of the <key>, that is the approximated number of');
  helpLine('    seconds elapsed since the last access to the key.');
  helpLine('REFCOUNT <key>');
  helpLine('    Return the number of references of the value associated with the specified');
  helpLine('    <key>.');
  helpEnd();
}

/** Nodes of a list that are looked at unless SAMPLES says otherwise. */
const DEFAULT_SAMPLES: u32 = 5;

/**
 * Bytes a key takes: the blocks of its entry and of its value, exactly as the allocator counts them,
 * and its share of the key table.
 */
function keyBytes(e: EntryPtr, samples: u32): u64 {
  return <u64>entryBytes(e, samples) + KEY_SHARE_BYTES;
}

/** MEMORY USAGE key [SAMPLES count]: only lists of many nodes are sampled, 0 looks at all of them. */
export function memoryUsageCommand(): void {
  let samples: u32 = DEFAULT_SAMPLES;
  for (let i: u32 = 3; i < argc; i += 2) {
    if (!argIs(i, 'samples') || i + 1 >= argc) {
      replyError(ERR_SYNTAX);
      return;
    }
    if (!argI64OrReply(i + 1)) return;
    if (argI64 < 0) {
      replyError(ERR_SYNTAX);
      return;
    }
    samples = <u32>min<i64>(argI64, u32.MAX_VALUE);
  }
  const e = lookupKeyQuiet(Arg.ptr(2), Arg.len(2), Arg.hash(2));
  if (e == 0) replyNull();
  else replyInt(keyBytes(e, samples));
}
