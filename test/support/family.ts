// Runs tables of sentences about commands against every target, in RESP2 and in RESP3.
//
// A sentence is a title and a script. Each line of a script is a command and, after `=>`, its reply
// in the notation of reply_notation.ts; a line without `=>` must not reply an error. Every sentence
// starts with empty databases and a fresh connection.
//
//   SET k v XX          => nil
//   @b GET k            => nil        the same over another connection, called b
//   CLIENT REPLY SKIP   => nothing    no reply comes for this command
//   @b blocks BLPOP k 0               sent, and then waited for the connection to wait for it
//   @b gets             => ["k", "v"] the next reply of a connection that waited for it
//   QUIT                => +OK
//   closed                            the server closed the connection (`@b closed` for another)
//   sleep 20                          milliseconds; only to let something expire
//   eventually EXISTS k => 0          asked again until it matches, for what the server does in time
//   # text                            a remark
//   =>                                a line that starts so goes on with the one before
//
// A script may also be a function, for what this notation cannot say.

import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { encodeCommand, splitArguments } from './arguments.ts';
import { matchReply, parseExpected, showReply } from './reply_notation.ts';
import { declaredCommand, shapeMismatch } from './reply_shape.ts';
import { RespClient } from './resp_client.ts';
import type { Reply } from './resp_decoder.ts';
import { startServer, type TestServer } from './server.ts';
import { isOlder, selectedTargets, type Target } from './targets.ts';

export interface Context {
  readonly target: Target;
  readonly server: TestServer;
  readonly resp: 2 | 3;
  readonly client: RespClient;
  /** Another connection; the same one for the same name, closed after the sentence. */
  connect(name: string): Promise<RespClient>;
  /** Runs script lines. */
  run(script: string): Promise<void>;
}

export interface SentenceOptions {
  /** Release that brought the command or option the sentence is about: older targets skip it. */
  since?: string;
  /** Release up to which Redis behaved so: targets that behave as that one or a newer skip it. */
  before?: string;
  /** Release in which Redis has a defect here: real servers of that release skip the sentence. */
  defectOf?: string;
  /** Commands the script uses that a target may not have yet, to make keys of other types. */
  requires?: readonly string[];
  /** Only in this protocol version. */
  resp?: 2 | 3;
  /** Set before the sentence and put back after it. */
  config?: Readonly<Record<string, string>>;
}

export type Script = string | ((context: Context) => Promise<void>);
export type Sentence = readonly [title: string, script: Script, options?: SentenceOptions];

export interface FamilyOptions {
  /** Arguments of the server, after the target's own. */
  args?: readonly string[];
}

const EVENTUALLY_MS = 10_000;
const POLL_MS = 10;

interface Line {
  connection: string;
  command: string;
  expected: string | null;
}

function scriptLines(script: string): Line[] {
  const lines: Line[] = [];
  for (const raw of script.split('\n')) {
    const text = raw.trim();
    const last = lines.at(-1);
    if (text === '' || text.startsWith('#')) continue;
    if (text.startsWith('=>')) {
      if (!last) throw new Error(`nothing to go on with: ${text}`);
      const more = text.slice(2).trim();
      last.expected = last.expected === null ? more : `${last.expected} ${more}`;
      continue;
    }
    const named = /^@(\w+)\s+(.*)$/.exec(text);
    const rest = named?.[2] ?? text;
    const at = rest.search(/\s=>(?!.*\s=>)/);
    lines.push({
      connection: named?.[1] ?? '',
      command: (at < 0 ? rest : rest.slice(0, at)).trim(),
      expected:
        at < 0
          ? null
          : rest
              .slice(at)
              .replace(/^\s+=>/, '')
              .trim(),
    });
  }
  return lines;
}

function showLine(line: Line, reply: string): string {
  const name = line.connection && `@${line.connection} `;
  return `${name}${line.command} => ${reply}`;
}

class SentenceRun implements Context {
  readonly target: Target;
  readonly server: TestServer;
  readonly resp: 2 | 3;
  private readonly clients = new Map<string, RespClient>();
  /** Protocol that HELLO or RESET put a connection into, where it is not `resp`. */
  private readonly protocols = new Map<RespClient, 2 | 3>();

  constructor(target: Target, server: TestServer, resp: 2 | 3) {
    this.target = target;
    this.server = server;
    this.resp = resp;
  }

  get client(): RespClient {
    const client = this.clients.get('');
    if (!client) throw new Error('not connected');
    return client;
  }

  readonly connect = async (name: string): Promise<RespClient> => {
    const known = this.clients.get(name);
    if (known) return known;
    const client = await RespClient.connect({ port: this.server.port });
    this.clients.set(name, client);
    if (this.resp === 3) await client.call('HELLO', '3');
    return client;
  };

  readonly run = async (script: string): Promise<void> => {
    for (const line of scriptLines(script)) await this.runLine(line);
  };

  private async runLine(line: Line): Promise<void> {
    const client = await this.connect(line.connection);
    const pause = /^sleep (\d+)$/.exec(line.command);
    if (pause) {
      await sleep(Number(pause[1]));
    } else if (line.command === 'closed') {
      await client.ended;
    } else if (line.command.startsWith('eventually ')) {
      await this.runEventually(client, line);
    } else if (line.command.startsWith('blocks ')) {
      const wanted = (await this.blockedClients()) + 1;
      client.send(encodeCommand(splitArguments(line.command.slice('blocks '.length))));
      await this.untilBlocked(wanted);
    } else if (line.command === 'gets') {
      this.check(line, (await client.read()).reply, client);
    } else {
      const args = splitArguments(line.command).map(String);
      client.send(encodeCommand(splitArguments(line.command)));
      if (line.expected === 'nothing') return;
      const { reply } = await client.read();
      this.noteProtocol(client, args, reply);
      this.check(line, reply, client);
      this.checkShape(args, reply, client);
    }
  }

  private async blockedClients(): Promise<number> {
    const observer = await this.connect('an observer');
    const info = await observer.call('INFO', 'clients');
    const found = 'bytes' in info && /^blocked_clients:(\d+)/m.exec(info.bytes.toString());
    if (!found) throw new Error(`INFO clients: ${showReply(info)}`);
    return Number(found[1]);
  }

  private async untilBlocked(wanted: number): Promise<void> {
    const deadline = Date.now() + EVENTUALLY_MS;
    while ((await this.blockedClients()) !== wanted) {
      if (Date.now() > deadline) throw new Error(`${wanted} blocked clients expected`);
      await sleep(1);
    }
  }

  /** Every reply also has the shape that its command declares, unless it was only queued. */
  private checkShape(args: string[], reply: Reply, client: RespClient): void {
    if (reply.kind === 'simple' && reply.text === 'QUEUED') return;
    const command = declaredCommand(args);
    const resp = this.protocols.get(client) ?? this.resp;
    const mismatch = command && shapeMismatch(reply, command.spec.reply, resp);
    if (mismatch) throw new Error(`${args[0]}: ${mismatch}`);
  }

  private noteProtocol(client: RespClient, args: string[], reply: Reply): void {
    if (reply.kind === 'error') return;
    const name = args[0]?.toUpperCase();
    if (name === 'RESET') this.protocols.set(client, 2);
    if (name === 'HELLO' && args.length > 1) this.protocols.set(client, args[1] === '3' ? 3 : 2);
  }

  private async runEventually(client: RespClient, line: Line): Promise<void> {
    const args = splitArguments(line.command.slice('eventually '.length));
    const deadline = Date.now() + EVENTUALLY_MS;
    for (;;) {
      const reply = await client.call(...args);
      if (matchReply(parseExpected(line.expected ?? ''), reply, this.resp)) return;
      if (Date.now() > deadline) return this.check(line, reply, client);
      await sleep(POLL_MS);
    }
  }

  private check(line: Line, reply: Reply, client: RespClient): void {
    const resp = this.protocols.get(client) ?? this.resp;
    const good =
      line.expected === null
        ? reply.kind !== 'error'
        : matchReply(parseExpected(line.expected), reply, resp);
    // The comparison of texts gives the failure a readable difference.
    if (!good) {
      expect(showLine(line, showReply(reply))).toBe(showLine(line, line.expected ?? 'no error'));
    }
  }

  /** Ends all connections; an answer that no line asked for is a failure. */
  async finish(): Promise<void> {
    const unread: string[] = [];
    for (const client of this.clients.values()) {
      unread.push(...client.takeUnread().map(({ reply }) => showReply(reply)));
    }
    await this.release();
    expect(unread, 'replies that no line of the script expects').toEqual([]);
  }

  async release(): Promise<void> {
    await Promise.all([...this.clients.values()].map((client) => client.close()));
    this.clients.clear();
  }
}

function isSkipped(options: SentenceOptions, target: Target, resp: 2 | 3): boolean {
  if (options.since && isOlder(target.commands, options.since)) return true;
  if (options.before && !isOlder(target.behaviour, options.before)) return true;
  if (options.defectOf && target.kind === 'redis' && isRelease(target, options.defectOf))
    return true;
  return options.resp !== undefined && options.resp !== resp;
}

function isRelease(target: Target, release: string): boolean {
  return target.behaviour === release || target.behaviour.startsWith(`${release}.`);
}

async function missingCommands(admin: RespClient, names: readonly string[]): Promise<string[]> {
  const info = await admin.call('COMMAND', 'INFO', ...names);
  if (info.kind !== 'array') throw new Error(`COMMAND INFO: ${showReply(info)}`);
  return names.filter((_, i) => info.items[i]?.kind !== 'array');
}

async function setConfig(admin: RespClient, values: Readonly<Record<string, string>>) {
  const reply = await admin.call('CONFIG', 'SET', ...Object.entries(values).flat());
  if (reply.kind !== 'simple') throw new Error(`CONFIG SET: ${showReply(reply)}`);
}

async function getConfig(admin: RespClient, names: readonly string[]) {
  const values: Record<string, string> = {};
  for (const name of names) {
    const reply = await admin.call('CONFIG', 'GET', name);
    if (reply.kind !== 'array' || reply.items[1]?.kind !== 'bulk') {
      throw new Error(`CONFIG GET ${name}: ${showReply(reply)}`);
    }
    values[name] = reply.items[1].bytes.toString();
  }
  return values;
}

function runSentences(
  sentences: readonly Sentence[],
  target: Target,
  options: FamilyOptions,
): void {
  let server: TestServer;
  let admin: RespClient;
  let current: SentenceRun | undefined;

  beforeAll(async () => {
    const args = [...target.args, ...(options.args ?? [])];
    server = await startServer({ kind: target.kind, args });
    admin = await RespClient.connect({ port: server.port });
  });
  afterAll(async () => {
    await admin?.close();
    await server?.stop();
  });
  afterEach(async () => {
    await current?.release();
    current = undefined;
  });

  describe.each([2, 3] as const)('in RESP%i', (resp) => {
    for (const [title, script, conditions = {}] of sentences) {
      it.skipIf(isSkipped(conditions, target, resp))(title, async ({ skip }) => {
        if (conditions.requires) {
          const missing = await missingCommands(admin, conditions.requires);
          if (missing.length) skip(`the target has no ${missing.join(', ')} yet`);
        }
        await admin.call('FLUSHALL');
        const before = await getConfig(admin, Object.keys(conditions.config ?? {}));
        if (conditions.config) await setConfig(admin, conditions.config);
        try {
          current = new SentenceRun(target, server, resp);
          await current.connect('');
          if (typeof script === 'string') await current.run(script);
          else await script(current);
          await current.finish();
        } finally {
          if (conditions.config) await setConfig(admin, before);
        }
      });
    }
  });
}

/** Declares the tests of one family: for every selected target, in both protocol versions. */
export function family(
  name: string,
  sentences: readonly Sentence[],
  options: FamilyOptions = {},
): void {
  for (const target of selectedTargets()) {
    describe.skipIf(!target.available)(`${name} on ${target.name}`, () => {
      runSentences(sentences, target, options);
    });
  }
}
