// The global Buffer of tests that run in a page: the product's own, and what only tests use.

import { Buffer as ProductBuffer } from '../../../src/browser/buffer_shim.ts';

/** Writes return where they end. */
class TestMethods extends ProductBuffer {
  private get view(): DataView {
    return new DataView(this.buffer, this.byteOffset, this.byteLength);
  }

  copy(target: Uint8Array, at = 0, from = 0, to = this.length): number {
    const kept = this.subarray(from, to).subarray(0, target.length - at);
    target.set(kept, at);
    return kept.length;
  }

  writeUInt16LE(value: number, at = 0): number {
    this.view.setUint16(at, value, true);
    return at + 2;
  }

  writeUInt32LE(value: number, at = 0): number {
    this.view.setUint32(at, value, true);
    return at + 4;
  }

  writeDoubleLE(value: number, at = 0): number {
    this.view.setFloat64(at, value, true);
    return at + 8;
  }

  writeBigInt64LE(value: bigint, at = 0): number {
    this.view.setBigInt64(at, value, true);
    return at + 8;
  }

  writeBigUInt64LE(value: bigint, at = 0): number {
    this.view.setBigUint64(at, value, true);
    return at + 8;
  }

  writeBigUInt64BE(value: bigint, at = 0): number {
    this.view.setBigUint64(at, value, false);
    return at + 8;
  }

  writeIntLE(value: number, at: number, bytes: number): number {
    let rest = BigInt(value);
    for (let i = 0; i < bytes; i++) {
      this[at + i] = Number(rest & 255n);
      rest >>= 8n;
    }
    return at + bytes;
  }
}

const methods = Object.getOwnPropertyDescriptors(TestMethods.prototype);
for (const [name, method] of Object.entries(methods)) {
  if (name !== 'constructor') Object.defineProperty(ProductBuffer.prototype, name, method);
}

export { ProductBuffer as Buffer };
