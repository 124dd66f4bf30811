// Light or dark: what the system says, until somebody chooses.

import { readSetting, writeSetting } from './settings.ts';

export type Theme = 'light' | 'dark';

const dark = () => matchMedia('(prefers-color-scheme: dark)');

export function currentTheme(): Theme {
  const chosen = readSetting('theme');
  if (chosen === 'light' || chosen === 'dark') return chosen;
  return dark().matches ? 'dark' : 'light';
}

export class ThemeSwitch {
  private readonly onChange: (theme: Theme) => void;

  constructor(onChange: (theme: Theme) => void) {
    this.onChange = onChange;
    dark().addEventListener('change', () => this.apply());
    this.apply();
  }

  toggle(): void {
    writeSetting('theme', currentTheme() === 'dark' ? 'light' : 'dark');
    this.apply();
  }

  private apply(): void {
    const theme = currentTheme();
    document.documentElement.dataset.theme = theme;
    this.onChange(theme);
  }
}

/** The value of a custom property of the style sheet. */
export function styleColor(name: string): string {
  return getComputedStyle(document.documentElement).getPropertyValue(name).trim();
}
