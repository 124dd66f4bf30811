// CLIENT TRACKING, CACHING, TRACKINGINFO and GETREDIR; what they set is described in
// client/tracking.ts. The rest of CLIENT is the host's.
//
// Difference from Redis: prefixes that overlap with one another are always an error, and nothing is
// changed; Redis goes on, and replies twice, unless the first prefix is one of them.
import {
  CLIENT_TRACKING,
  CLIENT_TRACKING_BCAST,
  CLIENT_TRACKING_BROKEN,
  CLIENT_TRACKING_CACHING,
  CLIENT_TRACKING_NOLOOP,
  CLIENT_TRACKING_OPTIN,
  CLIENT_TRACKING_OPTOUT,
} from '../abi';
import { clientById } from '../client/client_ids';
import {
  ownPrefixes,
  trackingOff,
  trackingRedirect,
  tryTrackingOn,
  tryTrackPrefix,
} from '../client/tracking';
import { overlappingPrefix, Prefix } from '../client/tracking_prefixes';
import { argI64, argI64OrReply } from '../resp/arg_number';
import { Arg, argc, argIs } from '../resp/args';
import { client } from '../resp/connection';
import {
  ERR_OOM_LIMIT,
  ERR_SYNTAX,
  errorBytes,
  errorEnd,
  errorStart,
  replyError,
} from '../resp/errors';
import {
  replyArray,
  replyBulk,
  replyBulkText,
  replyInt,
  replyMap,
  replyOk,
  replySet,
  replyText,
} from '../resp/writer';
import { bytesEqual } from '../util/bytes';

const FIRST_OPTION: u32 = 3;

// What the options of the running command say.
let redirect: i64 = 0;
let modes: u32 = 0;
let prefixes: u32 = 0;

/** CLIENT TRACKING ON|OFF [REDIRECT id] [PREFIX prefix ...] [BCAST] [OPTIN] [OPTOUT] [NOLOOP] */
export function clientTrackingCommand(): void {
  if (!parseOptionsOrReply()) return;
  if (argIs(2, 'on')) {
    if (!checkModesOrReply() || !checkPrefixesOrReply()) return;
    if (!tryTurnOn()) {
      trackingOff(client);
      replyError(ERR_OOM_LIMIT);
      return;
    }
  } else if (argIs(2, 'off')) trackingOff(client);
  else {
    replyError(ERR_SYNTAX);
    return;
  }
  replyOk();
}

function parseOptionsOrReply(): bool {
  redirect = 0;
  modes = 0;
  prefixes = 0;
  for (let i = FIRST_OPTION; i < argc; i++) {
    const more = i + 1 < argc;
    if (more && argIs(i, 'redirect')) {
      i += 1;
      if (!readRedirectOrReply(i)) return false;
    } else if (argIs(i, 'bcast')) modes |= CLIENT_TRACKING_BCAST;
    else if (argIs(i, 'optin')) modes |= CLIENT_TRACKING_OPTIN;
    else if (argIs(i, 'optout')) modes |= CLIENT_TRACKING_OPTOUT;
    else if (argIs(i, 'noloop')) modes |= CLIENT_TRACKING_NOLOOP;
    else if (more && argIs(i, 'prefix')) {
      i += 1;
      prefixes += 1;
    } else {
      replyError(ERR_SYNTAX);
      return false;
    }
  }
  return true;
}

function readRedirectOrReply(i: u32): bool {
  if (redirect != 0) {
    replyError('ERR A client can only redirect to a single other client');
    return false;
  }
  if (!argI64OrReply(i)) return false;
  redirect = argI64;
  if (clientById(<u64>redirect) != 0) return true;
  replyError('ERR The client ID you want redirect to does not exist');
  return false;
}

/** Whether the modes go together, and with those the client is in. */
function checkModesOrReply(): bool {
  const both: u32 = CLIENT_TRACKING_OPTIN | CLIENT_TRACKING_OPTOUT;
  const broadcasts = (modes & CLIENT_TRACKING_BCAST) != 0;
  const tracks = (client.flags & CLIENT_TRACKING) != 0;
  const before = client.flags & both;
  if (!broadcasts && prefixes > 0) {
    replyError('ERR PREFIX option requires BCAST mode to be enabled');
  } else if (tracks && broadcasts != ((client.flags & CLIENT_TRACKING_BCAST) != 0)) {
    replyError(
      "ERR You can't switch BCAST mode on/off before disabling tracking for this client, and then re-enabling it with a different mode.",
    );
  } else if (broadcasts && modes & both) {
    replyError('ERR OPTIN and OPTOUT are not compatible with BCAST');
  } else if ((modes & both) == both) {
    replyError("ERR You can't specify both OPTIN mode and OPTOUT mode");
  } else if (modes & both && before != 0 && (modes & both) != before) {
    replyError(
      "ERR You can't switch OPTIN/OPTOUT mode before disabling tracking for this client, and then re-enabling it with a different mode.",
    );
  } else return true;
  return false;
}

/** Index of the argument behind the next PREFIX at or after `from`; `argc` when there is none. */
function nextPrefix(from: u32): u32 {
  let i = from;
  while (i + 1 < argc) {
    if (argIs(i, 'prefix')) return i + 1;
    i += argIs(i, 'redirect') ? 2 : 1;
  }
  return argc;
}

/** Whether no prefix overlaps with one the client has, or with another of the command. */
function checkPrefixesOrReply(): bool {
  if (prefixes == 0) return true;
  for (let i = nextPrefix(FIRST_OPTION); i < argc; i = nextPrefix(i + 1)) {
    const ptr = Arg.ptr(i);
    const len = Arg.len(i);
    const at: usize = client.tracking == 0 ? 0 : overlappingPrefix(ownPrefixes(client), ptr, len);
    if (at != 0) {
      const own = changetype<Prefix>(at);
      replyOverlap(i, 'an existing prefix', own.name(), own.nameLen);
      return false;
    }
    for (let k = nextPrefix(i + 1); k < argc; k = nextPrefix(k + 1)) {
      if (!bytesEqual(ptr, Arg.ptr(k), min(len, Arg.len(k)))) continue;
      replyOverlap(i, 'another provided prefix', Arg.ptr(k), Arg.len(k));
      return false;
    }
  }
  return true;
}

function replyOverlap(i: u32, what: string, other: usize, otherLen: u32): void {
  const start = errorStart();
  replyText("ERR Prefix '");
  errorBytes(Arg.ptr(i), Arg.len(i));
  replyText("' overlaps with ");
  replyText(what);
  replyText(" '");
  errorBytes(other, otherLen);
  replyText("'. Prefixes for a single client must not overlap.");
  errorEnd(start);
}

function tryTurnOn(): bool {
  if (!tryTrackingOn(client, <u64>redirect, modes)) return false;
  if ((modes & CLIENT_TRACKING_BCAST) == 0) return true;
  if (prefixes == 0) return tryTrackPrefix(client, 0, 0);
  for (let i = nextPrefix(FIRST_OPTION); i < argc; i = nextPrefix(i + 1)) {
    if (!tryTrackPrefix(client, Arg.ptr(i), Arg.len(i))) return false;
  }
  return true;
}

/** CLIENT CACHING YES|NO: about the keys of the next command, or of the next transaction. */
export function clientCachingCommand(): void {
  if ((client.flags & CLIENT_TRACKING) == 0) {
    replyError(
      'ERR CLIENT CACHING can be called only when the client is in tracking mode with OPTIN or OPTOUT mode enabled',
    );
  } else if (argIs(2, 'yes')) {
    if (client.flags & CLIENT_TRACKING_OPTIN) setCaching();
    else {
      replyError('ERR CLIENT CACHING YES is only valid when tracking is enabled in OPTIN mode.');
    }
  } else if (argIs(2, 'no')) {
    if (client.flags & CLIENT_TRACKING_OPTOUT) setCaching();
    else {
      replyError('ERR CLIENT CACHING NO is only valid when tracking is enabled in OPTOUT mode.');
    }
  } else replyError(ERR_SYNTAX);
}

function setCaching(): void {
  client.flags |= CLIENT_TRACKING_CACHING;
  replyOk();
}

/** CLIENT GETREDIR */
export function clientGetredirCommand(): void {
  replyInt(trackingRedirect(client));
}

/** CLIENT TRACKINGINFO */
export function clientTrackinginfoCommand(): void {
  const flags = client.flags;
  const inMode = flags & (CLIENT_TRACKING_OPTIN | CLIENT_TRACKING_OPTOUT);
  const caching = inMode != 0 && (flags & CLIENT_TRACKING_CACHING) != 0;
  const shown = CLIENT_TRACKING_BCAST | CLIENT_TRACKING_NOLOOP | CLIENT_TRACKING_BROKEN | inMode;
  replyMap(3);
  replyBulkText('flags');
  replySet(1 + <u32>popcnt(flags & shown) + <u32>caching);
  replyBulkText(flags & CLIENT_TRACKING ? 'on' : 'off');
  if (flags & CLIENT_TRACKING_BCAST) replyBulkText('bcast');
  if (flags & CLIENT_TRACKING_OPTIN) replyBulkText('optin');
  if (flags & CLIENT_TRACKING_OPTIN && caching) replyBulkText('caching-yes');
  if (flags & CLIENT_TRACKING_OPTOUT) replyBulkText('optout');
  if (flags & CLIENT_TRACKING_OPTOUT && caching) replyBulkText('caching-no');
  if (flags & CLIENT_TRACKING_NOLOOP) replyBulkText('noloop');
  if (flags & CLIENT_TRACKING_BROKEN) replyBulkText('broken_redirect');
  replyBulkText('redirect');
  replyInt(trackingRedirect(client));
  replyBulkText('prefixes');
  replyPrefixes();
}

function replyPrefixes(): void {
  if (client.tracking == 0) {
    replyArray(0);
    return;
  }
  const own = ownPrefixes(client);
  replyArray(own.count);
  for (let i: u32 = 0; i < own.count; i++) {
    const p = changetype<Prefix>(<usize>own.get(i));
    replyBulk(p.name(), p.nameLen);
  }
}
