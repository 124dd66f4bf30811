// Writes assembly/generated/command_table.ts: the core's packed command records, their names, an id
// constant per command and the dispatch switch, all from the records in src/commands.
//
//   commands.ts            write the table; handlers that do not exist yet are reported and left to
//                          the host, which answers that it has none
//   commands.ts --strict   write nothing: fail if the file on disk is out of date, if a handler is
//                          missing, or if an exported handler belongs to no command

import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import * as abi from '../../assembly/abi.ts';
import { allCommands, type CompiledCommand } from '../commands/index.ts';

const OUTPUT = 'assembly/generated/command_table.ts';
const HANDLERS = 'assembly/command';

/** Exported handlers of the core, as "file:function". */
export function coreHandlers(root: string): Set<string> {
  const found = new Set<string>();
  const folder = path.join(root, HANDLERS);
  if (!existsSync(folder)) return found;
  for (const name of readdirSync(folder).sort()) {
    if (!name.endsWith('.ts')) continue;
    const source = readFileSync(path.join(folder, name), 'utf8');
    for (const match of source.matchAll(/^export function (\w+Command)\(\): void/gm))
      found.add(`${name.slice(0, -3)}:${match[1]}`);
  }
  return found;
}

function handlerKey(command: CompiledCommand): string {
  return `${command.spec.file}:${command.handler}`;
}

interface KeyFields {
  kind: number;
  first: number;
  last: number;
  step: number;
  keyNumIndex: number;
}

/** The key fields of a record: see RECORD_KEY_KIND in abi.ts. */
function keyFields(command: CompiledCommand): KeyFields {
  const { firstKey: first, lastKey: last, keyStep: step, spec } = command;
  if (spec.keys.length === 0) return { kind: abi.KEYS_NONE, first, last, step, keyNumIndex: 0 };
  if (!command.movableKeys) return { kind: abi.KEYS_RANGE, first, last, step, keyNumIndex: 0 };
  const { begin, find } = spec.keys[0]!;
  if (spec.keys.length === 1 && begin.type === 'index' && find.type === 'keynum') {
    return {
      kind: abi.KEYS_KEYNUM,
      first: begin.index + find.firstKey,
      last: 0,
      step: find.step,
      keyNumIndex: begin.index + find.keyNumIndex,
    };
  }
  const halves = find.type === 'range' && find.limit === 2 && find.lastKey === -1;
  if (begin.type === 'keyword' && begin.keyword.toUpperCase() === 'STREAMS' && halves) {
    return { kind: abi.KEYS_STREAMS, first, last, step, keyNumIndex: 0 };
  }
  return { kind: abi.KEYS_IRREGULAR, first, last, step, keyNumIndex: 0 };
}

/** CMD_PLAIN when running the command takes no more than calling its handler. */
function plainBit(command: CompiledCommand, hostOwned: boolean): number {
  const special = abi.CMD_ADMIN | abi.CMD_TIMED | abi.CMD_PROTECTED;
  const plain =
    !hostOwned && command.subcommands.length === 0 && (command.flagBits & special) === 0;
  return plain ? abi.CMD_PLAIN : 0;
}

function packRecord(command: CompiledCommand, hostOwned: boolean): Buffer {
  const record = Buffer.alloc(abi.RECORD_BYTES);
  const { parent, subcommands } = command;
  const keys = keyFields(command);
  record.writeUInt8(command.fullName.length, abi.RECORD_NAME_LEN);
  record.writeUInt8(hostOwned ? 1 : 0, abi.RECORD_OWNER);
  record.writeInt16LE(command.spec.arity, abi.RECORD_ARITY);
  record.writeUInt16LE(parent?.id ?? abi.RECORD_NO_ID, abi.RECORD_PARENT);
  record.writeUInt32LE(command.flagBits | plainBit(command, hostOwned), abi.RECORD_FLAGS);
  record.writeInt8(keys.first, abi.RECORD_FIRST_KEY);
  record.writeInt8(keys.last, abi.RECORD_LAST_KEY);
  record.writeInt8(keys.step, abi.RECORD_KEY_STEP);
  record.writeUInt8(keys.kind, abi.RECORD_KEY_KIND);
  record.writeUInt8(keys.keyNumIndex, abi.RECORD_KEYNUM_INDEX);
  record.writeUInt8(subcommands.length > 0 ? 1 : 0, abi.RECORD_HAS_SUBCOMMANDS);
  record.writeUInt16LE(subcommands[0]?.id ?? abi.RECORD_NO_ID, abi.RECORD_FIRST_SUB);
  record.writeUInt16LE(subcommands.length, abi.RECORD_SUB_COUNT);
  const [firstMember, memberStep] = command.spec.members ?? [0, 0];
  record.writeUInt8(firstMember, abi.RECORD_FIRST_MEMBER);
  record.writeUInt8(memberStep, abi.RECORD_MEMBER_STEP);
  return record;
}

/** `CMD_ID_GET`, `CMD_ID_CONFIG_GET`. */
function idConstant(command: CompiledCommand): string {
  return `CMD_ID_${command.fullName.toUpperCase().replace(/[^A-Z0-9]/g, '_')}`;
}

function imports(commands: readonly CompiledCommand[]): string[] {
  const byFile = new Map<string, Set<string>>();
  for (const { spec, handler } of commands) {
    const names = byFile.get(spec.file!) ?? new Set();
    byFile.set(spec.file!, names.add(handler!));
  }
  return [...byFile.keys()].sort().map((file) => {
    const names = [...byFile.get(file)!].sort();
    return `import {\n${names.map((name) => `  ${name},\n`).join('')}} from '../command/${file}';`;
  });
}

/** The text of command_table.ts; `handlers` as coreHandlers returns them. */
export function renderCommandTable(
  commands: readonly CompiledCommand[],
  handlers: ReadonlySet<string>,
): string {
  const core = commands.filter(
    (command) => command.spec.owner === 'core' && handlers.has(handlerKey(command)),
  );
  const inCore = new Set(core);
  const lines = [
    '// Generated by src/build/commands.ts from src/commands. Do not edit.',
    ...imports(core),
    '',
    `export const COMMAND_COUNT: u32 = ${commands.length};`,
    `export const TOP_LEVEL_COUNT: u32 = ${commands.filter((c) => !c.parent).length};`,
    '',
    ...commands.map((command) => `export const ${idConstant(command)}: u32 = ${command.id};`),
    '',
    '/** RECORD_BYTES per command, in the order of ids: see abi.ts. */',
    'export const COMMAND_RECORDS: usize = memory.data<u8>(',
    '  [',
  ];
  for (const command of commands) {
    const record = packRecord(command, !inCore.has(command));
    lines.push(`    // ${command.id} ${command.fullName}`, `    ${[...record].join(',')},`);
  }
  lines.push('  ],', '  16,', ');', '', '/** Full names, lower case, end to end. */');
  lines.push('export const COMMAND_NAMES: usize = memory.data<u8>([');
  for (const { fullName } of commands)
    lines.push(`  ${[...Buffer.from(fullName)].join(',')}, // ${fullName}`);
  lines.push(']);', '', '/** Runs the handler of a core-owned command. */');
  lines.push('export function dispatchCommand(id: u32): void {', '  switch (id) {');
  for (const { id, handler } of core)
    lines.push(`    case ${id}:`, `      ${handler}();`, '      break;');
  lines.push('    default:', '      unreachable();', '  }', '}', '');
  return lines.join('\n');
}

function main(): void {
  const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '../..');
  const strict = process.argv.includes('--strict');
  const commands = allCommands();
  const handlers = coreHandlers(root);
  const problems: string[] = [];
  const wanted = new Set<string>();
  for (const command of commands) {
    if (command.spec.owner !== 'core') continue;
    wanted.add(handlerKey(command));
    if (!handlers.has(handlerKey(command)))
      problems.push(`${command.fullName}: no ${command.handler} in ${command.spec.file}.ts`);
  }
  for (const handler of handlers)
    if (!wanted.has(handler)) problems.push(`${handler}: handler of no command`);
  const output = path.join(root, OUTPUT);
  const text = renderCommandTable(commands, handlers);
  const current = existsSync(output) ? readFileSync(output, 'utf8') : '';
  if (strict && text !== current) problems.push(`${OUTPUT} is out of date`);
  if (problems.length > 0) {
    const list = strict ? problems.join('\n') : `${problems.length} handlers missing or unknown`;
    process.stderr.write(`command table: ${list}\n`);
  }
  if (strict) process.exit(problems.length > 0 ? 1 : 0);
  if (text === current) return;
  mkdirSync(path.dirname(output), { recursive: true });
  writeFileSync(output, text);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) main();
