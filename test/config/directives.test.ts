import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { DIRECTIVES, describeDirectives, findDirective } from '../../src/config/directives.ts';
import { ConfigHarness, hasOracle, Oracle, pairsOf, parseReply } from './oracle.ts';

/** Names that Redis 7.2's own test suite sets, gets or starts servers with. */
const NAMES_IN_SUITE = `
acl-pubsub-default aclfile acllog-max-len active-defrag-cycle-max active-defrag-cycle-min
active-defrag-ignore-bytes active-defrag-max-scan-fields active-defrag-threshold-lower activedefrag
activerehashing always-show-logo aof-disable-auto-gc aof-load-truncated aof-timestamp-enabled
aof-use-rdb-preamble appenddirname appendfilename appendfsync appendonly auto-aof-rewrite-min-size
auto-aof-rewrite-percentage bind bind-source-addr busy-reply-threshold client-default-resp
client-output-buffer-limit client-query-buffer-limit cluster-allow-replica-migration
cluster-announce-bus-port cluster-announce-hostname cluster-announce-human-nodename
cluster-announce-port cluster-announce-tls-port cluster-config-file cluster-enabled
cluster-link-sendbuf-limit cluster-node-timeout cluster-ping-interval cluster-port
cluster-preferred-endpoint-type cluster-replica-no-failover cluster-slave-no-failover
cluster-slave-validity-factor crash-memcheck-enabled daemonize databases dbfilename dir disable-thp
dynamic-hz enable-debug-command enable-module-command enable-protected-configs
hash-max-listpack-entries hash-max-listpack-value hash-max-ziplist-entries hash-max-ziplist-value
hide-user-data-from-log hll-sparse-max-bytes hz io-threads io-threads-do-reads key-load-delay
latency-monitor-threshold latency-tracking latency-tracking-info-percentiles
lazyfree-lazy-server-del list-compress-depth list-max-listpack-size list-max-ziplist-size
loading-process-events-interval-bytes logfile loglevel lua-time-limit masterauth masteruser
maxclients maxmemory maxmemory-clients maxmemory-eviction-tenacity maxmemory-policy
maxmemory-samples min-replicas-to-write min-slaves-max-lag min-slaves-to-write
no-appendfsync-on-rewrite notify-keyspace-events oom-score-adj oom-score-adj-values pidfile port
proc-title-template propagation-error-behavior protected-mode proto-max-bulk-len rdb-del-sync-files
rdb-key-save-delay rdbchecksum rdbcompression repl-backlog-size repl-backlog-ttl repl-diskless-load
repl-diskless-sync repl-diskless-sync-delay repl-diskless-sync-max-replicas
repl-ping-replica-period repl-timeout replica-announce-ip replica-announced replica-lazy-flush
replica-priority replica-read-only replica-serve-stale-data replicaof req-res-logfile requirepass
sanitize-dump-payload save set-max-intset-entries set-max-listpack-entries set-max-listpack-value
set-proc-title shutdown-on-sigint shutdown-on-sigterm shutdown-timeout slave-read-only
slave-serve-stale-data slaveof slowlog-log-slower-than slowlog-max-len socket-mark-id
stream-node-max-bytes stream-node-max-entries supervised syslog-enabled syslog-facility
syslog-ident tcp-backlog timeout tls-auth-clients tls-ca-cert-dir tls-ca-cert-file tls-cert-file
tls-ciphers tls-ciphersuites tls-client-cert-file tls-client-key-file tls-client-key-file-pass
tls-cluster tls-dh-params-file tls-key-file tls-key-file-pass tls-port tls-prefer-server-ciphers
tls-protocols tls-replication tls-session-cache-size tls-session-cache-timeout tls-session-caching
tracking-table-max-keys unixsocket unixsocketperm use-exit-on-panic watchdog-period
zset-max-listpack-entries zset-max-ziplist-entries zset-max-ziplist-value
`
  .trim()
  .split(/\s+/);

const ADDED_SINCE_7_0 = [
  'backup-sealed-ttl',
  'backupdirname',
  'cluster-announce-human-nodename',
  'locale-collate',
  'set-max-listpack-entries',
  'set-max-listpack-value',
  'stream-idmp-duration',
  'stream-idmp-maxsize',
];

/** Directives that Redis does not have. */
const OUR_OWN: string[] = ['backup-dir', 'backup-keep', 'backup-schedule'];

/** Shown by CONFIG GET * in 7.0 and hidden since 7.2. */
const HIDDEN_IN_7_2 = ['aof-disable-auto-gc'];

describe('the table of directives', () => {
  it('holds every directive that the test suite of Redis names', () => {
    expect(NAMES_IN_SUITE.filter((name) => findDirective(name) === undefined)).toEqual([]);
  });

  it('uses each name once', () => {
    const names = DIRECTIVES.flatMap(({ name, alias }) => (alias ? [name, alias] : [name]));
    expect(new Set(names).size).toBe(names.length);
  });

  it('finds a directive by alias and without regard to case', () => {
    expect(findDirective('Slave-Read-Only')?.directive.name).toBe('replica-read-only');
    expect(findDirective('MAXMEMORY')?.directive.name).toBe('maxmemory');
    expect(findDirective('max')).toBeUndefined();
  });

  it('describes every directive for the documentation', () => {
    const all = describeDirectives();
    expect(all.length).toBe(DIRECTIVES.length);
    for (const { name, summary, accepts } of all) {
      expect(summary, name).toMatch(/^[A-Z].*[^.]$/);
      expect(accepts, name).not.toBe('');
    }
    expect(all.find(({ name }) => name === 'port')).toEqual({
      name: 'port',
      alias: null,
      area: 'network',
      accepts: '0 to 65535',
      default: '6379',
      settable: true,
      hidden: false,
      summary: 'TCP port to listen on; 0 listens on none',
    });
  });

  it('gives every default in a form that the directive itself accepts', () => {
    const { config } = new ConfigHarness();
    for (const directive of DIRECTIVES) {
      if (directive.name === 'replicaof' || directive.name === 'dir') continue;
      const text = config.print(directive);
      const multi = 'multi' in directive;
      const handle = findDirective(directive.name)!;
      const args = multi ? text.split(' ').filter((word) => word !== '') : [text];
      expect(config.load(handle, args, { saveSeen: false }), directive.name).toBeUndefined();
      expect(config.print(directive), directive.name).toBe(text);
    }
  });
});

describe.skipIf(!hasOracle)('the table of directives against redis-server', () => {
  let oracle: Oracle;
  beforeAll(async () => {
    oracle = await Oracle.start();
  });
  afterAll(() => oracle.stop());

  it('shows the same names and defaults', async () => {
    const theirs = pairsOf(parseReply(await oracle.send('config', 'get', '*'))!.value);
    const ours = pairsOf(new ConfigHarness().run('get', '*'));
    const additions = [...ADDED_SINCE_7_0, ...OUR_OWN];
    for (const name of additions) expect(theirs[name], name).toBeUndefined();
    const expected = Object.keys(theirs).filter((name) => !HIDDEN_IN_7_2.includes(name));
    expect(Object.keys(ours).sort()).toEqual([...expected, ...additions].sort());
    for (const name of ['dir', 'port', 'bind', ...HIDDEN_IN_7_2]) {
      delete theirs[name];
      delete ours[name];
    }
    for (const name of additions) delete ours[name];
    expect(ours).toEqual(theirs);
  });

  it('has the same immutable directives', async () => {
    const harness = new ConfigHarness();
    for (const { name } of DIRECTIVES.filter((directive) => directive.immutable)) {
      const theirs = parseReply(await oracle.send('config', 'set', name, 'x'))!.value as Error;
      if (theirs.message.startsWith('ERR Unknown option')) {
        expect(['backupdirname', 'client-default-resp', 'req-res-logfile', 'transport']).toContain(
          name,
        );
        continue;
      }
      expect(harness.error('set', name, 'x')).toBe(theirs.message);
    }
  });
});
