// What shows a value of one type, below the head of its key.

export interface ValueEditor {
  /** Whether something was typed that is not saved. */
  readonly isChanged: boolean;
  /** Stores what was left to be stored. Resolves when that is done, or was refused: then it is still typed. */
  settle(): Promise<void>;
  /** The value may have changed, or be gone. */
  refresh(): Promise<void>;
  dispose(): void;
}
