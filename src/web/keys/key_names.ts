// Keys are bytes; nearly all of them are text. In the page a key is a string: its text, or for what is not
// UTF-8 a mark that no other key has in front, and a character per byte. Text that begins with the mark is taken
// for bytes, too.

const BINARY_MARK = '\ufffe';
/** Longer names are not shown to their end. */
const SHOWN_CHARACTERS_MAX = 1000;

const strict = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
const encoder = new TextEncoder();

export function nameOfKey(bytes: Uint8Array): string {
  try {
    const text = strict.decode(bytes);
    if (!text.startsWith(BINARY_MARK)) return text;
  } catch {
    // It is no text.
  }
  return BINARY_MARK + Array.from(bytes, (byte) => String.fromCharCode(byte)).join('');
}

/** The key as an argument of a command. */
export function keyArgument(name: string): string | Uint8Array {
  if (!name.startsWith(BINARY_MARK)) return name;
  return Uint8Array.from(name.slice(1), (character) => character.charCodeAt(0));
}

export function keyBytes(name: string): Uint8Array {
  const argument = keyArgument(name);
  return typeof argument === 'string' ? encoder.encode(argument) : argument;
}

/** What is shown of a key, or of `part`, a part of its name. */
export function displayKey(name: string, part = name): string {
  const isBinary = name.startsWith(BINARY_MARK);
  const text = part.startsWith(BINARY_MARK) ? part.slice(1) : part;
  if (text === '') return '(empty)';
  let shown = '';
  for (const character of text.slice(0, SHOWN_CHARACTERS_MAX)) {
    const code = character.codePointAt(0)!;
    const isPlain =
      code >= 32 && code !== 127 && !(isBinary && code > 126) && !(code > 127 && code < 160);
    shown += isPlain ? character : `\\x${code.toString(16).padStart(2, '0')}`;
  }
  return text.length > SHOWN_CHARACTERS_MAX ? `${shown}…` : shown;
}
