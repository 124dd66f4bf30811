// The shape of a command's declaration: the single source of truth for everything that depends on
// a command's name, arity, flags, keys, arguments or reply.
//
// `src/build/commands.ts` derives from these records the core's table and dispatch, COMMAND and its
// subcommands, key extraction for cluster routing, the documentation's support table and the
// table-driven tests. Nothing else may list commands.

import type { AclCategory } from './acl_categories.ts';

export type Owner = 'core' | 'host';

export type Group =
  | 'string'
  | 'generic'
  | 'hash'
  | 'list'
  | 'set'
  | 'sorted-set'
  | 'stream'
  | 'bitmap'
  | 'hyperloglog'
  | 'geo'
  | 'pubsub'
  | 'transactions'
  | 'scripting'
  | 'connection'
  | 'server'
  | 'cluster'
  | 'array'
  | 'json'
  | 'timeseries'
  | 'bloom'
  | 'search'
  | 'vector-set';

/**
 * Flags under COMMAND's names, but for `may_replicate`, `protected`, `touches_arbitrary_keys`, which
 * COMMAND hides, and two of ours: `timed` and `no_touch_keys` (see abi.ts). There is no `movablekeys`
 * here: it follows from the key specs.
 */
export type CommandFlag =
  | 'write'
  | 'readonly'
  | 'denyoom'
  | 'admin'
  | 'pubsub'
  | 'noscript'
  | 'blocking'
  | 'loading'
  | 'stale'
  | 'skip_monitor'
  | 'skip_slowlog'
  | 'asking'
  | 'fast'
  | 'no_auth'
  | 'may_replicate'
  | 'no_mandatory_keys'
  | 'no_async_loading'
  | 'no_multi'
  | 'allow_busy'
  | 'protected'
  | 'touches_arbitrary_keys'
  | 'timed'
  | 'no_touch_keys';

export type KeyFlag =
  | 'RO'
  | 'RW'
  | 'OW'
  | 'RM'
  | 'access'
  | 'update'
  | 'insert'
  | 'delete'
  | 'not_key'
  | 'incomplete'
  | 'variable_flags';

export interface KeySpec {
  flags: KeyFlag[];
  begin:
    | { type: 'index'; index: number }
    | { type: 'keyword'; keyword: string; startFrom: number }
    | { type: 'unknown' };
  find:
    | { type: 'range'; lastKey: number; step: number; limit: number }
    | { type: 'keynum'; keyNumIndex: number; firstKey: number; step: number }
    | { type: 'unknown' };
  notes?: string;
}

export type ArgType =
  | 'string'
  | 'integer'
  | 'double'
  | 'key'
  | 'pattern'
  | 'unix-time'
  | 'pure-token'
  | 'oneof'
  | 'block';

export interface ArgSpec {
  name: string;
  type: ArgType;
  token?: string;
  /** Shown in place of the name where it reads better, e.g. "ip:port". */
  display?: string;
  optional?: true;
  multiple?: true;
  multipleToken?: true;
  keySpecIndex?: number;
  since?: string;
  deprecatedSince?: string;
  args?: ArgSpec[];
}

/** What a reply looks like, in words a test can check: see test/support/reply_shape.ts. */
export type ReplyShape =
  | 'ok'
  | 'simple-string'
  | 'bulk'
  | 'bulk-or-null'
  | 'integer'
  | 'integer-or-null'
  | 'array'
  | 'array-or-null'
  | 'map'
  | 'set'
  | 'double'
  | 'double-or-null'
  | 'boolean'
  | 'verbatim'
  | 'null'
  | 'any'
  | 'none';

/** Several shapes: which one depends on the options and on the data. */
export type Reply = ReplyShape | ReplyShape[];

export interface CommandSpec {
  /** Lower case; a subcommand has its own name only ("get"), its parent's is added by the generator. */
  name: string;
  owner: Owner;
  /** Core only: exported function in assembly/command/<file>.ts, when it is not `setCommand` for SET. */
  handler?: string;
  /** Core only: file in assembly/command without its ending. */
  file?: string;
  /** As in COMMAND: counts the name (a subcommand's counts its parent's too); negative means at least. */
  arity: number;
  flags: CommandFlag[];
  /** ACL categories beyond those implied by the flags, without '@'. */
  categories: AclCategory[];
  keys: KeySpec[];
  /** Names the function that finds the keys when key specs alone cannot (SORT, MIGRATE ...). */
  keyExtractor?: string;
  /**
   * Where members or fields of the first key's value are: the first one's position, and the distance
   * between them (0: there is one). A hint to load what they are filed in ahead; options may shift them.
   */
  members?: [first: number, step: number];
  args: ArgSpec[];
  group: Group;
  since: string;
  complexity?: string;
  summary: string;
  deprecated?: { since: string; replacedBy: string };
  /** Not meant for users (doc flag `syscmd`). */
  system?: true;
  history?: [version: string, change: string][];
  hints?: string[];
  reply: Reply | { resp2: Reply; resp3: Reply };
  subcommands?: CommandSpec[];
  /** Differences from Redis, for the support table. */
  notes?: string;
}
