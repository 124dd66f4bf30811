// redis-py, unmodified: redis_py_check.py holds the checks, one named test each; this runs them.
//
// The interpreter is the system's, whose package python3-redis brings the library;
// RESPITE_TEST_PYTHON names another one.

import { spawnSync } from 'node:child_process';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { runProgram, withTargets } from './support.ts';

const python = process.env.RESPITE_TEST_PYTHON ?? '/usr/bin/python3';
const installed = spawnSync(python, ['-c', 'import redis'], { stdio: 'ignore' }).status === 0;
if (!installed && process.env.CI) throw new Error('python3-redis is needed when CI is set');
const script = path.join(path.dirname(fileURLToPath(import.meta.url)), 'redis_py_check.py');

describe.skipIf(!installed)('redis-py', () => {
  withTargets('checks', (fixture) => {
    it('passes every check', async () => {
      const { server } = fixture;
      const args = ['-B', script, `${server.port}`, server.unixSocket!];
      const { code, stderr } = await runProgram(server, python, args);
      // unittest writes its report to standard error.
      expect({ code, report: stderr }).toEqual({
        code: 0,
        report: expect.stringMatching(/\nOK\n$/),
      });
      expect(stderr).toMatch(/^Ran [1-9]\d tests/m);
    });
  });
});
