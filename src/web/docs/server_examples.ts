// Examples of messages, and of commands about the connection and the server; see examples.ts.

import type { Example } from './examples.ts';

export const SERVER_EXAMPLES: Readonly<Record<string, readonly Example[]>> = {
  // --- Messages ---
  subscribe: [
    {
      title: 'Listen, and send oneself a message: RESP3 lets a listener speak',
      lines: ['HELLO 3', 'SUBSCRIBE demo:news', 'PUBLISH demo:news hello'],
    },
  ],
  psubscribe: [
    {
      title: 'All channels that match a pattern',
      lines: ['HELLO 3', 'PSUBSCRIBE demo:*', 'PUBLISH demo:sport "two to one"'],
    },
  ],
  ssubscribe: [
    {
      title: 'A channel of a shard',
      lines: ['HELLO 3', 'SSUBSCRIBE demo:orders', 'SPUBLISH demo:orders new'],
    },
  ],
  spublish: [
    { title: 'To a channel of a shard; how many listen', lines: ['SPUBLISH demo:orders new'] },
  ],
  unsubscribe: [
    {
      title: 'Listen no more',
      lines: ['SUBSCRIBE demo:news demo:sport', 'UNSUBSCRIBE demo:sport', 'UNSUBSCRIBE'],
    },
  ],
  punsubscribe: [{ title: 'Leave a pattern', lines: ['PSUBSCRIBE demo:*', 'PUNSUBSCRIBE demo:*'] }],
  sunsubscribe: [
    {
      title: 'Leave a channel of a shard',
      lines: ['SSUBSCRIBE demo:orders', 'SUNSUBSCRIBE demo:orders'],
    },
  ],
  'pubsub|channels': [
    {
      title: 'Channels that somebody listens to',
      lines: ['HELLO 3', 'SUBSCRIBE demo:news', 'PUBSUB CHANNELS demo:*'],
    },
  ],
  'pubsub|numpat': [
    {
      title: 'How many patterns there are',
      lines: ['HELLO 3', 'PSUBSCRIBE demo:*', 'PUBSUB NUMPAT'],
    },
  ],
  'pubsub|numsub': [
    {
      title: 'How many listen',
      lines: ['HELLO 3', 'SUBSCRIBE demo:news', 'PUBSUB NUMSUB demo:news demo:sport'],
    },
  ],
  'pubsub|shardchannels': [
    {
      title: 'Channels of shards that somebody listens to',
      lines: ['HELLO 3', 'SSUBSCRIBE demo:orders', 'PUBSUB SHARDCHANNELS'],
    },
  ],
  'pubsub|shardnumsub': [
    { title: 'How many listen to a channel of a shard', lines: ['PUBSUB SHARDNUMSUB demo:orders'] },
  ],
  // --- Transactions ---
  unwatch: [{ title: 'Forget what was watched', lines: ['WATCH demo:stock', 'UNWATCH'] }],
  // --- Connection ---
  auth: [
    { title: 'The default user has no password here', lines: ['AUTH default anything', 'PING'] },
  ],
  'client|caching': [
    {
      title: 'Have the next read tracked',
      lines: ['HELLO 3', 'CLIENT TRACKING ON OPTIN', 'CLIENT CACHING YES', 'GET demo:a'],
    },
  ],
  'client|getname': [
    { title: 'The name of the connection', lines: ['CLIENT SETNAME worker-1', 'CLIENT GETNAME'] },
  ],
  'client|setname': [
    {
      title: 'Give the connection a name that CLIENT LIST shows',
      lines: ['CLIENT SETNAME worker-1', 'CLIENT INFO'],
    },
  ],
  'client|getredir': [
    { title: 'Where invalidations go: -1 without tracking', lines: ['CLIENT GETREDIR'] },
  ],
  'client|info': [{ title: 'This connection', lines: ['CLIENT INFO'] }],
  'client|kill': [
    { title: 'End the connections that are older than a day', lines: ['CLIENT KILL MAXAGE 86400'] },
  ],
  'client|list': [{ title: 'All connections', lines: ['CLIENT LIST'] }],
  'client|no-evict': [
    {
      title: 'Keep this connection when memory for clients is short',
      lines: ['CLIENT NO-EVICT ON'],
    },
  ],
  'client|no-touch': [
    {
      title: 'Read without being noticed by eviction',
      lines: ['CLIENT NO-TOUCH ON', 'GET demo:a'],
    },
  ],
  'client|pause': [
    { title: 'Hold writes back for a moment', lines: ['CLIENT PAUSE 1 WRITE', 'CLIENT UNPAUSE'] },
  ],
  'client|unpause': [{ title: 'Let everybody go on', lines: ['CLIENT UNPAUSE'] }],
  'client|reply': [
    { title: 'Replies are sent: OFF and SKIP hold them back', lines: ['CLIENT REPLY ON'] },
  ],
  'client|setinfo': [
    {
      title: 'Say which library speaks',
      lines: ['CLIENT SETINFO LIB-NAME demo', 'CLIENT SETINFO LIB-VER 1.0'],
    },
  ],
  'client|tracking': [
    {
      title: 'Be told when a key that was read changes',
      lines: ['HELLO 3', 'SET demo:a 1', 'CLIENT TRACKING ON', 'GET demo:a', 'SET demo:a 2'],
    },
  ],
  'client|trackinginfo': [
    {
      title: 'How this connection is tracked',
      lines: ['HELLO 3', 'CLIENT TRACKING ON BCAST', 'CLIENT TRACKINGINFO'],
    },
  ],
  'client|unblock': [
    {
      title: 'Wake a connection that waits: 0 when it does not',
      lines: ['CLIENT UNBLOCK 1000000'],
    },
  ],
  quit: [{ title: 'The end of a connection; the terminal opens a new one', lines: ['QUIT'] }],
  reset: [
    {
      title: 'Everything about the connection as it was in the beginning',
      lines: ['SELECT 3', 'MULTI', 'RESET', 'PING'],
    },
  ],
  // --- Server ---
  'command|docs': [{ title: 'What a command is for', lines: ['COMMAND DOCS GET'] }],
  'command|getkeys': [
    {
      title: 'Which words of a command are keys',
      lines: ['COMMAND GETKEYS MSET demo:a 1 demo:b 2'],
    },
  ],
  'command|getkeysandflags': [
    { title: 'What the command does with them', lines: ['COMMAND GETKEYSANDFLAGS SET demo:a 1'] },
  ],
  'command|info': [{ title: 'Arity, flags and keys of a command', lines: ['COMMAND INFO GET'] }],
  'command|list': [
    { title: 'Names of commands by a pattern', lines: ['COMMAND LIST FILTERBY PATTERN z*store'] },
  ],
  'config|resetstat': [{ title: 'Count from 0', lines: ['CONFIG RESETSTAT'] }],
  flushall: [
    { title: 'Delete everything, in all databases', lines: ['SET demo:a 1', 'FLUSHALL', 'DBSIZE'] },
  ],
  flushdb: [
    { title: 'Delete everything in this database', lines: ['SET demo:a 1', 'FLUSHDB', 'DBSIZE'] },
  ],
  'latency|doctor': [{ title: 'What made the server slow', lines: ['LATENCY DOCTOR'] }],
  'latency|histogram': [
    { title: 'How long a command takes', lines: ['SET demo:a 1', 'LATENCY HISTOGRAM SET'] },
  ],
  'latency|history': [{ title: 'When an event took long', lines: ['LATENCY HISTORY command'] }],
  'latency|latest': [{ title: 'The latest events that took long', lines: ['LATENCY LATEST'] }],
  'latency|reset': [{ title: 'Forget the events', lines: ['LATENCY RESET'] }],
  'memory|doctor': [{ title: 'Advice on memory', lines: ['MEMORY DOCTOR'] }],
  'memory|malloc-stats': [{ title: 'What the allocator says', lines: ['MEMORY MALLOC-STATS'] }],
  'memory|purge': [{ title: 'Give memory back where that is possible', lines: ['MEMORY PURGE'] }],
  'memory|stats': [{ title: 'Where the memory goes', lines: ['MEMORY STATS'] }],
  monitor: [{ title: 'Every command that runs, until Ctrl-C', lines: ['MONITOR'] }],
  role: [{ title: 'A master, with its replicas', lines: ['ROLE'] }],
  'slowlog|get': [
    {
      title: 'Commands that took long',
      lines: ['CONFIG SET slowlog-log-slower-than 0', 'SET demo:a 1', 'SLOWLOG GET 1'],
    },
  ],
  'slowlog|len': [{ title: 'How many there are', lines: ['SLOWLOG LEN'] }],
  'slowlog|reset': [{ title: 'Forget them', lines: ['SLOWLOG RESET'] }],
  swapdb: [
    {
      title: 'Exchange two databases, for everybody at once',
      lines: ['SET demo:a 1', 'SWAPDB 0 1', 'EXISTS demo:a', 'SWAPDB 0 1', 'EXISTS demo:a'],
    },
  ],
};
