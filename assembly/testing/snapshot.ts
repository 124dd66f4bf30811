// Test access to snapshot/: the whole core, and values written and read in pieces.

import { database, selectDatabase, tryInsertNew } from '../keyspace/db';
import { NO_EXPIRE } from '../keyspace/entry';
import { tableFind } from '../keyspace/key_table';
import { formStep, tryFormStart } from '../snapshot/command_form';
import {
  DECODE_DONE,
  DECODE_NO_MEMORY,
  decodedBytes,
  decodeStart,
  decodeStep,
  tryDecodedEntry,
} from '../snapshot/decode';
import { DECODER_BYTES, Decoder } from '../snapshot/decoder';
import { encodeStart, encodeStep, rdbTypeOf } from '../snapshot/encode';
import { ENCODER_BYTES, Encoder } from '../snapshot/encoder';
import { COMMAND_FORM_BYTES, CommandForm } from '../snapshot/form_state';
import { outputFree, outputInit, RDB_OUTPUT_BYTES, RdbOutput } from '../snapshot/rdb_output';
import { hashBytes } from '../util/siphash';

export * from '../index';

const encoder: Encoder = changetype<Encoder>(memory.data(ENCODER_BYTES, 8));
const decoder: Decoder = changetype<Decoder>(memory.data(DECODER_BYTES, 8));
const output: RdbOutput = changetype<RdbOutput>(memory.data(RDB_OUTPUT_BYTES, 8));

/** Begins to write the value of a key of database 0; its RDB type. */
export function encodeKey(key: usize, keyLen: u32, compressMax: u32): u32 {
  const e = tableFind(database(0), key, keyLen, hashBytes(key, keyLen));
  outputInit(output, compressMax);
  encodeStart(encoder, e);
  return rdbTypeOf(e);
}

const form: CommandForm = changetype<CommandForm>(memory.data(COMMAND_FORM_BYTES, 8));

/** Begins to write a key of a database as commands. */
export function formKey(databaseId: u32, key: usize, keyLen: u32): bool {
  outputInit(output, 0);
  return tryFormStart(form, tableFind(database(databaseId), key, keyLen, hashBytes(key, keyLen)));
}

/** One step into an output that is empty before. */
export function formMore(budget: usize): u32 {
  output.used = 0;
  return formStep(form, output, budget);
}

/** One step into an output that is empty before. */
export function encodeMore(budget: usize): u32 {
  output.used = 0;
  return encodeStep(encoder, output, budget);
}

export function encodedPtr(): usize {
  return output.base;
}

export function encodedLen(): usize {
  return output.used;
}

export function encodeEnd(): void {
  outputFree(output);
}

export function decodeBegin(rdbType: u32): void {
  decodeStart(decoder, rdbType);
}

export function decodeMore(ptr: usize, len: usize, whole: bool): u32 {
  return decodeStep(decoder, ptr, len, whole);
}

export function decodeTaken(): usize {
  return decodedBytes;
}

/** Files what was read under a key of database 0 that is not there. */
export function decodeStore(key: usize, keyLen: u32): u32 {
  selectDatabase(0);
  const e = tryDecodedEntry(decoder, key, keyLen, 0, NO_EXPIRE);
  return tryInsertNew(e, hashBytes(key, keyLen)) ? DECODE_DONE : DECODE_NO_MEMORY;
}
