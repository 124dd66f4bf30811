// What shows a value of one type, below the head of its key.

export interface ValueEditor {
  /** Whether something was typed that is not saved. */
  readonly isChanged: boolean;
  /** The value may have changed, or be gone. */
  refresh(): Promise<void>;
  dispose(): void;
}
