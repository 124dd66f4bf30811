// JSON laid out anew. Only the white space between tokens moves: numbers, escapes, and names that occur twice stay
// as they were written, which a parser would not give back.

export type JsonLayout = 'lines' | 'compact' | 'spaced';

/** A string, a bracket or sign, or anything else up to the next of these. */
const TOKEN = /"[^"\\]*(?:\\.[^"\\]*)*"|[{}[\],:]|[^\s"{}[\],:]+/g;
/** What is nested deeper is indented no further: the text would grow with the square of its depth. */
const INDENTED_DEPTH_MAX = 40;

/** `lines` has a value a line; `compact` no space at all; `spaced` one behind each comma and colon. Throws on what is no JSON. */
export function layoutJson(text: string, layout: JsonLayout): string {
  JSON.parse(text);
  const tokens = text.match(TOKEN) ?? [];
  const space = layout === 'compact' ? '' : ' ';
  const parts: string[] = [];
  let depth = 0;
  const lineBreak = (otherwise: string) =>
    layout === 'lines' ? `\n${'  '.repeat(Math.min(depth, INDENTED_DEPTH_MAX))}` : otherwise;
  for (const [i, token] of tokens.entries()) {
    if (token === '{' || token === '[') {
      depth += 1;
      parts.push(token, isClosing(tokens[i + 1]) ? '' : lineBreak(''));
    } else if (isClosing(token)) {
      depth -= 1;
      const isEmpty = /^[{[]$/.test(tokens[i - 1] ?? '');
      parts.push(isEmpty ? '' : lineBreak(''), token);
    } else if (token === ',') {
      parts.push(token, lineBreak(space));
    } else {
      parts.push(token === ':' ? `:${space}` : token);
    }
  }
  return parts.join('');
}

/** The layout that makes exactly this text; undefined when none does. Throws on what is no JSON. */
export function layoutOf(text: string): JsonLayout | undefined {
  const layouts: JsonLayout[] = ['compact', 'spaced', 'lines'];
  return layouts.find((layout) => layoutJson(text, layout) === text);
}

/** Whether it looks like JSON worth laying out: an object or an array. */
export function isJson(text: string): boolean {
  if (!/^\s*[[{]/.test(text)) return false;
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

function isClosing(token: string | undefined): boolean {
  return token === '}' || token === ']';
}
