// INFO: sections by name, in the server's order whatever the order asked for.
//
//   INFO                        the default sections
//   INFO all | everything       all but what must be named
//   INFO cpu stats nosuch       those two; an unknown name is nothing
//
// A section is an object that writes its lines; features bring their own. One that takes long
// returns a promise: then the reply comes later and other clients are served meanwhile.

import type { HostCall, HostCommands } from '../host_command.ts';
import { InfoText } from './info_text.ts';

export interface InfoSection {
  /** Lower-case words that select it; the first is its name. */
  readonly names: readonly string[];
  readonly title: string;
  /** Whether plain INFO, and INFO default, show it. */
  readonly isDefault?: boolean;
  /** Only shown when named: neither in `all` nor in `everything`. */
  readonly isHidden?: boolean;
  /** Walks over keys: not for a crash report. */
  readonly isCostly?: boolean;
  write(info: InfoText, nowMs: number): void | Promise<void>;
}

/** Which of `sections` the words after INFO select. */
export function selectSections(
  sections: readonly InfoSection[],
  words: readonly string[],
): InfoSection[] {
  const wanted = new Set(words.map((word) => word.toLowerCase()));
  const all = wanted.has('all') || wanted.has('everything');
  const defaults = words.length === 0 || wanted.has('default');
  return sections.filter(
    ({ names, isDefault, isHidden }) =>
      names.some((name) => wanted.has(name)) ||
      (all && isHidden !== true) ||
      (defaults && isDefault === true),
  );
}

/** The text of some sections; a promise only when one of them takes its time. */
export function renderInfo(
  sections: readonly InfoSection[],
  nowMs: number,
): InfoText | Promise<InfoText> {
  const info = new InfoText();
  for (const [i, section] of sections.entries()) {
    info.title(section.title);
    const pending = section.write(info, nowMs);
    if (pending) return pending.then(() => renderRest(info, sections.slice(i + 1), nowMs));
  }
  return info;
}

async function renderRest(
  info: InfoText,
  sections: readonly InfoSection[],
  nowMs: number,
): Promise<InfoText> {
  for (const section of sections) {
    info.title(section.title);
    await section.write(info, nowMs);
  }
  return info;
}

export function registerInfo(commands: HostCommands, sections: readonly InfoSection[]): void {
  commands.register('info', ({ args, nowMs, reply }: HostCall) => {
    const words = args.slice(1).map((arg) => arg.toString('latin1'));
    const text = renderInfo(selectSections(sections, words), nowMs);
    if (!(text instanceof Promise)) {
      reply.verbatim(text.toString());
      return;
    }
    return text.then((info) => {
      reply.verbatim(info.toString());
    });
  });
}
