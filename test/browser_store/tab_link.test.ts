// A tab's connection while the leader changes, without tabs.

import { afterEach, describe, expect, it } from 'vitest';
import { channelName } from '../../src/browser/tabs/messages.ts';
import { TabLink } from '../../src/browser/tabs/tab_link.ts';
import { RespiteError } from '../../src/embedded/errors.ts';
import type { Link } from '../../src/embedded/link.ts';

const STORE = 'store';
const lost = new RespiteError('CONNECTION_LOST', 'gone');
const channels: BroadcastChannel[] = [];

afterEach(() => {
  for (const channel of channels.splice(0)) channel.close();
});

/** A link, what it told, and the leader's end of its channel. */
function make() {
  const told: string[] = [];
  const link = new TabLink(
    `link ${Math.random()}`,
    {
      onData: (bytes) => told.push(new TextDecoder().decode(bytes)),
      onClose: (reason) => told.push(`closed: ${reason?.message}`),
    },
    { resp: 3 },
    () => {},
  );
  const leader = new BroadcastChannel(channelName(STORE, link.id));
  channels.push(leader);
  const received: unknown[] = [];
  leader.onmessage = (event) => received.push((event as MessageEvent).data);
  return { link, told, leader, received };
}

function send(link: Link, text: string): void {
  const bytes = new TextEncoder().encode(text);
  link.room(bytes.length).set(bytes);
  link.send(bytes.length);
}

/** An engine's end that notes what it is sent. */
function engine() {
  const sent: string[] = [];
  const room = new Uint8Array(100);
  const open = (): Link => ({
    room: () => room,
    send: (length) => sent.push(new TextDecoder().decode(room.subarray(0, length))),
    close: () => {},
  });
  return { sent, open };
}

/** Long enough for a message between the ends of a channel; what must not come has come by then. */
const delivered = () => new Promise((resolve) => setTimeout(resolve, 50));

describe('a connection of a tab', () => {
  it('does not go to a leader whose word comes when it is gone', async () => {
    const { link, leader, received } = make();
    const here = engine();
    link.listen(STORE, 'first');
    send(link, 'SET k v');
    link.lose(lost);
    leader.postMessage({ ready: 'first' });
    await delivered();
    link.attach(here.open);
    expect(here.sent).toEqual(['SET k v']);
    expect(received).toEqual([]);
    link.close();
  });

  it('that went to a leader ends with it', async () => {
    const { link, told, leader } = make();
    const here = engine();
    link.listen(STORE, 'first');
    send(link, 'SET k v');
    leader.postMessage({ ready: 'first' });
    await delivered();
    link.lose(lost);
    link.attach(here.open);
    expect(told).toEqual(['closed: gone']);
    expect(here.sent).toEqual([]);
  });

  it('is not disturbed by the end of a connection that it never was', async () => {
    const { link, told, leader } = make();
    link.listen(STORE, 'second');
    leader.postMessage({ ready: 'first' });
    leader.postMessage(null);
    leader.postMessage({ ready: 'second' });
    await delivered();
    expect(told).toEqual([]);
    link.close();
  });

  it('asks the next leader when the first has not answered', async () => {
    const { link, leader, received } = make();
    link.listen(STORE, 'first');
    send(link, 'SET k v');
    link.lose(lost);
    link.listen(STORE, 'second');
    leader.postMessage({ ready: 'first' });
    await delivered();
    expect(received).toEqual([]);
    leader.postMessage({ ready: 'second' });
    await delivered();
    expect(received.length).toBe(1);
    link.close();
  });
});
