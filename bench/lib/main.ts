// What every benchmark program does: read the options, find the servers, measure the sections, write
// the results. Exit codes: 0 measured, 1 something was refused or failed, 2 wrong usage.

import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { renderSvg } from '../plot.ts';
import { ALL_TESTS } from './all_tests.ts';
import { measureInProcess } from './in_process.ts';
import { openBatchTarget } from './in_process_target.ts';
import { loadGeneratorPath } from './load_generator.ts';
import { describeCommit, describeMachine } from './machine.ts';
import { DATASETS, measureMemory } from './memory.ts';
import { type Options, parseOptions, type Section, USAGE, UsageError } from './options.ts';
import { findOnPath, firstLine, REPOSITORY } from './processes.ts';
import { renderMarkdown, replaceInReadme } from './report.ts';
import { RESULTS_VERSION, type Results, type ServerInfo, type Settings } from './results.ts';
import { measureStalls } from './stall.ts';
import { measureThroughput } from './throughput.ts';

const IN_PROCESS_BATCH = 64;
const IN_PROCESS_SEED = 20_240_601;

/** Runs the program with the process's arguments; `sections` are measured unless told otherwise. */
export async function main(sections: readonly Section[]): Promise<void> {
  try {
    const options = parseOptions(process.argv.slice(2), sections);
    if (options === null) {
      process.stdout.write(USAGE);
      return;
    }
    process.exitCode = await run(options);
  } catch (error) {
    const usage = error instanceof UsageError;
    process.stderr.write(`bench: ${usage ? error.message : describeFailure(error)}\n`);
    if (usage) process.stderr.write('Try --help.\n');
    process.exitCode = usage ? 2 : 1;
  }
}

function describeFailure(error: unknown): string {
  if (!(error instanceof Error)) return `${error}`;
  return error.cause instanceof Error ? `${error.message} (${error.cause.message})` : error.message;
}

async function run(options: Options): Promise<number> {
  const startedAtMs = Date.now();
  const needsServers = options.sections.some((section) => section !== 'in_process');
  const servers = needsServers ? findServers(options) : [];
  const settings: Settings = {
    clients: options.clients,
    keyspace: options.keyspace,
    dataSizeBytes: options.dataSizeBytes,
    rounds: options.rounds,
    durationSeconds: options.durationSeconds,
    persistence: options.persistence,
    preload: options.preload,
  };
  const results: Results = {
    version: RESULTS_VERSION,
    startedAt: new Date(startedAtMs).toISOString(),
    seconds: 0,
    commit: describeCommit(),
    machine: describeMachine(),
    settings,
    servers,
    throughput: [],
    memory: [],
    stall: [],
    inProcess: [],
  };
  await measure(options, results);
  results.seconds = (Date.now() - startedAtMs) / 1000;
  writeOutputs(options, results);
  const rows = [...results.throughput, ...results.memory, ...results.stall];
  const refused = rows.filter((row) => row.refused !== undefined);
  if (refused.length > 0) process.stderr.write(`bench: ${refused.length} results were refused\n`);
  return refused.length > 0 ? 1 : 0;
}

async function measure(options: Options, results: Results): Promise<void> {
  const { servers, settings } = results;
  const directives = persistenceDirectives(options);
  const { keys } = options;
  if (options.sections.includes('throughput')) {
    const tests = ALL_TESTS.filter((test) => options.tests.includes(test.name));
    const { pipelines } = options;
    results.throughput = await measureThroughput({
      ...{ tests, pipelines, servers, directives, settings },
    });
  }
  if (options.sections.includes('memory')) {
    const datasets = DATASETS.filter((dataset) => options.datasets.includes(dataset.name));
    results.memory = await measureMemory({
      servers,
      directives,
      elements: keys,
      datasets,
    });
  }
  if (options.sections.includes('stall'))
    results.stall = await measureStalls({ servers, directives, keys });
  if (options.sections.includes('in_process')) {
    results.inProcess = measureInProcess(await openBatchTarget(), {
      ...{ keys, batch: IN_PROCESS_BATCH, rounds: options.rounds + 2, commands: keys },
      seed: IN_PROCESS_SEED,
    });
  }
}

function persistenceDirectives(options: Options): string[] {
  const none = ['--save', ''];
  if (options.persistence === 'none') return [...none, '--appendonly', 'no'];
  return [...none, '--appendonly', 'yes', '--appendfsync', options.persistence];
}

/** Respite once per transport (or the candidate), then every real server that is installed. */
function findServers(options: Options): ServerInfo[] {
  if (loadGeneratorPath() === null)
    throw new Error('redis-benchmark is not on PATH: install the Redis or Valkey tools');
  const servers: ServerInfo[] = [];
  if (options.candidate !== null) {
    const command = [...options.candidate];
    // redis-server knows --version only as its single argument, so the options are left out.
    const firstOption = command.findIndex((word) => word.startsWith('-'));
    const version = versionOf(firstOption < 0 ? command : command.slice(0, firstOption));
    servers.push({ id: 'candidate', kind: 'candidate', version, command });
  } else {
    const entry = path.join(REPOSITORY, 'dist/src/bin/respite-server.js');
    const command = [process.execPath, entry];
    const version = versionOf(command);
    for (const transport of options.transports)
      servers.push({
        ...{ id: `respite-${transport}`, kind: 'respite', version },
        command: [...command, '--transport', transport],
      });
  }
  for (const kind of ['redis', 'valkey'] as const) {
    const found = findOnPath(`${kind}-server`);
    if (found === null) continue;
    servers.push({
      id: kind,
      kind,
      version: versionOf([found]),
      command: [found],
    });
  }
  if (!servers.some((server) => server.kind === 'redis' || server.kind === 'valkey'))
    throw new Error('neither redis-server nor valkey-server is on PATH: nothing to compare with');
  return servers;
}

function versionOf(command: readonly string[]): string {
  const [file, ...args] = command;
  const version = firstLine(file!, ...args, '--version');
  if (version === null) throw new Error(`${command.join(' ')} --version failed`);
  return version;
}

function writeOutputs(options: Options, results: Results): void {
  const markdown = renderMarkdown(results);
  process.stdout.write(markdown);
  if (options.jsonFile !== null)
    writeFileSync(options.jsonFile, `${JSON.stringify(results, null, 2)}\n`);
  if (options.svgFile !== null) writeFileSync(options.svgFile, renderSvg(results));
  if (options.writeReadme) {
    const file = path.join(REPOSITORY, 'README.md');
    writeFileSync(file, replaceInReadme(readFileSync(file, 'utf8'), markdown));
  }
}
