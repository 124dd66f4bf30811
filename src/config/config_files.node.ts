// Configuration on Node: reading files, the working directory of the process, and replacing the
// configuration file so that a crash at any moment leaves the old one or the new one.

import {
  accessSync,
  closeSync,
  fchmodSync,
  fsyncSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  unlinkSync,
  writeSync,
} from 'node:fs';
import { dirname } from 'node:path';
import { errorCode, systemErrorText } from '../util/system_error.ts';
import { bytesToByteText, byteTextToBytes, fromByteText, toByteText } from './byte_text.ts';
import type { Config, DirectoryPort } from './config.ts';
import type { ConfigFiles } from './parse.ts';
import { ConfigFileError } from './parse.ts';
import type { RewriteOptions } from './rewrite.ts';
import { rewriteConfig } from './rewrite.ts';

export const nodeConfigFiles: ConfigFiles = {
  read(path) {
    try {
      return bytesToByteText(readFileSync(fromByteText(path)));
    } catch (error) {
      if (errorCode(error) === 'EISDIR') return ''; // Redis reads a directory as an empty file
      throw new ConfigFileError(systemErrorText(error));
    }
  },
  list(path) {
    try {
      return readdirSync(fromByteText(path)).map(toByteText);
    } catch {
      return [];
    }
  },
  exists(path) {
    try {
      accessSync(fromByteText(path));
      return true;
    } catch {
      return false;
    }
  },
  checkAppend(path) {
    try {
      closeSync(openSync(fromByteText(path), 'a'));
    } catch (error) {
      throw new ConfigFileError(systemErrorText(error));
    }
  },
};

/** The working directory of the process; only one engine in it should use this. */
export const processDirectory: DirectoryPort = {
  current() {
    try {
      return toByteText(process.cwd());
    } catch {
      return ''; // the directory was deleted
    }
  },
  change(path) {
    try {
      process.chdir(fromByteText(path));
      return undefined;
    } catch (error) {
      return systemErrorText(error);
    }
  },
};

/** All of standard input, in byte text; for `respite-server -`. */
export function readStandardInput(): string {
  return bytesToByteText(readFileSync(0));
}

/**
 * CONFIG REWRITE: brings the file at `path` up to date. A file that does not exist is created.
 * Returns null, or the system's text for what went wrong; the old file is then untouched, unless
 * only the last step failed, which makes the change durable.
 */
export function rewriteConfigFile(
  config: Config,
  path: string,
  options: RewriteOptions = {},
): string | null {
  try {
    replaceFile(path, byteTextToBytes(rewriteConfig(readOldFile(path), config, options)));
    return null;
  } catch (error) {
    return systemErrorText(error);
  }
}

function readOldFile(path: string): string {
  try {
    return bytesToByteText(readFileSync(path));
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return '';
    throw error;
  }
}

const CONFIG_FILE_MODE = 0o644;

function replaceFile(path: string, content: Uint8Array): void {
  const temporary = `${path}.${process.pid}-${Math.random().toString(36).slice(2, 8)}`;
  const file = openSync(temporary, 'wx', 0o600);
  try {
    try {
      for (let written = 0; written < content.length; ) {
        written += writeSync(file, content, written);
      }
      fsyncSync(file);
      fchmodSync(file, CONFIG_FILE_MODE & ~process.umask());
    } finally {
      closeSync(file);
    }
    renameSync(temporary, path);
  } catch (error) {
    unlinkSync(temporary);
    throw error;
  }
  syncDirectory(dirname(path));
}

/** Makes the rename itself durable. */
function syncDirectory(path: string): void {
  const directory = openSync(path, 'r');
  try {
    fsyncSync(directory);
  } finally {
    closeSync(directory);
  }
}
