// What a starting server says about itself: a banner on a terminal, else one line.
//
// Tools that start servers wait for " PID: <pid>" in the banner, so that text stays.

import type { Logger } from './log.ts';
import { ARCH_BITS, GIT_DIRTY, GIT_SHA1, REDIS_VERSION, RESPITE_VERSION } from './version.ts';

export interface StartFacts {
  readonly mode: 'standalone' | 'cluster' | 'sentinel';
  /** The TCP port, or the TLS port when there is no other. */
  readonly port: number;
  readonly pid: number;
}

export interface BannerConditions {
  readonly alwaysShowLogo: boolean;
  readonly syslogEnabled: boolean;
  readonly logfile: string;
  readonly stdoutIsTerminal: boolean;
}

/** The banner is for people: shown on a terminal, or on demand. */
export function showsBanner(conditions: BannerConditions): boolean {
  const { alwaysShowLogo, syslogEnabled, logfile, stdoutIsTerminal } = conditions;
  return alwaysShowLogo || (stdoutIsTerminal && logfile === '' && !syslogEnabled);
}

export function logStart(logger: Logger, facts: StartFacts, conditions: BannerConditions): void {
  if (showsBanner(conditions)) logger.raw('notice', banner(facts));
  else logger.notice(`Running mode=${facts.mode}, port=${facts.port}.`);
}

export function banner({ mode, port, pid }: StartFacts): string {
  const build = `${GIT_SHA1}/${GIT_DIRTY}`;
  return `
      .--------------.
      |  .--------.  |    Respite ${RESPITE_VERSION}, Redis ${REDIS_VERSION} (${build}) ${ARCH_BITS} bit
      |  |  .--.  |  |
      |  |  |  |  |  |    Running in ${mode} mode
      |  |  '--'  |  |    Port: ${port}
      |  '--------'  |    PID: ${pid}
      '--------------'

`;
}
