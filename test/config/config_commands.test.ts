import { describe, expect, it } from 'vitest';
import { Config, type DirectoryPort } from '../../src/config/config.ts';
import { DIRECTIVES } from '../../src/config/directives.ts';
import { ConfigHarness, pairsOf, type Reply } from './oracle.ts';

const tick = () => new Promise<void>((resolve) => setImmediate(resolve));

describe('CONFIG GET', () => {
  it('answers a flat array in RESP2 and a map in RESP3', () => {
    const harness = new ConfigHarness();
    expect(harness.start(['get', 'port']).toString()).toBe('*2\r\n$4\r\nport\r\n$4\r\n6379\r\n');
    const resp3 = harness.start(['get', 'port', 'hz'], 3).toString();
    expect(resp3).toBe('%2\r\n$4\r\nport\r\n$4\r\n6379\r\n$2\r\nhz\r\n$2\r\n10\r\n');
    expect(harness.start(['get', 'nothing-like-this'], 3).toString()).toBe('%0\r\n');
  });

  it('takes several patterns and shows no name twice', () => {
    const reply = new ConfigHarness().run('get', 'maxmemory', 'maxmemory*', 'bind', '*of');
    const names = (reply as string[]).filter((_, i) => i % 2 === 0);
    expect(new Set(names).size).toBe(names.length);
    expect(names).toEqual(
      expect.arrayContaining(['slaveof', 'replicaof', 'maxmemory-samples', 'bind']),
    );
  });

  it('prints a full name as the client wrote it and matches without regard to case', () => {
    const harness = new ConfigHarness();
    expect(harness.run('get', 'MaxMemory')).toEqual(['MaxMemory', '0']);
    expect(harness.run('get', 'MaxMemory', 'maxmemory')).toEqual(['MaxMemory', '0']);
    expect(harness.run('get', 'TIMEOU?')).toEqual(['timeout', '0']);
    expect(harness.run('get', '[S-U]imeout')).toEqual(['timeout', '0']);
    expect(harness.run('get', '[^a-s]imeout')).toEqual(['timeout', '0']);
    expect(harness.run('get', 'ti\\meout')).toEqual([]);
    expect(harness.run('get', 'ti\\meou?')).toEqual(['timeout', '0']);
  });

  it('shows a hidden directive only under its full name', () => {
    const harness = new ConfigHarness();
    expect(pairsOf(harness.run('get', '*'))['key-load-delay']).toBeUndefined();
    expect(harness.run('get', 'key-load-delay')).toEqual(['key-load-delay', '0']);
  });

  it('shows the new value under both names', () => {
    const harness = new ConfigHarness();
    expect(harness.run('set', 'lua-time-limit', '7')).toBe('OK');
    expect(harness.value('busy-reply-threshold')).toBe('7');
    expect(harness.value('lua-time-limit')).toBe('7');
  });
});

describe('CONFIG SET', () => {
  it('sets several directives at once', () => {
    const harness = new ConfigHarness();
    const words = ['maxmemory', '10mb', 'save', '3000 5', 'loglevel', 'NOTHING'];
    expect(harness.run('set', ...words)).toBe('OK');
    expect(harness.value('maxmemory')).toBe('10485760');
    expect(harness.value('save')).toBe('3000 5');
    expect(harness.value('loglevel')).toBe('nothing');
  });

  it('changes nothing when one value is refused', () => {
    const harness = new ConfigHarness();
    harness.run('set', 'maxmemory', '10000002');
    const words = ['maxmemory', '1', 'maxmemory-clients', '200%', 'port', 'x'];
    expect(harness.error('set', ...words)).toBe(
      "ERR CONFIG SET failed (possibly related to argument 'maxmemory-clients') - " +
        'percentage argument must be less or equal to 100',
    );
    expect(harness.value('maxmemory')).toBe('10000002');
    expect(harness.value('maxmemory-clients')).toBe('0');
  });

  it('refuses unknown, repeated, immutable and protected directives in the order they come', () => {
    const harness = new ConfigHarness();
    const failed = (name: string, reason: string) =>
      `ERR CONFIG SET failed (possibly related to argument '${name}') - ${reason}`;
    expect(harness.error('set', 'port')).toBe('ERR syntax error');
    expect(harness.error('set', 'bad\r\nname', '1', 'daemonize', 'no')).toBe(
      "ERR Unknown option or number of arguments for CONFIG SET - 'bad  name'",
    );
    expect(harness.error('set', 'Daemonize', 'no', 'nope', '1')).toBe(
      failed('Daemonize', "can't set immutable config"),
    );
    expect(harness.error('set', 'DIR', '/', 'nope', '1')).toBe(
      failed('DIR', "can't set protected config"),
    );
    expect(harness.error('set', 'hz', '1', 'HZ', '2')).toBe(failed('HZ', 'duplicate parameter'));
    expect(harness.run('set', 'slave-priority', '1', 'replica-priority', '2')).toBe('OK');
    expect(harness.value('slave-priority')).toBe('2');
  });

  it('echoes bytes that are not text', () => {
    const harness = new ConfigHarness();
    const bytes = harness.start(['set', Buffer.from([0x66, 0xff, 0x66]), '1']) as Buffer;
    expect(bytes.toString('latin1')).toBe(
      "-ERR Unknown option or number of arguments for CONFIG SET - 'f\xfff'\r\n",
    );
    expect(harness.run('set', 'requirepass', Buffer.from([0, 255, 10]))).toBe('OK');
    expect(harness.value('requirepass')).toBe('\x00\xff\n');
    expect([...harness.config.getBytes('requirepass')]).toEqual([0, 255, 10]);
  });

  it('lets local clients set protected directives when told so', () => {
    const harness = new ConfigHarness();
    harness.config.put('enable-protected-configs', 'local');
    expect(harness.run('set', 'dbfilename', 'x')).toBeInstanceOf(Error);
    harness.isLocal = true;
    expect(harness.run('set', 'dbfilename', 'x')).toBe('OK');
    harness.isLocal = false;
    harness.config.put('enable-protected-configs', 'yes');
    expect(harness.run('set', 'dbfilename', 'y')).toBe('OK');
  });

  it('refuses some directives while a data set is loaded', () => {
    const harness = new ConfigHarness();
    harness.isLoading = true;
    expect(harness.error('set', 'hz', '5', 'appendonly', 'yes')).toBe(
      'LOADING Redis is loading the dataset in memory',
    );
    expect(harness.value('hz')).toBe('10');
    expect(harness.run('set', 'hz', '5')).toBe('OK');
  });

  it('asks for secrets to be hidden even when the command fails', () => {
    const harness = new ConfigHarness();
    harness.run('set', 'nope', '1', 'masterauth', 'secret', 'port', '1', 'requirepass', 'secret');
    expect(harness.redacted).toEqual([5, 9]);
  });

  it('keeps hz within what is sensible', () => {
    const harness = new ConfigHarness();
    harness.run('set', 'hz', '100000');
    expect(harness.value('hz')).toBe('500');
    harness.run('set', 'hz', '0');
    expect(harness.value('hz')).toBe('1');
  });

  it('refuses a locale that does not exist', () => {
    const harness = new ConfigHarness();
    for (const name of ['C', 'POSIX', '', 'C.UTF-8', 'en_US.UTF-8', 'de_DE@euro']) {
      expect(harness.run('set', 'locale-collate', name), name).toBe('OK');
    }
    expect(harness.error('set', 'locale-collate', 'not a locale')).toContain('Invalid locale name');
    expect(harness.value('locale-collate')).toBe('de_DE@euro');
  });
});

describe('applying changes', () => {
  it('runs a subscriber once, with everything that changed', () => {
    const harness = new ConfigHarness();
    const seen: string[][] = [];
    harness.config.subscribe(['port', 'bind', 'timeout'], (changed) => {
      seen.push([...changed]);
      return undefined;
    });
    harness.run('set', 'timeout', '5', 'hz', '11', 'port', '1');
    harness.run('set', 'timeout', '5'); // no change
    expect(seen).toEqual([['timeout', 'port']]);
  });

  it('treats lists and volatile files as changed even when they are equal', () => {
    const harness = new ConfigHarness();
    let runs = 0;
    harness.config.subscribe(['bind', 'tls-cert-file', 'oom-score-adj-values', 'save'], () => {
      runs++;
      return undefined;
    });
    harness.run('set', 'bind', '* -::*');
    harness.run('set', 'tls-cert-file', '');
    harness.run('set', 'save', '3600 1 300 100 60 10000');
    expect(runs).toBe(3);
    harness.run('set', 'oom-score-adj-values', '0 200 800');
    expect(runs).toBe(3);
  });

  it('goes back to the values before, and applies them, when a subscriber fails', () => {
    const harness = new ConfigHarness();
    const applied: number[] = [];
    harness.config.subscribe('maxmemory', () => {
      applied.push(harness.config.get('maxmemory'));
      return undefined;
    });
    harness.config.subscribe('port', () =>
      harness.config.get('port') === 1 ? 'Unable to listen on this port. Check server logs.' : '',
    );
    const words = ['maxmemory', '5', 'port', '1', 'client-query-buffer-limit', '10m'];
    expect(harness.error('set', ...words)).toBe(
      "ERR CONFIG SET failed (possibly related to argument 'port') - " +
        'Unable to listen on this port. Check server logs.',
    );
    expect(applied).toEqual([5, 0]);
    expect(harness.value('port')).toBe('6379');
    expect(harness.value('client-query-buffer-limit')).toBe('1073741824');
    expect(harness.logged).toEqual([
      'warning: Failed applying new configuration. Possibly related to new port setting. ' +
        'Restoring previous settings.',
      'warning: Failed applying restored failed CONFIG SET command: ',
    ]);
  });

  it('names only the argument when a subscriber fails without a reason', () => {
    const harness = new ConfigHarness();
    harness.config.subscribe('hz', () => '');
    expect(harness.error('set', 'hz', '3')).toBe(
      "ERR CONFIG SET failed (possibly related to argument 'hz')",
    );
  });

  it('takes a thrown error for a failure', () => {
    const harness = new ConfigHarness();
    harness.config.subscribe('timeout', () => {
      throw new Error('boom');
    });
    expect(harness.error('set', 'timeout', '3')).toMatch(/boom$/);
    expect(harness.value('timeout')).toBe('0');
  });

  it('waits for an asynchronous subscriber and keeps commands from overlapping', async () => {
    const harness = new ConfigHarness();
    const open: (() => void)[] = [];
    const seen: number[] = [];
    harness.config.subscribe('port', async () => {
      seen.push(harness.config.get('port'));
      await new Promise<void>((resolve) => open.push(resolve));
      return harness.config.get('port') === 2 ? 'refused' : undefined;
    });
    const replies: string[] = [];
    for (const port of ['1', '2', '3']) {
      void Promise.resolve(harness.start(['set', 'port', port])).then((bytes) => {
        replies.push(bytes.toString().trim());
      });
    }
    for (let i = 0; i < 20 && replies.length < 3; i++) {
      await tick();
      expect(open.length).toBeLessThan(2);
      open.shift()?.();
    }
    expect(replies).toEqual([
      '+OK',
      "-ERR CONFIG SET failed (possibly related to argument 'port') - refused",
      '+OK',
    ]);
    expect(seen).toEqual([1, 2, 1, 3]);
    expect(harness.value('port')).toBe('3');
  });

  it('fails when an asynchronous subscriber rejects', async () => {
    const harness = new ConfigHarness();
    let runs = 0;
    harness.config.subscribe('port', () =>
      runs++ === 0 ? Promise.reject(new Error('no such interface')) : undefined,
    );
    const reply = (await harness.start(['set', 'port', '9'])).toString();
    expect(reply).toContain('no such interface');
    expect(harness.value('port')).toBe('6379');
    expect(harness.run('set', 'port', '10')).toBe('OK');
  });

  it('tells subscribers of an area, until they leave', () => {
    const harness = new ConfigHarness();
    let runs = 0;
    const leave = harness.config.subscribeArea('monitoring', () => {
      runs++;
      return undefined;
    });
    harness.run('set', 'slowlog-max-len', '1', 'latency-tracking', 'no', 'hz', '4');
    expect(runs).toBe(1);
    leave();
    harness.run('set', 'slowlog-max-len', '2');
    expect(runs).toBe(1);
  });
});

describe('the working directory', () => {
  class FakeDirectory implements DirectoryPort {
    path = '/data';
    current() {
      return this.path;
    }
    change(path: string) {
      if (path === '/none') return 'No such file or directory';
      this.path = path;
      return undefined;
    }
  }

  it('changes with `dir`, and back when the command fails', () => {
    const directory = new FakeDirectory();
    const harness = new ConfigHarness({ directory });
    harness.config.put('enable-protected-configs', 'yes');
    expect(harness.error('set', 'dir', '/none')).toBe(
      "ERR CONFIG SET failed (possibly related to argument 'dir') - No such file or directory",
    );
    expect(harness.run('set', 'dir', '/else')).toBe('OK');
    expect(harness.value('dir')).toBe('/else');
    expect(harness.run('set', 'dir', '/third', 'hz', 'x')).toBeInstanceOf(Error);
    expect(directory.path).toBe('/else');
  });
});

describe('the other subcommands', () => {
  it('prints help', () => {
    const reply = new ConfigHarness().run('help') as Reply[];
    expect(reply[0]).toBe('CONFIG <subcommand> [<arg> [value] [opt] ...]. Subcommands are:');
    expect(reply.slice(-2)).toEqual(['HELP', '    Print this help.']);
    expect(reply).toHaveLength(11);
  });

  it('resets statistics through the hook', () => {
    const harness = new ConfigHarness();
    expect(harness.run('resetstat')).toBe('OK');
    expect(harness.resets).toBe(1);
  });

  it('rewrites through the hook and says why it could not', () => {
    const harness = new ConfigHarness();
    expect(harness.error('rewrite')).toBe('ERR The server is running without a config file');
    harness.rewrite = () => 'Permission denied';
    expect(harness.error('rewrite')).toBe('ERR Rewriting config file: Permission denied');
    harness.rewrite = () => null;
    expect(harness.run('rewrite')).toBe('OK');
    expect(harness.logged).toEqual([
      'warning: CONFIG REWRITE failed: Permission denied',
      'notice: CONFIG REWRITE executed with success.',
    ]);
  });
});

describe('values in the host', () => {
  it('have the types of their directives', () => {
    const config = new Config();
    expect(config.get('appendonly')).toBe(false);
    expect(config.get('maxclients')).toBe(10000);
    expect(config.get('maxmemory-policy')).toBe('noeviction');
    expect(config.get('shutdown-on-sigterm')).toEqual(['default']);
    expect(config.get('bind')).toEqual(['*', '-::*']);
    expect(config.get('replicaof')).toBeNull();
    expect(config.get('save')[0]).toEqual({ seconds: 3600n, changes: 1 });
    expect(config.getBigInt('maxmemory')).toBe(0n);
  });

  it('can be put by the server, without telling anyone', () => {
    const { config } = new ConfigHarness();
    config.subscribe(['replicaof', 'databases'], () => {
      throw new Error('told');
    });
    config.put('replicaof', { host: 'h', port: 5 });
    config.put('databases', 1);
    config.put('unixsocketperm', 0o700);
    config.put('maxmemory-clients', -5);
    config.put('shutdown-on-sigint', ['nosave', 'force']);
    config.put('pidfile', '/run/ü.pid');
    const shown = (name: string) =>
      config.print(DIRECTIVES.find((directive) => directive.name === name)!);
    expect(shown('replicaof')).toBe('h 5');
    expect(shown('unixsocketperm')).toBe('700');
    expect(shown('maxmemory-clients')).toBe('5%');
    expect(shown('shutdown-on-sigint')).toBe('nosave force');
    expect(shown('pidfile')).toBe('/run/\xc3\xbc.pid');
    expect(config.get('pidfile')).toBe('/run/ü.pid');
    expect(() => config.put('databases', 0)).toThrow('databases: argument must be between 1 and');
  });

  it('are independent between two configurations', () => {
    const [a, b] = [new Config(), new Config()];
    a.put('hz', 50);
    expect(b.get('hz')).toBe(10);
  });

  it('can be listed for a crash report', () => {
    const { config } = new ConfigHarness();
    expect(config.debugInfo()).toContain('io-threads 1\n');
    expect(config.debugInfo()).toContain('sanitize-dump-payload no\n');
  });
});
