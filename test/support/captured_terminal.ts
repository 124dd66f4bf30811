// Runs the command line tool with what it prints kept apart from the terminal.

import { Readable, Writable } from 'node:stream';
import { runProgram } from '../../src/cli/program.ts';
import type { Storage } from '../../src/storage/storage.ts';
import { createEngine } from './engine_client.ts';

export interface ToolRun {
  readonly code: number;
  readonly output: string;
  readonly errors: string;
}

export interface ToolSettings {
  readonly answer?: string;
  readonly nowMs?: number;
  readonly environment?: Readonly<Record<string, string>>;
  readonly playgroundFolder?: string;
  readonly stop?: AbortSignal;
  /** Called with each piece of the output as it comes. */
  readonly onOutput?: (text: string) => void;
}

/** A process that runs, for locks. */
export const RUNNING_PID = 4711;

class Kept extends Writable {
  text = '';
  private readonly onText: (text: string) => void;

  constructor(onText: (text: string) => void = () => undefined) {
    super();
    this.onText = onText;
  }

  override _write(chunk: Buffer, _encoding: string, done: () => void): void {
    this.text += chunk.toString();
    this.onText(chunk.toString());
    done();
  }
}

/** `words`: the command line, split at blanks, or word by word. */
export async function tool(
  storage: Storage,
  words: string | readonly string[],
  settings: ToolSettings = {},
): Promise<ToolRun> {
  const { answer = '', nowMs = Date.now(), environment = {} } = settings;
  const output = new Kept(settings.onOutput);
  const error = new Kept();
  const code = await runProgram(typeof words === 'string' ? words.split(' ') : words, {
    storage,
    streams: { input: Readable.from([answer]), output, error },
    environment,
    identity: { pid: 1, host: 'here', startedAs: '', isRunning: (pid) => pid === RUNNING_PID },
    createEngine: (databases) => createEngine({ databases }),
    now: () => nowMs,
    playgroundFolder: settings.playgroundFolder ?? 'nowhere',
    stopSignal: () => settings.stop ?? AbortSignal.abort(),
  });
  return { code, output: output.text, errors: error.text };
}
