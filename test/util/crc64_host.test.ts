import { expect, it } from 'vitest';
import { Crc64 } from '../../src/util/crc64.ts';
import { Random } from '../support/random.ts';

function crc64(...pieces: Uint8Array[]): bigint {
  const crc = new Crc64();
  for (const piece of pieces) crc.update(piece);
  return crc.value();
}

/** Bit by bit. */
function model(bytes: Uint8Array): bigint {
  let crc = 0n;
  for (const byte of bytes) {
    crc ^= BigInt(byte);
    for (let bit = 0; bit < 8; bit++) {
      crc = crc & 1n ? (crc >> 1n) ^ 0x95ac9329ac4bc9b5n : crc >> 1n;
    }
  }
  return crc;
}

it('gives the check value of CRC-64 Jones', () => {
  expect(crc64(Buffer.from('123456789'))).toBe(0xe9c6d914c4b8d9can);
});

it('gives what the definition gives, for every length and every cut', () => {
  const random = Random.fresh();
  for (let length = 0; length < 40; length++) {
    const bytes = Buffer.from(Array.from({ length }, () => random.below(256)));
    expect(crc64(bytes), `seed ${random.seed}`).toBe(model(bytes));
    for (let cut = 0; cut <= length; cut++) {
      expect(crc64(bytes.subarray(0, cut), bytes.subarray(cut)), `seed ${random.seed}`).toBe(
        model(bytes),
      );
    }
  }
});
