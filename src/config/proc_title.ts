// The process title: a template with variables in braces.
//
// "{{" is a literal brace; a variable that does not exist, or a brace that is never closed, makes
// the template invalid. The result loses leading and trailing blanks.

import { trim } from './byte_text.ts';

export type ProcTitleVariable =
  | 'title'
  | 'listen-addr'
  | 'server-mode'
  | 'config-file'
  | 'port'
  | 'tls-port'
  | 'unixsocket';

/** The title for `values`, or null when the template is invalid. */
export function expandProcTitle(
  template: string,
  values: Readonly<Record<ProcTitleVariable, string>>,
): string | null {
  let title = '';
  let at = 0;
  while (at < template.length) {
    const open = template.indexOf('{', at);
    if (open < 0) {
      title += template.slice(at);
      break;
    }
    title += template.slice(at, open);
    if (template[open + 1] === '{') {
      title += '{';
      at = open + 2;
      continue;
    }
    const close = template.indexOf('}', open + 1);
    if (close < 0) return null;
    const name = template.slice(open + 1, close);
    if (!Object.hasOwn(values, name)) return null;
    title += values[name as ProcTitleVariable];
    at = close + 1;
  }
  return trim(title, ' ');
}

/** What the variables stand for while a template is only checked, as at the start of a server. */
const SAMPLE: Readonly<Record<ProcTitleVariable, string>> = {
  title: '',
  'listen-addr': '*:6379',
  'server-mode': '',
  'config-file': '-',
  port: '6379',
  'tls-port': '0',
  unixsocket: '',
};

/** A template is refused when it is invalid or gives an empty title. */
export function checkProcTitleTemplate(template: string): string | undefined {
  return expandProcTitle(template, SAMPLE) ? undefined : TEMPLATE_ERROR;
}

const TEMPLATE_ERROR = 'template format is invalid or contains unknown variables';
