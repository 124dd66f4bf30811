// What a core has by itself, before anybody configured it: an embedded one may never be.

import { expect, it } from 'vitest';
import { allCommands } from '../../src/commands/index.ts';
import { Config } from '../../src/config/config.ts';
import { bindCoreSettings } from '../../src/config/core_settings.ts';
import { commandNames } from '../../src/core/command_names.ts';
import { Core } from '../../src/core/core.ts';
import { loadCoreModule } from '../../src/core/load.node.ts';

it('the core starts with the values that the directives have by default', () => {
  const core = new Core(loadCoreModule());
  const before = core.bytes.slice();
  bindCoreSettings(new Config(), core);
  const changed: number[] = [];
  for (const [at, byte] of core.bytes.entries()) if (byte !== before[at]) changed.push(at);
  expect(changed).toEqual([]);
});

it('a setting that changes is seen by that comparison', () => {
  const core = new Core(loadCoreModule());
  const before = core.bytes.slice();
  const config = new Config();
  config.put('hash-max-listpack-entries', 7);
  bindCoreSettings(config, core);
  expect(core.bytes.some((byte, at) => byte !== before[at])).toBe(true);
});

it("the core's table tells the name of every command", () => {
  const names = commandNames(new Core(loadCoreModule()));
  expect(names).toEqual(allCommands().map(({ fullName }) => fullName));
});

it('a core that was instantiated without blocking the thread is the same', async () => {
  const core = await Core.instantiate(loadCoreModule(), { databases: 3 });
  expect(core.databases).toBe(3);
  expect(commandNames(core).length).toBe(allCommands().length);
});
