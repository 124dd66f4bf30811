// Connections by their ids, for what is addressed to a client that may be gone by now.
//
// Ids are handed out one by one, so their low bits spread over the chains by themselves; the links
// lie in the connections. A connection that has been told goodbye counts as gone.

import { CLIENT_CLOSE_AFTER_REPLY, CLIENT_CLOSE_ASAP } from '../abi';
import { Conn } from '../resp/connection';

export const CHAINS: u32 = 4096;
const chains: usize = memory.data(16384, 8);

function chainOf(id: u64): usize {
  return chains + ((<u32>id & (CHAINS - 1)) << 2);
}

export function clientIdAdd(c: Conn): void {
  const link = chainOf(c.id);
  c.nextOfId = load<u32>(link);
  store<u32>(link, <u32>changetype<usize>(c));
}

export function clientIdRemove(c: Conn): void {
  const link = chainOf(c.id);
  let at: usize = load<u32>(link);
  if (at == changetype<usize>(c)) {
    store<u32>(link, <u32>c.nextOfId);
    return;
  }
  while (changetype<Conn>(at).nextOfId != changetype<usize>(c)) at = changetype<Conn>(at).nextOfId;
  changetype<Conn>(at).nextOfId = c.nextOfId;
}

/** The connection of this id, or 0. */
export function clientById(id: u64): usize {
  let at: usize = load<u32>(chainOf(id));
  while (at != 0) {
    const c = changetype<Conn>(at);
    if (c.id == id) return c.flags & (CLIENT_CLOSE_AFTER_REPLY | CLIENT_CLOSE_ASAP) ? 0 : at;
    at = c.nextOfId;
  }
  return 0;
}

/** The first connection of a chain, below CHAINS; 0 when it has none. */
export function firstOfChain(chain: u32): usize {
  return load<u32>(chains + (chain << 2));
}
