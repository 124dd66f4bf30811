// Every record is well-formed on its own and agrees with itself: arity with the argument grammar,
// key specs with the arguments that refer to them, flags with each other.

import { describe, expect, it } from 'vitest';
import { ACL_CATEGORIES } from '../../src/commands/acl_categories.ts';
import { allCommands, type CompiledCommand, findCommand } from '../../src/commands/index.ts';
import { hasKeys, keyPositions } from '../../src/commands/keys.ts';
import type { ArgSpec } from '../../src/commands/spec.ts';

const commands = allCommands();

function each(check: (command: CompiledCommand) => void): void {
  for (const command of commands) check(command);
}

function walk(args: readonly ArgSpec[], visit: (arg: ArgSpec) => void): void {
  for (const arg of args) {
    visit(arg);
    walk(arg.args ?? [], visit);
  }
}

/** Fewest words that fit an argument that is given. */
function wordsOf(arg: ArgSpec): number {
  const own = arg.token === undefined ? 0 : 1;
  if (arg.type === 'pure-token') return own;
  if (arg.type === 'oneof') return own + Math.min(...arg.args!.map(wordsOf));
  return own + (arg.type === 'block' ? minimumWords(arg.args!) : 1);
}

/** Fewest words that fit the grammar. */
function minimumWords(args: readonly ArgSpec[]): number {
  return args.reduce((words, arg) => words + (arg.optional ? 0 : wordsOf(arg)), 0);
}

/** Whether every form of the grammar has the same number of words. */
function isFixed(args: readonly ArgSpec[]): boolean {
  return args.every((arg) => {
    if (arg.optional || arg.multiple) return false;
    if (arg.type === 'block') return isFixed(arg.args!);
    if (arg.type !== 'oneof') return true;
    const words = new Set(arg.args!.map(wordsOf));
    return words.size === 1 && arg.args!.every((choice) => isFixed([choice]));
  });
}

describe('ids', () => {
  it('are the positions in the list', () => {
    expect(commands.map((command) => command.id)).toEqual(commands.map((_, i) => i));
  });

  it('give top-level commands in alphabetical order, then subcommands', () => {
    const top = commands.filter((command) => command.parent === undefined);
    expect(commands.slice(0, top.length)).toEqual(top);
    const names = top.map((command) => command.fullName);
    expect(names).toEqual([...names].sort());
  });

  it('of the subcommands of one command are consecutive', () => {
    each(({ subcommands }) => {
      const first = subcommands[0]?.id ?? 0;
      expect(subcommands.map((sub) => sub.id)).toEqual(subcommands.map((_, i) => first + i));
    });
  });
});

describe('names', () => {
  it('are unique, lower case and findable', () => {
    each((command) => {
      expect(command.fullName).toMatch(/^[a-z0-9_.-]+(\|[a-z0-9-]+)?$/);
      expect(findCommand(command.fullName)).toBe(command);
    });
    expect(new Set(commands.map((command) => command.fullName)).size).toBe(commands.length);
  });

  it('of a subcommand start with the parent’s', () => {
    each(({ fullName, parent, spec }) => {
      if (parent !== undefined) expect(fullName).toBe(`${parent.fullName}|${spec.name}`);
    });
  });
});

describe('a record', () => {
  it('says which file of the core runs it, exactly when the core owns it', () => {
    each(({ spec, handler, fullName }) => {
      expect(spec.file !== undefined, fullName).toBe(spec.owner === 'core');
      expect(handler !== undefined, fullName).toBe(spec.owner === 'core');
      if (handler !== undefined) expect(handler).toMatch(/^[a-z][A-Za-z0-9]*Command$/);
    });
  });

  it('has texts in sentences and versions in numbers', () => {
    each(({ spec, fullName }) => {
      expect(spec.summary, fullName).toMatch(/^[A-Z].*\.$/);
      expect(spec.since, fullName).toMatch(/^\d+\.\d+\.\d+$/);
      for (const [version, change] of spec.history ?? []) {
        expect(version, fullName).toMatch(/^\d+\.\d+\.\d+$/);
        expect(change, fullName).not.toBe('');
      }
    });
  });

  it('has flags that do not repeat or contradict each other', () => {
    each(({ spec, fullName }) => {
      const flags = new Set<string>(spec.flags);
      expect(flags.size, fullName).toBe(spec.flags.length);
      expect(flags.has('write') && flags.has('readonly'), fullName).toBe(false);
      if (flags.has('denyoom')) expect(flags.has('write'), fullName).toBe(true);
      if (flags.has('no_touch_keys')) expect(spec.keys.length, fullName).toBeGreaterThan(0);
    });
  });

  it('of the host is timed unless it only groups subcommands', () => {
    each(({ spec, subcommands, fullName }) => {
      if (spec.owner === 'host' && subcommands.length === 0)
        expect(spec.flags, fullName).toContain('timed');
    });
  });

  it('declares only categories that its flags do not imply', () => {
    each(({ spec, categories, fullName }) => {
      const implied = new Set<string>(['fast', 'slow', 'read', 'write', 'pubsub']);
      // LASTSAVE and ROLE are of that category without the flag.
      if (spec.flags.includes('admin')) implied.add('admin');
      expect(
        spec.categories.filter((category) => implied.has(category)),
        fullName,
      ).toEqual([]);
      const order = categories.map((category) => ACL_CATEGORIES.indexOf(category));
      expect(order, fullName).toEqual([...order].sort((a, b) => a - b));
      expect(categories.includes('fast'), fullName).toBe(!categories.includes('slow'));
    });
  });
});

describe('the argument grammar', () => {
  it('needs as many words as the arity says', () => {
    each(({ spec, parent, subcommands, fullName }) => {
      // The subcommands themselves are the arguments; those of DEBUG and REPLCONF are not declared.
      if (subcommands.length > 0 || fullName === 'debug' || fullName === 'replconf') return;
      const least = minimumWords(spec.args) + (parent === undefined ? 1 : 2);
      expect(Math.abs(spec.arity), fullName).toBe(least);
      // QUIT takes whatever follows it, PSYNC a word that only replicas say.
      const isOpen = fullName === 'quit' || fullName === 'psync';
      expect(spec.arity > 0, fullName).toBe(isFixed(spec.args) && !isOpen);
    });
  });

  it('names arguments once per level, in lower case and with dashes', () => {
    const check = (args: readonly ArgSpec[], fullName: string) => {
      const names = args.map((arg) => arg.name);
      expect(new Set(names).size, fullName).toBe(names.length);
      for (const name of names) expect(name, fullName).toMatch(/^[a-z0-9:-]+$/);
    };
    each(({ spec, fullName }) => {
      check(spec.args, fullName);
      walk(spec.args, (arg) => check(arg.args ?? [], fullName));
    });
  });

  it('has inner arguments in blocks and choices only, tokens in upper case', () => {
    each(({ spec, fullName }) => {
      walk(spec.args, (arg) => {
        const nested = arg.type === 'oneof' || arg.type === 'block';
        expect(arg.args !== undefined, `${fullName} ${arg.name}`).toBe(nested);
        if (!nested) return;
        // A block may hold a single argument (PSUBSCRIBE); a choice of one would be none.
        const least = arg.type === 'block' ? 1 : 2;
        expect(arg.args!.length, `${fullName} ${arg.name}`).toBeGreaterThanOrEqual(least);
        if (arg.type === 'pure-token') expect(arg.token, fullName).toBeDefined();
        if (arg.token !== undefined) expect(arg.token, fullName).toMatch(/^[A-Z0-9-]+$/);
        if (arg.multipleToken) expect(arg.multiple, fullName).toBe(true);
      });
    });
  });

  it('refers to every key spec from a key argument', () => {
    each(({ spec, fullName }) => {
      if (spec.keys.some((keySpec) => keySpec.flags.includes('not_key'))) return;
      const used = new Set<number | undefined>();
      walk(spec.args, (arg) => {
        // SORT has patterns that make keys.
        const isKey = arg.type === 'key' || (arg.type === 'pattern' && fullName.startsWith('sort'));
        expect(isKey, `${fullName} ${arg.name}`).toBe(arg.keySpecIndex !== undefined);
        if (isKey) used.add(arg.keySpecIndex);
      });
      expect([...used].sort(), fullName).toEqual(spec.keys.map((_, i) => i));
    });
  });
});

describe('key specs', () => {
  it('say of each key how it is accessed', () => {
    each(({ spec, fullName }) => {
      for (const { flags } of spec.keys) {
        if (flags.includes('not_key')) continue;
        const access = flags.filter((flag) => ['RO', 'RW', 'OW', 'RM'].includes(flag));
        expect(access.length, fullName).toBe(1);
        // PFCOUNT keeps what it counted in the value.
        const readonly = spec.flags.includes('readonly') && fullName !== 'pfcount';
        if (readonly) expect(access[0], fullName).toBe('RO');
      }
    });
  });

  it('find a key in the shortest form of every command that has one', () => {
    each((command) => {
      // Without sources it has no keys, says a real server.
      if (command.fullName === 'pfmerge') return;
      if (!hasKeys(command) || command.spec.keys.some(({ find }) => find.type === 'keynum')) return;
      const args = Array.from({ length: Math.abs(command.spec.arity) }, () => Buffer.from('x'));
      for (const { begin } of command.spec.keys) {
        if (begin.type === 'keyword') args[begin.startFrom] = Buffer.from(begin.keyword);
      }
      expect(keyPositions(command, args)?.length, command.fullName).toBeGreaterThan(0);
    });
  });
});
