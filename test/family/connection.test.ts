// PING, ECHO, HELLO, RESET, QUIT and CLIENT without a password set.

import { setTimeout as sleep } from 'node:timers/promises';
import { expect } from 'vitest';
import { type Context, family } from '../support/family.ts';
import type { RespClient } from '../support/resp_client.ts';

async function text(client: RespClient, ...args: string[]): Promise<string> {
  const reply = await client.call(...args);
  if (reply.kind !== 'bulk' && reply.kind !== 'verbatim') throw new Error(reply.kind);
  return reply.bytes.toString();
}

async function clientId(client: RespClient): Promise<bigint> {
  const reply = await client.call('CLIENT', 'ID');
  if (reply.kind !== 'integer') throw new Error(reply.kind);
  return reply.value;
}

/** One line of CLIENT LIST as a map. */
function fields(line: string): Map<string, string> {
  return new Map(
    line
      .trim()
      .split(' ')
      .map((pair) => {
        const at = pair.indexOf('=');
        return [pair.slice(0, at), pair.slice(at + 1)];
      }),
  );
}

async function info(client: RespClient): Promise<Map<string, string>> {
  return fields(await text(client, 'CLIENT', 'INFO'));
}

family('connection', [
  // --- PING ECHO QUIT RESET ---
  [
    'PING and ECHO answer',
    String.raw`
      PING => +PONG
      ping => +PONG
      PING "a\x00b" => "a\x00b"
      PING "" => ""
      PING a b => -ERR wrong number of arguments for 'ping' command
      ECHO hello => "hello"
      ECHO => -ERR wrong number of arguments for 'echo' command
    `,
  ],
  [
    'QUIT answers and closes',
    `
      QUIT => +OK
      closed
    `,
  ],
  [
    'what follows QUIT is not run',
    async ({ client, connect, run }) => {
      client.send('SET a 1\r\nQUIT\r\nSET b 1\r\n');
      await client.read();
      await client.read();
      await client.ended;
      await connect('other');
      await run('@other MGET a b => ["1", nil]');
    },
  ],
  [
    'RESET puts the connection back to where it started',
    `
      SELECT 5
      CLIENT SETNAME me
      HELLO 3 => <map>
      RESET => +RESET
      CLIENT GETNAME => nil
    `,
    { resp: 2 },
  ],
  [
    'RESET goes back to RESP2, database 0 and no name',
    async ({ client, run }) => {
      await run('SELECT 5\nCLIENT SETNAME me');
      await client.call('CLIENT', 'NO-EVICT', 'ON');
      await run('RESET => +RESET');
      const after = await info(client);
      expect(after.get('db')).toBe('0');
      expect(after.get('name')).toBe('');
      expect(after.get('resp') ?? '2').toBe('2');
      const name = await client.callRaw(['CLIENT', 'GETNAME']);
      expect(name.bytes.toString()).toBe('$-1\r\n');
      await client.call('HELLO', '3');
    },
    { resp: 3 },
  ],
  [
    'RESET ends MONITOR',
    `
      MONITOR => +OK
      RESET => +RESET
      @other PING => +PONG
      PING => +PONG
    `,
    { resp: 2 },
  ],

  // --- Unknown commands ---
  [
    'an unknown command is named together with its first arguments',
    `
      nosuch => /^ERR unknown command 'nosuch', with args beginning with: $/
      NoSuch a "b c" => /^ERR unknown command 'NoSuch', with args beginning with: 'a' 'b c' $/
      "" => /^ERR unknown command '', with args beginning with: $/
    `,
  ],
  [
    'the error for an unknown command is cut after 128 bytes and shows line breaks as blanks',
    async ({ client }) => {
      const long = 'x'.repeat(200);
      const name = await client.callRaw([long]);
      expect(name.bytes.toString()).toBe(
        `-ERR unknown command '${'x'.repeat(128)}', with args beginning with: \r\n`,
      );
      const one = await client.callRaw(['nosuch', long, 'second']);
      expect(one.bytes.toString()).toBe(
        `-ERR unknown command 'nosuch', with args beginning with: '${'x'.repeat(128)}' \r\n`,
      );
      const many = await client.callRaw(['nosuch', 'y'.repeat(100), 'z'.repeat(100), 'third']);
      expect(many.bytes.toString()).toBe(
        `-ERR unknown command 'nosuch', with args beginning with: '${'y'.repeat(100)}' ` +
          `'${'z'.repeat(25)}' \r\n`,
      );
      const breaks = await client.callRaw(['no\r\nsuch', 'a\nb']);
      expect(breaks.bytes.toString()).toBe(
        "-ERR unknown command 'no  such', with args beginning with: 'a b' \r\n",
      );
    },
  ],

  // --- HELLO ---
  [
    'HELLO tells of the server and keeps the protocol when none is asked for',
    `
      HELLO
      => {"server": "redis", "version": /^\\d+\\.\\d+\\.\\d+$/, "proto": 2, "id": <integer>,
      => "mode": "standalone", "role": "master", "modules": []}
    `,
    { resp: 2 },
  ],
  [
    'HELLO switches the protocol both ways',
    async ({ client }) => {
      const up = await client.call('HELLO', '3');
      expect(up.kind).toBe('map');
      if (up.kind !== 'map') return;
      expect(up.entries.map(([key]) => ('bytes' in key ? key.bytes.toString() : ''))).toEqual([
        'server',
        'version',
        'proto',
        'id',
        'mode',
        'role',
        'modules',
      ]);
      expect(up.entries[2]?.[1]).toEqual({ kind: 'integer', value: 3n });
      expect((await client.callRaw(['GET', 'none'])).bytes.toString()).toBe('_\r\n');
      const again = await client.call('HELLO');
      expect(again.kind).toBe('map');
      const down = await client.call('HELLO', '2');
      expect(down.kind).toBe('array');
      expect((await client.callRaw(['GET', 'none'])).bytes.toString()).toBe('$-1\r\n');
    },
    { resp: 2 },
  ],
  [
    'HELLO refuses other versions and bad options and then changes nothing',
    `
      HELLO 1 => -NOPROTO unsupported protocol version
      HELLO 4 => -NOPROTO unsupported protocol version
      HELLO -3 => -NOPROTO unsupported protocol version
      HELLO x => -ERR Protocol version is not an integer or out of range
      HELLO 3.0 => -ERR Protocol version is not an integer or out of range
      HELLO 3 NOSUCH => -ERR Syntax error in HELLO option 'NOSUCH'
      HELLO 3 SETNAME => -ERR Syntax error in HELLO option 'SETNAME'
      HELLO 3 AUTH default => -ERR Syntax error in HELLO option 'AUTH'
      HELLO 3 SETNAME "a b"
      => -ERR Client names cannot contain spaces, newlines or special characters.
      GET none => nil
      CLIENT GETNAME => nil
    `,
    { resp: 2 },
  ],
  [
    'HELLO sets the name and takes any password for a user without one',
    `
      HELLO 2 SETNAME me => <array>
      CLIENT GETNAME => "me"
      HELLO 2 AUTH default whatever SETNAME you => <array>
      CLIENT GETNAME => "you"
      HELLO 2 AUTH nosuch x SETNAME they
      => -WRONGPASS invalid username-password pair or user is disabled.
      CLIENT GETNAME => "you"
    `,
    { resp: 2 },
  ],
  [
    'HELLO that fails does not set the name',
    `
      HELLO 2 SETNAME me NOSUCH => -ERR Syntax error in HELLO option 'NOSUCH'
      HELLO 2 SETNAME me AUTH nosuch x => <error>
      CLIENT GETNAME => nil
    `,
    { resp: 2, since: '7.2' },
  ],
  [
    'a failed AUTH is answered wherever it stands in a pipeline',
    async ({ client }) => {
      const replies = await client.pipeline([['PING'], ['AUTH', 'nosuch', 'x'], ['PING']]);
      expect(replies.map((reply) => reply.kind)).toEqual(['simple', 'error', 'simple']);
    },
    // Redis 7.2 drops the error when an earlier reply of the same pipeline is still unsent.
    { defectOf: '7.2' },
  ],
  [
    'AUTH without a password set',
    `
      AUTH x
      => -ERR AUTH <password> called without any password configured for the default user. Are you
      => sure your configuration is correct?
      AUTH default x => +OK
      AUTH nosuch x => -WRONGPASS invalid username-password pair or user is disabled.
      AUTH a b c => -ERR syntax error
      AUTH => -ERR wrong number of arguments for 'auth' command
    `,
  ],

  // --- CLIENT ---
  [
    'CLIENT SETNAME and GETNAME',
    `
      CLIENT GETNAME => nil
      CLIENT SETNAME me => +OK
      CLIENT GETNAME => "me"
      client setname "bad name"
      => -ERR Client names cannot contain spaces, newlines or special characters.
      CLIENT SETNAME "bad\\nname"
      => -ERR Client names cannot contain spaces, newlines or special characters.
      CLIENT SETNAME "\\xc3\\xa9"
      => -ERR Client names cannot contain spaces, newlines or special characters.
      CLIENT GETNAME => "me"
      CLIENT SETNAME "" => +OK
      CLIENT GETNAME => nil
      CLIENT SETNAME => -ERR wrong number of arguments for 'client|setname' command
      CLIENT GETNAME x => -ERR wrong number of arguments for 'client|getname' command
    `,
  ],
  [
    'CLIENT ID grows from connection to connection',
    async ({ client, connect }) => {
      const first = await clientId(client);
      const second = await clientId(await connect('b'));
      expect(second).toBeGreaterThan(first);
      expect(await clientId(client)).toBe(first);
    },
  ],
  [
    'CLIENT INFO tells of this connection',
    async ({ client, run, resp }: Context) => {
      await run('SELECT 3\nCLIENT SETNAME me');
      const found = await info(client);
      expect(found.get('id')).toBe(String(await clientId(client)));
      expect(found.get('addr')).toMatch(/^127\.0\.0\.1:\d+$/);
      expect(found.get('laddr')).toMatch(/^127\.0\.0\.1:\d+$/);
      expect(found.get('fd')).toMatch(/^-?\d+$/);
      expect(found.get('name')).toBe('me');
      expect(Number(found.get('age'))).toBeLessThan(30);
      expect(found.get('idle')).toBe('0');
      expect(found.get('flags')).toBe('N');
      expect(found.get('db')).toBe('3');
      expect(found.get('sub')).toBe('0');
      expect(found.get('psub')).toBe('0');
      expect(found.get('ssub')).toBe('0');
      expect(found.get('multi')).toBe('-1');
      expect(found.get('events')).toBe('r');
      expect(found.get('cmd')).toBe('client|info');
      expect(found.get('user')).toBe('default');
      expect(found.get('redir')).toBe('-1');
      expect(found.get('resp')).toBe(String(resp));
      for (const name of ['qbuf', 'qbuf-free', 'argv-mem', 'multi-mem', 'rbs', 'rbp']) {
        expect(found.get(name), name).toMatch(/^\d+$/);
      }
      for (const name of ['obl', 'oll', 'omem', 'tot-mem']) {
        expect(found.get(name), name).toMatch(/^\d+$/);
      }
    },
  ],
  [
    'the fields of CLIENT INFO come in the order of Redis 7.2',
    async ({ client }) => {
      expect([...(await info(client)).keys()].join(' ')).toBe(
        'id addr laddr fd name age idle flags db sub psub ssub multi qbuf qbuf-free argv-mem ' +
          'multi-mem rbs rbp obl oll omem tot-mem events cmd user redir resp lib-name lib-ver',
      );
    },
    { since: '7.2' },
  ],
  [
    'CLIENT LIST has a line for each connection and can be narrowed',
    async ({ client, connect, run }) => {
      const b = await connect('b');
      const [idA, idB] = [await clientId(client), await clientId(b)];
      const all = (await text(client, 'CLIENT', 'LIST')).trim().split('\n').map(fields);
      const ids = all.map((line) => line.get('id'));
      expect(ids).toContain(String(idA));
      expect(ids).toContain(String(idB));
      const one = await text(client, 'CLIENT', 'LIST', 'ID', String(idB));
      expect(
        one
          .trim()
          .split('\n')
          .map((line) => fields(line).get('id')),
      ).toEqual([String(idB)]);
      const both = await text(client, 'CLIENT', 'LIST', 'ID', String(idB), '999999', String(idA));
      expect(
        both
          .trim()
          .split('\n')
          .map((line) => fields(line).get('id')),
      ).toEqual([String(idB), String(idA)]);
      const normal = await text(client, 'CLIENT', 'LIST', 'TYPE', 'normal');
      expect(normal.trim().split('\n').length).toBe(all.length);
      expect(await text(client, 'CLIENT', 'LIST', 'TYPE', 'REPLICA')).toBe('');
      expect(await text(client, 'CLIENT', 'LIST', 'TYPE', 'pubsub')).toBe('');
      expect(await text(client, 'CLIENT', 'LIST', 'TYPE', 'master')).toBe('');
      await run(`
        CLIENT LIST TYPE nosuch => -ERR Unknown client type 'nosuch'
        CLIENT LIST ID => -ERR syntax error
        CLIENT LIST ID x => -ERR Invalid client ID
        CLIENT LIST NOSUCH => -ERR syntax error
        CLIENT LIST TYPE => -ERR syntax error
        CLIENT INFO x => -ERR wrong number of arguments for 'client|info' command
      `);
    },
  ],
  [
    'CLIENT LIST and INFO are verbatim text in RESP3',
    `
      CLIENT INFO => <verbatim>
      CLIENT LIST => <verbatim>
    `,
  ],
  [
    'CLIENT KILL by address kills one, also oneself',
    async ({ client, connect, run }) => {
      const b = await connect('b');
      const address = (await info(b)).get('addr') ?? '';
      await run(`CLIENT KILL ${address} => +OK\n@b closed`);
      await run(`
        CLIENT KILL 1.2.3.4:5 => -ERR No such client
        CLIENT KILL => -ERR wrong number of arguments for 'client|kill' command
      `);
      const own = (await info(client)).get('addr') ?? '';
      await run(`CLIENT KILL ${own} => +OK\nclosed`);
    },
  ],
  [
    'CLIENT KILL by filters replies how many it killed',
    async ({ client, connect, run }) => {
      const b = await connect('b');
      const c = await connect('c');
      const idB = await clientId(b);
      const addressC = (await info(c)).get('addr') ?? '';
      const own = await clientId(client);
      await run(`
        CLIENT KILL ID ${idB} => 1
        @b closed
        CLIENT KILL ID ${idB} => 0
        CLIENT KILL ADDR ${addressC} TYPE normal => 1
        @c closed
        CLIENT KILL ID ${own} => 0
        CLIENT KILL ID ${own} SKIPME yes => 0
        CLIENT KILL USER default ID ${own} => 0
        CLIENT KILL LADDR 1.2.3.4:5 => 0
        CLIENT KILL id ${own} skipme NO => 1
        closed
      `);
    },
  ],
  [
    'CLIENT KILL refuses bad filters',
    `
      CLIENT KILL ID 0 => -ERR client-id should be greater than 0
      CLIENT KILL ID -1 => -ERR client-id should be greater than 0
      CLIENT KILL ID x => -ERR client-id should be greater than 0
      CLIENT KILL TYPE nosuch => -ERR Unknown client type 'nosuch'
      CLIENT KILL USER nosuch => -ERR No such user 'nosuch'
      CLIENT KILL SKIPME maybe => -ERR syntax error
      CLIENT KILL NOSUCH x => -ERR syntax error
      CLIENT KILL ID 1 ADDR => -ERR syntax error
      PING => +PONG
    `,
  ],
  [
    'CLIENT KILL MAXAGE spares younger connections',
    `
      @b PING
      CLIENT KILL MAXAGE 1000 => 0
      CLIENT KILL MAXAGE x => <error>
      @b PING => +PONG
    `,
    { since: '7.4' },
  ],
  [
    'CLIENT REPLY silences the connection',
    `
      CLIENT REPLY SKIP => nothing
      SET a 1 => nothing
      GET a => "1"
      CLIENT REPLY OFF => nothing
      SET a 2 => nothing
      nosuch => nothing
      CLIENT REPLY SKIP => nothing
      CLIENT REPLY ON => +OK
      GET a => "2"
      CLIENT REPLY NOSUCH => -ERR syntax error
      CLIENT REPLY => -ERR wrong number of arguments for 'client|reply' command
    `,
  ],
  [
    'CLIENT NO-EVICT and NO-TOUCH',
    `
      CLIENT NO-EVICT ON => +OK
      CLIENT NO-EVICT off => +OK
      CLIENT NO-EVICT x => -ERR syntax error
      CLIENT NO-EVICT => -ERR wrong number of arguments for 'client|no-evict' command
    `,
  ],
  [
    'NO-EVICT shows as flag e, NO-TOUCH as T',
    async ({ client, run }) => {
      await run('CLIENT NO-EVICT ON => +OK\nCLIENT NO-TOUCH ON => +OK');
      expect((await info(client)).get('flags')).toBe('eT');
      await run('CLIENT NO-TOUCH OFF => +OK\nCLIENT NO-TOUCH x => -ERR syntax error');
      expect((await info(client)).get('flags')).toBe('e');
    },
    { since: '7.2' },
  ],
  [
    'a NO-TOUCH connection leaves the idle time of keys alone',
    async ({ run }) => {
      await run('SET k v\nCLIENT NO-TOUCH ON');
      await sleep(1100);
      await run('GET k => "v"\nOBJECT IDLETIME k => <1..3>');
      await run('CLIENT NO-TOUCH OFF\nGET k => "v"\nOBJECT IDLETIME k => <0..1>');
    },
    { since: '7.2' },
  ],
  [
    'CLIENT SETINFO names the library',
    async ({ client, run }) => {
      await run(`
        CLIENT SETINFO LIB-NAME respite-test => +OK
        CLIENT SETINFO lib-ver 1.2.3 => +OK
        CLIENT SETINFO LIB-NAME "a b"
        => -ERR LIB-NAME cannot contain spaces, newlines or special characters.
        CLIENT SETINFO lib-ver "a\\nb"
        => -ERR lib-ver cannot contain spaces, newlines or special characters.
        CLIENT SETINFO NOSUCH x => -ERR Unrecognized option 'NOSUCH'
        CLIENT SETINFO LIB-NAME => -ERR wrong number of arguments for 'client|setinfo' command
      `);
      const found = await info(client);
      expect(found.get('lib-name')).toBe('respite-test');
      expect(found.get('lib-ver')).toBe('1.2.3');
      await run('CLIENT SETINFO LIB-NAME "" => +OK');
      expect((await info(client)).get('lib-name')).toBe('');
    },
    { since: '7.2' },
  ],
  [
    'CLIENT PAUSE ALL holds every command of every connection back until it ends',
    async ({ connect, run }) => {
      await connect('b');
      const start = performance.now();
      await run(`
        CLIENT PAUSE 150 ALL => +OK
        @b PING => +PONG
        PING => +PONG
      `);
      expect(performance.now() - start).toBeGreaterThanOrEqual(140);
    },
  ],
  [
    'CLIENT PAUSE WRITE lets readers go on',
    async ({ connect, run }) => {
      const b = await connect('b');
      await run(`
        SET k v
        CLIENT PAUSE 30000 WRITE => +OK
        @b GET k => "v"
        @b PING => +PONG
      `);
      const waiting = b.call('SET', 'k', 'w');
      await run('@c GET k => "v"\n@c GET k => "v"');
      await run('@c CLIENT UNPAUSE => +OK');
      expect(await waiting).toEqual({ kind: 'simple', text: 'OK' });
      await run('@c GET k => "w"');
    },
  ],
  [
    'clients that CLIENT PAUSE holds back count as blocked',
    async ({ connect, run }) => {
      const b = await connect('b');
      await run('CLIENT PAUSE 100000 WRITE => +OK');
      const waiting = b.call('PUBLISH', 'channel', 'x');
      await run(`
        eventually INFO clients => /blocked_clients:1\\r/
        CLIENT LIST => / flags=b /
        CLIENT UNPAUSE => +OK
      `);
      expect(await waiting).toEqual({ kind: 'integer', value: 0n });
      await run('INFO clients => /blocked_clients:0\\r/');
    },
  ],
  [
    'nothing expires during CLIENT PAUSE, though it looks so',
    `
      CONFIG RESETSTAT
      SET k v PX 500
      CLIENT PAUSE 100000 WRITE => +OK
      sleep 550
      GET k => nil
      EXISTS k => 0
      DBSIZE => 1
      INFO stats => /expired_keys:0\\r/
      CLIENT UNPAUSE => +OK
      GET k => nil
      DBSIZE => 0
      INFO stats => /expired_keys:1\\r/
    `,
  ],
  [
    'CLIENT PAUSE ends by itself and refuses bad arguments',
    `
      CLIENT PAUSE 20 WRITE => +OK
      SET k v => +OK
      CLIENT PAUSE x => -ERR timeout is not an integer or out of range
      CLIENT PAUSE -1 => -ERR timeout is negative
      CLIENT PAUSE 1 NOSUCH => -ERR CLIENT PAUSE mode must be WRITE or ALL
      CLIENT PAUSE => -ERR wrong number of arguments for 'client|pause' command
      CLIENT UNPAUSE => +OK
      CLIENT UNPAUSE x => -ERR wrong number of arguments for 'client|unpause' command
    `,
  ],
  [
    'CLIENT UNBLOCK finds nobody to unblock',
    `
      CLIENT UNBLOCK 999999 => 0
      CLIENT UNBLOCK 999999 ERROR => 0
      CLIENT UNBLOCK 999999 TIMEOUT => 0
      CLIENT UNBLOCK x => -ERR value is not an integer or out of range
      CLIENT UNBLOCK 1 NOSUCH => -ERR CLIENT UNBLOCK reason should be TIMEOUT or ERROR
    `,
  ],
  [
    'CLIENT GETREDIR and TRACKINGINFO without tracking',
    `
      CLIENT GETREDIR => -1
      CLIENT TRACKINGINFO => {"flags": ~["off"], "redirect": -1, "prefixes": []}
    `,
  ],
  [
    'CLIENT refuses what it does not know',
    `
      CLIENT => -ERR wrong number of arguments for 'client' command
      CLIENT NOSUCH => -ERR unknown subcommand 'NOSUCH'. Try CLIENT HELP.
      CLIENT maint_notifications ON
      => -ERR unknown subcommand 'maint_notifications'. Try CLIENT HELP.
      CLIENT ID x => -ERR wrong number of arguments for 'client|id' command
      CLIENT HELP
      => [+"CLIENT <subcommand> [<arg> [value] [opt] ...]. Subcommands are:", ...]
      PING => +PONG
    `,
  ],
]);
