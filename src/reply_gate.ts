// The gate that replies pass on their way out: none leaves before the journal keeps every change that
// the reply may tell of.
//
//              nothing waits
//   reply ────────────────────────────────────────────────────────────────────> output
//     │ changes wait                 'kept'                                       ^
//     ├────────────> gathered ─┬──────────────────────────────────────────────────┤
//     │                 end of │ turn: journal.keep                               │
//     │                        └──'pending'──> leaving ──the journal calls back───┘
//     │ only the commit under way is waited for    ^
//     └────────────────────────────────────────────┘
//
// One commit is under way at a time. Meanwhile commands run: what they change waits in the journal, what
// they reply is gathered, and both go with the next commit, which begins at the end of the turn in which
// the one before was over. So a journal that takes its time costs latency and no throughput: the slower
// it is, the more a commit carries.
//
// Whoever cannot wait has everything kept at once (`releaseNow`): when the journal is exchanged, without
// turns to wait for, and when HELD_BYTES_MAX bytes are held, which also keeps clients from sending more. A
// commit under way counts for nothing then; its end is not waited for. A journal without `keepNow` cannot do
// that: its engine must have turns, and holds as much as there is.
//
// A journal may fail to keep changes and go on. Then it is not known what will become of them, and the
// connections of all replies that are held end without them.
//
// A reply that only reads waits as well while there are changes, because it may have seen them. The order
// of a client's replies holds: what is gathered leaves behind what is leaving, and nothing joins those
// that leave while anything is gathered.

/** Where a client's replies go. */
export interface ClientOutput {
  /** `bytes` are valid only during the call. */
  write(bytes: Uint8Array): void;
  /** Close once everything written is sent. */
  end(): void;
  /** Close at once. */
  destroy(): void;
}

/**
 * What became of keeping changes: 'kept', or as good as that; 'pending', to be told later; 'never', because
 * the process ends, so that no reply must leave any more.
 */
export type KeepOutcome = 'kept' | 'pending' | 'never';

/** Keeps what commands changed, once per turn. */
export interface Journal {
  /** Whether there are changes that are neither kept nor on their way. */
  readonly hasChanges: boolean;
  /** All changes so far, as a number that grows with them. */
  readonly position: number;
  /**
   * Keeps the changes so far, or begins to. With 'pending' it calls `onKept` once they are kept, or
   * `onRefused` when they cannot be for now, never before it has returned, and neither when that fails
   * for good.
   */
  keep(onKept: () => void, onRefused: () => void): KeepOutcome;
  /** Keeps the changes so far, also those on their way, before it returns. False for 'never'. */
  keepNow?(): boolean;
}

/** A client as it looks from here. */
export interface GateClient {
  readonly output: ClientOutput;
  readonly closed: boolean;
  /** Replies of which the gate has a copy; its own business. */
  gathered: Buffer[];
  leaving: Buffer[];
  endsBehindHeld: boolean;
}

export interface ReplyGateOptions {
  /** Whether turns end: else every reply has the changes kept at once. */
  readonly hasTurns: boolean;
  /** Has `endTurn` called at the end of this turn. */
  endTurnSoon(): void;
}

/** Replies that may be held back, of all clients, until the journal is asked to keep the changes now. */
const HELD_BYTES_MAX = 1 << 20;

export class ReplyGate {
  private readonly options: ReplyGateOptions;
  /** Keeps what commands change; undefined while nobody does. */
  private journal: Journal | undefined;
  /** Clients with replies gathered, and with replies that leave with the commit under way. */
  private gathering: GateClient[] = [];
  private leaving: GateClient[] = [];
  private heldBytes = 0;
  /** Stands for the commit under way. */
  private commit: object | undefined;
  /** The journal has failed for good: nothing is acknowledged any more. */
  private isShut = false;

  constructor(options: ReplyGateOptions) {
    this.options = options;
  }

  /** From now on `journal` keeps what commands change, or nobody does. */
  setJournal(journal: Journal | undefined): void {
    this.releaseNow();
    this.journal = journal;
  }

  /** Writes to a client's output, unless that has to wait for the journal. */
  send(client: GateClient, bytes: Uint8Array): void {
    if (this.isShut) return;
    if (this.journal === undefined || this.isOpen(this.journal)) client.output.write(bytes);
    else if (!this.isShut) this.hold(client, bytes, this.journal);
  }

  /** Ends the connection behind what was sent. */
  end(client: GateClient): void {
    if (isHeld(client)) client.endsBehindHeld = true;
    else if (!client.closed) client.output.end();
  }

  /** There are changes: has them kept at the end of the turn, or behind the commit under way. */
  keepSoon(): void {
    if (this.commit === undefined) this.options.endTurnSoon();
  }

  /** Has the changes kept; held replies leave at once or later. False when they never will. */
  endTurn(): boolean {
    if (this.isShut) return false;
    if (this.commit !== undefined) return true;
    if (this.journal?.hasChanges) {
      const commit = {};
      const outcome = this.journal.keep(
        () => this.kept(commit),
        () => this.refused(commit),
      );
      if (outcome === 'pending') this.begin(commit);
      if (outcome === 'never') this.isShut = true;
      if (outcome !== 'kept') return !this.isShut;
    }
    this.releaseGathered();
    return true;
  }

  private isOpen(journal: Journal): boolean {
    const isFree = this.commit === undefined && this.gathering.length === 0;
    if (isFree && !journal.hasChanges) return true;
    const isTooMuch = this.heldBytes >= HELD_BYTES_MAX && journal.keepNow !== undefined;
    if (this.options.hasTurns && !isTooMuch) return false;
    return this.releaseNow();
  }

  private hold(client: GateClient, bytes: Uint8Array, journal: Journal): void {
    const copy = Buffer.from(bytes);
    this.heldBytes += copy.length;
    if (this.commit !== undefined && this.gathering.length === 0 && !journal.hasChanges) {
      if (client.leaving.length === 0) this.leaving.push(client);
      client.leaving.push(copy);
      return;
    }
    if (client.gathered.length === 0) this.gathering.push(client);
    client.gathered.push(copy);
    this.keepSoon();
  }

  /** What is gathered leaves with this commit. */
  private begin(commit: object): void {
    this.commit = commit;
    this.leaving = this.gathering;
    this.gathering = [];
    for (const client of this.leaving) {
      client.leaving = client.gathered;
      client.gathered = [];
    }
  }

  /** A commit is over, if nobody was faster. */
  private kept(commit: object): void {
    if (this.commit !== commit) return;
    this.releaseLeaving();
    if (this.gathering.length > 0 || this.journal?.hasChanges) this.options.endTurnSoon();
  }

  /** A commit has failed, and the journal goes on. */
  private refused(commit: object): void {
    if (this.commit === commit) this.dropHeld();
  }

  /** Ends the connections of all who wait for a reply. */
  private dropHeld(): void {
    const clients = new Set([...this.leaving, ...this.gathering]);
    this.commit = undefined;
    this.leaving = [];
    this.gathering = [];
    this.heldBytes = 0;
    for (const client of clients) {
      client.leaving = [];
      client.gathered = [];
      if (!client.closed) client.output.destroy();
    }
  }

  /** Has all changes kept before it returns, and lets all replies go. False when they never will. */
  private releaseNow(): boolean {
    const { journal } = this;
    const isWanted = this.commit !== undefined || journal?.hasChanges === true;
    if (isWanted && journal !== undefined) {
      if (journal.keepNow === undefined) this.dropHeld();
      else if (!journal.keepNow()) this.isShut = true;
    }
    if (this.isShut) return false;
    this.releaseLeaving();
    this.releaseGathered();
    return true;
  }

  private releaseLeaving(): void {
    const clients = this.leaving;
    this.commit = undefined;
    this.leaving = [];
    for (const client of clients) {
      const pieces = client.leaving;
      client.leaving = [];
      this.release(client, pieces);
    }
  }

  private releaseGathered(): void {
    const clients = this.gathering;
    this.gathering = [];
    for (const client of clients) {
      const pieces = client.gathered;
      client.gathered = [];
      this.release(client, pieces);
    }
  }

  private release(client: GateClient, pieces: readonly Buffer[]): void {
    const [first] = pieces;
    if (first === undefined) return;
    const bytes = pieces.length === 1 ? first : Buffer.concat(pieces);
    this.heldBytes -= bytes.length;
    if (client.closed) return;
    client.output.write(bytes);
    if (client.endsBehindHeld && !client.closed && !isHeld(client)) client.output.end();
  }
}

function isHeld(client: GateClient): boolean {
  return client.gathered.length > 0 || client.leaving.length > 0;
}
