#!/usr/bin/env node
// respite-server: command line, configuration, process-wide things (signals, pid file, title), then
// the server. The process it starts in is the process that serves, unless it is to be a daemon.

import { rmSync, writeFileSync } from 'node:fs';
import { constants } from 'node:os';
import { basename, resolve } from 'node:path';
import { allCommands } from '../commands/index.ts';
import { fromByteText, toByteText } from '../config/byte_text.ts';
import { parseCommandLine, type ServeAction } from '../config/command_line.ts';
import { Config } from '../config/config.ts';
import {
  nodeConfigFiles,
  processDirectory,
  readStandardInput,
  rewriteConfigFile,
} from '../config/config_files.node.ts';
import { ConfigLoadError, type LoadedExtras, loadConfig } from '../config/parse.ts';
import { expandProcTitle } from '../config/proc_title.ts';
import { loadCoreModule } from '../core/load.node.ts';
import { createLogSink } from '../log.node.ts';
import { Logger, type LogThreshold } from '../log.ts';
import { endAfterCrash } from '../monitor/crash_exit.node.ts';
import { shutdownRequest } from '../monitor/shutdown.ts';
import { ListenError } from '../net/listener.ts';
import { Server } from '../server.ts';
import { BUILD_ID, REDIS_VERSION, RESPITE_VERSION } from '../version.ts';
import { becomeDaemon, DAEMON_PID_FILE, isDaemon, runsInBackground } from './daemon.ts';

const logger = new Logger({ pid: process.pid, sink: createLogSink('') });

function fail(message: string): never {
  logger.warning(message);
  process.exit(1);
}

/** The configuration of this start; ends the process with Redis's report when it is unusable. */
function readConfig(action: ServeAction, config: Config, stdin: string | null): LoadedExtras {
  const names = new Set(allCommands().map((command) => command.fullName));
  try {
    return loadConfig(
      config,
      {
        file: action.configFile,
        stdin,
        options: action.options,
      },
      {
        files: nodeConfigFiles,
        log: (level, text) => logger.log(level, text),
        hasCommand: (name) => names.has(name),
        sentinelMode: action.sentinelMode,
      },
    );
  } catch (error) {
    if (!(error instanceof ConfigLoadError)) throw error;
    if (error.report === null) fail(error.message);
    process.stderr.write(error.report);
    process.exit(error.exitCode);
  }
}

function setTitle(config: Config, configFile: string | null): undefined {
  if (!config.get('set-proc-title')) return;
  const bind = config.get('bind')[0] ?? '*';
  const title = expandProcTitle(config.get('proc-title-template'), {
    title: process.argv[1] ?? 'respite-server',
    'listen-addr': `${bind.replace(/^-/, '')}:${config.get('port')}`,
    'server-mode': '',
    'config-file': configFile ?? '',
    port: String(config.get('port')),
    'tls-port': String(config.get('tls-port')),
    unixsocket: config.get('unixsocket'),
  });
  if (title !== null) process.title = title;
}

/**
 * SIGTERM and SIGINT shut down as SHUTDOWN does, the way their directives say; a SIGINT during that
 * does not wait for anything.
 */
function handleSignals(server: Server, config: Config): void {
  let isSignalled = false;
  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    process.on(signal, () => {
      if (signal === 'SIGINT' && isSignalled) {
        logger.warning('You insist... exiting now.');
        server.exitNow();
        return;
      }
      const isLoading = server.persistence.isLoading;
      logger.warning(
        isLoading
          ? 'Received shutdown signal during loading, scheduling shutdown.'
          : `Received ${signal} scheduling shutdown...`,
      );
      isSignalled = true;
      const words = signal === 'SIGINT' ? 'shutdown-on-sigint' : 'shutdown-on-sigterm';
      void server.shutdown(shutdownRequest(config.get(words))).then(() => {
        isSignalled = false;
      });
    });
  }
  process.on('SIGHUP', () => {});
  for (const signal of ['SIGABRT', 'SIGBUS', 'SIGFPE', 'SIGILL'] as const) {
    process.on(signal, () => {
      server.crash({ kind: 'signal', signal, number: constants.signals[signal] });
    });
  }
}

async function serve(action: ServeAction): Promise<void> {
  const config = new Config({
    directory: processDirectory,
    log: (level, text) => logger.log(level, text),
  });
  const configFile = action.configFile === null ? null : resolve(fromByteText(action.configFile));
  const stdin = action.readStdin ? readStandardInput() : null;
  const extras = readConfig(action, config, stdin);
  const inBackground = runsInBackground({
    daemonize: config.get('daemonize'),
    supervised: config.get('supervised') as string,
  });
  if (inBackground && !isDaemon()) {
    const reason = await becomeDaemon(stdin === null ? null : Buffer.from(stdin, 'latin1'));
    fail(`Can't run in the background: ${reason}`);
  }
  const applyLog = () => {
    logger.threshold = config.get('loglevel') as LogThreshold;
    return undefined;
  };
  applyLog();
  config.subscribe('loglevel', applyLog);
  if (config.get('logfile') !== '') logger.sink = createLogSink(config.get('logfile'));
  logger.notice('oO0OoO0OoO0Oo Respite is starting oO0OoO0OoO0Oo');
  logger.notice(
    `Respite version=${RESPITE_VERSION}, Redis version=${REDIS_VERSION}, build=${BUILD_ID}, pid=${process.pid}, just started`,
  );
  logger.notice(
    configFile === null && action.options === null
      ? `Warning: no config file specified, using the default config. In order to specify a config file use ${basename(process.argv[1] ?? 'respite-server')} /path/to/redis.conf`
      : 'Configuration loaded',
  );
  const applyTitle = () => {
    setTitle(config, configFile);
    return undefined;
  };
  applyTitle();
  config.subscribe(['proc-title-template', 'port', 'tls-port', 'bind'], applyTitle);
  const pidFile = config.get('pidfile') || (inBackground ? DAEMON_PID_FILE : '');
  const server = new Server({
    config,
    extras,
    logger,
    module: loadCoreModule(),
    pid: process.pid,
    stdoutIsTerminal: process.stdout.isTTY === true,
    executable: process.argv[1] ?? process.execPath,
    configFile: configFile ?? '',
    ...(configFile === null
      ? {}
      : { rewriteFile: (options) => rewriteConfigFile(config, configFile, options) }),
    restart: () => logger.warning('A restart is not possible here'),
    endAfterCrash,
    removePidFile: () => {
      if (pidFile !== '') rmSync(pidFile, { force: true });
      return pidFile !== '';
    },
    exit: (code) => process.exit(code),
  });
  try {
    await server.listen();
  } catch (error) {
    if (error instanceof ListenError) fail(error.message);
    throw error;
  }
  if (pidFile !== '') {
    try {
      writeFileSync(pidFile, `${process.pid}\n`);
    } catch (error) {
      logger.warning(`Failed to write PID file: ${(error as Error).message}`);
    }
  }
  handleSignals(server, config);
  await server.load();
}

const action = parseCommandLine(process.argv.slice(2), basename(process.argv[1] ?? ''));
switch (action.kind) {
  case 'print':
    process.stdout.write(action.stdout);
    process.stderr.write(action.stderr);
    process.exitCode = action.exitCode;
    break;
  case 'serve':
    await serve(action);
    break;
  default:
    process.stdout.write(
      `${toByteText(action.kind)} is not needed here: the engine checks its own memory\n`,
    );
}
