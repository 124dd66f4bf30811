// What a store is opened with, checked and put into the words of the configuration.

import { resolve } from 'node:path';
import { RespiteError } from '../embedded/errors.ts';
import type { ClockOption } from '../embedded/store_clock.ts';

export interface OpenOptions {
  /** Folder of the data, made when it is missing. Without it the store is in memory, and gone at the end. */
  readonly dir?: string;
  /**
   * Keeps every change in an append-only file, which is the default with `dir`. With false a snapshot is
   * written at `close`, and by save points given as `config: { save: '...' }`.
   */
  readonly appendonly?: boolean;
  /** As the directive has it: bytes, or "100mb". */
  readonly maxmemory?: number | string;
  /** Number of databases, 16 by default. */
  readonly databases?: number;
  /** A dump to begin with, as `export` or SAVE of any Redis wrote it. Only for a store that has no data. */
  readonly rdb?: Uint8Array;
  /** More directives, as a configuration file has them: `{ 'maxmemory-policy': 'allkeys-lru' }`. */
  readonly config?: Readonly<Record<string, string | number | boolean>>;
  /** The store's time: the system's, or one that moves only by `db.clock`; see there. */
  readonly clock?: ClockOption;
  /** Receives what a server would log, line by line. */
  readonly log?: (line: string) => void;
}

export interface ListenOptions {
  /** TCP port. */
  readonly port?: number;
  /** Address to listen on, 127.0.0.1 by default. */
  readonly host?: string;
  /** Path of a Unix socket. */
  readonly path?: string;
}

const KNOWN: readonly (keyof OpenOptions)[] = [
  'dir',
  'appendonly',
  'maxmemory',
  'databases',
  'rdb',
  'config',
  'clock',
  'log',
];

const KNOWN_OF_LISTEN: readonly (keyof ListenOptions)[] = ['port', 'host', 'path'];
const PORT_MAX = 65_535;

function bad(message: string): RespiteError {
  return new RespiteError('BAD_OPTION', message);
}

function text(value: string | number | boolean): string {
  return typeof value === 'boolean' ? (value ? 'yes' : 'no') : String(value);
}

/** Throws BAD_OPTION for what is no object. */
export function checkObject(options: unknown): asserts options is object {
  if (typeof options !== 'object' || options === null) throw bad('Options are an object');
}

/** Throws BAD_OPTION for what is no object with these names. */
export function checkNames(options: unknown, known: readonly string[]): void {
  checkObject(options);
  const foreign = Object.keys(options).find((name) => !known.includes(name));
  if (foreign === undefined) return;
  throw bad(`There is no option '${foreign}'; there are ${known.join(', ')}`);
}

/** Throws BAD_OPTION for options of `listen` that are none, or say nowhere. */
export function checkListenOptions(options: ListenOptions): void {
  checkNames(options, KNOWN_OF_LISTEN);
  const { port = 0, host = '', path = '' } = options;
  if (!Number.isInteger(port) || port < 0 || port > PORT_MAX) throw bad('port is a TCP port');
  if (typeof host !== 'string') throw bad('host is an address');
  if (typeof path !== 'string') throw bad('path is that of a Unix socket');
  if (port === 0 && path === '') throw bad('Give a port or a path');
}

/** Throws BAD_OPTION for options that are none, or make no sense together. */
export function checkOptions(options: OpenOptions): void {
  checkNames(options, KNOWN);
  const { dir, appendonly, databases, rdb, config, log } = options;
  if (dir !== undefined && (typeof dir !== 'string' || dir === '')) {
    throw bad('dir is the path of a folder');
  }
  if (appendonly !== undefined && typeof appendonly !== 'boolean') {
    throw bad('appendonly is true or false');
  }
  if (log !== undefined && typeof log !== 'function') throw bad('log is a function');
  if (config !== undefined && (typeof config !== 'object' || config === null)) {
    throw bad('config is an object: values by the names of directives');
  }
  if (appendonly === true && dir === undefined) {
    throw bad('appendonly needs a folder: give dir, too');
  }
  if (databases !== undefined && !Number.isInteger(databases)) {
    throw bad('databases is a whole number');
  }
  if (rdb !== undefined && !(rdb instanceof Uint8Array)) throw bad('rdb is a Uint8Array');
  for (const name of ['dir', 'appendonly', 'databases'] as const) {
    if (config && name in config) throw bad(`${name} is an option of its own, not one of config`);
  }
}

/** The directives that the options stand for, by name. */
export function optionDirectives(options: OpenOptions): [string, string][] {
  const { dir, maxmemory, databases, config = {} } = options;
  const isLogged = dir !== undefined && options.appendonly !== false;
  const values: [string, string][] = [
    ['port', '0'],
    ['save', ''],
    ['appendonly', isLogged ? 'yes' : 'no'],
    ['loglevel', options.log === undefined ? 'nothing' : 'notice'],
    // The program that has the store may look at everything in it.
    ['enable-debug-command', 'yes'],
  ];
  if (dir !== undefined) values.push(['dir', resolve(dir)]);
  if (maxmemory !== undefined) values.push(['maxmemory', String(maxmemory)]);
  if (databases !== undefined) values.push(['databases', String(databases)]);
  for (const [name, value] of Object.entries(config)) values.push([name, text(value)]);
  return values;
}
