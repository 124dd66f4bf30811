// Parts of the page that need none: settings, shortcuts, addresses.

import { describe, expect, it } from 'vitest';
import { commandAddress, commandAt } from '../../src/web/docs/address.ts';
import { altDigit } from '../../src/web/ui/elements.ts';
import { readSetting, settingsStorage, writeSetting } from '../../src/web/ui/settings.ts';

describe('a setting', () => {
  it('holds for the visit where nothing can be stored', () => {
    expect(settingsStorage()).toBeUndefined();
    expect(readSetting('theme')).toBeUndefined();
    writeSetting('theme', 'dark');
    expect(readSetting('theme')).toBe('dark');
    writeSetting('theme', 'light');
    expect(readSetting('theme')).toBe('light');
  });
});

describe('Alt and a digit', () => {
  const german = { code: 'Digit5', key: '[' };

  it('is one by its place on the keyboard', () => {
    expect(altDigit(german, false)).toBe('5');
  });

  it('types what it types in a field', () => {
    expect(altDigit(german, true)).toBeUndefined();
    expect(altDigit({ code: 'Digit5', key: '5' }, true)).toBe('5');
    // Codes of characters are typed so.
    expect(altDigit({ code: 'Numpad5', key: '5' }, true)).toBeUndefined();
  });
});

describe('the address of a command', () => {
  it.each(['get', 'config|get', 'client|no-evict'])('leads to %s', (name) => {
    const [, , detail] = commandAddress(name).split('/');
    expect(commandAt(detail!)).toBe(name);
  });
});
