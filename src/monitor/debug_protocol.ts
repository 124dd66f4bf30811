// DEBUG PROTOCOL: one reply of every kind the protocol has, for tests of clients.

import type { ReplyWriter } from '../core/reply_writer.ts';

/** Not pi: the value that clients' tests know. */
const DOUBLE = Number('3.141');
const BIG_NUMBER = '1234567999999999999999999999999999999';

const WRITERS: Readonly<Record<string, (reply: ReplyWriter) => void>> = {
  string: (reply) => reply.bulk('Hello World'),
  integer: (reply) => reply.integer(12345),
  double: (reply) => reply.double(DOUBLE),
  bignum: (reply) => (reply.resp === 3 ? reply.raw(`(${BIG_NUMBER}\r\n`) : reply.bulk(BIG_NUMBER)),
  null: (reply) => reply.null(),
  array: (reply) => writeThree(reply.array(3)),
  set: (reply) => writeThree(reply.set(3)),
  map: writeMap,
  attrib: writeAttributed,
  push: writePush,
  true: (reply) => reply.boolean(true),
  false: (reply) => reply.boolean(false),
  verbatim: (reply) => reply.verbatim('This is a verbatim\nstring'),
};

/** Every name, as the error for an unknown one lists them. */
const NAMES = 'string|integer|double|bignum|null|array|set|map|attrib|push|verbatim|true|false';

export function writeProtocolSample(reply: ReplyWriter, name: string): void {
  const write = WRITERS[name.toLowerCase()];
  if (write !== undefined) {
    write(reply);
    return;
  }
  reply.error(`ERR Wrong protocol type name. Please use one of the following: ${NAMES}`);
}

function writeThree(reply: ReplyWriter): void {
  for (let i = 0; i < 3; i++) reply.integer(i);
}

function writeMap(reply: ReplyWriter): void {
  reply.map(3);
  for (let i = 0; i < 3; i++) reply.integer(i).boolean(i === 1);
}

/** An attribute comes in front of a reply and is none itself. */
function writeAttributed(reply: ReplyWriter): void {
  if (reply.resp === 3) {
    reply.raw('|1\r\n').bulk('key-popularity');
    reply.array(2).bulk('key:123').integer(90);
  }
  reply.bulk('Some real reply following the attribute');
}

/** Neither is a push, so a reply follows for clients that wait for one. */
function writePush(reply: ReplyWriter): void {
  if (reply.resp !== 3) {
    reply.error('ERR RESP2 is not supported by this command');
    return;
  }
  reply.push(2).bulk('server-cpu-usage').integer(42);
  reply.bulk('Some real reply following the push reply');
}
