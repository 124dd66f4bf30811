// A program in a terminal, for tests of what only shows in one: prompts, hints, completion, colours.
//
// util-linux's `script` provides the terminal. Its size is set before the program starts: without
// one a line editor would ask the terminal for it and take the typed keys for the answer.
//
// A test types and waits for what must appear after what it has already waited for; nothing depends
// on how fast that comes. Text is compared without control sequences. Keys may only be typed when a
// prompt is there: a line editor drops what arrives before it has taken over the terminal.

import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import type { TestServer } from '../support/server.ts';
import { clientEnvironment } from './support.ts';

const WAIT_TIMEOUT_MS = 15_000;
const COLUMNS = 160;
/** The shell writes this before the program takes its place, and its process id. */
const PID_LINE = /^pid (\d+)\r\n/;
/** Sequences that move the cursor, clear, or colour. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: that is what a terminal is sent.
const CONTROL_SEQUENCE = /\x1b\[[0-9;?]*[A-Za-z]/g;
// biome-ignore lint/suspicious/noControlCharactersInRegex: as above.
const UNFINISHED_SEQUENCE = /\x1b(\[[0-9;?]*)?$/;

interface Waiter {
  pattern: RegExp;
  resolve(match: RegExpExecArray): void;
  reject(error: Error): void;
  timer: NodeJS.Timeout;
}

export class Terminal {
  private readonly child: ChildProcessWithoutNullStreams;
  /** Text that no `waitFor` has gone past. */
  private text = '';
  private unfinished = '';
  /** The beginning of everything that was sent. */
  private output = '';
  private waiter: Waiter | undefined;
  /** Resolves to the program's exit code. */
  readonly ended: Promise<number | null>;

  constructor(server: TestServer, command: readonly string[]) {
    const quoted = command.map((word) => `'${word.replaceAll("'", `'\\''`)}'`).join(' ');
    const shell = `stty cols ${COLUMNS} rows 50; echo "pid $$"; exec ${quoted}`;
    this.child = spawn('script', ['--quiet', '--return', '--command', shell, '/dev/null'], {
      env: { ...clientEnvironment(server), SHELL: '/bin/sh' },
      cwd: server.dir,
    });
    this.child.stdin.on('error', () => {});
    for (const stream of [this.child.stdout, this.child.stderr])
      stream.setEncoding('utf8').on('data', (output: string) => this.receive(output));
    this.ended = new Promise((resolve) => {
      this.child.once('close', (code) => {
        this.fail('the program ended');
        resolve(code);
      });
    });
  }

  type(keys: string): void {
    this.child.stdin.write(keys);
  }

  /** Waits until `pattern` appears in the text, and goes past it. */
  waitFor(pattern: RegExp | string): Promise<RegExpExecArray> {
    if (this.waiter) throw new Error('already waiting');
    const source = typeof pattern === 'string' ? RegExp(escapePattern(pattern)) : pattern;
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => this.fail('it did not appear in time'), WAIT_TIMEOUT_MS);
      this.waiter = { pattern: source, resolve, reject, timer };
      this.satisfy();
    });
  }

  /** Ends the program, whereupon `script` ends by itself. */
  async stop(): Promise<void> {
    if (this.child.exitCode !== null || this.child.signalCode !== null) return;
    const started = PID_LINE.exec(this.output);
    if (started) signal(Number(started[1]), 'SIGKILL');
    else this.child.kill('SIGKILL');
    await this.ended;
  }

  private receive(output: string): void {
    if (!PID_LINE.test(this.output)) this.output += output;
    const raw = this.unfinished + output;
    this.unfinished = UNFINISHED_SEQUENCE.exec(raw)?.[0] ?? '';
    const whole = raw.slice(0, raw.length - this.unfinished.length);
    this.text += whole.replace(CONTROL_SEQUENCE, '');
    this.satisfy();
  }

  private satisfy(): void {
    if (!this.waiter) return;
    const match = this.waiter.pattern.exec(this.text);
    if (!match) return;
    const { resolve, timer } = this.waiter;
    clearTimeout(timer);
    this.waiter = undefined;
    this.text = this.text.slice(match.index + match[0].length);
    resolve(match);
  }

  private fail(reason: string): void {
    if (!this.waiter) return;
    const { pattern, reject, timer } = this.waiter;
    clearTimeout(timer);
    this.waiter = undefined;
    reject(new Error(`waited for ${pattern}, but ${reason}; seen: ${JSON.stringify(this.text)}`));
  }
}

/** The program may have ended by itself. */
function signal(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name);
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'ESRCH')) throw error;
  }
}

function escapePattern(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
}
