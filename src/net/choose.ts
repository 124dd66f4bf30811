// Picks the transport: the direct one where it is known and seen to work, else public streams.
//
// The probe runs the direct transport for real against an ordinary client in this process: input of
// several reads with the region moved in between, as when linear memory grows, output that the
// kernel takes at once, output it does not (so that an asynchronous write and the queue behind it
// are seen), the source of every write overwritten at once, and the close. Every byte is compared.
// It takes a few milliseconds, most often over a Unix socket, whose kernel buffers are soon full;
// whatever goes wrong or takes longer than PROBE_MS_MAX means `stream`.

import { rmSync } from 'node:fs';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DirectTransport } from './direct_transport.ts';
import { isKnownRuntime, loadStreamBinding, type StreamBinding } from './stream_binding.ts';
import { StreamTransport } from './stream_transport.ts';
import type { Connection, InputRegion, Transport, TransportName } from './transport.ts';

export type TransportChoice = 'auto' | TransportName;

const PROBE_MS_MAX = 1000;
const PROBE_REGION_BYTES = 4096;
const PROBE_INPUT_BYTES = PROBE_REGION_BYTES + 1000;
const PROBE_PIECE_BYTES = 100_000;
/** More than any kernel buffers for a peer that does not read. */
const PROBE_OUTPUT_BYTES_MAX = 64 << 20;
/** Pieces written while an earlier one is still under way. */
const PROBE_QUEUED_PIECES = 3;

/**
 * The transport for one engine's input region. `auto` never fails; `direct` throws when this
 * runtime does not support it, so that a forced choice is never silently another one.
 */
export async function chooseTransport(
  choice: TransportChoice,
  region: InputRegion,
): Promise<Transport> {
  if (choice === 'stream' || (choice === 'auto' && !isKnownRuntime())) {
    return new StreamTransport(region);
  }
  const binding = loadStreamBinding();
  if (binding !== null && (await probeDirect(binding))) return new DirectTransport(binding, region);
  if (choice === 'auto') return new StreamTransport(region);
  throw new Error('the direct transport does not work on this runtime');
}

/** Whether the direct transport moves bytes as it should; never throws. */
export async function probeDirect(binding: StreamBinding): Promise<boolean> {
  const path = join(tmpdir(), `respite-probe-${process.pid}-${Date.now()}.sock`);
  for (const address of [{ path }, { host: '127.0.0.1', port: 0 }]) {
    const probe = new Probe(binding);
    try {
      const outcome = await probe.run(address);
      if (outcome !== 'cannot listen') return outcome === 'works';
    } finally {
      probe.close();
      rmSync(path, { force: true });
    }
  }
  return false;
}

type ProbeOutcome = 'works' | 'fails' | 'cannot listen';
type ProbeAddress = { host: string; port: number } | { path: string };

/** What is sent repeats after a period that no buffer size is a multiple of. */
const PATTERN_PERIOD = 251;
const PATTERN = Uint8Array.from(
  { length: PROBE_PIECE_BYTES + PATTERN_PERIOD },
  (_, index) => index % PATTERN_PERIOD,
);

/** Bytes `from` to `from + length` of what is sent. */
function patternAt(from: number, length: number): Uint8Array {
  const start = from % PATTERN_PERIOD;
  return PATTERN.subarray(start, start + length);
}

function isPatternAt(from: number, bytes: Uint8Array): boolean {
  for (let at = 0; at < bytes.length; at += PROBE_PIECE_BYTES) {
    const piece = bytes.subarray(at, at + PROBE_PIECE_BYTES);
    if (Buffer.compare(piece, patternAt(from + at, piece.length)) !== 0) return false;
  }
  return true;
}

class Probe {
  private readonly server: Server = createServer();
  private readonly transport: DirectTransport;
  private region = new Uint8Array(PROBE_REGION_BYTES);
  private client: Socket | undefined;
  private connection: Connection | undefined;
  private finish: (outcome: ProbeOutcome) => void = () => {};
  private inputBytes = 0;
  private sentBytes = 0;
  private receivedBytes = 0;
  private wasDrained = false;

  constructor(binding: StreamBinding) {
    this.transport = new DirectTransport(binding, { view: () => this.region });
  }

  async run(address: ProbeAddress): Promise<ProbeOutcome> {
    let timer: NodeJS.Timeout | undefined;
    try {
      return await new Promise<ProbeOutcome>((resolve) => {
        this.finish = resolve;
        timer = setTimeout(() => resolve('fails'), PROBE_MS_MAX);
        this.start(address);
      });
    } catch {
      return 'fails';
    } finally {
      clearTimeout(timer);
    }
  }

  close(): void {
    this.client?.destroy();
    this.connection?.destroy();
    if (this.server.listening) this.server.close();
  }

  private start(address: ProbeAddress): void {
    const { server } = this;
    server.on('error', () => this.finish('cannot listen'));
    this.transport.attach(server, {
      accept: { keepAliveSeconds: 300 },
      onConnection: (connection) => {
        this.connection = connection;
        return {
          onData: (length) => this.guard(() => this.handleInput(length)),
          onDrain: () => {
            this.wasDrained = true;
          },
          onClose: (hadError) => this.finish(this.isComplete() && !hadError ? 'works' : 'fails'),
        };
      },
      onAcceptError: () => this.finish('fails'),
    });
    server.on('listening', () => {
      const listening = server.address();
      const target = typeof listening === 'string' || listening === null ? address : listening;
      this.startClient(
        'port' in target ? { host: '127.0.0.1', port: target.port } : { path: target.path },
      );
    });
    server.listen(address);
  }

  /** An exception in a callback of the handle would end the process. */
  private guard(action: () => void): void {
    try {
      action();
    } catch {
      this.finish('fails');
    }
  }

  private startClient(target: ProbeAddress): void {
    const client = connect(target);
    this.client = client;
    client.on('error', () => this.finish('fails'));
    // More than one read. Nothing is read back until the server has written all it wants to.
    client.write(patternAt(0, PROBE_INPUT_BYTES));
  }

  private handleInput(length: number): void {
    if (!isPatternAt(this.inputBytes, this.region.subarray(0, length))) this.finish('fails');
    this.inputBytes += length;
    // Detaches what the region was, as a growth of linear memory does.
    structuredClone(this.region.buffer, { transfer: [this.region.buffer] });
    this.region = new Uint8Array(PROBE_REGION_BYTES);
    if (this.inputBytes === PROBE_INPUT_BYTES) this.sendOutput();
  }

  private sendOutput(): void {
    const { client, connection } = this;
    if (client === undefined || connection === undefined) return;
    const send = (length: number): void => {
      const bytes = patternAt(this.sentBytes, length).slice();
      connection.write(bytes);
      bytes.fill(0xff);
      this.sentBytes += length;
    };
    send(10);
    if (connection.queuedBytes !== 0) this.finish('fails');
    while (connection.queuedBytes === 0 && this.sentBytes < PROBE_OUTPUT_BYTES_MAX) {
      send(PROBE_PIECE_BYTES);
    }
    if (connection.queuedBytes === 0) this.finish('fails');
    for (let piece = 0; piece < PROBE_QUEUED_PIECES; piece++) send(PROBE_PIECE_BYTES);
    client.on('data', (chunk: Buffer) => {
      if (!isPatternAt(this.receivedBytes, chunk)) this.finish('fails');
      this.receivedBytes += chunk.length;
      // End of input is what the server's side closes on.
      if (this.receivedBytes === this.sentBytes) client.end();
    });
  }

  private isComplete(): boolean {
    return this.sentBytes > 0 && this.receivedBytes === this.sentBytes && this.wasDrained;
  }
}
