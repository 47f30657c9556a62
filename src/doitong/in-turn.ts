/** Lets work that must not overlap run one after the other, in the order in which it was asked for. */

/** `undefined` when the signal was aborted before the turn came; the work has not begun then. */
export type InTurn = <T>(work: () => Promise<T>, signal: AbortSignal) => Promise<T | undefined>;

export function createTurns(): InTurn {
  let last: Promise<void> = Promise.resolve();
  return async (work, signal) => {
    const before = last;
    let leave = (): void => {};
    const done = new Promise<void>((resolve) => {
      leave = resolve;
    });
    last = Promise.all([before, done]).then(() => {});
    try {
      return (await cameTo(before, signal)) ? await work() : undefined;
    } finally {
      leave();
    }
  };
}

function cameTo(turn: Promise<void>, signal: AbortSignal): Promise<boolean> {
  return new Promise((resolve) => {
    const onAbort = (): void => resolve(false);
    signal.addEventListener('abort', onAbort, { once: true });
    void turn.then(() => {
      signal.removeEventListener('abort', onAbort);
      resolve(!signal.aborted);
    });
  });
}
