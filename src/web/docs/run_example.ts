// Runs an example as the terminal would: on a connection of its own, a line at a time.

import type { Store } from '../store.ts';
import { TerminalSession } from '../terminal/session.ts';
import { pageTurn } from '../ui/turns.ts';

export interface ExampleLine {
  /** As in the terminal: "db(TX)> SET a 1". */
  readonly prompt: string;
  readonly line: string;
  readonly reply: string;
}

/** Each line with what it printed. */
export async function runExample(store: Store, lines: readonly string[]): Promise<ExampleLine[]> {
  let printed = '';
  const session = new TerminalSession((handlers, options) => store.connect(handlers, options), {
    print: (text) => {
      printed += text;
    },
    clear() {},
    onChange() {},
    setHints() {},
    rest: pageTurn,
  });
  try {
    const done: ExampleLine[] = [];
    for (const line of lines) {
      const { prompt } = session;
      printed = '';
      await session.run(line);
      done.push({ prompt, line, reply: printed });
    }
    return done;
  } finally {
    session.dispose();
  }
}
