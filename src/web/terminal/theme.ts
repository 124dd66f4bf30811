// The terminal's colors, from the style sheet.

import type { ITheme } from '@xterm/xterm';
import { styleColor } from '../ui/theme.ts';

export function terminalTheme(): ITheme {
  return {
    background: styleColor('--terminal'),
    foreground: styleColor('--text'),
    cursor: styleColor('--accent'),
    cursorAccent: styleColor('--terminal'),
    selectionBackground: styleColor('--selection'),
    red: styleColor('--danger'),
    brightBlack: styleColor('--muted'),
  };
}
