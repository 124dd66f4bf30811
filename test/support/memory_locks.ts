// Web Locks in memory: exclusive ones, each granted in the order in which it was asked for.

type Holder = (lock: { readonly name: string } | null) => unknown;

interface Options {
  readonly signal?: AbortSignal;
  readonly ifAvailable?: boolean;
}

interface Asked {
  readonly run: () => Promise<void>;
}

/** `navigator.locks`. */
export class MemoryLocks {
  /** Those who hold a lock, first, and who wait for it. */
  private readonly queues = new Map<string, Asked[]>();
  /** Name of the error that every request throws. */
  fault: string | undefined;

  request(name: string, ...rest: [Holder] | [Options, Holder]): Promise<unknown> {
    const [options, holder] = rest.length === 1 ? [{}, rest[0]] : rest;
    const { signal, ifAvailable = false } = options;
    if (this.fault !== undefined) {
      return Promise.reject(new DOMException('no locks here', this.fault));
    }
    const queue = this.queues.get(name) ?? [];
    this.queues.set(name, queue);
    if (ifAvailable && queue.length > 0) return Promise.resolve(null).then(holder);
    return new Promise((resolve, reject) => {
      if (signal?.aborted) {
        reject(signal.reason);
        return;
      }
      let isHeld = false;
      const asked: Asked = {
        run: async () => {
          isHeld = true;
          try {
            resolve(await holder({ name }));
          } catch (error) {
            reject(error);
          }
          queue.shift();
          void queue[0]?.run();
        },
      };
      signal?.addEventListener('abort', () => {
        if (isHeld) return;
        queue.splice(queue.indexOf(asked), 1);
        reject(signal.reason);
      });
      queue.push(asked);
      if (queue.length === 1) queueMicrotask(() => void asked.run());
    });
  }

  /** Whether somebody holds it. */
  isHeld(name: string): boolean {
    return (this.queues.get(name)?.length ?? 0) > 0;
  }
}
