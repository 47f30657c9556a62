/** Runs work that must not overlap one after the other, in the order in which it was asked for. */
export class Mutex {
  #last: Promise<void> = Promise.resolve();

  /** @throws `signal.reason` as soon as the signal is aborted before the turn comes; the work never begins then */
  run<Result>(work: () => Promise<Result>, signal?: AbortSignal): Promise<Result> {
    return new Promise((resolve, reject) => {
      const onAbort = (): void => reject(signal?.reason);
      if (signal?.aborted) onAbort();
      else signal?.addEventListener('abort', onAbort, { once: true });
      this.#last = this.#last.then(async () => {
        signal?.removeEventListener('abort', onAbort);
        if (signal?.aborted) return;
        try {
          resolve(await work());
        } catch (error) {
          reject(error);
        }
      });
    });
  }
}
