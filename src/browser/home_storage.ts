// What host commands ask of whoever keeps a store's data: SAVE, BGSAVE, LASTSAVE, WAITAOF, INFO.

import type { PersistenceFacts } from '../monitor/facts.ts';
import type { DurableLog } from '../persistence/wait_commands.ts';

export interface HomeStorage {
  /** Writes a snapshot in place of the log so far. Rejects with RespiteError. */
  save(): Promise<void>;
  /** A snapshot is being written. */
  readonly isSaving: boolean;
  /** Unix seconds. */
  readonly lastSaveSeconds: number;
  /** Changes that are durable, for WAITAOF. */
  readonly log: DurableLog;
  facts(): Partial<PersistenceFacts>;
}
