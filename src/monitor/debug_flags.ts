// Switches that DEBUG sets and other parts of the server read, as far as they exist; a switch for
// a feature that does not is kept all the same, so that test scripts run. Each has the value of
// normal operation until somebody tests something.

const PACKED_THRESHOLD_BYTES = 1 << 30;
const PEAK_RESET_MS = 5000;

export class DebugFlags {
  /** The server's timer does nothing but this check. */
  cronPaused = false;
  /** Scripts may run commands that are flagged as not for scripts. */
  denyScriptsDisabled = false;
  /** Checksums of RDB files and of RESTORE payloads are not checked. */
  skipChecksumValidation = false;
  /** Hash tables are resized; off, they only grow when they must. */
  dictResizing = true;
  /** List elements above this get a node of their own. */
  quicklistPackedThresholdBytes = PACKED_THRESHOLD_BYTES;
  /** Idle clients' reply buffers shrink. */
  replyBufferResizing = true;
  /** Time between resets of the reply buffer's peak, -1 for never. */
  replyBufferPeakResetMs = PEAK_RESET_MS;
  /** Wait before the append-only file is flushed. */
  aofFlushSleepUs = 0;
  /** Type of cluster bus packets to drop, -1 for none. */
  clusterDropPacketFilter = -1;

  /** All as in normal operation. */
  reset(): void {
    Object.assign(this, new DebugFlags());
  }

  resetPackedThreshold(): void {
    this.quicklistPackedThresholdBytes = PACKED_THRESHOLD_BYTES;
  }

  resetPeakTime(): void {
    this.replyBufferPeakResetMs = PEAK_RESET_MS;
  }
}
