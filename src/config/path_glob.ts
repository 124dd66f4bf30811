// File names that match a pattern, for `include /etc/redis/conf.d/*.conf`.
//
// The rules are those of glob(3): `*`, `?` and `[...]` stay within one path component and never
// match a leading dot, `[!...]` and `[^...]` negate, a backslash makes the next character plain.
// Names come out in byte order. Paths are byte text; the directory is read through a port.

/** The names in a directory, without "." and ".."; empty when it cannot be read. */
export type ListDirectory = (path: string) => readonly string[];

/** Whether `path` has to be expanded at all. */
export function hasWildcard(path: string): boolean {
  return /[*?[]/.test(path);
}

export function expandPath(
  pattern: string,
  list: ListDirectory,
  exists: (path: string) => boolean,
): string[] {
  const isAbsolute = pattern.startsWith('/');
  let paths = [isAbsolute ? '/' : ''];
  const components = pattern.split('/').filter((component) => component !== '');
  for (const component of components) {
    const matches = hasWildcard(component) ? componentPattern(component) : null;
    paths = paths.flatMap((parent) => {
      if (matches === null) return [join(parent, unescapePlain(component))];
      const visible = (name: string) => component.startsWith('.') || !name.startsWith('.');
      return list(parent === '' ? '.' : parent)
        .filter((name) => visible(name) && matches.test(name))
        .map((name) => join(parent, name));
    });
  }
  return paths.filter(exists).sort((a, b) => (a < b ? -1 : a > b ? 1 : 0));
}

function join(parent: string, name: string): string {
  return parent === '' || parent.endsWith('/') ? parent + name : `${parent}/${name}`;
}

function unescapePlain(component: string): string {
  return component.replace(/\\(.)/gs, '$1');
}

function escapeForRegExp(char: string): string {
  return char.replace(/[\\^$.*+?()[\]{}|/-]/g, '\\$&');
}

/** The component as a regular expression over a whole name. */
function componentPattern(component: string): RegExp {
  let source = '';
  let at = 0;
  while (at < component.length) {
    const char = component[at]!;
    const set = char === '[' ? readSet(component, at) : null;
    if (set !== null) {
      source += set.source;
      at = set.end;
    } else if (char === '*' || char === '?') {
      source += char === '*' ? '.*' : '.';
      at++;
    } else {
      const literal = char === '\\' && at + 1 < component.length ? at + 1 : at;
      source += escapeForRegExp(component[literal]!);
      at = literal + 1;
    }
  }
  return new RegExp(`^${source}$`, 's');
}

const CLASSES: Readonly<Record<string, string>> = {
  alnum: 'A-Za-z0-9',
  alpha: 'A-Za-z',
  blank: ' \\t',
  digit: '0-9',
  lower: 'a-z',
  punct: '!-\\/:-@\\[-`{-~',
  space: '\\s',
  upper: 'A-Z',
  xdigit: '0-9A-Fa-f',
};

/** The set that opens at `start`, or null when it is never closed: "[" is then a plain character. */
function readSet(component: string, start: number): { source: string; end: number } | null {
  let at = start + 1;
  const negated = component[at] === '!' || component[at] === '^';
  if (negated) at++;
  const first = at;
  let source = '';
  while (at < component.length) {
    const char = component[at]!;
    if (char === ']' && at > first) {
      return { source: `[${negated ? '^' : ''}${source}]`, end: at + 1 };
    }
    const named = /^\[:([a-z]+):\]/.exec(component.slice(at));
    const members = named === null ? undefined : CLASSES[named[1]!];
    if (named !== null && members !== undefined) {
      source += members;
      at += named[0].length;
    } else {
      const range = readRange(component, at);
      source += range.source;
      at = range.end;
    }
  }
  return null;
}

/** One character or one "a-z" of a set; a range that runs backwards matches nothing. */
function readRange(component: string, at: number): { source: string; end: number } {
  const low = readMember(component, at);
  if (component[low.end] !== '-' || [undefined, ']'].includes(component[low.end + 1])) {
    return { source: escapeForRegExp(low.char), end: low.end };
  }
  const high = readMember(component, low.end + 1);
  const isForward = low.char <= high.char;
  return {
    source: isForward ? `${escapeForRegExp(low.char)}-${escapeForRegExp(high.char)}` : '',
    end: high.end,
  };
}

function readMember(component: string, at: number): { char: string; end: number } {
  const escaped = component[at] === '\\' && at + 1 < component.length;
  const index = escaped ? at + 1 : at;
  return { char: component[index]!, end: index + 1 };
}
