// The state of a key that is being written as commands, and what all types need for it: see command_form.ts.

import { RdbOutput } from './rdb_output';
import { RespTail, respStart, respText, respWhole } from './resp_output';

@unmanaged
export class CommandForm extends RespTail {
  key: usize; // a copy
  keyLen: u32;
  type: u32;
  encoding: u32;
  block: usize;
  stage: u32;
  rest: u32; // elements that are not written
  together: u32; // those among them that belong to the open command; of a stream, the part at hand
  expireAtMs: i64;
  position: u64; // of the next element of a list or sorted set; the first id of a stream that is to come
  seq: u64;
  group: u64; // streams: positions of the group, the consumer and the pending entry
  consumer: u64;
  pending: u64;
  walk0: u64; // a SetWalk or a HashWalk: 40 bytes
  walk1: u64;
  walk2: u64;
  walk3: u64;
  walk4: u64;
}

/** Bytes of the record. */
export const COMMAND_FORM_BYTES: i32 = 200;

/** Begins a command on the key, of `count` arguments. */
export function formCommand(x: CommandForm, out: RdbOutput, name: string, count: u32): void {
  respStart(out, count);
  respText(out, name);
  formKey(x, out);
}

export function formKey(x: CommandForm, out: RdbOutput): void {
  respWhole(out, x.key, x.keyLen);
}
