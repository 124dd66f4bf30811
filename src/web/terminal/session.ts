// The client behind the terminal: runs lines, keeps the state that the prompt tells of, and says what to print.
//
//   idle ── run ─> busy ── reply ─> idle
//                   │  └─ MONITOR ─────> monitor      lines come until it is interrupted
//                   └──── SUBSCRIBE ───> subscribed   messages come; commands may be typed all the same
//
// `interrupt` (Ctrl-C) ends what goes on by ending the connection, as redis-cli does: a new one begins, in the
// same database and protocol. Nothing of a blocked command or a transaction is left then.

import type { OpenLink } from '../../embedded/link.ts';
import { RawConnection } from '../resp/raw_connection.ts';
import type { RawReply } from '../resp/raw_reply.ts';
import { cutReply } from './cut_reply.ts';
import { commandHelp } from './help.ts';
import { isShownPlainly, renderInvalidation, renderPlain, renderReply } from './render_reply.ts';
import { splitWords, type Word } from './split_words.ts';

export type SessionMode = 'idle' | 'busy' | 'monitor' | 'subscribed';

export interface SessionOutput {
  /** Text with line feeds. */
  print(text: string, kind: 'reply' | 'error' | 'note'): void;
  clear(): void;
  /** Mode or prompt have changed. */
  onChange(): void;
  /** A preference was set. */
  setHints(on: boolean): void;
  /** Lets the page have its turn; resolves when what was printed is shown. */
  rest(): Promise<void>;
}

/** From here on the time that a command took is told. */
const SLOW_MS = 500;
/** Repeated commands run for so long at a time: the engine may answer without the page having had a turn. */
export const SLICE_MS = 10;
/** Of a longer reply the beginning is shown: about a megabyte when every byte has to be escaped. */
const SHOWN_BYTES_MAX = 256 * 1024;

const CUT_NOTE = '(only the beginning is shown: the reply is very long)\n';
const UNDER_WAY: Readonly<Partial<Record<SessionMode, string>>> = {
  busy: 'The command that ran',
  monitor: 'MONITOR',
  subscribed: 'The subscription',
};

const encoder = new TextEncoder();

export class TerminalSession {
  private readonly openLink: OpenLink;
  private readonly output: SessionOutput;
  private readonly now: () => number;
  private connection: RawConnection;
  private database = 0;
  /** Database to return to when the transaction fails; undefined outside of one. */
  private beforeMulti: number | undefined;
  /** For each command of the transaction, the database that it selects, if it does. */
  private queued: (number | undefined)[] = [];
  private protocol: 2 | 3 = 2;
  private isMonitor = false;
  private running = 0;
  private isInterrupted = false;
  private isDisposed = false;

  constructor(openLink: OpenLink, output: SessionOutput, now: () => number = Date.now) {
    this.openLink = openLink;
    this.output = output;
    this.now = now;
    this.connection = this.connect();
  }

  get mode(): SessionMode {
    if (this.isMonitor) return 'monitor';
    if (this.running > 0) return 'busy';
    return this.connection.isSubscribed ? 'subscribed' : 'idle';
  }

  /** "db[3](TX)> " */
  get prompt(): string {
    const database = this.database === 0 ? '' : `[${this.database}]`;
    const transaction = this.beforeMulti === undefined ? '' : '(TX)';
    const subscribed = this.connection.isSubscribed ? '(subscribed mode)' : '';
    return `db${database}${transaction}${subscribed}> `;
  }

  /** The database that commands run in: not yet that of a SELECT which is queued. */
  get currentDatabase(): number {
    return this.beforeMulti ?? this.database;
  }

  /** Runs a line as it was typed; resolves when its reply was printed. Never rejects. */
  async run(line: string): Promise<void> {
    const { words, fault } = splitWords(line);
    if (fault !== undefined) {
      this.output.print('Invalid argument(s)\n', 'error');
      return;
    }
    if (words.length === 0 || this.runOwn(words)) return;
    const repeat = /^[+-]?\d+$/.test(words[0]!.text) && words.length > 1;
    const times = repeat ? Number(words[0]!.text) : 1;
    if (times <= 0) {
      this.output.print('Invalid repeat count: it has to be 1 or more\n', 'error');
      return;
    }
    this.running += 1;
    this.isInterrupted = false;
    this.output.onChange();
    const begin = this.now();
    let sliceBegin = begin;
    for (let i = 0; i < times && !this.isInterrupted; i += 1) {
      await this.send(repeat ? words.slice(1) : words);
      if (this.now() - sliceBegin < SLICE_MS) continue;
      await this.output.rest();
      sliceBegin = this.now();
    }
    const took = this.now() - begin;
    this.running -= 1;
    if (took >= SLOW_MS && !this.isMonitor && !this.isInterrupted) {
      this.output.print(`(${(took / 1000).toFixed(2)}s)\n`, 'note');
    }
    this.output.onChange();
  }

  /** Ctrl-C: ends what waits or streams. */
  async interrupt(): Promise<void> {
    if (this.mode === 'idle') return;
    this.isInterrupted = true;
    await this.reconnect();
  }

  /** Another database, chosen outside of the terminal: says what that ends. Never rejects. */
  async select(database: number): Promise<void> {
    const ended = this.underWay();
    try {
      if (ended !== undefined) {
        this.output.print(`${ended} has ended: database ${database} was chosen.\n`, 'note');
        this.isInterrupted = true;
        await this.reconnect();
      }
      const reply = await this.ask(['SELECT', String(database)]);
      if (reply?.kind === 'error') this.output.print(renderReply(reply), 'error');
      else this.database = database;
    } catch (error) {
      this.output.print(`${(error as Error).message}\n`, 'error');
    }
    this.output.onChange();
  }

  /** What cannot go on in another database. */
  private underWay(): string | undefined {
    if (this.beforeMulti !== undefined) return 'The transaction';
    return UNDER_WAY[this.mode];
  }

  /** Keys that begin with `prefix`, at most `limit`; on a connection of its own, so that no transaction is in its way. */
  async findKeys(prefix: Uint8Array, limit: number): Promise<Uint8Array[]> {
    let connection: RawConnection | undefined;
    try {
      connection = new RawConnection(this.openLink, 2, { onMessage() {}, onEnd() {} });
      await connection.send(['SELECT', String(this.database)].map(encode));
      return await scanPrefix(connection, prefix, limit);
    } catch {
      return [];
    } finally {
      connection?.close();
    }
  }

  dispose(): void {
    this.isDisposed = true;
    this.isInterrupted = true;
    this.connection.close();
  }

  // --- Commands of the terminal itself ---

  private runOwn(words: readonly Word[]): boolean {
    const name = words[0]!.text.toLowerCase();
    switch (name) {
      case 'clear':
        if (words.length > 1) return false;
        this.output.clear();
        return true;
      case 'help':
      case '?':
        this.output.print(commandHelp(words.slice(1).map(({ text }) => text)), 'note');
        return true;
      case 'quit':
      case 'exit':
        void this.reconnect();
        this.output.print('The connection was closed, and a new one opened.\n', 'note');
        return true;
      case 'connect':
        this.output.print('This terminal is connected to the store in this tab.\n', 'error');
        return true;
      default:
        if (!name.startsWith(':')) return false;
        this.setPreference(words.map(({ text }) => text.toLowerCase()));
        return true;
    }
  }

  private setPreference([name, value]: readonly string[]): void {
    if (name === ':set' && (value === 'hints' || value === 'nohints')) {
      this.output.setHints(value === 'hints');
    } else {
      this.output.print("There is ':set hints' and ':set nohints'.\n", 'error');
    }
  }

  // --- Commands of the store ---

  private async send(words: readonly Word[]): Promise<void> {
    try {
      if (this.connection.isEnded) await this.reconnect();
      const { connection } = this;
      const bytes = words.map((word) => word.bytes);
      await connection.send(bytes, (reply) => this.show(words, reply));
    } catch (error) {
      if (!this.isInterrupted) this.output.print(`Error: ${(error as Error).message}\n`, 'error');
    }
  }

  private show(words: readonly Word[], reply: RawReply): void {
    const texts = words.map(({ text }) => text);
    const shown = cutReply(reply, SHOWN_BYTES_MAX);
    const isPlain = isShownPlainly(texts);
    const text = isPlain ? ended(renderPlain(shown.reply)) : renderReply(shown.reply);
    this.output.print(text, reply.kind === 'error' ? 'error' : 'reply');
    if (shown.isCut) this.output.print(CUT_NOTE, 'note');
    this.note(texts, reply);
  }

  /** Keeps up with what the command did to the connection. */
  private note(words: readonly string[], reply: RawReply): void {
    const name = words[0]!.toLowerCase();
    const isQueued =
      this.beforeMulti !== undefined && reply.kind === 'status' && reply.text === 'QUEUED';
    const failed = reply.kind === 'error';
    const selected =
      name === 'select' && words.length === 2 ? Number.parseInt(words[1]!, 10) || 0 : undefined;
    if (isQueued) this.queued.push(selected);
    if (name === 'exec' && this.beforeMulti !== undefined && words.length === 1) {
      this.database = this.afterTransaction(this.beforeMulti, reply);
      this.beforeMulti = undefined;
    } else if (!failed && name === 'discard' && words.length === 1) {
      this.database = this.beforeMulti ?? this.database;
      this.beforeMulti = undefined;
    } else if (!failed && name === 'multi' && words.length === 1) {
      this.beforeMulti = this.database;
      this.queued = [];
    } else if (!failed && selected !== undefined) {
      this.database = selected;
    } else if (!failed && !isQueued && name === 'reset' && words.length === 1) {
      this.database = 0;
      this.beforeMulti = undefined;
      this.protocol = 2;
      this.isMonitor = false;
    } else if (name === 'hello' && (reply.kind === 'map' || reply.kind === 'array')) {
      this.protocol = reply.kind === 'map' ? 3 : 2;
    } else if (!failed && !isQueued && name === 'monitor') {
      this.isMonitor = true;
    }
  }

  /** The database that a transaction ends in: a SELECT in it may have been refused. */
  private afterTransaction(before: number, reply: RawReply): number {
    if (reply.kind !== 'array') return before;
    const done = this.queued.filter((_, i) => reply.items[i]?.kind !== 'error');
    return done.findLast((database) => database !== undefined) ?? before;
  }

  private onMessage(message: RawReply): void {
    const { reply, isCut } = cutReply(message, SHOWN_BYTES_MAX);
    this.output.print(renderInvalidation(reply) ?? renderReply(reply), 'reply');
    if (isCut) this.output.print(CUT_NOTE, 'note');
  }

  // --- The connection ---

  private connect(): RawConnection {
    const connection: RawConnection = new RawConnection(this.openLink, this.protocol, {
      onMessage: (message) => this.onMessage(message),
      onEnd: (reason) => {
        if (connection !== this.connection || this.isDisposed) return;
        this.output.print(`${reason.message}\n`, 'error');
        void this.reconnect();
      },
    });
    return connection;
  }

  private async reconnect(): Promise<void> {
    const old = this.connection;
    // A SELECT that was queued has not been run.
    this.database = this.beforeMulti ?? this.database;
    this.beforeMulti = undefined;
    this.isMonitor = false;
    try {
      try {
        this.connection = this.connect();
      } finally {
        // At once: what it waits for is taken back, and SELECT may have to wait, too.
        old.close();
      }
      if (this.database !== 0) await this.ask(['SELECT', String(this.database)]);
    } catch (error) {
      this.output.print(`${(error as Error).message}\n`, 'error');
    }
    this.output.onChange();
  }

  private ask(words: readonly string[]): Promise<RawReply | undefined> {
    return this.connection.send(words.map(encode));
  }
}

function encode(text: string): Uint8Array {
  return encoder.encode(text);
}

function ended(text: string): string {
  return text === '' || text.endsWith('\n') ? text : `${text}\n`;
}

/** SCAN stops after so many calls, so that a prefix nobody has does not go through millions of keys. */
const SCAN_CALLS_MAX = 200;

async function scanPrefix(
  connection: RawConnection,
  prefix: Uint8Array,
  limit: number,
): Promise<Uint8Array[]> {
  const pattern = new Uint8Array([...prefix].flatMap(escapeByte).concat(ASTERISK));
  const found = new Map<string, Uint8Array>();
  let cursor = '0';
  for (let call = 0; call < SCAN_CALLS_MAX && found.size < limit; call += 1) {
    const reply = await connection.send([
      ...['SCAN', cursor, 'MATCH'].map(encode),
      pattern,
      ...['COUNT', '1000'].map(encode),
    ]);
    if (reply?.kind !== 'array') break;
    const [next, keys] = reply.items;
    if (next?.kind !== 'bulk' || keys?.kind !== 'array') break;
    for (const key of keys.items) if (key.kind === 'bulk') found.set(String(key.bytes), key.bytes);
    cursor = new TextDecoder().decode(next.bytes);
    if (cursor === '0') break;
  }
  return [...found.values()].sort(compareBytes).slice(0, limit);
}

const ASTERISK = 42;
const BACKSLASH = 92;
/** `*`, `?`, `[`, `]`, `\` */
const GLOB_BYTES = new Set([ASTERISK, 63, 91, 93, BACKSLASH]);

function escapeByte(byte: number): number[] {
  return GLOB_BYTES.has(byte) ? [BACKSLASH, byte] : [byte];
}

function compareBytes(a: Uint8Array, b: Uint8Array): number {
  const length = Math.min(a.length, b.length);
  for (let i = 0; i < length; i += 1) if (a[i] !== b[i]) return a[i]! - b[i]!;
  return a.length - b.length;
}
