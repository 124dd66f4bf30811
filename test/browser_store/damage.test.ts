// Files that are not as they were left: an error with a code, or all that was stored, never something else.

import { expect, it } from 'vitest';
import { frame, logHead, readLog } from '../../src/browser/storage/frames.ts';
import { MemoryBackend } from '../support/memory_backend.ts';
import { Random } from '../support/random.ts';
import { StoreRig } from './rig.ts';

type Files = Map<string, Uint8Array>;

/** A store with a snapshot, the log behind it, and ten writes in it. */
async function storedFiles(): Promise<{ files: Files; contents: string }> {
  const backend = new MemoryBackend();
  const rig = await StoreRig.open(backend);
  for (let i = 0; i < 20; i++) await rig.call('SET', `key:${i}`, `value ${i}`);
  await rig.store.compact();
  for (let i = 0; i < 10; i++) await rig.call('RPUSH', 'list', i);
  const contents = await rig.contents();
  await rig.store.close();
  return { files: backend.contents(), contents };
}

/** What a store on these files has, or the code of the error. */
async function opened(files: Files): Promise<{ found: string; backend: MemoryBackend }> {
  const backend = new MemoryBackend(undefined, files);
  try {
    const rig = await StoreRig.open(backend);
    const found = await rig.contents();
    await rig.store.close();
    return { found, backend };
  } catch (error) {
    return { found: (error as { code: string }).code, backend };
  }
}

it('one changed byte anywhere is noticed, or changes nothing', async () => {
  const { files, contents } = await storedFiles();
  const random = Random.fresh();
  const lastFrame = contents.replace(',"9"', '');
  let noticed = 0;
  for (const [name, bytes] of files) {
    for (let at = 0; at < bytes.length; at += 1 + random.below(16)) {
      const changed = bytes.slice();
      changed[at]! ^= 1 << random.below(8);
      const { found, backend } = await opened(new Map(files).set(name, changed));
      const place = `seed ${random.seed}, byte ${at} of ${name}`;
      // The last frame looks as if a crash had torn it.
      expect([contents, lastFrame, 'STORAGE'], place).toContain(found);
      if (found !== 'STORAGE') continue;
      noticed += 1;
      expect(backend.contents(), place).toEqual(new Map(files).set(name, changed));
    }
  }
  expect(noticed).toBeGreaterThan(30);
});

it('a file that is missing or too short is noticed', async () => {
  const { files, contents } = await storedFiles();
  for (const [name, bytes] of files) {
    const without = new Map(files);
    without.delete(name);
    // Of the manifest there are two.
    const allowed = name.startsWith('manifest') ? ['STORAGE', contents] : ['STORAGE'];
    expect(allowed, name).toContain((await opened(without)).found);
    if (name.startsWith('log')) continue;
    const short = new Map(files).set(name, bytes.subarray(0, bytes.length - 1));
    expect(allowed, name).toContain((await opened(short)).found);
  }
});

it('a form of a later release is refused, in words that say so', async () => {
  const { files } = await storedFiles();
  for (const name of ['manifest-0', 'manifest-1']) {
    const record = new TextDecoder().decode(files.get(name));
    const json = record.split('\n')[0]!.replace('"format":1', '"format":2');
    const { crc32 } = await import('../../src/browser/storage/crc32.ts');
    const encoder = new TextEncoder();
    files.set(name, encoder.encode(`${json}\n${crc32(encoder.encode(json)).toString(16)}`));
  }
  await expect(StoreRig.open(new MemoryBackend(undefined, files))).rejects.toThrow(/later release/);
});

it('a value that looks like a frame is none', async () => {
  const salt = 77;
  const inner = frame(salt + 1, 5, [new Uint8Array(20)]);
  const log = new Map([
    ['log-0', Uint8Array.from([...logHead(salt), ...frame(salt, 1, [inner]).subarray(0, 40)])],
  ]);
  const backend = new MemoryBackend(undefined, log);
  const state = await readLog(backend, 'log-0', log.get('log-0')!.length, () => {});
  expect(state).toMatchObject({ frames: 0, isTorn: true });
});

it('a store too large for the memory is not opened, and stays as it is', async () => {
  const backend = new MemoryBackend();
  const rig = await StoreRig.open(backend);
  for (let i = 0; i < 40; i++) await rig.call('SET', `key:${i}`, 'x'.repeat(1 << 20));
  await rig.store.close();
  const files = backend.contents();
  const small = new MemoryBackend(undefined, files);
  await expect(StoreRig.open(small, {}, 16 << 20)).rejects.toMatchObject({ code: 'NO_MEMORY' });
  const left = small.contents();
  expect([...left.keys()]).toEqual([...files.keys()]);
  for (const [name, bytes] of files) expect(Buffer.compare(left.get(name)!, bytes), name).toBe(0);
});
