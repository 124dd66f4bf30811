// From a command's name to its id: an open-addressing table built at start from the generated
// records, so that `rename-command` can change names without touching the records.
//
//   slot: u16 id + 1, 0 empty; probed linearly; at most a quarter full
//
// Names are compared without regard to case. The hash covers the length and up to eight bytes from
// each end, which tells all names of the table apart in a probe or two.

import {
  RECORD_BYTES,
  RECORD_FIRST_KEY,
  RECORD_FIRST_SUB,
  RECORD_FLAGS,
  RECORD_HAS_SUBCOMMANDS,
  RECORD_KEY_STEP,
  RECORD_LAST_KEY,
  RECORD_NAME_LEN,
  RECORD_NAME_OFFSET,
  RECORD_NO_ID,
  RECORD_SUB_COUNT,
} from '../abi';
import {
  COMMAND_COUNT,
  COMMAND_NAMES,
  COMMAND_RECORDS,
  TOP_LEVEL_COUNT,
} from '../generated/command_table';
import { free, tryAlloc } from '../memory/alloc';
import { equalsIgnoreCase, toLower8 } from '../util/bytes';
import { forgetHeads } from './known_heads';

const SLOTS: u32 = 2048;
/** rename-command may make a name long, to have it guessed by nobody. */
const NAME_MAX_BYTES: u32 = 255;

export const NO_COMMAND: u32 = RECORD_NO_ID;

const slots: usize = memory.data(4096, 8);
/** Per top-level id: a renamed command's new name, [u8 length][bytes in lower case], or 0. */
const renames: usize = memory.data(4096, 8);

export class Record {
  @inline static at(id: u32): usize {
    return COMMAND_RECORDS + id * RECORD_BYTES;
  }
  @inline static fullName(id: u32): usize {
    return COMMAND_NAMES + load<u16>(Record.at(id), RECORD_NAME_OFFSET);
  }
  @inline static fullNameLen(id: u32): u32 {
    return load<u8>(Record.at(id), RECORD_NAME_LEN);
  }
}

/**
 * The keys of a command that has them at fixed places (KEYS_RANGE): every `step`th argument from `first` on,
 * below `stop`. Whoever asks before arity has been checked may find that the range ends before it begins.
 */
export class KeyRange {
  @inline static first(record: usize): u32 {
    return load<u8>(record, RECORD_FIRST_KEY);
  }
  @inline static step(record: usize): u32 {
    return max<u32>(load<u8>(record, RECORD_KEY_STEP), 1);
  }
  @inline static stop(record: usize, argc: u32): u32 {
    const last = <i32>load<i8>(record, RECORD_LAST_KEY);
    return last < 0 ? <u32>max(<i32>argc + last + 1, 0) : min(<u32>last + 1, argc);
  }
}

/** Flags of a command's record. */
export function commandFlags(id: u32): u32 {
  return load<u32>(Record.at(id), RECORD_FLAGS);
}

/** Name a client uses for a top-level command: its own, or what rename-command made of it. */
function currentName(id: u32): usize {
  const renamed: usize = load<u32>(renames + (id << 2));
  return renamed != 0 ? renamed + 1 : Record.fullName(id);
}

function currentNameLen(id: u32): u32 {
  const renamed: usize = load<u32>(renames + (id << 2));
  return renamed != 0 ? load<u8>(renamed) : Record.fullNameLen(id);
}

/** Up to eight bytes at `ptr` as a word in lower case, without reading beyond `len`. */
function word(ptr: usize, len: u32): u64 {
  if (len >= 8) return toLower8(load<u64>(ptr));
  let value: u64 = 0;
  for (let i: u32 = 0; i < len; i++) value |= (<u64>load<u8>(ptr + i)) << (i << 3);
  return toLower8(value);
}

function nameHash(ptr: usize, len: u32): u32 {
  let mixed = word(ptr, min(len, 8)) * 0x9e3779b97f4a7c15;
  if (len > 8) mixed = (mixed ^ word(ptr + len - 8, 8)) * 0xff51afd7ed558ccd;
  return <u32>((mixed ^ (mixed >> 29)) >> 11) + len;
}

function insert(id: u32): void {
  const len = currentNameLen(id);
  if (len == 0) return;
  let slot = nameHash(currentName(id), len) & (SLOTS - 1);
  while (load<u16>(slots + (slot << 1)) != 0) slot = (slot + 1) & (SLOTS - 1);
  store<u16>(slots + (slot << 1), <u16>(id + 1));
}

/** Names lie end to end in the order of ids, so records need not come with their offsets. */
function placeNames(): void {
  let offset: u32 = 0;
  for (let id: u32 = 0; id < COMMAND_COUNT; id++) {
    store<u16>(Record.at(id), <u16>offset, RECORD_NAME_OFFSET);
    offset += Record.fullNameLen(id);
  }
}

export function commandLookupInit(): void {
  if (TOP_LEVEL_COUNT * 4 > SLOTS) ERROR('command name table is too full');
  memory.fill(slots, 0, SLOTS << 1);
  forgetHeads();
  placeNames();
  for (let id: u32 = 0; id < TOP_LEVEL_COUNT; id++) insert(id);
}

/** Id of a top-level command, NO_COMMAND when there is none of that name. */
export function lookupCommand(ptr: usize, len: u32): u32 {
  if (len == 0 || len > NAME_MAX_BYTES) return NO_COMMAND;
  let slot = nameHash(ptr, len) & (SLOTS - 1);
  while (true) {
    const stored: u32 = load<u16>(slots + (slot << 1));
    if (stored == 0) return NO_COMMAND;
    const id = stored - 1;
    if (currentNameLen(id) == len && equalsIgnoreCase(ptr, len, currentName(id))) return id;
    slot = (slot + 1) & (SLOTS - 1);
  }
}

export function hasSubcommands(id: u32): bool {
  return load<u8>(Record.at(id), RECORD_HAS_SUBCOMMANDS) != 0;
}

/** True when whoever sends the name of command `id` means it, whatever the arguments. */
export function dependsOnNameOnly(id: u32): bool {
  return id < TOP_LEVEL_COUNT && !hasSubcommands(id);
}

/** Id of a subcommand of `parent`, NO_COMMAND when there is none of that name. */
export function lookupSubcommand(parent: u32, ptr: usize, len: u32): u32 {
  const skip = Record.fullNameLen(parent) + 1;
  const first: u32 = load<u16>(Record.at(parent), RECORD_FIRST_SUB);
  const count: u32 = load<u16>(Record.at(parent), RECORD_SUB_COUNT);
  for (let id = first; id < first + count; id++) {
    if (Record.fullNameLen(id) - skip != len) continue;
    if (equalsIgnoreCase(ptr, len, Record.fullName(id) + skip)) return id;
  }
  return NO_COMMAND;
}

/**
 * Gives a command another name; an empty one makes it unreachable. The bytes are in lower case.
 * False when the name is too long, taken, or memory is exhausted.
 */
export function tryRenameCommand(id: u32, ptr: usize, len: u32): bool {
  if (len > NAME_MAX_BYTES || (len > 0 && lookupCommand(ptr, len) != NO_COMMAND)) return false;
  const name = tryAlloc(len + 1);
  if (name == 0) return false;
  store<u8>(name, <u8>len);
  memory.copy(name + 1, ptr, len);
  const old: usize = load<u32>(renames + (id << 2));
  if (old != 0) free(old);
  store<u32>(renames + (id << 2), <u32>name);
  commandLookupInit();
  return true;
}
