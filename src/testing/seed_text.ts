// Commands from files and texts: lines as redis-cli takes them, or RESP as clients send it.

import { fromByteText, toByteText } from '../config/byte_text.ts';
import { splitArguments } from '../config/quoting.ts';
import { RespiteError } from '../embedded/errors.ts';
import type { CommandArg } from '../embedded/reply.ts';
import { RequestReader } from './request_reader.ts';

export interface SeedCommand {
  readonly args: readonly CommandArg[];
  /** Where it stands, for messages: "line 3". */
  readonly place: string;
}

const ASTERISK = 42;

/** What a seed file is, by its first bytes. */
export function seedKind(bytes: Uint8Array): 'dump' | 'resp' | 'text' {
  const start = Buffer.from(bytes.subarray(0, 5)).toString('latin1');
  if (start === 'REDIS') return 'dump';
  return bytes[0] === ASTERISK ? 'resp' : 'text';
}

/** Commands of a text, one per line; empty lines and those that begin with # are none. */
export function commandsOfText(text: string): SeedCommand[] {
  return text.split(/\r?\n/).flatMap((line, index) => {
    const trimmed = line.trim();
    if (trimmed === '' || trimmed.startsWith('#')) return [];
    const place = `line ${index + 1}`;
    const args = splitArguments(toByteText(trimmed));
    if (args === null) {
      throw new RespiteError('BAD_OPTION', `Unbalanced quotes in ${place} of the seed: ${trimmed}`);
    }
    return [{ args: asArguments(args), place }];
  });
}

/** Commands of a recorded stream. */
export function commandsOfResp(bytes: Uint8Array): SeedCommand[] {
  const reader = new RequestReader();
  const requests = reader.push(bytes);
  const broken = requests.findIndex(({ args }) => args.length === 0);
  if (broken >= 0 || reader.hasPartial) {
    const count = broken >= 0 ? broken : requests.length;
    throw new RespiteError('BAD_OPTION', `The seed is not RESP behind its command ${count}`);
  }
  return requests.map(({ args }, index) => {
    const [name = new Uint8Array(0), ...rest] = args;
    return { args: [Buffer.from(name).toString(), ...rest], place: `command ${index + 1}` };
  });
}

/** The name as text, and as text what is UTF-8; other arguments as the bytes they stand for. */
function asArguments(byteTexts: readonly string[]): CommandArg[] {
  return byteTexts.map((byteText, index) => {
    const text = fromByteText(byteText);
    return index === 0 || toByteText(text) === byteText ? text : Buffer.from(byteText, 'latin1');
  });
}
