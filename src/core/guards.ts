// The GUARD_* bits of the core's settings: server states in which dispatch refuses or holds back
// some commands. Several parts of the server own one bit each, so they are put together here.

import * as abi from '../../assembly/abi.ts';

/** The call into the core that a change needs. */
export interface SettingsTarget {
  readonly exports: { setConfig(id: number, value: number): void };
}

export class Guards {
  private readonly core: SettingsTarget;
  private bits = 0;

  constructor(core: SettingsTarget) {
    this.core = core;
  }

  /** Turns one GUARD_* bit on or off. */
  set(guard: number, on: boolean): void {
    const bits = on ? this.bits | guard : this.bits & ~guard;
    if (bits === this.bits) return;
    this.bits = bits;
    this.core.exports.setConfig(abi.CFG_GUARDS, bits);
  }

  has(guard: number): boolean {
    return (this.bits & guard) !== 0;
  }
}
