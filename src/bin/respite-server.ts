#!/usr/bin/env node
// respite-server: command line, configuration, process-wide things (signals, pid file, title), then
// the server. The process it starts in is the process that serves.

import { rmSync, writeFileSync } from 'node:fs';
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
import type { CoreCrash } from '../engine.ts';
import { createLogSink } from '../log.node.ts';
import { Logger, type LogThreshold } from '../log.ts';
import type { CrashCause } from '../monitor/crash_cause.ts';
import { ListenError } from '../net/listener.ts';
import { Server } from '../server.ts';
import { BUILD_ID, REDIS_VERSION, RESPITE_VERSION } from '../version.ts';

const logger = new Logger({ pid: process.pid, sink: createLogSink('') });

function fail(message: string): never {
  logger.warning(message);
  process.exit(1);
}

/** The configuration of this start; ends the process with Redis's report when it is unusable. */
function readConfig(action: ServeAction, config: Config): LoadedExtras {
  const names = new Set(allCommands().map((command) => command.fullName));
  try {
    return loadConfig(
      config,
      {
        file: action.configFile,
        stdin: action.readStdin ? readStandardInput() : null,
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

function setTitle(config: Config, configFile: string | null): void {
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

/** Writes the report that names what went wrong, then ends the process as a crash would. */
function endWithReport(headline: string, details: string): never {
  logger.raw('warning', '\n\n=== REDIS BUG REPORT START: Cut & paste starting from here ===\n');
  logger.warning(`Respite ${RESPITE_VERSION} ${headline}`);
  logger.raw('warning', `${details}\n=== REDIS BUG REPORT END. ===\n`);
  process.exit(1);
}

function onCrash(crash: CoreCrash): void {
  const cause = crash.cause instanceof Error ? crash.cause.stack : undefined;
  endWithReport(`crashed in '${crash.command}' at ${crash.place}`, cause ?? String(crash.stack));
}

function reportCrash(cause: CrashCause): never {
  switch (cause.kind) {
    case 'signal':
      return endWithReport(`crashed by signal: ${cause.number}`, cause.signal);
    case 'assertion':
      return endWithReport(
        `=== ASSERTION FAILED ===`,
        `==> ${cause.place} '${cause.expression}' is not true`,
      );
    case 'trap':
      return endWithReport(`crashed by a trap of the engine`, cause.message);
    default:
      return endWithReport(
        '------------------------------------------------',
        `!!! Software Failure. Press left mouse button to continue\nGuru Meditation: ${cause.message} #${cause.place}`,
      );
  }
}

/** Ends the process on SIGTERM and SIGINT, as shutdown does. */
function handleSignals(server: Server, cleanUp: () => void): void {
  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    process.on(signal, () => {
      logger.notice(`Received ${signal} scheduling shutdown...`);
      logger.notice('User requested shutdown...');
      server.stop();
      cleanUp();
      logger.notice('Respite is now ready to exit, bye bye...');
      process.exit(0);
    });
  }
  process.on('SIGHUP', () => {});
}

async function serve(action: ServeAction): Promise<void> {
  const config = new Config({
    directory: processDirectory,
    log: (level, text) => logger.log(level, text),
  });
  const configFile = action.configFile === null ? null : resolve(fromByteText(action.configFile));
  const extras = readConfig(action, config);
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
  setTitle(config, configFile);
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
    crash: reportCrash,
    restart: () => logger.warning('A restart is not possible here'),
    onCrash,
  });
  const pidFile = config.get('pidfile');
  const cleanUp = () => {
    if (pidFile !== '') rmSync(pidFile, { force: true });
  };
  try {
    await server.start();
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
  handleSignals(server, cleanUp);
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
