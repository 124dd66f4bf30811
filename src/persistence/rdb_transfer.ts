// Sending a snapshot over a connection: what `redis-cli --rdb` and its like ask for with SYNC.
//
//   peer can take a mark (REPLCONF capa eof):   $EOF:<40 bytes>\r\n  snapshot  <the same 40 bytes>
//   any other:                                  $<length>\r\n        snapshot
//
// The first is written straight to the connection while the walk goes on; the second needs the length
// first, so it is a background save whose file is sent. A peer that does not keep up holds back the walk,
// or the reading of the file, and is dropped when it takes nothing for `repl-timeout`. One peer is served
// at a time; those that wait get an empty line per second, which every client skips.
//
// There is no stream of commands behind the snapshot yet, so the connection ends with it.

import type { Logger } from '../log.ts';
import { joinPath } from '../storage/join_path.ts';
import type { Storage, StorageFile } from '../storage/storage.ts';
import { randomId } from '../util/random_id.ts';
import { systemErrorText } from '../util/system_error.ts';
import { REDIS_VERSION } from '../version.ts';
import type { Clock, Snapshots } from './parts.ts';
import { rdbHeader } from './rdb_header.ts';
import type { RdbSaver } from './rdb_saver.ts';
import { SnapshotError } from './snapshotter.ts';

/** Output that may wait for a peer before it is given more. */
const QUEUED_BYTES_MAX = 1 << 20;
const PIECE_BYTES = 256 * 1024;
/** Between two looks at what a slow peer has taken. */
const LOOK_MS = 5;
const MS_PER_SECOND = 1000;
const RDB_VERSION_MIN = 10;
const OPCODE_EOF = 0xff;
const CHECKSUM_BYTES = 8;

/** Who gets a snapshot. */
export interface TransferPeer {
  /** As the log names it: address, and the port it listens on when it told. */
  readonly name: string;
  readonly isClosed: boolean;
  /** Output that was not sent yet. */
  readonly queuedBytes: number;
  write(bytes: Uint8Array): void;
  /** Closes once everything written is sent. */
  end(): void;
  destroy(): void;
}

export interface TransferRequest {
  readonly peer: TransferPeer;
  /** What goes before the snapshot: the answer to PSYNC. */
  readonly preface: string;
  readonly takesMark: boolean;
  /** Everything but keys: functions, of which there are none yet. */
  readonly isWithoutKeys: boolean;
}

export interface TransferSettings {
  readonly directory: string;
  readonly fileName: string;
  readonly compress: boolean;
  readonly checksum: boolean;
  keyDelayUs(): number;
  readonly timeoutSeconds: number;
  /** A file that was only written to be sent is removed. */
  readonly removesFiles: boolean;
}

export interface RdbTransferOptions {
  readonly snapshots: Snapshots;
  readonly saver: RdbSaver;
  readonly storage: Storage;
  readonly log: Logger;
  readonly pid: number;
  readonly now: Clock;
  settings(): TransferSettings;
  /** Whether a walk may begin. */
  isIdle(): boolean;
  /** A transfer ended. */
  onEnd(): void;
}

class PeerLost extends Error {}

/** The walk wraps what the sink threw. */
function reasonOf(error: unknown): string {
  if (error instanceof PeerLost) return error.message;
  if (!(error instanceof SnapshotError)) return systemErrorText(error);
  return error.cause === undefined ? error.message : reasonOf(error.cause);
}

export class RdbTransfers {
  /** Snapshots that were asked for, since the start or CONFIG RESETSTAT. */
  requests = 0;
  private readonly options: RdbTransferOptions;
  private readonly waiting: TransferRequest[] = [];
  private current: TransferRequest | undefined;
  private isWalking = false;
  private startedAtSeconds = 0;
  private lastLineSeconds = 0;

  constructor(options: RdbTransferOptions) {
    this.options = options;
  }

  /** A walk writes to a connection. */
  get isRunning(): boolean {
    return this.isWalking;
  }

  get currentSeconds(): number {
    return this.isWalking ? this.seconds() - this.startedAtSeconds : -1;
  }

  /** Sends a snapshot to the peer as soon as that is possible. */
  request(request: TransferRequest): void {
    this.requests += 1;
    this.waiting.push(request);
    this.startNext();
  }

  /** Gives up the walk that writes to a connection, and that connection with it. */
  abort(): void {
    if (this.isWalking) this.options.snapshots.abort();
  }

  /** Ten times a second. */
  tick(): void {
    this.startNext();
    if (this.lastLineSeconds === this.seconds()) return;
    this.lastLineSeconds = this.seconds();
    const line = Buffer.from('\n');
    for (const { peer } of this.waiting) if (!peer.isClosed) peer.write(line);
    const { current } = this;
    if (current && !current.takesMark && this.options.saver.isRunning) current.peer.write(line);
  }

  private startNext(): void {
    if (this.current) return;
    while (this.waiting[0]?.peer.isClosed) this.waiting.shift();
    const next = this.waiting[0];
    if (!next || !(next.isWithoutKeys || this.options.isIdle())) return;
    this.waiting.shift();
    this.current = next;
    this.startedAtSeconds = this.seconds();
    void this.serve(next);
  }

  private async serve(request: TransferRequest): Promise<void> {
    const { log } = this.options;
    const { peer } = request;
    try {
      if (request.preface !== '') peer.write(Buffer.from(request.preface));
      if (request.isWithoutKeys) this.sendWithoutKeys(peer);
      else if (request.takesMark) await this.sendWalk(peer);
      else await this.sendFile(peer);
      peer.end();
      log.notice(`Synchronization with replica ${peer.name} succeeded`);
    } catch (error) {
      log.warning(`Sending a snapshot to ${peer.name} failed: ${reasonOf(error)}`);
      if (!peer.isClosed) peer.destroy();
    } finally {
      this.current = undefined;
      this.options.onEnd();
    }
  }

  // --- The three ways ---

  private async sendWalk(peer: TransferPeer): Promise<void> {
    const { snapshots, log, pid } = this.options;
    const { compress, checksum, keyDelayUs } = this.options.settings();
    const mark = Buffer.from(randomId());
    const sink = {
      write: (bytes: Uint8Array): Promise<void> => this.send(peer, bytes),
    };
    log.notice(`Background RDB transfer started by pid ${pid}`);
    this.isWalking = true;
    try {
      const walk = snapshots.background(
        { format: 'rdb', aux: [], compress, checksum, keyDelayUs },
        sink,
      );
      peer.write(Buffer.concat([Buffer.from('$EOF:'), mark, Buffer.from('\r\n')]));
      const { copiedBytes } = await walk;
      this.options.saver.lastCopiedBytes = copiedBytes;
      log.notice('Background RDB transfer terminated with success');
    } catch (error) {
      log.warning('Background transfer error');
      throw error;
    } finally {
      this.isWalking = false;
    }
    await this.send(peer, mark);
  }

  private async sendFile(peer: TransferPeer): Promise<void> {
    const { saver, storage } = this.options;
    const outcome = await saver.startBackground();
    if (outcome !== 'saved') throw new PeerLost('the snapshot could not be saved');
    const { directory, fileName, removesFiles } = this.options.settings();
    const path = joinPath(directory, fileName);
    const file = storage.open(path, 'read');
    try {
      if (removesFiles) {
        this.options.log.notice(
          'Removing the RDB file used to feed replicas in a persistence-less instance',
        );
        storage.remove(path);
      }
      await this.sendPieces(peer, file);
    } finally {
      file.close();
    }
  }

  private async sendPieces(peer: TransferPeer, file: StorageFile): Promise<void> {
    const size = file.size();
    await this.send(peer, Buffer.from(`$${size}\r\n`));
    const piece = new Uint8Array(PIECE_BYTES);
    for (let at = 0; at < size; ) {
      const count = file.read(piece, at);
      if (count === 0) throw new PeerLost('the file became shorter');
      await this.send(peer, piece.subarray(0, count));
      at += count;
    }
  }

  private sendWithoutKeys(peer: TransferPeer): void {
    const aux = [
      ['redis-ver', REDIS_VERSION],
      ['redis-bits', '64'],
      ['ctime', String(this.seconds())],
    ] as const;
    const end = Buffer.alloc(1 + CHECKSUM_BYTES);
    end[0] = OPCODE_EOF;
    const mark = randomId();
    const file = Buffer.concat([rdbHeader(RDB_VERSION_MIN, aux), end]);
    peer.write(Buffer.concat([Buffer.from(`$EOF:${mark}\r\n`), file, Buffer.from(mark)]));
  }

  /** Writes, and waits until the peer is ready for more. */
  private async send(peer: TransferPeer, bytes: Uint8Array): Promise<void> {
    if (peer.isClosed) throw new PeerLost('the connection was closed');
    peer.write(bytes);
    let queued = peer.queuedBytes;
    let movedAt = this.options.now();
    while (queued > QUEUED_BYTES_MAX) {
      await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
      if (peer.isClosed) throw new PeerLost('the connection was closed');
      const left = peer.queuedBytes;
      if (left < queued) movedAt = this.options.now();
      queued = left;
      const idleMs = this.options.now() - movedAt;
      if (idleMs > this.options.settings().timeoutSeconds * MS_PER_SECOND) {
        throw new PeerLost('it took nothing for repl-timeout');
      }
    }
  }

  private seconds(): number {
    return Math.floor(this.options.now() / MS_PER_SECOND);
  }
}
