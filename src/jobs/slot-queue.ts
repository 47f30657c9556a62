/** The queue of orders that wait for one of the plan's slots: one check serves all who wait in this process. */
import { FluxError } from '../core/failure.ts';
import type { Job } from '../core/job.ts';
import { Wakeup } from '../core/wakeup.ts';
import type { SlotAnswer } from '../limits/slots.ts';
import { slotWaitSeconds } from '../polling/eta.ts';
import type { JobsDeps } from './deps.ts';
import { ABANDONED, type WaitReason } from './order-failures.ts';

/** How often those who wait check whether another process has given a slot back. */
const CHECK_MS = 250;
/** How often the record of one that waits says that it still does. */
const STILL_WAITING_MS = 60_000;

/** `reconcile` recovers jobs whose process is gone, which may occupy the slots; not at every call, see `Recovery`. */
type Deps = JobsDeps & { reconcile: () => Promise<void> };

type Waiting = {
  job: Job;
  onWaitReason: (waitReason: WaitReason) => void;
  /** When the record said last that it waits. */
  reportedAt: number;
  settle: (error?: unknown) => void;
};

export class SlotQueue {
  readonly #deps: Deps;
  readonly #waiting = new Map<string, Waiting>();
  readonly #wakeup: Wakeup;
  #isChecking = false;

  constructor(deps: Deps) {
    this.#deps = deps;
    this.#wakeup = new Wakeup(deps.clock);
  }

  /** @throws FluxError when nothing is reserved for the order any more; rejects with `signal.reason` when that aborts */
  take(job: Job, signal: AbortSignal, onWaitReason: (waitReason: WaitReason) => void): Promise<void> {
    return new Promise((resolve, reject) => {
      if (signal.aborted) {
        reject(signal.reason);
        return;
      }
      const settle = (error?: unknown): void => {
        signal.removeEventListener('abort', onAbort);
        this.#waiting.delete(job.id);
        if (error === undefined) resolve();
        else reject(error);
      };
      const onAbort = (): void => settle(signal.reason);
      signal.addEventListener('abort', onAbort, { once: true });
      this.#waiting.set(job.id, { job, onWaitReason, reportedAt: this.#deps.clock.monotonic(), settle });
      if (this.#isChecking) this.#wakeup.wake();
      else void this.#check();
    });
  }

  /** A slot may have become free: those who wait ask now. */
  notify(): void {
    if (this.#isChecking) this.#wakeup.wake();
  }

  async #check(): Promise<void> {
    const { clock } = this.#deps;
    this.#isChecking = true;
    while (this.#waiting.size > 0) {
      await this.#checkOnce();
      if (this.#waiting.size > 0) await this.#wakeup.wait(CHECK_MS * (0.75 + 0.5 * clock.random()));
    }
    this.#isChecking = false;
  }

  async #checkOnce(): Promise<void> {
    const waiting = [...this.#waiting.values()];
    try {
      const answers = await this.#deps.limits.slots(waiting.map(({ job }) => job.id));
      for (const one of waiting) this.#deliver(one, answers.get(one.job.id));
      if (this.#waiting.size > 0) await this.#deps.reconcile();
      await this.#sayStillWaiting();
    } catch (error) {
      for (const { settle } of waiting) settle(error);
    }
  }

  #deliver({ job, onWaitReason, settle }: Waiting, answer: SlotAnswer | undefined): void {
    // Somebody gave it up while the answer came: its record will say so, and free the slot.
    if (answer === undefined || !this.#waiting.has(job.id)) return;
    if (answer.taken) {
      // Another process took it for one that had died before it was recorded: nobody reserves its price any more.
      settle(answer.absent && job.state === 'queued' ? new FluxError(ABANDONED) : undefined);
      return;
    }
    const now = this.#deps.clock.now();
    const runningSeconds = answer.oldestAt === undefined ? 0 : (now - answer.oldestAt) / 1_000;
    onWaitReason({ reason: 'slot', until: now + slotWaitSeconds(answer.ahead, runningSeconds) * 1_000 });
  }

  async #sayStillWaiting(): Promise<void> {
    const { records, clock, processes } = this.#deps;
    for (const one of this.#waiting.values()) {
      if (one.job.state !== 'queued' || clock.monotonic() - one.reportedAt <= STILL_WAITING_MS) continue;
      one.reportedAt = clock.monotonic();
      await records.apply(one.job.id, { type: 'waiting', owner: processes.self() });
    }
  }
}
