// Output that the kernel did not take yet, of one connection.
//
// Bytes are copied into blocks the queue owns, because their source is linear memory that the next
// command overwrites. Many small pieces share a block, so that a slow subscriber costs its bytes
// and not an object per message, and leave in few writes:
//
//   first block          last block
//   [ full .......... ]  [ used ....... | free ... ]
//
// Blocks for small pieces double from 1 KiB to 16 KiB, the step in which Redis counts the memory of
// output; a big piece gets blocks of its own size, of 1 MiB at most.
//
// `take` hands blocks over to a write; the queue never touches them again. O(bytes) in all.

const FIRST_BLOCK_BYTES = 1024;
const SHARED_BLOCK_BYTES = 16384;
const BLOCK_BYTES_MAX = 1 << 20;

export class OutputQueue {
  private blocks: Uint8Array[] = [];
  /** Used bytes of the last block; the others are full. */
  private lastUsed = 0;
  private nextBlockBytes = FIRST_BLOCK_BYTES;
  private queued = 0;
  private capacity = 0;

  /** Bytes waiting. */
  get bytes(): number {
    return this.queued;
  }

  /** Bytes of memory held. */
  get memoryBytes(): number {
    return this.capacity;
  }

  get blockCount(): number {
    return this.blocks.length;
  }

  /** Appends a copy of `bytes`. */
  push(bytes: Uint8Array): void {
    let from = 0;
    while (from < bytes.length) {
      let block = this.blocks.at(-1);
      if (block === undefined || this.lastUsed === block.length) {
        block = this.addBlock(bytes.length - from);
      }
      const count = Math.min(bytes.length - from, block.length - this.lastUsed);
      block.set(bytes.subarray(from, from + count), this.lastUsed);
      this.lastUsed += count;
      from += count;
    }
    this.queued += bytes.length;
  }

  /** Removes whole blocks from the front: at least one when any waits, about `maxBytes` in all. */
  take(maxBytes: number): Uint8Array[] {
    let count = 0;
    let taken = 0;
    while (count < this.blocks.length && taken < maxBytes) {
      const block = this.blocks[count] as Uint8Array;
      const isLast = count === this.blocks.length - 1;
      taken += isLast ? this.lastUsed : block.length;
      this.capacity -= block.length;
      if (isLast) {
        this.blocks[count] = block.subarray(0, this.lastUsed);
        this.nextBlockBytes = FIRST_BLOCK_BYTES;
      }
      count++;
    }
    this.queued -= taken;
    return this.blocks.splice(0, count);
  }

  clear(): void {
    this.blocks = [];
    this.queued = 0;
    this.capacity = 0;
    this.nextBlockBytes = FIRST_BLOCK_BYTES;
  }

  private addBlock(wantedBytes: number): Uint8Array {
    const size = Math.min(Math.max(wantedBytes, this.nextBlockBytes), BLOCK_BYTES_MAX);
    this.nextBlockBytes = Math.min(this.nextBlockBytes * 2, SHARED_BLOCK_BYTES);
    const block = new Uint8Array(size);
    this.blocks.push(block);
    this.capacity += size;
    this.lastUsed = 0;
    return block;
  }
}
