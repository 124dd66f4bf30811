// What a terminal sends for keys, as names: "\x1b[A" is up, "\x01" is Ctrl-A, the rest is text.

export type Key =
  | { readonly name: KeyName }
  | { readonly name: 'text'; readonly text: string }
  | { readonly name: 'paste'; readonly text: string };

export type KeyName =
  | 'enter'
  | 'tab'
  | 'back-tab'
  | 'backspace'
  | 'delete'
  | 'left'
  | 'right'
  | 'up'
  | 'down'
  | 'home'
  | 'end'
  | 'word-left'
  | 'word-right'
  | 'delete-word'
  | 'delete-word-right'
  | 'kill-to-end'
  | 'kill-to-start'
  | 'yank'
  | 'transpose'
  | 'interrupt'
  | 'end-of-input'
  | 'clear'
  | 'search'
  | 'escape';

const SEQUENCES: Readonly<Record<string, KeyName>> = {
  '\r': 'enter',
  '\n': 'enter',
  '\t': 'tab',
  '\x1b[Z': 'back-tab',
  '\x7f': 'backspace',
  '\b': 'backspace',
  '\x1b[3~': 'delete',
  '\x1b[D': 'left',
  '\x02': 'left',
  '\x1b[C': 'right',
  '\x06': 'right',
  '\x1b[A': 'up',
  '\x10': 'up',
  '\x1b[B': 'down',
  '\x0e': 'down',
  '\x1b[H': 'home',
  '\x1bOH': 'home',
  '\x1b[1~': 'home',
  '\x01': 'home',
  '\x1b[F': 'end',
  '\x1bOF': 'end',
  '\x1b[4~': 'end',
  '\x05': 'end',
  '\x1b[1;5D': 'word-left',
  '\x1b[1;3D': 'word-left',
  '\x1bb': 'word-left',
  '\x1b[1;5C': 'word-right',
  '\x1b[1;3C': 'word-right',
  '\x1bf': 'word-right',
  '\x17': 'delete-word',
  '\x1b\x7f': 'delete-word',
  '\x1bd': 'delete-word-right',
  '\x0b': 'kill-to-end',
  '\x15': 'kill-to-start',
  '\x19': 'yank',
  '\x14': 'transpose',
  '\x03': 'interrupt',
  '\x04': 'end-of-input',
  '\x0c': 'clear',
  '\x12': 'search',
  '\x1b': 'escape',
  '\x07': 'escape',
};

// biome-ignore-start lint/suspicious/noControlCharactersInRegex: these are what terminals send
const PASTE = /^\x1b\[200~([\s\S]*?)(\x1b\[201~|$)/;
const SEQUENCE = /^\x1b(?:\[[0-9;]*[A-Za-z~]|O[A-Za-z]|[bdf\x7f])/;
// biome-ignore-end lint/suspicious/noControlCharactersInRegex: up to here

/** Splits what came at once. Sequences that mean nothing here are left out. */
export function readKeys(data: string): Key[] {
  const keys: Key[] = [];
  let rest = data;
  while (rest !== '') {
    const paste = PASTE.exec(rest);
    if (paste) {
      keys.push({ name: 'paste', text: paste[1]!.replaceAll(/\r\n?/g, '\n') });
      rest = rest.slice(paste[0].length);
      continue;
    }
    const sequence = SEQUENCE.exec(rest)?.[0] ?? (isControl(rest[0]!) ? rest[0]! : undefined);
    if (sequence !== undefined) {
      const name = SEQUENCES[sequence];
      if (name !== undefined) keys.push({ name });
      rest = rest.slice(sequence.length);
      continue;
    }
    let end = 0;
    while (end < rest.length && !isControl(rest[end]!)) end += 1;
    keys.push({ name: 'text', text: rest.slice(0, end) });
    rest = rest.slice(end);
  }
  return keys;
}

function isControl(character: string): boolean {
  const code = character.charCodeAt(0);
  return code < 32 || code === 127;
}
