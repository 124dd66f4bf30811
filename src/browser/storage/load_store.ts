// Brings what is stored into an empty engine, and leaves files that can be written on.
//
//   manifest ─> its snapshot ─> its log and all that follow, frame by frame ─> torn end is cut off
//                                                                          ─> files that do not count go
//
// Nothing is changed before everything was read. What must not be is an error of code STORAGE, and the files
// stay as they are: a part of the data would look like all of it. A store of which only the very first
// steps were done is a new one.

import * as abi from '../../../assembly/abi.ts';
import type { Guards } from '../../core/guards.ts';
import { RespiteError } from '../../embedded/errors.ts';
import type { ClientOutput, Engine, EngineClient } from '../../engine.ts';
import { part } from '../part.ts';
import type { Backend } from './backend.ts';
import { LOG_HEAD_BYTES, type LogState, logHead, readLog } from './frames.ts';
import { logName, type Manifest, readManifest, snapshotName, writeManifest } from './manifest.ts';

/** The log that is written on. */
export interface OpenLog {
  readonly generation: number;
  readonly salt: number;
  frames: number;
  /** Bytes in it. */
  end: number;
}

export interface LoadedStore {
  readonly manifest: Manifest;
  readonly log: OpenLog;
  /** Bytes of all logs since the snapshot. */
  readonly logBytes: number;
}

export interface LoadStoreOptions {
  readonly backend: Backend;
  readonly engine: Engine;
  readonly guards: Guards;
}

export async function loadStore(options: LoadStoreOptions): Promise<LoadedStore> {
  const { backend, guards } = options;
  const files = await backend.list();
  const manifest = await readManifest(backend, files);
  if (manifest === undefined) return beginStore(backend, files);
  guards.set(abi.GUARD_LOADING, true);
  try {
    return await load(options, files, manifest);
  } finally {
    guards.set(abi.GUARD_LOADING, false);
  }
}

/** A log that is there and empty. */
export async function beginLog(backend: Backend, generation: number): Promise<OpenLog> {
  const salt = crypto.getRandomValues(new Uint32Array(1))[0] as number;
  await backend.write(logName(generation), 0, logHead(salt), true);
  return { generation, salt, frames: 0, end: LOG_HEAD_BYTES };
}

/** The log comes before the manifest, so that one that is missing is known to be lost. */
async function beginStore(
  backend: Backend,
  files: ReadonlyMap<string, number>,
): Promise<LoadedStore> {
  const isUntouched = [...files].every(
    ([name, size]) =>
      name.startsWith('manifest-') || (name === logName(0) && size <= LOG_HEAD_BYTES),
  );
  if (!isUntouched) throw damaged('there is no record of what counts');
  const log = await beginLog(backend, 0);
  const manifest = { sequence: 1, base: 0, snapshotBytes: 0 };
  await writeManifest(backend, manifest);
  return { manifest, log, logBytes: 0 };
}

async function load(
  { backend, engine }: LoadStoreOptions,
  files: ReadonlyMap<string, number>,
  manifest: Manifest,
): Promise<LoadedStore> {
  const { base } = manifest;
  await loadSnapshot(engine, backend, files, manifest);
  const replay = new Replay(engine);
  let logBytes = 0;
  let generation = base;
  let state: LogState | undefined;
  try {
    for (; ; generation++) {
      const name = logName(generation);
      const size = files.get(name) ?? 0;
      state = await readLog(backend, name, size, (body) => replay.run(name, body));
      logBytes += state?.end ?? 0;
      if (!files.has(logName(generation + 1))) break;
      if (state === undefined || state.isTorn) throw damaged(`${name} is cut off`);
    }
  } finally {
    replay.close();
  }
  // Every log is begun durably before anything says that it is there.
  if (state === undefined && generation === base) throw damaged(`${logName(base)} is missing`);
  const log = await openLog(backend, generation, state);
  await removeOthers(backend, files, base, generation);
  return { manifest, log, logBytes };
}

async function loadSnapshot(
  engine: Engine,
  backend: Backend,
  files: ReadonlyMap<string, number>,
  { base, snapshotBytes }: Manifest,
): Promise<void> {
  if (snapshotBytes === 0) return;
  const name = snapshotName(base);
  if (files.get(name) !== snapshotBytes) throw damaged(`${name} is not whole`);
  const source = {
    sizeBytes: snapshotBytes,
    read: (position: number, length: number) => backend.read(name, position, length),
  };
  const { loadRdbSource } = await part(import('./rdb_source.ts'));
  try {
    await loadRdbSource(engine, source, { keepExpired: true });
  } catch (error) {
    const { code, message } = error as RespiteError;
    throw code?.startsWith('DUMP_') ? damaged(`${name}: ${message}`) : error;
  }
}

/** Takes what is torn off the end of the last log, or begins it when not even its head is whole. */
async function openLog(
  backend: Backend,
  generation: number,
  state: LogState | undefined,
): Promise<OpenLog> {
  if (state === undefined) return beginLog(backend, generation);
  const { salt, frames, end, isTorn } = state;
  if (isTorn) await backend.write(logName(generation), end, new Uint8Array(0), true);
  return { generation, salt, frames, end };
}

/** Removes what a compaction has left over. Failing at that does no harm. */
async function removeOthers(
  backend: Backend,
  files: ReadonlyMap<string, number>,
  base: number,
  last: number,
): Promise<void> {
  for (const name of files.keys()) {
    const [kind, number] = name.split('-');
    const generation = Number(number);
    const counts =
      kind === 'manifest' ||
      (kind === 'snapshot' && generation === base) ||
      (kind === 'log' && generation >= base && generation <= last);
    if (!counts) await backend.remove(name).catch(() => {});
  }
}

function damaged(what: string): RespiteError {
  return new RespiteError(
    'STORAGE',
    `The stored data are damaged: ${what}. Nothing was changed; Respite.remove() would take them away, to begin anew.`,
  );
}

/** The client whose commands a log is. Nobody reads its replies. */
class Replay implements ClientOutput {
  private readonly engine: Engine;
  private readonly client: EngineClient;
  private hasEnded = false;

  constructor(engine: Engine) {
    const client = engine.connect(this, '', true);
    if (client === undefined) throw noMemory();
    client.flags |= abi.CLIENT_INTERNAL;
    this.engine = engine;
    this.client = client;
  }

  write(): void {}

  end(): void {
    this.hasEnded = true;
  }

  destroy(): void {
    this.hasEnded = true;
  }

  close(): void {
    if (!this.client.closed) this.client.close();
  }

  run(name: string, body: Uint8Array): void {
    const { engine, client } = this;
    client.execute(body);
    const reason = engine.core.word(abi.ABI_CLOSE_REASON);
    const isShort = reason === abi.CLOSE_NO_MEMORY || reason === abi.CLOSE_REPLAY_NO_MEMORY;
    if (this.hasEnded && isShort) throw noMemory();
    this.checkErrors(name);
    const unread = engine.core.data.getUint32(client.ptr + abi.CONN_QUERY_LEN, true);
    if (this.hasEnded || unread > 0 || (client.flags & abi.CLIENT_MULTI) !== 0) {
      throw damaged(`${name} has commands that are none`);
    }
  }

  /** Commands that are replayed fail when memory is short, or a later release wrote them. */
  private checkErrors(name: string): void {
    const { core } = this.engine;
    const at = core.exports.replayErrors() >>> 0;
    const bytes = core.data.getUint32(at + abi.REPLAY_ERRORS_BYTES, true);
    if (bytes === 0) return;
    const record = at + abi.REPLAY_ERRORS_HEAD;
    const length = core.data.getUint32(record + 4, true);
    const text = core.copy(record + 8, length).toString();
    core.exports.replayErrorsTaken();
    if (text.startsWith('OOM ')) throw noMemory();
    throw damaged(`a command of ${name} fails: ${text}`);
  }
}

function noMemory(): RespiteError {
  return new RespiteError('NO_MEMORY', 'There is not enough memory to load the stored data');
}
