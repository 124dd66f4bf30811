// What the monitoring commands need to know of the rest of the server. The composition root fills
// these in from whoever owns the figure; what no feature provides yet is left out and reads as zero
// (or as what Redis prints for a feature that is off).

export interface ListenerFacts {
  /** "tcp", "tls" or "unix". */
  readonly name: string;
  /** Addresses or paths. */
  readonly bind: readonly string[];
  /** 0 for none. */
  readonly port: number;
}

export interface ServerFacts {
  readonly mode: 'standalone' | 'cluster' | 'sentinel';
  /** "Linux 6.1.0 x86_64". */
  readonly os: string;
  /** How the event loop waits for sockets: "epoll", "kqueue". */
  readonly multiplexingApi: string;
  readonly processId: number;
  readonly supervised: 'no' | 'upstart' | 'systemd' | 'unknown';
  /** 40 hexadecimal digits, new at every start. */
  readonly runId: string;
  /** TCP port, or the TLS port when there is no other. */
  readonly port: number;
  readonly startedAtMs: number;
  readonly hz: number;
  readonly configuredHz: number;
  readonly executable: string;
  /** Empty when started without one. */
  readonly configFile: string;
  readonly listeners: readonly ListenerFacts[];
  /** When a shutdown that waits for replicas goes ahead anyway. */
  readonly shutdownAtMs?: number;
}

export interface ClientFacts {
  /** Replicas excluded. */
  readonly connected: number;
  readonly clusterConnections: number;
  readonly maxClients: number;
  /** Largest input and output buffer of the last seconds. */
  readonly maxInputBuffer: number;
  readonly maxOutputBuffer: number;
  readonly blocked: number;
  readonly tracking: number;
  readonly pubsub: number;
  readonly watching: number;
  readonly inTimeoutTable: number;
  readonly watchedKeys: number;
  readonly blockingKeys: number;
  readonly blockingKeysOnNoKey: number;
}

/** Memory that the core does not know of, in bytes. */
export interface MemoryFacts {
  readonly maxMemory: number;
  /** Name of the eviction policy. */
  readonly maxMemoryPolicy: string;
  readonly clientsNormal: number;
  readonly clientsReplicas: number;
  readonly clusterLinks: number;
  readonly aofBuffer: number;
  readonly replicationBacklog: number;
  readonly replicationBuffers: number;
  readonly notCountedForEvict: number;
  readonly scriptsVm: number;
  readonly scriptsCached: number;
  readonly cachedScripts: number;
  readonly functionsVm: number;
  readonly functionsCached: number;
  readonly functions: number;
  readonly libraries: number;
}

/** The process and the machine. */
export interface ProcessFacts {
  readonly residentBytes: number;
  readonly systemBytes: number;
  readonly userCpuUs: number;
  readonly systemCpuUs: number;
  /** Of the main thread alone, where the system tells. */
  readonly mainThread?: { readonly userCpuUs: number; readonly systemCpuUs: number };
}

export interface PersistenceFacts {
  readonly loading: boolean;
  readonly asyncLoading: boolean;
  readonly saveKeysProcessed: number;
  readonly saveKeysTotal: number;
  /** Bytes of keys and values that the snapshot under way took before their turn, see Snapshotter. */
  readonly saveCopiedBytes: number;
  /** Snapshots begun in the background, and how long nobody was served for the last to begin. */
  readonly snapshotsBegun: number;
  readonly lastSnapshotBeginUs: number;
  /** The same of the last one that went to the snapshot file or to a connection. */
  readonly lastSaveCopiedBytes: number;
  readonly bgsaveInProgress: boolean;
  /** Unix seconds; the start of the server until something was saved. */
  readonly lastSaveTime: number;
  readonly lastBgsaveOk: boolean;
  /** -1 when there was none. */
  readonly lastBgsaveSeconds: number;
  readonly currentBgsaveSeconds: number;
  readonly saves: number;
  readonly lastLoadKeysExpired: number;
  readonly lastLoadKeysLoaded: number;
  readonly aofEnabled: boolean;
  readonly aofRewriteInProgress: boolean;
  readonly aofRewriteScheduled: boolean;
  readonly aofLastRewriteSeconds: number;
  readonly aofCurrentRewriteSeconds: number;
  readonly aofLastRewriteOk: boolean;
  readonly aofLastRewriteCopiedBytes: number;
  readonly aofRewrites: number;
  readonly aofRewriteFailures: number;
  readonly aofLastWriteOk: boolean;
  readonly aofCurrentBytes: number;
  readonly aofBaseBytes: number;
  readonly aofBufferBytes: number;
  readonly aofPendingFsyncs: number;
  readonly aofDelayedFsyncs: number;
  readonly backup: BackupFacts;
  /** While a data set is being loaded. */
  readonly load?: LoadProgress;
}

export interface BackupFacts {
  /** By the BACKUP commands. */
  readonly inProgress: boolean;
  readonly scheduledInProgress: boolean;
  readonly scheduledTaken: number;
  readonly scheduledFailed: number;
  readonly isLastScheduledOk: boolean;
  /** Unix seconds, 0 for never. */
  readonly lastScheduledTime: number;
  readonly nextScheduledTime: number;
}

export interface LoadProgress {
  /** Unix seconds. */
  readonly startTime: number;
  readonly totalBytes: number;
  readonly usedMemoryBytes: number;
  readonly loadedBytes: number;
  readonly etaSeconds: number;
}

/** Counters of connections and of features around the core. */
export interface TrafficFacts {
  readonly connectionsReceived: number;
  readonly connectionsRejected: number;
  readonly netInputBytes: number;
  readonly netOutputBytes: number;
  readonly replicationInputBytes: number;
  readonly replicationOutputBytes: number;
  readonly readsProcessed: number;
  readonly writesProcessed: number;
  readonly evictedClients: number;
  readonly outputBufferDisconnections: number;
  readonly replyBufferShrinks: number;
  readonly replyBufferExpands: number;
  readonly pubsubChannels: number;
  readonly pubsubPatterns: number;
  readonly pubsubShardChannels: number;
  readonly syncFull: number;
  readonly syncPartialOk: number;
  readonly syncPartialErr: number;
  /** Connections that MIGRATE keeps to targets. */
  readonly migrateLinks: number;
  readonly trackedKeys: number;
  readonly trackedItems: number;
  readonly trackedPrefixes: number;
  readonly deniedAuth: number;
  readonly deniedCommand: number;
  readonly deniedKey: number;
  readonly deniedChannel: number;
}

export interface ReplicationFacts {
  readonly replicationId: string;
  readonly secondReplicationId: string;
  readonly offset: number;
  readonly secondOffset: number;
  readonly backlogActive: boolean;
  readonly backlogBytes: number;
  readonly backlogFirstOffset: number;
  readonly backlogLength: number;
}

export interface LatencySettings {
  readonly tracking: boolean;
  readonly percentiles: readonly number[];
}

const NO_REPLICATION_ID = '0'.repeat(40);

export const DEFAULT_CLIENTS: ClientFacts = {
  connected: 0,
  clusterConnections: 0,
  maxClients: 0,
  maxInputBuffer: 0,
  maxOutputBuffer: 0,
  blocked: 0,
  tracking: 0,
  pubsub: 0,
  watching: 0,
  inTimeoutTable: 0,
  watchedKeys: 0,
  blockingKeys: 0,
  blockingKeysOnNoKey: 0,
};

export const DEFAULT_MEMORY: MemoryFacts = {
  maxMemory: 0,
  maxMemoryPolicy: 'noeviction',
  clientsNormal: 0,
  clientsReplicas: 0,
  clusterLinks: 0,
  aofBuffer: 0,
  replicationBacklog: 0,
  replicationBuffers: 0,
  notCountedForEvict: 0,
  scriptsVm: 0,
  scriptsCached: 0,
  cachedScripts: 0,
  functionsVm: 0,
  functionsCached: 0,
  functions: 0,
  libraries: 0,
};

export const DEFAULT_PERSISTENCE: PersistenceFacts = {
  loading: false,
  asyncLoading: false,
  saveKeysProcessed: 0,
  saveKeysTotal: 0,
  saveCopiedBytes: 0,
  snapshotsBegun: 0,
  lastSnapshotBeginUs: 0,
  lastSaveCopiedBytes: 0,
  bgsaveInProgress: false,
  lastSaveTime: 0,
  lastBgsaveOk: true,
  lastBgsaveSeconds: -1,
  currentBgsaveSeconds: -1,
  saves: 0,
  lastLoadKeysExpired: 0,
  lastLoadKeysLoaded: 0,
  aofEnabled: false,
  aofRewriteInProgress: false,
  aofRewriteScheduled: false,
  aofLastRewriteSeconds: -1,
  aofCurrentRewriteSeconds: -1,
  aofLastRewriteOk: true,
  aofLastRewriteCopiedBytes: 0,
  aofRewrites: 0,
  aofRewriteFailures: 0,
  aofLastWriteOk: true,
  aofCurrentBytes: 0,
  aofBaseBytes: 0,
  aofBufferBytes: 0,
  aofPendingFsyncs: 0,
  aofDelayedFsyncs: 0,
  backup: {
    inProgress: false,
    scheduledInProgress: false,
    scheduledTaken: 0,
    scheduledFailed: 0,
    isLastScheduledOk: true,
    lastScheduledTime: 0,
    nextScheduledTime: 0,
  },
};

export const DEFAULT_TRAFFIC: TrafficFacts = {
  connectionsReceived: 0,
  connectionsRejected: 0,
  netInputBytes: 0,
  netOutputBytes: 0,
  replicationInputBytes: 0,
  replicationOutputBytes: 0,
  readsProcessed: 0,
  writesProcessed: 0,
  evictedClients: 0,
  outputBufferDisconnections: 0,
  replyBufferShrinks: 0,
  replyBufferExpands: 0,
  pubsubChannels: 0,
  pubsubPatterns: 0,
  pubsubShardChannels: 0,
  syncFull: 0,
  syncPartialOk: 0,
  syncPartialErr: 0,
  migrateLinks: 0,
  trackedKeys: 0,
  trackedItems: 0,
  trackedPrefixes: 0,
  deniedAuth: 0,
  deniedCommand: 0,
  deniedKey: 0,
  deniedChannel: 0,
};

export const DEFAULT_REPLICATION: ReplicationFacts = {
  replicationId: NO_REPLICATION_ID,
  secondReplicationId: NO_REPLICATION_ID,
  offset: 0,
  secondOffset: -1,
  backlogActive: false,
  backlogBytes: 1048576,
  backlogFirstOffset: 0,
  backlogLength: 0,
};
