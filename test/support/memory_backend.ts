// A backend in memory that goes wrong at its n-th operation, and knows what a crash may leave.
//
//   file:  bytes of the last durable write │ writes since then, in order
//
// A crash leaves of a file any first part of the writes that are not durable, the last of them torn
// anywhere; a file that was removed may be there again. Operations take effect when they are called and
// are durable when they answer.

import type { Backend } from '../../src/browser/storage/backend.ts';
import { RespiteError } from '../../src/embedded/errors.ts';
import type { Random } from './random.ts';

export class CrashedBackend extends Error {}

export interface BackendFault {
  /** Number of the operation, from 1. */
  readonly at: number;
  /** A crash ends everything; a failure is one operation's, or that of all from there on until `heal`. */
  readonly kind: 'crash' | 'failure' | 'failures';
}

interface Write {
  readonly position: number;
  readonly bytes: Uint8Array;
}

interface File {
  durable: Uint8Array;
  since: Write[];
}

function apply(bytes: Uint8Array, { position, bytes: added }: Write): Uint8Array {
  const after = new Uint8Array(position + added.length);
  after.set(bytes.subarray(0, position));
  after.set(added, position);
  return after;
}

/** Some bytes of a write have come: what was behind them is still there. */
function tear(bytes: Uint8Array, { position, bytes: added }: Write, count: number): Uint8Array {
  const after = new Uint8Array(Math.max(bytes.length, position + count));
  after.set(bytes);
  after.set(added.subarray(0, count), position);
  return after;
}

export class MemoryBackend implements Backend {
  private readonly files = new Map<string, File>();
  private readonly removed = new Map<string, File>();
  private readonly fault: BackendFault | undefined;
  /** Operations so far, and what they were. */
  readonly log: string[] = [];
  isCrashed = false;
  isClosed = false;
  private isHealed = false;
  /** While set, writes wait for it. */
  gate: Promise<void> | undefined;

  constructor(fault?: BackendFault, files: ReadonlyMap<string, Uint8Array> = new Map()) {
    this.fault = fault;
    for (const [name, durable] of files) this.files.set(name, { durable, since: [] });
  }

  heal(): void {
    this.isHealed = true;
  }

  /** What the files hold now. */
  contents(): Map<string, Uint8Array> {
    return new Map([...this.files].map(([name, file]) => [name, content(file)]));
  }

  /** What a crash at this moment leaves. */
  afterCrash(random: Random): Map<string, Uint8Array> {
    const left = new Map<string, Uint8Array>();
    for (const [name, file] of this.removed) {
      if (random.chance(0.5)) left.set(name, torn(file, random));
    }
    for (const [name, file] of this.files) left.set(name, torn(file, random));
    return left;
  }

  async list(): Promise<Map<string, number>> {
    await this.step('list');
    return new Map([...this.files].map(([name, file]) => [name, content(file).length]));
  }

  async read(name: string, position: number, length: number): Promise<Uint8Array> {
    await this.step(`read ${name}`);
    const file = this.files.get(name);
    return file === undefined
      ? new Uint8Array(0)
      : content(file).slice(position, position + length);
  }

  async write(
    name: string,
    position: number,
    bytes: Uint8Array,
    isDurable: boolean,
  ): Promise<void> {
    const file = this.files.get(name) ?? { durable: new Uint8Array(0), since: [] };
    if (position > content(file).length) throw new Error(`a gap in ${name}`);
    const copy = bytes.slice();
    await this.step(`write ${name}`, () => {
      // A part of it may be there.
      this.files.set(name, file);
      file.since.push({ position, bytes: copy.subarray(0, copy.length >> 1) });
    });
    if (this.isCrashed) throw new CrashedBackend();
    this.files.set(name, file);
    file.since.push({ position, bytes: copy });
    if (this.gate !== undefined) await this.gate;
    if (this.isCrashed) throw new CrashedBackend();
    if (!isDurable) return;
    file.durable = content(file);
    file.since = [];
  }

  async remove(name: string): Promise<void> {
    await this.step(`remove ${name}`);
    const file = this.files.get(name);
    if (file !== undefined) this.removed.set(name, file);
    this.files.delete(name);
  }

  async close(): Promise<void> {
    this.isClosed = true;
  }

  /** Ends everything now: nothing that is called from here on has an effect. */
  crash(): void {
    this.isCrashed = true;
  }

  private async step(name: string, onFault: () => void = () => {}): Promise<void> {
    if (this.isClosed) throw new Error('the backend is closed');
    if (this.isCrashed) throw new CrashedBackend();
    this.log.push(name);
    const number = this.log.length;
    await undefined;
    const { fault } = this;
    if (fault === undefined || this.isHealed || number < fault.at) return;
    if (fault.kind === 'crash') this.isCrashed = true;
    if (fault.kind === 'failure' && number > fault.at) return;
    onFault();
    if (fault.kind === 'crash') throw new CrashedBackend();
    throw new RespiteError('QUOTA', `no room, at operation ${number}: ${name}`);
  }
}

function content({ durable, since }: File): Uint8Array {
  return since.reduce(apply, durable);
}

function torn({ durable, since }: File, random: Random): Uint8Array {
  const whole = random.below(since.length + 1);
  const bytes = since.slice(0, whole).reduce(apply, durable);
  const next = since[whole];
  return next === undefined ? bytes : tear(bytes, next, random.below(next.bytes.length + 1));
}
