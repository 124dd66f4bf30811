// Messages on their way to a `for await` loop. Who reads too slowly loses the subscription, not the process
// its memory.

import { RespiteError } from './errors.ts';

/** Bytes that may wait, about; as `client-output-buffer-limit pubsub` has it. */
export const QUEUED_BYTES_MAX = 32 * 1024 * 1024;

interface Reader<T> {
  resolve(result: IteratorResult<T, undefined>): void;
  reject(error: Error): void;
}

export class MessageQueue<T> implements AsyncIterableIterator<T, undefined> {
  private messages: { readonly value: T; readonly bytes: number }[] = [];
  private bytes = 0;
  private readers: Reader<T>[] = [];
  private isEnded = false;
  private error: Error | undefined;
  private readonly onReturn: () => void;

  /** `onReturn` is called when the reader leaves its loop, or messages wait in too large a number. */
  constructor(onReturn: () => void) {
    this.onReturn = onReturn;
  }

  put(value: T, bytes: number): void {
    if (this.isEnded) return;
    const reader = this.readers.shift();
    if (reader !== undefined) {
      reader.resolve({ done: false, value });
      return;
    }
    this.messages.push({ value, bytes });
    this.bytes += bytes;
    if (this.bytes <= QUEUED_BYTES_MAX) return;
    this.messages = [];
    this.end(
      new RespiteError(
        'CONNECTION_LOST',
        `More than ${QUEUED_BYTES_MAX} bytes of messages were waiting to be read`,
      ),
    );
    this.onReturn();
  }

  /** Ends the loop behind the messages that wait, with an error or without. */
  end(error?: Error): void {
    if (this.isEnded) return;
    this.isEnded = true;
    this.error = error;
    for (const reader of this.readers.splice(0)) {
      if (error === undefined) reader.resolve({ done: true, value: undefined });
      else reader.reject(error);
    }
  }

  next(): Promise<IteratorResult<T, undefined>> {
    const first = this.messages.shift();
    if (first !== undefined) {
      this.bytes -= first.bytes;
      return Promise.resolve({ done: false, value: first.value });
    }
    if (!this.isEnded) {
      return new Promise((resolve, reject) => this.readers.push({ resolve, reject }));
    }
    const { error } = this;
    this.error = undefined;
    return error === undefined
      ? Promise.resolve({ done: true, value: undefined })
      : Promise.reject(error);
  }

  return(): Promise<IteratorResult<T, undefined>> {
    this.messages = [];
    this.end();
    this.onReturn();
    return Promise.resolve({ done: true, value: undefined });
  }

  [Symbol.asyncIterator](): this {
    return this;
  }
}
