// The directives of an embedded store: those its options stand for, and those that are given by name.

import { RespiteError } from '../embedded/errors.ts';
import { toByteText } from './byte_text.ts';
import { Config, isMulti } from './config.ts';
import { findDirective } from './directives.ts';
import type { LoadedExtras } from './parse.ts';
import { ConfigFileError, ConfigLoadError, loadConfig } from './parse.ts';

export interface StoreDirectives {
  readonly config: Config;
  readonly extras: LoadedExtras;
}

const NO_FILES = {
  read: () => {
    throw new ConfigFileError('No such file or directory');
  },
  list: () => [],
  exists: () => false,
  checkAppend: () => {},
};

function quoted(value: string): string {
  const escaped = toByteText(value).replace(/[\\"]/g, '\\$&').replace(/\n/g, '\\n');
  return `"${escaped.replace(/\r/g, '\\r')}"`;
}

/** The line of a configuration file. Some directives take several words: they are given as one text, too. */
function line(name: string, value: string): string {
  const directive = findDirective(name)?.directive;
  const hasWords = name === 'rename-command' || (directive !== undefined && isMulti(directive));
  if (!hasWords || /[\r\n]/.test(value)) return `${name} ${quoted(value)}`;
  return `${name} ${value === '' ? '""' : toByteText(value)}`;
}

/**
 * The directives with these values, later ones over earlier ones. `hasCommand` tells what can be renamed.
 * Throws RespiteError BAD_OPTION.
 */
export function storeDirectives(
  values: readonly (readonly [name: string, value: string])[],
  hasCommand: (name: string) => boolean = () => false,
): StoreDirectives {
  // Its own `dir`, which is part of every path, instead of the process's: there may be several stores.
  const config = new Config();
  const options = values.map(([name, value]) => line(name, value)).join('\n');
  try {
    const extras = loadConfig(
      config,
      { file: null, stdin: null, options },
      { files: NO_FILES, log: () => {}, hasCommand, sentinelMode: false },
    );
    return { config, extras };
  } catch (error) {
    if (!(error instanceof ConfigLoadError)) throw error;
    const reason = (error.report ?? error.message).trim().split('\n').pop() ?? '';
    throw new RespiteError('BAD_OPTION', `The store cannot be configured like this: ${reason}`);
  }
}
