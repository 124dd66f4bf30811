// The report in the log when the process ends by itself: all that somebody needs who was not there.
//
//   === REDIS BUG REPORT START ... ===
//   cause: signal, assertion, panic or trap
//   STACK TRACE, INFO OUTPUT, CLIENT LIST OUTPUT, CURRENT CLIENT INFO, CONFIG DEBUG OUTPUT
//   === REDIS BUG REPORT END ... ===
//
// Whatever brought the process here may have broken anything, so every part is written on its own:
// a part that fails says so and the rest goes on. Secrets stay out: nothing behind AUTH is printed,
// and arguments that a command has hidden from the logs are hidden here.

import type { Core } from '../core/core.ts';
import { runningArguments } from '../core/running_command.ts';
import type { Logger } from '../log.ts';
import { quoteBytes } from '../util/quote.ts';
import { reasonOf } from '../util/reason_of.ts';
import { REDIS_VERSION, RESPITE_VERSION } from '../version.ts';
import type { CrashCause } from './crash_cause.ts';
import { type InfoSection, selectSections } from './info.ts';
import { InfoText } from './info_text.ts';

export interface CrashReportSources {
  readonly logger: Logger;
  readonly core: Core;
  readonly sections: readonly InfoSection[];
  /** Unix milliseconds. */
  now(): number;
  /** Lines of CLIENT LIST. */
  clientList(): string;
  /** The client whose command was running, as a line of CLIENT LIST; undefined when none was. */
  currentClient(): string | undefined;
  /** "name value" lines of the settings that matter. */
  configDebugInfo(): string;
}

const ARGUMENT_BYTES = 128;
const ARGUMENTS = 64;

export function writeCrashReport(cause: CrashCause, sources: CrashReportSources): void {
  const { logger } = sources;
  const raw = (text: string) => logger.raw('warning', text);
  raw('\n\n=== REDIS BUG REPORT START: Cut & paste starting from here ===\n');
  for (const line of causeLines(cause)) logger.warning(line);
  writePart(raw, 'STACK TRACE', () => stackOf(cause));
  writePart(raw, 'INFO OUTPUT', () => infoText(sources));
  writePart(raw, 'CLIENT LIST OUTPUT', () => sources.clientList());
  writePart(raw, 'CURRENT CLIENT INFO', () => currentClientText(sources));
  writePart(raw, 'CONFIG DEBUG OUTPUT', () => sources.configDebugInfo());
  raw(END);
}

const END = `
=== REDIS BUG REPORT END. Make sure to include from START to END. ===

       Please report the crash to the issue tracker of Respite, with this report.

  Suspect RAM error? Use respite-server --test-memory to verify it.

  Some other issues could be detected by respite-server --check-system
`;

function causeLines(cause: CrashCause): string[] {
  const versions = `Redis ${REDIS_VERSION} (Respite ${RESPITE_VERSION})`;
  switch (cause.kind) {
    case 'signal':
      return [`${versions} crashed by signal: ${cause.number}, ${cause.signal}`];
    case 'assertion':
      return [
        '=== ASSERTION FAILED ===',
        `==> ${cause.place} '${cause.expression}' is not true`,
        `${versions} crashed by a failed assertion`,
      ];
    case 'panic':
      return [
        '------------------------------------------------',
        '!!! Software Failure. Press left mouse button to continue',
        `Guru Meditation: ${cause.message} #${cause.place}`,
        `${versions} crashed by a panic`,
      ];
    case 'trap':
      return [`${versions} crashed by a trap of the engine: ${cause.message}`];
  }
}

/** `text` gives undefined to leave the part out. */
function writePart(
  raw: (text: string) => void,
  title: string,
  text: () => string | undefined,
): void {
  let content: string | undefined;
  try {
    content = text();
  } catch (error) {
    content = `not available: ${reasonOf(error)}`;
  }
  if (content === undefined) return;
  raw(`\n------ ${title} ------\n${content.endsWith('\n') ? content : `${content}\n`}`);
}

function stackOf(cause: CrashCause): string | undefined {
  const known = 'stack' in cause ? cause.stack : undefined;
  if (known !== undefined) return known;
  return new Error('stack').stack?.split('\n').slice(1).join('\n');
}

/** All sections but those that would call into the core for long. */
function infoText({ sections, now }: CrashReportSources): string {
  const wanted = selectSections(sections, ['everything']).filter(({ isCostly }) => !isCostly);
  return wanted
    .map((section) => {
      const info = new InfoText();
      info.title(section.title);
      try {
        section.write(info, now());
      } catch (error) {
        info.field('unavailable', reasonOf(error));
      }
      return info.toString();
    })
    .join('\r\n');
}

function currentClientText(sources: CrashReportSources): string | undefined {
  const client = sources.currentClient();
  if (client === undefined) return undefined;
  const { count, shown } = runningArguments(sources.core, ARGUMENTS, ARGUMENT_BYTES);
  return [client.trimEnd(), `argc: '${count}'`, ...argumentLines(shown)].join('\n');
}

function argumentLines(args: readonly Uint8Array[]): string[] {
  const lines: string[] = [];
  for (const [i, arg] of args.entries()) {
    lines.push(`argv[${i}]: '${quoteBytes(arg)}'`);
    // Passwords follow.
    if (/^auth2?$/i.test(Buffer.from(arg).toString('latin1'))) break;
  }
  return lines;
}
