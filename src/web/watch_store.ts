// Notices that a store has come to an end by itself: its engine or its storage has failed.
//
// A connection of its own tells that something has happened; that there can be no other one tells that it was the
// end. A tab that takes over, or CLIENT KILL, ends connections as well.

import type { Link } from '../embedded/link.ts';
import type { Store } from './store.ts';

const RECONNECT_MS = 200;

/** Calls `onEnd` once, with the reason. Returns what ends the watch, which is due before the store is closed. */
export function watchStore(
  store: Pick<Store, 'connect'>,
  onEnd: (reason: Error) => void,
): () => void {
  let link: Link | undefined;
  let isOver = false;
  const connect = () => {
    if (isOver) return;
    try {
      link = store.connect({
        onData: () => {},
        onClose: () => void setTimeout(connect, RECONNECT_MS),
      });
    } catch (error) {
      isOver = true;
      onEnd(error as Error);
    }
  };
  connect();
  return () => {
    isOver = true;
    link?.close();
  };
}
