// The sections of INFO and their fields, in Redis's order and with its names. Figures of features
// that do not exist (yet) are what Redis prints while they are off.
//
// Differences from Redis 7.2: `respite_version` after `redis_version`; the fields that 7.4 added to
// clients, memory and stats; the section keysizes of 8.0, which `all` and its own name show, but not
// plain INFO, because counting takes time that grows with the number of keys.

import * as abi from '../../assembly/abi.ts';
import type { Core } from '../core/core.ts';
import { databaseFigures } from '../core/database_figures.ts';
import {
  ALLOCATOR_NAME,
  ARCH_BITS,
  BUILD_ID,
  GIT_DIRTY,
  GIT_SHA1,
  REDIS_VERSION,
  RESPITE_VERSION,
} from '../version.ts';
import {
  commandSections,
  commandsByName,
  type NamedCommand,
  totalCommandMicroseconds,
} from './command_sections.ts';
import {
  type ClientFacts,
  DEFAULT_CLIENTS,
  DEFAULT_PERSISTENCE,
  DEFAULT_REPLICATION,
  DEFAULT_TRAFFIC,
  type LatencySettings,
  type ListenerFacts,
  type LoadProgress,
  type PersistenceFacts,
  type ProcessFacts,
  type ReplicationFacts,
  type ServerFacts,
  type TrafficFacts,
} from './facts.ts';
import type { InfoSection } from './info.ts';
import { humanBytes, type InfoText, ratio, secondsWithMicros, twoDecimals } from './info_text.ts';
import { type KeySizes, keySizesSection } from './key_sizes.ts';
import type { MemoryReporter } from './memory_report.ts';
import type { Metrics } from './metrics.ts';

const SECONDS_PER_DAY = 86400;
const BYTES_PER_KILOBYTE = 1024;
const MS_PER_SECOND = 1000;
const US_PER_MS = 1000;
const LRU_CLOCK_MASK = 0xffffff;

export interface InfoSources {
  readonly core: Core;
  readonly metrics: Metrics;
  readonly memory: MemoryReporter;
  readonly keySizes: KeySizes;
  server(): ServerFacts;
  process(): ProcessFacts;
  clients(): Partial<ClientFacts>;
  traffic(): Partial<TrafficFacts>;
  latency(): LatencySettings;
  persistence?(): Partial<PersistenceFacts>;
  replication?(): Partial<ReplicationFacts>;
}

/** Every section of INFO, in order. A feature that has more to tell replaces its section by name. */
export function infoSections(sources: InfoSources): InfoSection[] {
  const commands = commandsByName(sources.core);
  return [
    serverSection(sources),
    clientsSection(sources),
    memorySection(sources),
    persistenceSection(sources),
    statsSection(sources, commands),
    replicationSection(sources),
    cpuSection(sources),
    { names: ['module_list', 'modules'], title: 'Modules', isDefault: true, write() {} },
    ...commandSections(sources.core, commands, () => sources.latency()),
    clusterSection(sources),
    keyspaceSection(sources),
    keySizesSection(sources.keySizes),
    debugSection(sources),
  ];
}

// --- Server ---

function serverSection(sources: InfoSources): InfoSection {
  return {
    names: ['server'],
    title: 'Server',
    isDefault: true,
    write(info, nowMs) {
      writeServer(info, sources.server(), nowMs);
    },
  };
}

function writeServer(info: InfoText, facts: ServerFacts, nowMs: number): void {
  const uptime = Math.max(
    Math.floor(nowMs / MS_PER_SECOND) - Math.floor(facts.startedAtMs / MS_PER_SECOND),
    0,
  );
  info.fields({
    redis_version: REDIS_VERSION,
    respite_version: RESPITE_VERSION,
    redis_git_sha1: GIT_SHA1,
    redis_git_dirty: GIT_DIRTY,
    redis_build_id: BUILD_ID,
    redis_mode: facts.mode,
    os: facts.os,
    arch_bits: ARCH_BITS,
    monotonic_clock: 'POSIX clock_gettime',
    multiplexing_api: facts.multiplexingApi,
    atomicvar_api: 'none',
    gcc_version: '0.0.0',
    process_id: facts.processId,
    process_supervised: facts.supervised,
    run_id: facts.runId,
    tcp_port: facts.port,
    server_time_usec: nowMs * US_PER_MS,
    uptime_in_seconds: uptime,
    uptime_in_days: Math.floor(uptime / SECONDS_PER_DAY),
    hz: facts.hz,
    configured_hz: facts.configuredHz,
    lru_clock: Math.floor(nowMs / MS_PER_SECOND) & LRU_CLOCK_MASK,
    executable: facts.executable,
    config_file: facts.configFile,
    io_threads_active: 0,
  });
  if (facts.shutdownAtMs !== undefined) {
    info.field('shutdown_in_milliseconds', facts.shutdownAtMs - nowMs);
  }
  for (const [i, listener] of facts.listeners.entries()) {
    info.field(`listener${i}`, listenerText(listener));
  }
}

function listenerText({ name, bind, port }: ListenerFacts): string {
  const parts = [`name=${name}`, ...bind.map((address) => `bind=${address}`)];
  return [...parts, ...(port === 0 ? [] : [`port=${port}`])].join(',');
}

// --- Clients ---

function clientsSection(sources: InfoSources): InfoSection {
  return {
    names: ['clients'],
    title: 'Clients',
    isDefault: true,
    write(info) {
      const facts: ClientFacts = { ...DEFAULT_CLIENTS, ...sources.clients() };
      info.fields({
        connected_clients: facts.connected,
        cluster_connections: facts.clusterConnections,
        maxclients: facts.maxClients,
        client_recent_max_input_buffer: facts.maxInputBuffer,
        client_recent_max_output_buffer: facts.maxOutputBuffer,
        blocked_clients: facts.blocked,
        tracking_clients: facts.tracking,
        pubsub_clients: facts.pubsub,
        watching_clients: facts.watching,
        clients_in_timeout_table: facts.inTimeoutTable,
        total_watched_keys: facts.watchedKeys,
        total_blocking_keys: facts.blockingKeys,
        total_blocking_keys_on_nokey: facts.blockingKeysOnNoKey,
      });
    },
  };
}

// --- Memory ---

function memorySection(sources: InfoSources): InfoSection {
  return {
    names: ['memory'],
    title: 'Memory',
    isDefault: true,
    write(info) {
      writeMemory(info, sources);
    },
  };
}

function writeMemory(info: InfoText, { core, memory }: InfoSources): void {
  const report = memory.report();
  const { facts } = report;
  const vm = facts.scriptsVm + facts.functionsVm;
  const scripts = facts.scriptsCached + facts.functionsCached;
  info.fields({
    used_memory: report.used,
    used_memory_human: humanBytes(report.used),
    used_memory_rss: report.rss,
    used_memory_rss_human: humanBytes(report.rss),
    used_memory_peak: report.peak,
    used_memory_peak_human: humanBytes(report.peak),
    used_memory_peak_perc: `${twoDecimals(report.peakPercent)}%`,
    used_memory_overhead: report.overhead,
    used_memory_startup: report.startup,
    used_memory_dataset: report.dataset,
    used_memory_dataset_perc: `${twoDecimals(report.datasetPercent)}%`,
    allocator_allocated: report.allocated,
    allocator_active: report.active,
    allocator_resident: report.resident,
    total_system_memory: report.system,
    total_system_memory_human: humanBytes(report.system),
    used_memory_lua: facts.scriptsVm,
    used_memory_vm_eval: facts.scriptsVm,
    used_memory_lua_human: humanBytes(facts.scriptsVm),
    used_memory_scripts_eval: facts.scriptsCached,
    number_of_cached_scripts: facts.cachedScripts,
    number_of_functions: facts.functions,
    number_of_libraries: facts.libraries,
    used_memory_vm_functions: facts.functionsVm,
    used_memory_vm_total: vm,
    used_memory_vm_total_human: humanBytes(vm),
    used_memory_functions: facts.functionsCached,
    used_memory_scripts: scripts,
    used_memory_scripts_human: humanBytes(scripts),
    maxmemory: facts.maxMemory,
    maxmemory_human: humanBytes(facts.maxMemory),
    maxmemory_policy: facts.maxMemoryPolicy,
    allocator_frag_ratio: twoDecimals(report.allocatorFragmentation),
    allocator_frag_bytes: report.allocatorFragmentationBytes,
    allocator_rss_ratio: twoDecimals(report.allocatorRss),
    allocator_rss_bytes: report.allocatorRssBytes,
    rss_overhead_ratio: twoDecimals(report.rssOverhead),
    rss_overhead_bytes: report.rssOverheadBytes,
    mem_fragmentation_ratio: twoDecimals(report.fragmentation),
    mem_fragmentation_bytes: report.fragmentationBytes,
    mem_not_counted_for_evict: facts.notCountedForEvict,
    mem_replication_backlog: facts.replicationBacklog,
    mem_total_replication_buffers: facts.replicationBuffers,
    mem_clients_slaves: facts.clientsReplicas,
    mem_clients_normal: facts.clientsNormal,
    mem_cluster_links: facts.clusterLinks,
    mem_aof_buffer: facts.aofBuffer,
    mem_allocator: ALLOCATOR_NAME,
    mem_overhead_db_hashtable_rehashing: 0,
    active_defrag_running: 0,
    lazyfree_pending_objects: core.stat(abi.STAT_LAZYFREE_PENDING),
    lazyfreed_objects: core.stat(abi.STAT_LAZYFREED),
  });
}

// --- Persistence ---

function persistenceSection(sources: InfoSources): InfoSection {
  return {
    names: ['persistence'],
    title: 'Persistence',
    isDefault: true,
    write(info) {
      const lastSaveTime = sources.server().startedAtMs / MS_PER_SECOND;
      const facts: PersistenceFacts = {
        ...DEFAULT_PERSISTENCE,
        lastSaveTime,
        ...sources.persistence?.(),
      };
      writePersistence(info, facts, sources.core.stat(abi.STAT_DIRTY));
      if (facts.aofEnabled) writeAof(info, facts);
      if (facts.load) writeLoading(info, facts.load);
    },
  };
}

function writePersistence(info: InfoText, facts: PersistenceFacts, dirty: number): void {
  const percent = ratio(facts.saveKeysProcessed * 100, facts.saveKeysTotal);
  info.fields({
    loading: facts.loading,
    async_loading: facts.asyncLoading,
    current_cow_peak: facts.saveCopiedBytes,
    current_cow_size: facts.saveCopiedBytes,
    current_cow_size_age: 0,
    current_fork_perc: twoDecimals(percent),
    current_save_keys_processed: facts.saveKeysProcessed,
    current_save_keys_total: facts.saveKeysTotal,
    rdb_changes_since_last_save: dirty,
    rdb_bgsave_in_progress: facts.bgsaveInProgress,
    rdb_last_save_time: facts.lastSaveTime,
    rdb_last_bgsave_status: okOrErr(facts.lastBgsaveOk),
    rdb_last_bgsave_time_sec: facts.lastBgsaveSeconds,
    rdb_current_bgsave_time_sec: facts.currentBgsaveSeconds,
    rdb_saves: facts.saves,
    rdb_last_cow_size: facts.lastSaveCopiedBytes,
    rdb_last_load_keys_expired: facts.lastLoadKeysExpired,
    rdb_last_load_keys_loaded: facts.lastLoadKeysLoaded,
    aof_enabled: facts.aofEnabled,
    aof_rewrite_in_progress: facts.aofRewriteInProgress,
    aof_rewrite_scheduled: facts.aofRewriteScheduled,
    aof_last_rewrite_time_sec: facts.aofLastRewriteSeconds,
    aof_current_rewrite_time_sec: facts.aofCurrentRewriteSeconds,
    aof_last_bgrewrite_status: okOrErr(facts.aofLastRewriteOk),
    aof_rewrites: facts.aofRewrites,
    aof_rewrites_consecutive_failures: facts.aofRewriteFailures,
    aof_last_write_status: okOrErr(facts.aofLastWriteOk),
    aof_last_cow_size: facts.aofLastRewriteCopiedBytes,
    module_fork_in_progress: 0,
    module_fork_last_cow_size: 0,
    backup_in_progress: facts.backup.inProgress,
    scheduled_backup_in_progress: facts.backup.scheduledInProgress,
    scheduled_backups: facts.backup.scheduledTaken,
    scheduled_backup_failures: facts.backup.scheduledFailed,
    scheduled_backup_last_status: okOrErr(facts.backup.isLastScheduledOk),
    scheduled_backup_last_time: facts.backup.lastScheduledTime,
    scheduled_backup_next_time: facts.backup.nextScheduledTime,
  });
}

function okOrErr(isOk: boolean): string {
  return isOk ? 'ok' : 'err';
}

function writeAof(info: InfoText, facts: PersistenceFacts): void {
  info.fields({
    aof_current_size: facts.aofCurrentBytes,
    aof_base_size: facts.aofBaseBytes,
    aof_pending_rewrite: facts.aofRewriteScheduled,
    aof_buffer_length: facts.aofBufferBytes,
    aof_pending_bio_fsync: facts.aofPendingFsyncs,
    aof_delayed_fsync: facts.aofDelayedFsyncs,
  });
}

function writeLoading(info: InfoText, load: LoadProgress): void {
  info.fields({
    loading_start_time: load.startTime,
    loading_total_bytes: load.totalBytes,
    loading_rdb_used_mem: load.usedMemoryBytes,
    loading_loaded_bytes: load.loadedBytes,
    loading_loaded_perc: twoDecimals(ratio(load.loadedBytes * 100, load.totalBytes)),
    loading_eta_seconds: load.etaSeconds,
  });
}

// --- Stats ---

function statsSection(sources: InfoSources, commands: readonly NamedCommand[]): InfoSection {
  return {
    names: ['stats'],
    title: 'Stats',
    isDefault: true,
    write(info) {
      const facts: TrafficFacts = { ...DEFAULT_TRAFFIC, ...sources.traffic() };
      writeTraffic(info, sources, facts);
      writeKeyspaceStats(info, sources, facts);
      writeLoopStats(info, sources, facts, totalCommandMicroseconds(sources.core, commands));
    },
  };
}

function kilobytes(bytes: number): string {
  return twoDecimals(bytes / BYTES_PER_KILOBYTE);
}

function writeTraffic(info: InfoText, sources: InfoSources, facts: TrafficFacts): void {
  const { core, metrics } = sources;
  info.fields({
    total_connections_received: facts.connectionsReceived,
    total_commands_processed: core.stat(abi.STAT_COMMANDS),
    instantaneous_ops_per_sec: metrics.opsPerSecond,
    total_net_input_bytes: facts.netInputBytes + facts.replicationInputBytes,
    total_net_output_bytes: facts.netOutputBytes + facts.replicationOutputBytes,
    total_net_repl_input_bytes: facts.replicationInputBytes,
    total_net_repl_output_bytes: facts.replicationOutputBytes,
    instantaneous_input_kbps: kilobytes(metrics.inputBytesPerSecond),
    instantaneous_output_kbps: kilobytes(metrics.outputBytesPerSecond),
    instantaneous_input_repl_kbps: kilobytes(metrics.replicationInputBytesPerSecond),
    instantaneous_output_repl_kbps: kilobytes(metrics.replicationOutputBytesPerSecond),
    rejected_connections: facts.connectionsRejected,
    sync_full: facts.syncFull,
    sync_partial_ok: facts.syncPartialOk,
    sync_partial_err: facts.syncPartialErr,
  });
}

/** How long memory has been over the limit without a break, in milliseconds. */
function currentEvictionMs(core: Core): number {
  const started = core.stat(abi.STAT_EVICTION_STARTED_US);
  return started === 0 ? 0 : Math.max(core.clockUs() - started, 0) / US_PER_MS;
}

function writeKeyspaceStats(info: InfoText, sources: InfoSources, facts: TrafficFacts): void {
  const { core } = sources;
  const { lastSnapshotBeginUs, snapshotsBegun } = {
    ...DEFAULT_PERSISTENCE,
    ...sources.persistence?.(),
  };
  const exceededMs = currentEvictionMs(core);
  info.fields({
    expired_subkeys: core.stat(abi.STAT_EXPIRED_SUBKEYS),
    expired_keys: core.stat(abi.STAT_EXPIRED_KEYS),
    expired_stale_perc: twoDecimals(core.stat(abi.STAT_EXPIRED_STALE_PERCENT)),
    expired_time_cap_reached_count: core.stat(abi.STAT_EXPIRED_TIME_CAP),
    expire_cycle_cpu_milliseconds: core.stat(abi.STAT_EXPIRE_CYCLE_US) / US_PER_MS,
    evicted_keys: core.stat(abi.STAT_EVICTED_KEYS),
    evicted_clients: facts.evictedClients,
    evicted_scripts: 0,
    total_eviction_exceeded_time: core.stat(abi.STAT_EVICT_EXCEEDED_US) / US_PER_MS + exceededMs,
    current_eviction_exceeded_time: exceededMs,
    keyspace_hits: core.stat(abi.STAT_KEYSPACE_HITS),
    keyspace_misses: core.stat(abi.STAT_KEYSPACE_MISSES),
    pubsub_channels: facts.pubsubChannels,
    pubsub_patterns: facts.pubsubPatterns,
    pubsubshard_channels: facts.pubsubShardChannels,
    latest_fork_usec: lastSnapshotBeginUs,
    total_forks: snapshotsBegun,
    migrate_cached_sockets: facts.migrateLinks,
    slave_expires_tracked_keys: 0,
    active_defrag_hits: 0,
    active_defrag_misses: 0,
    active_defrag_key_hits: 0,
    active_defrag_key_misses: 0,
    total_active_defrag_time: 0,
    current_active_defrag_time: 0,
    tracking_total_keys: facts.trackedKeys,
    tracking_total_items: facts.trackedItems,
    tracking_total_prefixes: facts.trackedPrefixes,
    unexpected_error_replies: core.stat(abi.STAT_UNEXPECTED_ERRORS),
    total_error_replies: core.stat(abi.STAT_ERROR_REPLIES),
    dump_payload_sanitizations: core.stat(abi.STAT_DUMP_SANITIZATIONS),
  });
}

function writeLoopStats(
  info: InfoText,
  sources: InfoSources,
  facts: TrafficFacts,
  commandUs: number,
): void {
  const { core, metrics } = sources;
  const loop = metrics.loop();
  info.fields({
    total_reads_processed: facts.readsProcessed,
    total_writes_processed: facts.writesProcessed,
    io_threaded_reads_processed: 0,
    io_threaded_writes_processed: 0,
    client_query_buffer_limit_disconnections: core.stat(abi.STAT_QUERYBUF_DISCONNECTS),
    client_output_buffer_limit_disconnections: facts.outputBufferDisconnections,
    reply_buffer_shrinks: facts.replyBufferShrinks,
    reply_buffer_expands: facts.replyBufferExpands,
    eventloop_cycles: loop.cycles,
    eventloop_duration_sum: loop.activeUs,
    eventloop_duration_cmd_sum: commandUs,
    instantaneous_eventloop_cycles_per_sec: metrics.loopCyclesPerSecond,
    instantaneous_eventloop_duration_usec: metrics.loopDurationUs,
    acl_access_denied_auth: facts.deniedAuth,
    acl_access_denied_cmd: facts.deniedCommand,
    acl_access_denied_key: facts.deniedKey,
    acl_access_denied_channel: facts.deniedChannel,
  });
}

// --- Replication ---

function replicationSection(sources: InfoSources): InfoSection {
  return {
    names: ['replication'],
    title: 'Replication',
    isDefault: true,
    write(info) {
      const facts: ReplicationFacts = { ...DEFAULT_REPLICATION, ...sources.replication?.() };
      info.fields({
        role: 'master',
        connected_slaves: 0,
        master_failover_state: 'no-failover',
        master_replid: facts.replicationId,
        master_replid2: facts.secondReplicationId,
        master_repl_offset: facts.offset,
        second_repl_offset: facts.secondOffset,
        repl_backlog_active: facts.backlogActive,
        repl_backlog_size: facts.backlogBytes,
        repl_backlog_first_byte_offset: facts.backlogFirstOffset,
        repl_backlog_histlen: facts.backlogLength,
      });
    },
  };
}

// --- CPU ---

function cpuSection(sources: InfoSources): InfoSection {
  return {
    names: ['cpu'],
    title: 'CPU',
    isDefault: true,
    write(info) {
      const facts = sources.process();
      info.fields({
        used_cpu_sys: secondsWithMicros(facts.systemCpuUs),
        used_cpu_user: secondsWithMicros(facts.userCpuUs),
        used_cpu_sys_children: secondsWithMicros(0),
        used_cpu_user_children: secondsWithMicros(0),
      });
      if (facts.mainThread === undefined) return;
      info.fields({
        used_cpu_sys_main_thread: secondsWithMicros(facts.mainThread.systemCpuUs),
        used_cpu_user_main_thread: secondsWithMicros(facts.mainThread.userCpuUs),
      });
    },
  };
}

// --- Cluster, keyspace, debug ---

function clusterSection(sources: InfoSources): InfoSection {
  return {
    names: ['cluster'],
    title: 'Cluster',
    isDefault: true,
    write(info) {
      info.field('cluster_enabled', sources.server().mode === 'cluster');
    },
  };
}

function keyspaceSection({ core }: InfoSources): InfoSection {
  return {
    names: ['keyspace'],
    title: 'Keyspace',
    isDefault: true,
    write(info) {
      for (const { index, keys, expires, averageTtlMs, subexpiry } of databaseFigures(core)) {
        const averageTtl = Math.trunc(averageTtlMs);
        const ofKeys = `keys=${keys},expires=${expires},avg_ttl=${averageTtl}`;
        info.field(`db${index}`, `${ofKeys},subexpiry=${subexpiry}`);
      }
    },
  };
}

function debugSection({ metrics }: InfoSources): InfoSection {
  return {
    names: ['debug'],
    title: 'Debug',
    isHidden: true,
    write(info) {
      const { cronUs, durationMaxUs, commandsPerCycleMax } = metrics.loop();
      info.fields({
        eventloop_duration_aof_sum: 0,
        eventloop_duration_cron_sum: cronUs,
        eventloop_duration_max: durationMaxUs,
        eventloop_cmd_per_cycle_max: commandsPerCycleMax,
      });
    },
  };
}
