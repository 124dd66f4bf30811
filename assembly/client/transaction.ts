// MULTI: the queue of a transaction, and stepping through it when EXEC runs.
//
//   state (Conn.multi): commands u32 | flags u32 | data u32 | length u32 | capacity u32 |
//                       next u32 | left u32 | executing u32 | current u32
//   data, per command:  id u32 | arguments u32 | ARG_BYTES per argument | bytes, padded to 8
//
// Queued commands own copies of their arguments, because the input they came in is gone by the time
// of EXEC. The argument records lie beside them, so EXEC needs no memory of its own and cannot fail
// half-way; they are pointed at the bytes when their command's turn comes, since the data may have
// moved before. It is freed behind the last command.

import { ARG_BYTES, CLIENT_DIRTY_CAS, CLIENT_DIRTY_EXEC, CLIENT_MULTI } from '../abi';
import { free, tryAlloc, tryRealloc, usableSize } from '../memory/alloc';
import { Arg, argc, setArgRecord, setArgs } from '../resp/args';
import { Conn } from '../resp/connection';
import { unwatchAll } from './watch';

@unmanaged
class Multi {
  commands: u32;
  flags: u32; // union of the queued commands' flags
  data: usize;
  length: u32;
  capacity: u32;
  next: u32; // offset of the command that runs next
  left: u32;
  executing: u32;
  current: u32; // offset of the command that runs
}

const COMMAND_HEAD: u32 = 8;

/** Set by EXEC's handler: the batch has to run the queue now. */
export let execRequested: bool = false;
/** The command that `transactionNext` prepared. */
export let queuedId: u32 = 0;

export function requestExec(on: bool): void {
  execRequested = on;
}

function multiOf(c: Conn): Multi {
  return changetype<Multi>(c.multi);
}

/** Opens a transaction. False when memory is exhausted. */
export function tryMultiStart(c: Conn): bool {
  const bytes: usize = offsetof<Multi>();
  const ptr = tryAlloc(bytes);
  if (ptr == 0) return false;
  memory.fill(ptr, 0, bytes);
  c.multi = ptr;
  c.flags |= CLIENT_MULTI;
  return true;
}

export function queuedCommands(c: Conn): u32 {
  return c.multi == 0 ? 0 : multiOf(c).commands;
}

/** Union of the flags of the commands queued so far. */
export function queuedFlags(c: Conn): u32 {
  return c.multi == 0 ? 0 : multiOf(c).flags;
}

/** Bytes the queue holds. */
export function queuedBytes(c: Conn): u32 {
  return c.multi == 0 ? 0 : multiOf(c).capacity + <u32>offsetof<Multi>();
}

/** Queues the running command. False when memory is exhausted. */
export function tryQueueCommand(c: Conn, id: u32, flags: u32): bool {
  const m = multiOf(c);
  let bytes: u64 = COMMAND_HEAD + <u64>argc * ARG_BYTES;
  for (let i: u32 = 0; i < argc; i++) bytes += Arg.len(i);
  bytes = (bytes + 7) & ~7;
  const total = <u64>m.length + bytes;
  if (total > 0xf0000000) return false;
  if (total > <u64>m.capacity) {
    const wanted = <usize>max<u64>(total, min<u64>(total << 1, 0xf0000000));
    const wider = m.data == 0 ? tryAlloc(wanted) : tryRealloc(m.data, wanted);
    if (wider == 0) return false;
    m.data = wider;
    m.capacity = <u32>usableSize(wider);
  }
  const at = m.data + m.length;
  store<u32>(at, id);
  store<u32>(at, argc, 4);
  let record = at + COMMAND_HEAD;
  let text = record + <usize>argc * ARG_BYTES;
  for (let i: u32 = 0; i < argc; i++) {
    const len = Arg.len(i);
    setArgRecord(record, 0, len);
    memory.copy(text, Arg.ptr(i), len);
    record += ARG_BYTES;
    text += len;
  }
  m.length = <u32>total;
  m.commands += 1;
  m.flags |= flags;
  return true;
}

/** Ends the transaction, run or not, and forgets what was watched. */
export function transactionEnd(c: Conn): void {
  unwatchAll(c);
  c.flags &= ~(CLIENT_MULTI | CLIENT_DIRTY_CAS | CLIENT_DIRTY_EXEC);
  if (c.multi == 0) return;
  const m = multiOf(c);
  if (m.data != 0) free(m.data);
  free(c.multi);
  c.multi = 0;
}

/** Turns the queue around: from here on `transactionNext` steps through it. */
export function transactionBegin(c: Conn): void {
  const m = multiOf(c);
  unwatchAll(c);
  m.next = 0;
  m.left = m.commands;
  m.executing = 1;
}

/** True while EXEC is running the queue. */
export function isExecuting(c: Conn): bool {
  return c.multi != 0 && multiOf(c).executing != 0;
}

/** The command that was suspended is the running one again, with its arguments. */
export function transactionReturn(c: Conn): void {
  const m = multiOf(c);
  const at = m.data + m.current;
  queuedId = load<u32>(at);
  setArgs(load<u32>(at, 4), at + COMMAND_HEAD);
}

/** Makes the next queued command the running one (`queuedId`). False behind the last. */
export function transactionNext(c: Conn): bool {
  const m = multiOf(c);
  if (m.left == 0) return false;
  const at = m.data + m.next;
  const count = load<u32>(at, 4);
  const records = at + COMMAND_HEAD;
  let text = records + <usize>count * ARG_BYTES;
  for (let i: u32 = 0; i < count; i++) {
    const record = records + <usize>i * ARG_BYTES;
    const len = load<u32>(record, 4);
    setArgRecord(record, text, len);
    text += len;
  }
  queuedId = load<u32>(at);
  m.current = m.next;
  m.next = (<u32>(text - m.data) + 7) & ~7;
  m.left -= 1;
  setArgs(count, records);
  return true;
}
