/** One process in a virtual world: its clocks, its timers, and the steps that it is about to take. */
import type { Clock } from '../../src/core/ports.ts';

export type ProcessOptions = {
  name: string;
  /** How far its wall clock is ahead of the world's. */
  offsetMs?: number;
  /** How much faster than the world's its clocks and timers run: 0.01 gains a second in a hundred. */
  drift?: number;
  /** How long a step waits before it may be taken, in the world's time; not at all unless given. */
  stepDelayMs?: (label: string) => number;
};

/** Something that a process could do next. `run`: unless it has been frozen, put to sleep or killed meanwhile. */
export type Due = { process: string; label: string; run: () => void };

type Timer = { due: number; label: string; fire: () => void };
type Step = { readyAt: number; label: string; go: () => void };

/** Sums of fractions are not exact; no timer is set more finely. */
const TINY_MS = 1e-6;
/** What is left of a wait by such a sum would otherwise be waited for again and again, and time would stand still. */
const SHORTEST_MS = 1e-3;

/** As Node has it. */
const TIMER_MAX_MS = 2 ** 31 - 1;

export class VirtualProcess {
  readonly name: string;
  readonly clock: Clock;
  readonly #worldTime: () => number;
  readonly #rate: number;
  readonly #stepDelayMs: (label: string) => number;
  /** Both clocks at one time of the world; read between two changes of their pace. */
  #last: { at: number; wall: number; monotonic: number };
  /** Timers of one due time fire in the order in which they were set: a Set keeps it. */
  readonly #timers = new Set<Timer>();
  readonly #steps = new Set<Step>();
  #isFrozen = false;
  #isAsleep = false;
  #isKilled = false;
  #onKill: () => void = () => undefined;
  readonly #killed = new Promise<'killed'>((resolve) => {
    this.#onKill = () => resolve('killed');
  });

  /**
   * @param worldTime milliseconds since the world began; @param startsAt its epoch milliseconds
   * @param random of this process alone
   */
  constructor(options: ProcessOptions, worldTime: () => number, startsAt: number, random: () => number) {
    const { name, offsetMs = 0, drift = 0, stepDelayMs = () => 0 } = options;
    this.name = name;
    this.#worldTime = worldTime;
    this.#rate = 1 + drift;
    this.#stepDelayMs = stepDelayMs;
    this.#last = { at: worldTime(), wall: startsAt + worldTime() + offsetMs, monotonic: 0 };
    this.clock = {
      now: () => Math.floor(this.#read().wall + TINY_MS),
      monotonic: () => this.#read().monotonic,
      random,
      sleep: (delayMs, signal) => this.#sleep(delayMs, signal),
      deadline: (timeoutMs) => {
        const controller = new AbortController();
        const clear = this.#setTimer(timeoutMs, 'deadline', () =>
          controller.abort(new DOMException('The deadline has passed.', 'TimeoutError')),
        );
        return { signal: controller.signal, clear };
      },
    };
  }

  /**
   * Resolves when it is this process's turn to go on. Whatever others can see is done right after a step: it is where
   * the process may be frozen or killed, and where the others may come first.
   */
  step(label = 'step'): Promise<void> {
    return new Promise((resolve) => {
      this.#steps.add({ readyAt: this.#worldTime() + this.#stepDelayMs(label), label, go: resolve });
    });
  }

  /** As SIGSTOP does it: the clocks go on, but neither timers nor steps. What is overdue comes after `thaw`. */
  freeze(): void {
    this.#isFrozen = true;
  }

  thaw(): void {
    this.#isFrozen = false;
  }

  /** The lid is closed: timers and the monotonic clock stand still, the wall clock goes on. */
  fallAsleep(): void {
    this.#last = this.#read();
    this.#isAsleep = true;
  }

  wakeUp(): void {
    this.#last = this.#read();
    this.#isAsleep = false;
  }

  /** Somebody sets the wall clock; timers do not care. */
  jump(byMs: number): void {
    const { at, wall, monotonic } = this.#read();
    this.#last = { at, wall: wall + byMs, monotonic };
  }

  /** Nothing of it ever goes on: what it waits for neither resolves nor rejects. */
  kill(): void {
    this.#isKilled = true;
    this.#onKill();
  }

  get isKilled(): boolean {
    return this.#isKilled;
  }

  /** For who waits for a process that may be killed. */
  unlessKilled<Value>(work: Promise<Value>): Promise<Value | 'killed'> {
    return Promise.race([work, this.#killed]);
  }

  /** All steps that it could take now, and the first of the timers that are due. For the world. */
  due(): Due[] {
    if (this.#isStill()) return [];
    const at = this.#worldTime() + TINY_MS;
    const steps = [...this.#steps].filter(({ readyAt }) => readyAt <= at);
    const timer = this.#firstTimer();
    const isDue = timer !== undefined && timer.due <= this.#read().monotonic + TINY_MS;
    return [
      ...steps.map((step) => this.#event(step.label, this.#steps, step, step.go)),
      ...(isDue ? [this.#event(timer.label, this.#timers, timer, timer.fire)] : []),
    ];
  }

  /** In how much of the world's time it could do something by itself; `undefined` without anything. For the world. */
  nextIn(): number | undefined {
    if (this.#isStill()) return undefined;
    const timer = this.#firstTimer();
    const waits = [...this.#steps].map(({ readyAt }) => readyAt - this.#worldTime());
    if (timer !== undefined) waits.push((timer.due - this.#read().monotonic) / this.#rate);
    return waits.length === 0 ? undefined : Math.max(0, Math.min(...waits));
  }

  #isStill(): boolean {
    return this.#isFrozen || this.#isAsleep || this.#isKilled;
  }

  #read(): { at: number; wall: number; monotonic: number } {
    const { at, wall, monotonic } = this.#last;
    const now = this.#worldTime();
    const passed = (now - at) * this.#rate;
    return { at: now, wall: wall + passed, monotonic: monotonic + (this.#isAsleep ? 0 : passed) };
  }

  #event<Entry>(label: string, entries: Set<Entry>, entry: Entry, run: () => void): Due {
    return {
      process: this.name,
      label,
      run: () => {
        if (!this.#isStill() && entries.delete(entry)) run();
      },
    };
  }

  #firstTimer(): Timer | undefined {
    let first: Timer | undefined;
    for (const timer of this.#timers) if (first === undefined || timer.due < first.due) first = timer;
    return first;
  }

  /** @returns takes it back */
  #setTimer(delayMs: number, label: string, fire: () => void): () => void {
    const waitMs = delayMs <= 0 ? 0 : Math.min(Math.max(SHORTEST_MS, delayMs), TIMER_MAX_MS);
    const timer: Timer = { due: this.#read().monotonic + waitMs, label, fire };
    this.#timers.add(timer);
    return () => void this.#timers.delete(timer);
  }

  #sleep(delayMs: number, signal: AbortSignal | undefined): Promise<void> {
    return new Promise((resolve, reject) => {
      const rejectAlive = (): void => {
        if (!this.#isKilled) reject(signal?.reason);
      };
      if (signal?.aborted) {
        rejectAlive();
        return;
      }
      const onAbort = (): void => {
        clear();
        rejectAlive();
      };
      const clear = this.#setTimer(delayMs, 'sleep', () => {
        signal?.removeEventListener('abort', onAbort);
        resolve();
      });
      signal?.addEventListener('abort', onAbort, { once: true });
    });
  }
}
