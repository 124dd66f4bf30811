// What a store holds must not steer the terminal: control characters are shown as escapes. Line feeds, tabs and
// colors (LOLWUT has some) stay; whoever prints the text ends the colors.

// biome-ignore-start lint/suspicious/noControlCharactersInRegex: these are what it is about
const CONTROL = /\x1b\[[0-9;]*m|\r\n|[\x00-\x08\x0b-\x1f\x7f-\x9f]/g;
const COLOR = /^\x1b\[/;
// biome-ignore-end lint/suspicious/noControlCharactersInRegex: up to here

export function visible(text: string): string {
  return text.replaceAll(CONTROL, (found) => {
    if (found === '\r\n') return '\n';
    if (found.length > 1 && COLOR.test(found)) return found;
    return `\\x${found.charCodeAt(0).toString(16).padStart(2, '0')}`;
  });
}
