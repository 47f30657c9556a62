/** The line of orders that wait for one of the plan's places: one look serves all who wait in this process. */

import type { Clock } from '../core/clock.ts';
import { FluxError } from '../core/failure.ts';
import type { Job } from '../core/job.ts';
import type { Processes } from '../core/processes.ts';
import type { JobGate } from '../limits/limits.ts';
import type { PlaceAnswer } from '../limits/slots.ts';
import { placeWaitSeconds } from '../polling/wait-progress.ts';
import type { JobBoard } from './job-records.ts';
import { type Hold, UNSENT } from './order-failures.ts';

/** How often those who wait look whether a place is free that another process has given back. */
const LOOK_MS = 250;
/** How often they look after jobs whose process is gone, which may hold the places. */
const SWEEP_MS = 5_000;
/** How often the record of one that waits says that it still does. */
const STILL_WAITING_MS = 60_000;

export type PlacesParts = {
  board: JobBoard;
  gate: Pick<JobGate, 'places'>;
  clock: Clock;
  processes: Processes;
  /** Looks after jobs whose process is gone. */
  sweep: () => Promise<void>;
};

type Waiting = {
  job: Job;
  onHold: (hold: Hold) => void;
  /** When the record said last that it waits. */
  toldAt: number;
  settle: (error?: unknown) => void;
};

export class Places {
  readonly #parts: PlacesParts;
  readonly #waiting = new Map<string, Waiting>();
  #isLooking = false;
  #wake: (() => void) | undefined;
  /** Something is new since the last look began. */
  #isPoked = false;
  #sweptAt = Number.NEGATIVE_INFINITY;

  constructor(parts: PlacesParts) {
    this.#parts = parts;
  }

  /** @throws FluxError when the order is not on the account any more; rejects with `signal.reason` when that aborts */
  take(job: Job, signal: AbortSignal, onHold: (hold: Hold) => void): Promise<void> {
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
      this.#waiting.set(job.id, { job, onHold, toldAt: this.#parts.clock.monotonic(), settle });
      this.poke();
      void this.#look();
    });
  }

  /** A place may have become free: the line looks now. */
  poke(): void {
    this.#isPoked = true;
    this.#wake?.();
  }

  async #look(): Promise<void> {
    if (this.#isLooking) return;
    this.#isLooking = true;
    try {
      while (this.#waiting.size > 0) {
        this.#isPoked = false;
        await this.#lookOnce();
        if (this.#waiting.size > 0 && !this.#isPoked) await this.#rest();
      }
    } finally {
      this.#isLooking = false;
    }
  }

  async #lookOnce(): Promise<void> {
    const waiting = [...this.#waiting.values()];
    try {
      const answers = await this.#parts.gate.places(waiting.map(({ job }) => job.id));
      for (const one of waiting) this.#tell(one, answers.get(one.job.id));
      await this.#sweep();
      await this.#sayStillWaiting();
    } catch (error) {
      for (const { settle } of waiting) settle(error);
    }
  }

  #tell({ job, onHold, settle }: Waiting, answer: PlaceAnswer | undefined): void {
    // Somebody gave it up while the answer came: its record will say so, and free the place.
    if (answer === undefined || !this.#waiting.has(job.id)) return;
    if (answer.taken) {
      // Another process took it for one that had died before it was recorded: nobody reserves its price any more.
      settle(answer.absent && job.state === 'queued' ? new FluxError(UNSENT) : undefined);
      return;
    }
    const now = this.#parts.clock.now();
    const runningSeconds = answer.oldestAt === undefined ? 0 : (now - answer.oldestAt) / 1_000;
    onHold({ reason: 'place', until: now + placeWaitSeconds(answer.ahead, runningSeconds) * 1_000 });
  }

  async #sweep(): Promise<void> {
    const now = this.#parts.clock.monotonic();
    if (this.#waiting.size === 0 || now - this.#sweptAt <= SWEEP_MS) return;
    this.#sweptAt = now;
    await this.#parts.sweep();
  }

  async #sayStillWaiting(): Promise<void> {
    const { board, clock, processes } = this.#parts;
    for (const one of this.#waiting.values()) {
      if (one.job.state !== 'queued' || clock.monotonic() - one.toldAt <= STILL_WAITING_MS) continue;
      one.toldAt = clock.monotonic();
      await board.apply(one.job.id, { type: 'waiting', owner: processes.self() });
    }
  }

  async #rest(): Promise<void> {
    const { clock } = this.#parts;
    const rest = new AbortController();
    const woken = new Promise<void>((resolve) => {
      this.#wake = resolve;
    });
    const slept = clock.sleep(LOOK_MS * (0.75 + 0.5 * clock.random()), rest.signal);
    await Promise.race([woken, slept]);
    this.#wake = undefined;
    slept.catch(() => undefined);
    rest.abort();
  }
}
