// Lets everything else that is waiting run before the work at hand goes on.

import { realSetImmediate } from './timers.ts';

/** Resolves in the next turn of the event loop. */
export function nextTurn(): Promise<void> {
  return new Promise(callNextTurn);
}

/** Calls back in the next turn of the event loop, behind what is there now. */
export function callNextTurn(run: () => void): void {
  if (realSetImmediate !== undefined) realSetImmediate(run);
  else channel().call(run);
}

/** Browsers have no setImmediate, and delay timers: messages come at once, in pages in the background, too. */
class TurnChannel {
  private readonly waiting: (() => void)[] = [];
  private readonly port: MessagePort;

  constructor() {
    const { port1, port2 } = new MessageChannel();
    port1.onmessage = () => this.waiting.shift()?.();
    this.port = port2;
  }

  call(run: () => void): void {
    this.waiting.push(run);
    this.port.postMessage(null);
  }
}

let opened: TurnChannel | undefined;

function channel(): TurnChannel {
  opened ??= new TurnChannel();
  return opened;
}
