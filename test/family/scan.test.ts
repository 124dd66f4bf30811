// SCAN: cursors, MATCH, COUNT and TYPE, and the guarantee that a full iteration meets every key.

import { expect } from 'vitest';
import { family } from '../support/family.ts';
import type { RespClient } from '../support/resp_client.ts';

async function scanOnce(client: RespClient, cursor: string, ...options: string[]) {
  const reply = await client.call('SCAN', cursor, ...options);
  if (reply.kind !== 'array' || reply.items.length !== 2) throw new Error('not a SCAN reply');
  const [next, page] = reply.items;
  if (next?.kind !== 'bulk' || page?.kind !== 'array') throw new Error('not a SCAN reply');
  const keys = page.items.map((item) => ('bytes' in item ? item.bytes.toString() : item.kind));
  return { cursor: next.bytes.toString(), keys };
}

/** All keys of a full iteration, as often as they came; `between` runs after every page. */
async function scanAll(client: RespClient, options: string[], between?: () => Promise<void>) {
  const found: string[] = [];
  let cursor = '0';
  do {
    const page = await scanOnce(client, cursor, ...options);
    found.push(...page.keys);
    cursor = page.cursor;
    await between?.();
  } while (cursor !== '0');
  return found;
}

function numbered(prefix: string, count: number): string[] {
  return Array.from({ length: count }, (_, i) => `${prefix}${i}`);
}

async function setAll(client: RespClient, names: readonly string[]): Promise<void> {
  await client.pipeline(names.map((name) => ['SET', name, 'v']));
}

family('SCAN', [
  [
    'an empty database is one page',
    `
      SCAN 0 => ["0", []]
      SCAN 0 MATCH * COUNT 100 TYPE string => ["0", []]
    `,
  ],
  [
    'a full iteration returns every key, whatever the page size',
    async ({ client }) => {
      const names = numbered('key:', 1000);
      await setAll(client, names);
      for (const options of [[], ['COUNT', '1'], ['COUNT', '7'], ['COUNT', '100000']]) {
        const found = await scanAll(client, options);
        expect(new Set(found)).toEqual(new Set(names));
        // Nothing changes between the pages, so no key comes twice.
        expect(found.length).toBe(names.length);
      }
    },
  ],
  [
    'COUNT sets about how many keys a page looks at',
    async ({ client }) => {
      await setAll(client, numbered('key:', 1000));
      const small = await scanOnce(client, '0', 'COUNT', '10');
      expect(small.keys.length).toBeGreaterThanOrEqual(1);
      expect(small.keys.length).toBeLessThan(200);
      const large = await scanOnce(client, '0', 'COUNT', '500');
      expect(large.keys.length).toBeGreaterThanOrEqual(400);
    },
  ],
  [
    'MATCH filters what is returned, not what is looked at',
    async ({ client }) => {
      await setAll(client, [...numbered('a', 200), ...numbered('b', 5)]);
      const found = await scanAll(client, ['MATCH', 'b?']);
      expect(found.sort()).toEqual(['b0', 'b1', 'b2', 'b3', 'b4']);
      expect(await scanAll(client, ['match', 'none*', 'count', '5'])).toEqual([]);
    },
  ],
  [
    'keys that stay are returned though others come and go and the table resizes',
    async ({ client }) => {
      const staying = numbered('stay:', 500);
      await setAll(client, staying);
      let round = 0;
      const found = await scanAll(client, ['COUNT', '10'], async () => {
        round++;
        if (round < 40) await setAll(client, numbered(`come:${round}:`, 100));
        else await client.call('DEL', ...numbered(`come:${round - 39}:`, 100));
      });
      const met = new Set(found);
      expect(staying.filter((name) => !met.has(name))).toEqual([]);
    },
  ],
  [
    'keys that stay are returned while the table shrinks',
    async ({ client }) => {
      const staying = numbered('stay:', 100);
      await setAll(client, [...staying, ...numbered('go:', 4000)]);
      let next = 0;
      const found = await scanAll(client, ['COUNT', '20'], async () => {
        const some = Array.from({ length: 100 }, (_, i) => `go:${next + i}`);
        next += 100;
        await client.call('DEL', ...some);
      });
      const met = new Set(found);
      expect(staying.filter((name) => !met.has(name))).toEqual([]);
    },
  ],
  [
    'TYPE filters by type',
    `
      MSET a 1 b 2
      RPUSH l 1
      SCAN 0 TYPE string COUNT 100 => ["0", any-order["a", "b"]]
      SCAN 0 TYPE LIST COUNT 100 => ["0", ["l"]]
      SCAN 0 TYPE hash COUNT 100 => ["0", []]
    `,
    { requires: ['RPUSH'] },
  ],
  [
    'an unknown TYPE finds nothing',
    `
      SET a 1
      SCAN 0 TYPE nosuch COUNT 100 => ["0", []]
    `,
  ],
  [
    'expired keys are not returned',
    `
      DEBUG SET-ACTIVE-EXPIRE 0
      MSET a 1 b 2
      SET gone 1 PX 1
      sleep 5
      SCAN 0 COUNT 100 => ["0", any-order["a", "b"]]
      DEBUG SET-ACTIVE-EXPIRE 1
    `,
  ],
  [
    'bad cursors and options are refused',
    `
      SCAN => -ERR wrong number of arguments for 'scan' command
      SCAN x => -ERR invalid cursor
      SCAN "" => ["0", []]
      SCAN " 0" => -ERR invalid cursor
      SCAN 1x => -ERR invalid cursor
      SCAN 99999999999999999999 => -ERR invalid cursor
      SCAN 0 COUNT => -ERR syntax error
      SCAN 0 COUNT 0 => -ERR syntax error
      SCAN 0 COUNT -5 => -ERR syntax error
      SCAN 0 COUNT x => -ERR value is not an integer or out of range
      SCAN 0 COUNT 99999999999999999999 => -ERR value is not an integer or out of range
      SCAN 0 MATCH => -ERR syntax error
      SCAN 0 TYPE => -ERR syntax error
      SCAN 0 NOSUCH => -ERR syntax error
      SCAN 0 NOSUCH x => -ERR syntax error
      SCAN 0 COUNT 5 COUNT => -ERR syntax error
    `,
  ],
  [
    'the last of a repeated option counts, and any cursor is taken',
    `
      SET a 1
      SCAN 0 MATCH x MATCH a COUNT 1 COUNT 100 => ["0", ["a"]]
      SCAN 18446744073709551615 COUNT 100 => <array>
      SCAN 12345 => <array>
    `,
  ],
  [
    'each database is scanned alone',
    `
      SET a 1
      SELECT 3
      SET b 1
      SCAN 0 => ["0", ["b"]]
    `,
  ],
]);
