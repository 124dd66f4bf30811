// Keys are bytes; nearly all of them are text. In the page a key is a string: its text, or for what is not
// UTF-8 a mark that no text has in front, and a character per byte.

const BINARY_MARK = '\ufffe';

const strict = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

export function nameOfKey(bytes: Uint8Array): string {
  try {
    return strict.decode(bytes);
  } catch {
    return BINARY_MARK + Array.from(bytes, (byte) => String.fromCharCode(byte)).join('');
  }
}

/** The key as an argument of a command. */
export function keyArgument(name: string): string | Uint8Array {
  if (!name.startsWith(BINARY_MARK)) return name;
  return Uint8Array.from(name.slice(1), (character) => character.charCodeAt(0));
}

/** What is shown of a key, or of a part of its name. */
export function displayKey(name: string): string {
  const text = name.startsWith(BINARY_MARK) ? name.slice(1) : name;
  if (text === '') return '(empty)';
  const isBinary = name.startsWith(BINARY_MARK);
  let shown = '';
  for (const character of text) {
    const code = character.codePointAt(0)!;
    const isPlain =
      code >= 32 && code !== 127 && !(isBinary && code > 126) && !(code > 127 && code < 160);
    shown += isPlain ? character : `\\x${code.toString(16).padStart(2, '0')}`;
  }
  return shown;
}
