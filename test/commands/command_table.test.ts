// The generated table of the core holds what the records say, and is the one that would be
// generated now.

import { readFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { beforeAll, describe, expect, it } from 'vitest';
import * as abi from '../../assembly/abi.ts';
import { coreHandlers, renderCommandTable } from '../../src/build/commands.ts';
import { allCommands } from '../../src/commands/index.ts';
import { loadTestModule } from '../support/assembly.ts';

const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '../..');
const commands = allCommands();

interface TableExports {
  commandCount(): number;
  commandRecords(): number;
  commandNames(): number;
  commandLookupInit(): void;
}

it('generating the table again changes nothing', () => {
  const file = path.join(root, 'assembly/generated/command_table.ts');
  expect(renderCommandTable(commands, coreHandlers(root))).toBe(readFileSync(file, 'utf8'));
});

it('dispatches exactly the commands whose handlers exist', () => {
  const handlers = coreHandlers(root);
  const text = renderCommandTable(commands, handlers);
  for (const { id, spec, handler } of commands) {
    const exists = spec.owner === 'core' && handlers.has(`${spec.file}:${handler}`);
    expect(text.includes(`case ${id}:\n      ${handler}();`), handler).toBe(exists);
  }
});

it('imports a handler once for every command that names it', () => {
  const handlers = new Set(
    commands.flatMap(({ spec, handler }) => (handler ? [`${spec.file}:${handler}`] : [])),
  );
  const text = renderCommandTable(commands, handlers);
  expect(text).toContain('import {\n  getCommand,\n');
  expect(text.match(/^ {2}setCommand,$/gm)).toHaveLength(1);
  expect(text).toContain("} from '../command/bitop';");
});

describe('the packed records', () => {
  let records: DataView;
  let names: Buffer;
  let count = 0;

  beforeAll(async () => {
    const { exports, bytes } = await loadTestModule<TableExports>('command_table');
    exports.commandLookupInit();
    count = exports.commandCount();
    const memory = bytes();
    const start = exports.commandRecords();
    expect(start % 16).toBe(0);
    records = new DataView(memory.slice(start, start + count * abi.RECORD_BYTES).buffer);
    const last = (count - 1) * abi.RECORD_BYTES;
    const nameBytes =
      records.getUint16(last + abi.RECORD_NAME_OFFSET, true) +
      records.getUint8(last + abi.RECORD_NAME_LEN);
    const blob = exports.commandNames();
    names = Buffer.from(memory.slice(blob, blob + nameBytes));
  }, 120_000);

  const at = (id: number, field: number) => id * abi.RECORD_BYTES + field;

  it('are as many as there are commands', () => {
    expect(count).toBe(commands.length);
  });

  it('hold names, arity and flags', () => {
    for (const { id, fullName, spec, flagBits } of commands) {
      const offset = records.getUint16(at(id, abi.RECORD_NAME_OFFSET), true);
      const length = records.getUint8(at(id, abi.RECORD_NAME_LEN));
      expect(names.toString('latin1', offset, offset + length)).toBe(fullName);
      expect(records.getInt16(at(id, abi.RECORD_ARITY), true), fullName).toBe(spec.arity);
      const flags = records.getUint32(at(id, abi.RECORD_FLAGS), true) & ~abi.CMD_PLAIN;
      expect(flags, fullName).toBe(flagBits);
    }
  });

  it('hold the owner, and the host for what the core cannot run yet', () => {
    const handlers = coreHandlers(root);
    for (const { id, fullName, spec, handler } of commands) {
      const inCore = spec.owner === 'core' && handlers.has(`${spec.file}:${handler}`);
      expect(records.getUint8(at(id, abi.RECORD_OWNER)), fullName).toBe(inCore ? 0 : 1);
    }
  });

  it('tell the commands that need no more than a call of their handler', () => {
    const plain = commands.filter(
      ({ id }) => records.getUint32(at(id, abi.RECORD_FLAGS), true) & abi.CMD_PLAIN,
    );
    const special = abi.CMD_ADMIN | abi.CMD_TIMED | abi.CMD_PROTECTED;
    for (const { id, fullName, flagBits, subcommands } of plain) {
      expect(records.getUint8(at(id, abi.RECORD_OWNER)), fullName).toBe(0);
      expect(flagBits & special, fullName).toBe(0);
      expect(subcommands, fullName).toEqual([]);
    }
    const names = plain.map(({ fullName }) => fullName);
    expect(names).toEqual(expect.arrayContaining(['get', 'set', 'hset', 'object|encoding']));
    for (const name of ['info', 'object', 'keys', 'debug']) expect(names).not.toContain(name);
  });

  it('link parents and subcommands', () => {
    for (const { id, fullName, parent, subcommands } of commands) {
      const u16 = (field: number) => records.getUint16(at(id, field), true);
      expect(u16(abi.RECORD_PARENT), fullName).toBe(parent?.id ?? abi.RECORD_NO_ID);
      expect(u16(abi.RECORD_FIRST_SUB), fullName).toBe(subcommands[0]?.id ?? abi.RECORD_NO_ID);
      expect(u16(abi.RECORD_SUB_COUNT), fullName).toBe(subcommands.length);
      const marked = records.getUint8(at(id, abi.RECORD_HAS_SUBCOMMANDS));
      expect(marked, fullName).toBe(subcommands.length > 0 ? 1 : 0);
    }
  });

  it.each([
    ['ping', [0, 0, 0, abi.KEYS_NONE, 0]],
    ['get', [1, 1, 1, abi.KEYS_RANGE, 0]],
    ['mget', [1, -1, 1, abi.KEYS_RANGE, 0]],
    ['mset', [1, -1, 2, abi.KEYS_RANGE, 0]],
    ['bitop', [2, -1, 1, abi.KEYS_RANGE, 0]],
    ['rename', [1, 2, 1, abi.KEYS_RANGE, 0]],
    ['object|encoding', [2, 2, 1, abi.KEYS_RANGE, 0]],
    ['msetex', [2, 0, 2, abi.KEYS_KEYNUM, 1]],
  ])('hold where the keys of %s are', (name, [first, last, step, kind, keyNumIndex]) => {
    const { id } = commands.find((command) => command.fullName === name)!;
    expect(records.getInt8(at(id, abi.RECORD_FIRST_KEY))).toBe(first);
    expect(records.getInt8(at(id, abi.RECORD_LAST_KEY))).toBe(last);
    expect(records.getInt8(at(id, abi.RECORD_KEY_STEP))).toBe(step);
    expect(records.getUint8(at(id, abi.RECORD_KEY_KIND))).toBe(kind);
    expect(records.getUint8(at(id, abi.RECORD_KEYNUM_INDEX))).toBe(keyNumIndex);
  });
});
