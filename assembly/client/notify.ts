// Keyspace notifications: messages about changes to keys, to whoever subscribed to them.
//
//   __keyspace@<db>__:<key>     the event's name
//   __keyevent@<db>__:<event>   the key
//
// Which kinds are sent is notify-keyspace-events, as bits: NOTIFY_* of keyspace/effects.ts, 1 for
// keyspace and 2 for keyevent channels. Nothing is composed while nobody subscribes to anything.

import { CFG_NOTIFY_EVENTS } from '../abi';
import { Effect, effectsBytes, WANT_NOTIFY, wantEffects } from '../keyspace/effects';
import { Settings } from '../keyspace/settings';
import { free, tryAlloc } from '../memory/alloc';
import { copySmall } from '../util/bytes';
import { formatU64 } from '../util/number_format';
import { putText } from '../util/text';
import { hasListeners, publish, TOPIC_CHANNEL } from './pubsub';

const NOTIFY_KEYSPACE: i64 = 1;
const NOTIFY_KEYEVENT: i64 = 2;
/** "__keyspace@", a database number, "__:". */
const PREFIX_MAX_BYTES: usize = 32;

/** Follows notify-keyspace-events: effects are only recorded while some kind is wanted. */
export function notifySettingChanged(): void {
  const flags = Settings.get(CFG_NOTIFY_EVENTS);
  wantEffects(WANT_NOTIFY, (flags & (NOTIFY_KEYSPACE | NOTIFY_KEYEVENT)) != 0);
}

/** "<prefix><database>__:" followed by `len` bytes at `tail`, in a block the caller frees; 0: none. */
function tryChannel(prefix: string, databaseId: u32, tail: usize, len: u32): usize {
  const block = tryAlloc(PREFIX_MAX_BYTES + len);
  if (block == 0) return 0;
  let at = putText(block, prefix);
  at += formatU64(databaseId, at);
  at = putText(at, '__:');
  copySmall(at, tail, len);
  channelLen = <u32>(at - block) + len;
  return block;
}

let channelLen: u32 = 0;

/** Publishes one event on both channels that are wanted. */
function notify(at: usize, flags: i64): void {
  const event = changetype<string>(Effect.event(at));
  const eventLen = <u32>event.length;
  const name = tryAlloc(eventLen + 1);
  if (name == 0) return;
  putText(name, event);
  const databaseId = Effect.database(at);
  const keyLen = Effect.keyLen(at);
  if (flags & NOTIFY_KEYSPACE) {
    const channel = tryChannel('__keyspace@', databaseId, Effect.key(at), keyLen);
    if (channel != 0) {
      publish(TOPIC_CHANNEL, channel, channelLen, name, eventLen);
      free(channel);
    }
  }
  if (flags & NOTIFY_KEYEVENT) {
    const channel = tryChannel('__keyevent@', databaseId, name, eventLen);
    if (channel != 0) {
      publish(TOPIC_CHANNEL, channel, channelLen, Effect.key(at), keyLen);
      free(channel);
    }
  }
  free(name);
}

/** Publishes what the effects queue holds. */
export function notifyDrain(): void {
  const flags = Settings.get(CFG_NOTIFY_EVENTS);
  if (flags == 0 || !hasListeners()) return;
  for (let at: usize = 0; at < effectsBytes(); at = Effect.next(at)) {
    if (Effect.event(at) == 0 || changetype<string>(Effect.event(at)).length == 0) continue;
    if (flags & <i64>Effect.kind(at)) notify(at, flags);
  }
}
