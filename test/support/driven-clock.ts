/**
 * A clock for stories in which a client, a server and the emulated service talk over real HTTP in one process: time
 * stands still while anything is being done, and jumps to the next timer when there is nothing left to do but wait.
 * A slow machine makes such a story slower and changes nothing else.
 *
 * Being done is: a request between any two parts of this process, whatever the event loop lists as a request of the
 * system (files, connections, names, writes), a thread that has been given a task, and a callback that is due in the
 * next turn. Time passes only while somebody waits (`during`, `pass`), or from `keepPassing` on.
 *
 * What this clock cannot know:
 * - work of the thread pool that is no request of the system: asynchronous zlib and crypto. Time may pass during it;
 *   for what has a deadline of seconds that means a few timers too many, not a missed answer, because the exchange whose
 *   body is decoded stays open.
 * - a module that is being loaded: import it before the story begins.
 * - timers that do not come from it. Who sleeps by `setTimeout` sleeps real time, and virtual hours may pass meanwhile.
 * - other processes, unless they follow it (`lead`).
 * - how long anything really takes. Nothing that is measured by this clock says how fast the program is.
 */
import { createManualClock, type ManualClock } from './manual-clock.ts';
import { isHanging, portsInUse } from './open-exchanges.ts';
import { hasOpenTask } from './open-tasks.ts';

/** Another process that lives by this clock. */
export type Follower = {
  /** Whether it has done all that there is to do at this time. */
  isIdle(): boolean;
  /** When its next timer is due, in epoch milliseconds of the clock. */
  nextAt(): number | undefined;
  moveTo(now: number): void;
};

export type DrivenClock = ManualClock & {
  /** Time passes until the work has ended, one way or the other. */
  during<Value>(work: Promise<Value>): Promise<Value>;
  pass(delayMs: number): Promise<void>;
  /** Time passes until the condition holds. @throws when an hour has not been enough */
  until(condition: () => boolean | Promise<boolean>, everyMs?: number): Promise<void>;
  /** From now on time passes whenever there is nothing to do, until `stop`. */
  keepPassing(): void;
  /** @returns lets the follower go */
  lead(follower: Follower): () => void;
  stop(): void;
};

/** An hour past midnight UTC: no story crosses into the next day of the budget. */
const START = Date.UTC(2026, 10, 1, 1);

/** One look may fall between two steps of the same work; it has never two turns without a trace. */
const IDLE_TURNS = 4;
/** Turns without a pause; who is busy for longer waits for the disk or another thread, which need the processor. */
const EAGER_TURNS = 50;
const PAUSE_MS = 1;
const HOUR_MS = 60 * 60_000;

/** Handles that stay open while nothing happens. All else that keeps an event loop alive is work. */
const IDLE_HANDLES = new Set([
  'TCPSocketWrap',
  'TCPServerWrap',
  'PipeWrap',
  'TTYWrap',
  'Timeout',
  'SignalWrap',
  'ProcessWrap',
  'MessagePort',
]);

/**
 * Equal stories roll equal numbers.
 * @param stepMs the least that time moves on by; timers within one step fire in order, but nobody is waited for between them
 */
export function createDrivenClock({ stepMs = 0 } = {}): DrivenClock {
  const clock = createManualClock(START, { random: createDice() });
  const followers = new Set<Follower>();
  let waiting = 0;
  let isDriving = false;
  let isStopped = false;

  async function drive(): Promise<void> {
    if (isDriving) return;
    isDriving = true;
    while (waiting > 0 && !isStopped) {
      await untilIdle(
        () => !isWorking() && portsInUse().every(isHanging) && [...followers].every((one) => one.isIdle()),
      );
      if (waiting === 0 || isStopped) break;
      const next = nextAt();
      if (next === undefined) {
        await pause();
        continue;
      }
      for (const follower of followers) follower.moveTo(next);
      await clock.advance(next - clock.now());
    }
    isDriving = false;
  }

  function nextAt(): number | undefined {
    const ownMs = clock.nextIn();
    const own = ownMs === undefined ? [] : [clock.now() + ownMs];
    const all = [...own, ...[...followers].flatMap((follower) => follower.nextAt() ?? [])];
    return all.length === 0 ? undefined : Math.max(clock.now() + stepMs, Math.min(...all));
  }

  async function during<Value>(work: Promise<Value>): Promise<Value> {
    waiting += 1;
    void drive();
    try {
      return await work;
    } finally {
      waiting -= 1;
    }
  }

  const pass = (delayMs: number): Promise<void> => during(clock.sleep(delayMs));

  return {
    ...clock,
    during,
    pass,
    async until(condition, everyMs = 10) {
      for (const limit = clock.monotonic() + HOUR_MS; !(await condition()); ) {
        if (clock.monotonic() > limit) throw new Error(`an hour has passed, and this does not hold: ${condition}`);
        await pass(everyMs);
      }
    },
    keepPassing() {
      waiting += 1;
      void drive();
    },
    lead(follower) {
      followers.add(follower);
      return () => void followers.delete(follower);
    },
    stop() {
      isStopped = true;
    },
  };
}

/** Resolves when this has held for a few turns in a row. */
export async function untilIdle(isIdle: () => boolean): Promise<void> {
  let quiet = 0;
  for (let turns = 1; quiet < IDLE_TURNS; turns += 1) {
    await new Promise<void>((resolve) => setImmediate(resolve));
    quiet = isIdle() ? quiet + 1 : 0;
    if (quiet === 0 && turns % EAGER_TURNS === 0) await pause();
  }
}

/** Whether anything goes on inside this process; answers that it waits for are not seen here. */
export function isWorking(): boolean {
  return hasOpenTask() || process.getActiveResourcesInfo().some((type) => !IDLE_HANDLES.has(type));
}

export function pause(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
}

/** A linear congruential generator: good enough for jitter. */
function createDice(): () => number {
  let state = 1;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}
