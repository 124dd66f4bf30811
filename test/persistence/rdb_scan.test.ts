// The scanner of snapshots, which tells keys and faults without loading anything. Method: files made by
// hand, and every value that the loader has samples of; whole, cut at each byte, and read in pieces.

import { describe, expect, it } from 'vitest';
import {
  type RdbScan,
  RdbScanError,
  type RdbScanOptions,
  type ScannedKey,
  scanRdb,
} from '../../src/persistence/rdb_scan.ts';
import {
  aux,
  expireMs,
  expireSeconds,
  frequency,
  header,
  idle,
  key,
  keyOfPayload,
  library,
  moduleAux,
  moduleKey,
  rdbFile,
  resize,
  select,
  signed,
  slotInfo,
} from '../support/rdb_file.ts';
import { integer, length, lzf, lzfLiterals, plain, u8 } from '../support/rdb_payload.ts';
import { rdbSamples } from '../support/rdb_samples.ts';

/** A file that hands out no more than `most` bytes at a time. */
function fileOf(bytes: Uint8Array, most = Number.POSITIVE_INFINITY) {
  return {
    size: () => bytes.length,
    read(into: Uint8Array, position: number): number {
      const piece = bytes.subarray(position, position + Math.min(into.length, most));
      into.set(piece);
      return piece.length;
    },
  };
}

function scan(bytes: Uint8Array, options: Partial<RdbScanOptions> = {}): Promise<RdbScan> {
  return scanRdb(fileOf(bytes), { nowMs: 5000, ...options });
}

async function faultOf(bytes: Uint8Array): Promise<RdbScanError> {
  try {
    await scan(bytes);
  } catch (error) {
    if (error instanceof RdbScanError) return error;
    throw error;
  }
  throw new Error('the file is sound');
}

const samples = rdbSamples();

const ALL = rdbFile(
  12,
  aux('redis-ver', '7.4.0'),
  moduleAux('module--1'),
  library('#!lua name=x'),
  select(0),
  slotInfo(1, 2, 0),
  resize(samples.length, 0),
  ...samples.map(({ name, payload }) => keyOfPayload(name, payload)),
  select(3),
  expireMs(4000),
  idle(12),
  key(0, 'old', plain('x')),
  expireSeconds(6),
  frequency(3),
  moduleKey('module', 'module--1'),
);

describe('a sound file', () => {
  it('is told key by key, whatever their types', async () => {
    const names: string[] = [];
    const result = await scan(ALL, { onKey: ({ name }) => names.push(name.toString()) });
    expect(names).toEqual([...samples.map(({ name }) => name), 'old', 'module']);
    expect(result.version).toBe(12);
    expect(result.checksum).toBe('ok');
    expect(result.functions).toBe(1);
    expect(result.endOffset).toBe(ALL.length);
    expect(result.databases.get(0)).toEqual({
      keys: samples.length,
      expires: 0,
      announcedKeys: samples.length,
    });
  });

  it('has its expiries counted, and those that are over', async () => {
    const result = await scan(ALL);
    expect(result.databases.get(3)).toEqual({ keys: 2, expires: 2, announcedKeys: undefined });
    expect([result.expires, result.expired]).toEqual([2, 1]);
  });

  it('gives the same when it comes byte by byte', async () => {
    const seen = async (most: number) => {
      const keys: ScannedKey[] = [];
      await scanRdb(fileOf(ALL, most), { nowMs: 5000, onKey: (found) => keys.push(found) });
      return keys;
    };
    expect(await seen(97)).toEqual(await seen(Number.POSITIVE_INFINITY));
  });

  it('has names in every form of a string', async () => {
    const names: string[] = [];
    const long = 'n'.repeat(300);
    await scan(
      rdbFile(
        10,
        key(0, 'short', plain('x')),
        key(0, long, plain('x')),
        Buffer.concat([u8(0), integer(-77, 1), plain('x')]),
        Buffer.concat([u8(0), integer(1_000_000, 4), plain('x')]),
        Buffer.concat([u8(0), lzf(lzfLiterals('compressed name'), 15), plain('x')]),
      ),
      { onKey: ({ name }) => names.push(name.toString()) },
    );
    expect(names).toEqual(['short', long, '-77', '1000000', 'compressed name']);
  });

  it('may have no checksum, because of its version or by choice', async () => {
    expect((await scan(rdbFile(4, key(0, 'k', plain('v'))))).checksum).toBe('absent');
    const unsummed = signed(Buffer.concat([header(9), u8(255)]), 0n);
    expect((await scan(unsummed)).checksum).toBe('none');
  });

  it('tells where it ends when something follows', async () => {
    const file = rdbFile(10, key(0, 'k', plain('v')));
    const result = await scan(Buffer.concat([file, Buffer.from('*1\r\n$4\r\nPING\r\n')]));
    expect(result.endOffset).toBe(file.length);
  });
});

describe('a damaged file', () => {
  it('is found out at every byte that it may be cut at', async () => {
    for (let end = 0; end < ALL.length; end++) {
      expect((await faultOf(ALL.subarray(0, end))).message).toBe('Unexpected EOF reading RDB file');
    }
  });

  it('is found out by its checksum', async () => {
    const bytes = Buffer.from(rdbFile(10, key(0, 'key', plain('value'))));
    bytes[bytes.indexOf('value')]! ^= 1;
    const fault = await faultOf(bytes);
    expect([fault.message, fault.activity]).toEqual(['RDB CRC error', 'check-sum']);
  });

  it.each([
    ['another kind of file', Buffer.from('PK\x03\x04 and more'), /Wrong signature/, 'start'],
    ['a version of later', rdbFile(13), /Can't handle RDB format version 13/, 'start'],
    ['no version', rdbFile(0), /Can't handle RDB format version 0/, 'start'],
    ['an unknown type', rdbFile(10, key(99, 'k')), /Invalid object type: 99/, 'read-type'],
    ['a pre-release function', rdbFile(10, u8(246)), /Pre-release function format/, 'read-type'],
    [
      'a length that is none',
      rdbFile(10, Buffer.concat([u8(254), u8(0x85)])),
      /Unknown length encoding/,
      'read-len',
    ],
    [
      'an unknown encoding',
      rdbFile(10, Buffer.concat([u8(0), u8(0xc9)])),
      /Unknown RDB string encoding/,
      'read-key',
    ],
  ])('with %s says so', async (_name, bytes, message, activity) => {
    const fault = await faultOf(bytes);
    expect(fault.message).toMatch(message);
    expect(fault.activity).toBe(activity);
  });

  it('says which key it was at, and of which type', async () => {
    const bytes = rdbFile(10, key(0, 'fine', plain('x')), key(4, 'broken', length(9), plain('f')));
    const fault = await faultOf(bytes);
    expect(fault.key?.toString()).toBe('broken');
    expect([fault.type, fault.activity]).toEqual([4, 'read-object-value']);
  });

  it('does not claim memory for what it only announces', async () => {
    const fault = await faultOf(rdbFile(10, Buffer.concat([u8(0), length(1n << 60n), u8(1)])));
    expect(fault.message).toBe('Unexpected EOF reading RDB file');
  });
});
