// One connection's block in linear memory as the host sees it: typed access at the CONN_* offsets.
//
// The layout is written down once, in assembly/abi.ts, and pinned on the core's side where the block
// is made (assembly/resp/connection.ts). Reads and writes go through the core's current DataView, so
// a block object stays usable when linear memory grows. It must not be used once the block is freed.

import * as abi from '../../assembly/abi.ts';

/** Whatever can give a current view of linear memory: `Core` can. */
export interface LinearMemory {
  readonly data: DataView;
}

const NO_COMMAND = 0xffffffff;
/** Bytes of memory per argument of an unfinished command: offset and length. */
const UNFINISHED_ARG_BYTES = 8;

export class ConnectionBlock {
  /** Address of the block. */
  readonly ptr: number;
  private readonly memory: LinearMemory;

  constructor(memory: LinearMemory, ptr: number) {
    this.memory = memory;
    this.ptr = ptr;
  }

  get id(): number {
    return this.u64(abi.CONN_ID);
  }

  /** CLIENT_* bits. */
  get flags(): number {
    return this.u32(abi.CONN_FLAGS);
  }

  set flags(flags: number) {
    this.setU32(abi.CONN_FLAGS, flags);
  }

  has(flag: number): boolean {
    return (this.flags & flag) !== 0;
  }

  setFlag(flag: number, on: boolean): void {
    this.flags = on ? this.flags | flag : this.flags & ~flag;
  }

  get resp(): 2 | 3 {
    return this.u32(abi.CONN_RESP) === 3 ? 3 : 2;
  }

  set resp(version: 2 | 3) {
    this.setU32(abi.CONN_RESP, version);
  }

  /** Index of the selected database. */
  get db(): number {
    return this.u32(abi.CONN_DB);
  }

  /** Id of the last command that ran, null before the first. */
  get lastCommandId(): number | null {
    const id = this.u32(abi.CONN_LAST_CMD);
    return id === NO_COMMAND ? null : id;
  }

  /** Input that could not be executed yet, in bytes. */
  get queryBytes(): number {
    return this.u32(abi.CONN_QUERY_LEN);
  }

  /** The part of it that has not been read as arguments of an unfinished command. */
  get unreadBytes(): number {
    return Math.max(this.queryBytes - this.u32(abi.CONN_PARSE_POS), 0);
  }

  /** A copy of its first bytes, at most `limit`. */
  queryStart(limit: number): Uint8Array {
    const { buffer } = this.memory.data;
    const at = this.u32(abi.CONN_QUERY_PTR) + this.u32(abi.CONN_QUERY_POS);
    return new Uint8Array(buffer, at, Math.min(this.queryBytes, limit)).slice();
  }

  /** Room of the buffer that holds it. */
  get queryCapacityBytes(): number {
    return this.u32(abi.CONN_QUERY_CAP);
  }

  /** Bytes of the arguments of an unfinished command that have been read. */
  get argumentBytes(): number {
    return this.u32(abi.CONN_ARGV_BYTES);
  }

  /** Output that other connections' commands wrote and the host has not taken yet. */
  get pushedBytes(): number {
    return this.u32(abi.CONN_PUSH_LEN);
  }

  /** Commands run. */
  get commands(): number {
    return this.u64(abi.CONN_COMMANDS);
  }

  get netInBytes(): number {
    return this.u64(abi.CONN_NET_IN);
  }

  get createdMs(): number {
    return Number(this.memory.data.getBigInt64(this.ptr + abi.CONN_CREATED_MS, true));
  }

  /** When input last came in. */
  get lastActiveMs(): number {
    return Number(this.memory.data.getBigInt64(this.ptr + abi.CONN_LAST_ACTIVE_MS, true));
  }

  /** Copy of the name that CLIENT SETNAME gave, empty when there is none. */
  get name(): Uint8Array {
    return this.copyText(abi.CONN_NAME_PTR, abi.CONN_NAME_LEN);
  }

  /** Memory of the core that belongs to this connection alone. */
  get memoryBytes(): number {
    return (
      abi.CONN_BYTES +
      this.u32(abi.CONN_QUERY_CAP) +
      this.u32(abi.CONN_ARGV_CAP) * UNFINISHED_ARG_BYTES +
      this.u32(abi.CONN_PUSH_CAP) +
      this.u32(abi.CONN_OWNED_BYTES) +
      this.u32(abi.CONN_ADDR_LEN) +
      this.u32(abi.CONN_NAME_LEN)
    );
  }

  private u32(offset: number): number {
    return this.memory.data.getUint32(this.ptr + offset, true);
  }

  private setU32(offset: number, value: number): void {
    this.memory.data.setUint32(this.ptr + offset, value, true);
  }

  private u64(offset: number): number {
    return Number(this.memory.data.getBigUint64(this.ptr + offset, true));
  }

  private copyText(ptrOffset: number, lengthOffset: number): Uint8Array {
    const { buffer } = this.memory.data;
    return new Uint8Array(buffer, this.u32(ptrOffset), this.u32(lengthOffset)).slice();
  }
}
