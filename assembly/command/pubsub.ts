// SUBSCRIBE and its relatives, PUBLISH, PUBSUB.
//
// A subscription is confirmed by a message per channel, so one command may send many replies: pushes
// in RESP3, arrays in RESP2.
import {
  anyTopic,
  findTopic,
  nextTopic,
  publish,
  subscriptionCount,
  TOPIC_CHANNEL,
  TOPIC_PATTERN,
  TOPIC_SHARD,
  Topic,
  topicCount,
  topicNamePtr,
  trySubscribe,
  unsubscribe,
  walkTopics,
} from '../client/pubsub';
import { Arg, argc } from '../resp/args';
import { client } from '../resp/connection';
import { ERR_OOM_LIMIT, replyError } from '../resp/errors';
import { helpEnd, helpLine, helpStart } from '../resp/help';
import {
  replyArray,
  replyArrayEnd,
  replyArrayStart,
  replyBulk,
  replyBulkText,
  replyInt,
  replyNull,
  replyPush,
} from '../resp/writer';
import { globMatch } from '../util/glob';

/** What the messages count: channels and patterns together, shard channels alone. */
function subscriptions(kind: u32): u32 {
  if (kind == TOPIC_SHARD) return subscriptionCount(client, TOPIC_SHARD);
  return subscriptionCount(client, TOPIC_CHANNEL) + subscriptionCount(client, TOPIC_PATTERN);
}

function subscribeAll(kind: u32, verb: string): void {
  for (let i: u32 = 1; i < argc; i++) {
    if (!trySubscribe(client, kind, Arg.ptr(i), Arg.len(i))) {
      replyError(ERR_OOM_LIMIT);
      return;
    }
    replyPush(3);
    replyBulkText(verb);
    replyBulk(Arg.ptr(i), Arg.len(i));
    replyInt(subscriptions(kind));
  }
}

function unsubscribeAll(kind: u32, verb: string): void {
  for (let i: u32 = 1; i < argc; i++) {
    unsubscribe(client, kind, Arg.ptr(i), Arg.len(i));
    replyPush(3);
    replyBulkText(verb);
    replyBulk(Arg.ptr(i), Arg.len(i));
    replyInt(subscriptions(kind));
  }
  if (argc > 1) return;
  if (subscriptionCount(client, kind) == 0) {
    replyPush(3);
    replyBulkText(verb);
    replyNull();
    replyInt(subscriptions(kind));
    return;
  }
  for (let topic = anyTopic(client, kind); topic != 0; topic = anyTopic(client, kind)) {
    const t = changetype<Topic>(topic);
    replyPush(3);
    replyBulkText(verb);
    replyBulk(topicNamePtr(t), t.nameLen);
    unsubscribe(client, kind, topicNamePtr(t), t.nameLen);
    replyInt(subscriptions(kind));
  }
}

/** SUBSCRIBE channel [channel ...] */
export function subscribeCommand(): void {
  subscribeAll(TOPIC_CHANNEL, 'subscribe');
}

/** PSUBSCRIBE pattern [pattern ...] */
export function psubscribeCommand(): void {
  subscribeAll(TOPIC_PATTERN, 'psubscribe');
}

/** SSUBSCRIBE shardchannel [shardchannel ...] */
export function ssubscribeCommand(): void {
  subscribeAll(TOPIC_SHARD, 'ssubscribe');
}

/** UNSUBSCRIBE [channel ...] */
export function unsubscribeCommand(): void {
  unsubscribeAll(TOPIC_CHANNEL, 'unsubscribe');
}

/** PUNSUBSCRIBE [pattern ...] */
export function punsubscribeCommand(): void {
  unsubscribeAll(TOPIC_PATTERN, 'punsubscribe');
}

/** SUNSUBSCRIBE [shardchannel ...] */
export function sunsubscribeCommand(): void {
  unsubscribeAll(TOPIC_SHARD, 'sunsubscribe');
}

/** PUBLISH channel message */
export function publishCommand(): void {
  replyInt(publish(TOPIC_CHANNEL, Arg.ptr(1), Arg.len(1), Arg.ptr(2), Arg.len(2)));
}

/** SPUBLISH shardchannel message */
export function spublishCommand(): void {
  replyInt(publish(TOPIC_SHARD, Arg.ptr(1), Arg.len(1), Arg.ptr(2), Arg.len(2)));
}

// --- PUBSUB ---

function replyTopics(kind: u32): void {
  const at = replyArrayStart();
  let count: u32 = 0;
  walkTopics();
  for (let topic = nextTopic(kind); topic != 0; topic = nextTopic(kind)) {
    const t = changetype<Topic>(topic);
    if (argc > 2 && !globMatch(Arg.ptr(2), Arg.len(2), topicNamePtr(t), t.nameLen, false)) {
      continue;
    }
    replyBulk(topicNamePtr(t), t.nameLen);
    count += 1;
  }
  replyArrayEnd(at, count);
}

function replyNumbers(kind: u32): void {
  // A flat array in both protocols, as in Redis.
  replyArray((argc - 2) << 1);
  for (let i: u32 = 2; i < argc; i++) {
    const topic = findTopic(kind, Arg.ptr(i), Arg.len(i));
    replyBulk(Arg.ptr(i), Arg.len(i));
    replyInt(topic == 0 ? 0 : changetype<Topic>(topic).count);
  }
}

/** PUBSUB CHANNELS [pattern] */
export function pubsubChannelsCommand(): void {
  replyTopics(TOPIC_CHANNEL);
}

/** PUBSUB SHARDCHANNELS [pattern] */
export function pubsubShardchannelsCommand(): void {
  replyTopics(TOPIC_SHARD);
}

/** PUBSUB NUMSUB [channel ...] */
export function pubsubNumsubCommand(): void {
  replyNumbers(TOPIC_CHANNEL);
}

/** PUBSUB SHARDNUMSUB [shardchannel ...] */
export function pubsubShardnumsubCommand(): void {
  replyNumbers(TOPIC_SHARD);
}

/** PUBSUB NUMPAT */
export function pubsubNumpatCommand(): void {
  replyInt(topicCount(TOPIC_PATTERN));
}

/** PUBSUB HELP */
export function pubsubHelpCommand(): void {
  helpStart();
  helpLine('CHANNELS [<pattern>]');
  helpLine("    Return the currently active channels matching a <pattern> (default: '*').");
  helpLine('NUMPAT');
  helpLine('    Return number of subscriptions to patterns.');
  helpLine('NUMSUB [<channel> ...]');
  helpLine('    Return the number of subscribers for the specified channels, excluding');
  helpLine('    pattern subscriptions(default: no channels).');
  helpLine('SHARDCHANNELS [<pattern>]');
  helpLine(
    "    Return the currently active shard level channels matching a <pattern> (default: '*').",
  );
  helpLine('SHARDNUMSUB [<shardchannel> ...]');
  helpLine('    Return the number of subscribers for the specified shard level channel(s)');
  helpEnd();
}
