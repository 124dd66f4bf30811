// Groups and consumers that arguments name.

import { nowMs } from '../keyspace/clock';
import { EVENT_UNCHANGED, NOTIFY_STREAM } from '../keyspace/effects';
import { argEvent } from '../resp/arg_event';
import { Arg } from '../resp/args';
import { errorBytes, errorEnd, errorStart } from '../resp/errors';
import { replyText } from '../resp/writer';
import {
  ConsumerPtr,
  consumerFind,
  StreamConsumer,
  StreamGroup,
  tryConsumerCreate,
} from '../struct/stream_group';

/** Whether the last `tryFindOrAddConsumer` made the consumer. */
export let consumerIsNew: bool = false;

/**
 * The consumer that argument `i` names, in a group of the stream in argument `k`: made if there is none,
 * and seen now. 0 when memory is exhausted.
 */
export function tryFindOrAddConsumer(g: StreamGroup, k: u32, i: u32): ConsumerPtr {
  let consumer = consumerFind(g, Arg.ptr(i), Arg.len(i));
  consumerIsNew = consumer == 0;
  if (consumerIsNew) {
    consumer = tryConsumerCreate(g, Arg.ptr(i), Arg.len(i), nowMs);
    if (consumer == 0) return 0;
    argEvent(k, NOTIFY_STREAM | EVENT_UNCHANGED, 'xgroup-createconsumer', 1);
  }
  changetype<StreamConsumer>(consumer).seenTimeMs = nowMs;
  return consumer;
}

/** The error of a key or group, arguments `k` and `i`, that are not there. */
export function replyNoKeyOrGroup(k: u32, i: u32): void {
  const start = errorStart();
  replyText("NOGROUP No such key '");
  errorBytes(Arg.ptr(k), Arg.len(k));
  replyText("' or consumer group '");
  errorBytes(Arg.ptr(i), Arg.len(i));
  replyText("'");
  errorEnd(start);
}

/** The error of a group, argument `i`, that the stream in argument `k` does not have. */
export function replyNoGroup(k: u32, i: u32): void {
  const start = errorStart();
  replyText("NOGROUP No such consumer group '");
  errorBytes(Arg.ptr(i), Arg.len(i));
  replyText("' for key name '");
  errorBytes(Arg.ptr(k), Arg.len(k));
  replyText("'");
  errorEnd(start);
}
