// What the log says of clients that the core cuts off: for breaking the protocol, for sending more
// than it may, for looking like a web browser, or because memory ran out.

import * as abi from '../../assembly/abi.ts';
import { quote } from '../config/quoting.ts';
import type { Client } from './client.ts';
import type { ClientLog, ClientRegistry } from './clients.ts';

const PROTOCOL_ERROR = 'ERR Protocol error: ';
/** Names of protocol errors in the log, where they differ from what the client is told. */
const LOG_NAMES: Readonly<Record<string, string>> = {
  'unbalanced quotes in request': 'unbalanced quotes in inline request',
  'invalid multibulk length': 'invalid mbulk count',
  'unauthenticated multibulk length': 'unauth mbulk count',
  'unauthenticated bulk length': 'unauth bulk length',
};

/** Bytes of a query that are shown from its start, and from its end. */
const SHOWN_BYTES = 64;
const ATTACK_INTERVAL_MS = 60_000;

export class DisconnectLog {
  private readonly registry: ClientRegistry;
  private readonly log: ClientLog;
  private lastAttackMs = Number.NEGATIVE_INFINITY;

  constructor(registry: ClientRegistry, log: ClientLog) {
    this.registry = registry;
    this.log = log;
  }

  /** To be called before the client is closed. `error` is what it was told. */
  note(client: Client, reason: number, error: string): void {
    switch (reason) {
      case abi.CLOSE_PROTOCOL_ERROR:
        if (this.log.isEnabled('verbose')) this.noteProtocolError(client, error);
        break;
      case abi.CLOSE_QUERY_LIMIT: {
        const start = quote(byteText(client.block.queryStart(SHOWN_BYTES)));
        this.log.log(
          'warning',
          `Closing client that reached max query buffer length: ${this.registry.info(client)} (qbuf initial bytes: ${start})`,
        );
        break;
      }
      case abi.CLOSE_CROSS_PROTOCOL:
        this.noteAttack(client);
        break;
      default:
        this.log.log('warning', `Out of memory serving a client: ${this.registry.info(client)}`);
    }
  }

  private noteProtocolError(client: Client, error: string): void {
    const told = error.slice(PROTOCOL_ERROR.length);
    const name = told.startsWith('expected') ? 'expected $ but got something else' : told;
    const { block } = client;
    const total = block.queryBytes;
    let query = byteText(block.queryStart(total));
    if (total >= 2 * SHOWN_BYTES) {
      const between = `' (... more ${total - 2 * SHOWN_BYTES} bytes ...) '`;
      query = query.slice(0, SHOWN_BYTES) + between + query.slice(-SHOWN_BYTES);
    }
    const text = `Query buffer during protocol error: '${query}'`.replace(/[^ -~]/g, '.');
    this.log.log(
      'verbose',
      `Protocol error (${LOG_NAMES[name] ?? name}) from client: ${this.registry.info(client)}. ${text}`,
    );
  }

  /** At most once a minute: an attack does not come alone. */
  private noteAttack(client: Client): void {
    const { nowMs } = this.registry;
    if (nowMs - this.lastAttackMs <= ATTACK_INTERVAL_MS) return;
    this.lastAttackMs = nowMs;
    this.log.log(
      'warning',
      `Possible SECURITY ATTACK detected. It looks like somebody is sending POST or Host: commands to Redis. This is likely due to an attacker attempting to use Cross Protocol Scripting to compromise your Redis instance. Connection from ${client.address} aborted.`,
    );
  }
}

function byteText(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('latin1');
}
