/**
 * Several processes in one JavaScript thread and in virtual time. Everything that can happen next, the steps that the
 * processes are about to take and the timers that are due, happens one at a time, in an order that the seed decides;
 * time moves on when nothing is left to do but wait. The same seed and the same program give the same run.
 *
 * What this world cannot know:
 * - two processes that really run at the same time: between two steps a process is alone. So whatever one of them does
 *   that others can see has to follow a `step`: a view of the disk in memory takes one before each operation
 *   (`before: ({ call }) => process.step(call)`), a service in the world before it receives and before it answers.
 * - memory: processes share modules, and so what a module keeps for itself (names that are counted, caches).
 * - work of the system that does not come through the ports. Sockets, files and threads are waited for, but when they
 *   are done is chance; asynchronous zlib and crypto are not even waited for.
 * - timers that do not come from a process's clock, and `Date`.
 * - modules that are being loaded: import them before.
 * - an AbortController of somebody outside: it acts on a frozen process as well. Let the process `step` before it.
 */
import { createDice } from '../crash/dice.ts';
import { isWorking } from '../support/driven-clock.ts';
import { type Due, type ProcessOptions, VirtualProcess } from './virtual-process.ts';

/** An hour past midnight UTC: few stories cross into the next day of the budget. */
const START = Date.UTC(2026, 10, 1, 1);
const HOUR_MS = 60 * 60_000;
/** One look may fall between two steps of the same work; it has never two turns without a trace. */
const IDLE_TURNS = 2;

/** Events without any time in between; more of them are an endless loop. */
const AT_ONE_TIME_MAX = 50_000;

/** What happens next: at which time of the world, to whom, and the label of the step or timer. */
export type Event = { at: number; process: string; label: string };

export type WorldOptions = {
  seed: number;
  /** Epoch milliseconds at its beginning. */
  startsAt?: number;
  /**
   * Called before each event, so that a harness can check invariants, record the run, set clocks, freeze or kill. What
   * is to happen to a process that it freezes or kills does not happen, or happens after `thaw`.
   */
  beforeEvent?: (event: Event) => void;
};

/** Two that run at the same time would wait for each other's turns. */
let isRunning = false;

export class VirtualWorld {
  /** Not one of the processes, with the true time: the service, the disk and the script of a story live there. */
  readonly outside: VirtualProcess;
  readonly #seed: number;
  readonly #startsAt: number;
  readonly #beforeEvent: (event: Event) => void;
  readonly #dice: ReturnType<typeof createDice>;
  readonly #processes: VirtualProcess[] = [];
  #time = 0;

  constructor({ seed, startsAt = START, beforeEvent = () => undefined }: WorldOptions) {
    this.#seed = seed;
    this.#startsAt = startsAt;
    this.#beforeEvent = beforeEvent;
    this.#dice = createDice(seed);
    this.outside = this.addProcess({ name: 'outside' });
  }

  /** It is there from now on; one that was killed comes back as another one. */
  addProcess(options: ProcessOptions): VirtualProcess {
    const { roll } = createDice(this.#seed * 1_000 + this.#processes.length);
    const process = new VirtualProcess(options, () => this.#time, this.#startsAt, roll);
    this.#processes.push(process);
    return process;
  }

  /** Milliseconds since its beginning. */
  get time(): number {
    return this.#time;
  }

  /**
   * Lets things happen until the work has ended, one way or the other.
   * @throws Error when nothing is left that could happen, or after so much time of the world
   */
  async during<Value>(work: Promise<Value>, limitMs = HOUR_MS): Promise<Value> {
    let isSettled = false;
    const settle = (): void => {
      isSettled = true;
    };
    work.then(settle, settle);
    const end = await this.#run(() => isSettled, limitMs);
    if (end === 'over') return work;
    const why = end === 'idle' ? 'nothing is left that could happen' : `${limitMs} ms have passed`;
    throw new Error(`${why}, and the work has not ended (seed ${this.#seed}, at ${this.#time} ms)`);
  }

  pass(delayMs: number): Promise<void> {
    return this.during(this.outside.clock.sleep(delayMs), Number.POSITIVE_INFINITY);
  }

  /** Lets things happen until nothing is left that could, or so much time of the world has passed. */
  async run(limitMs: number): Promise<'idle' | 'limit'> {
    return (await this.#run(() => false, limitMs)) === 'idle' ? 'idle' : 'limit';
  }

  async #run(isOver: () => boolean, limitMs: number): Promise<'over' | 'idle' | 'limit'> {
    if (isRunning) throw new Error('a world runs already: within it, sleep by the clock of `outside`');
    isRunning = true;
    const limitAt = this.#time + limitMs;
    let sinceTime = 0;
    try {
      for (;;) {
        await settle();
        if (isOver()) return 'over';
        const due = this.#processes.flatMap((process) => process.due());
        if (due.length > 0) {
          if (++sinceTime > AT_ONE_TIME_MAX)
            throw new Error(`time stands still (seed ${this.#seed}, at ${this.#time} ms)`);
          this.#happen(due[this.#dice.between(0, due.length - 1)] as Due);
        } else {
          sinceTime = 0;
          const waits = this.#processes.flatMap((process) => process.nextIn() ?? []);
          if (waits.length === 0) return 'idle';
          const nextAt = this.#time + Math.min(...waits);
          this.#time = Math.min(nextAt, limitAt);
          if (nextAt > limitAt) return 'limit';
        }
      }
    } finally {
      isRunning = false;
    }
  }

  #happen({ process, label, run }: Due): void {
    this.#beforeEvent({ at: this.#time, process, label });
    run();
  }
}

/** Lets everything run that only waits for promises, or for the next turn. */
async function settle(): Promise<void> {
  for (let quiet = 0; quiet < IDLE_TURNS; ) {
    await new Promise<void>((resolve) => setImmediate(resolve));
    quiet = isWorking() ? 0 : quiet + 1;
  }
}
