/** The time of several processes: it stands still while one of them has anything to do. */
import type { ChildProcess } from 'node:child_process';
import { join } from 'node:path';
import { createDrivenClock, type DrivenClock, type Follower } from '../support/driven-clock.ts';
import { isHanging } from '../support/open-exchanges.ts';
import { openTimeWriter } from './time-file.ts';

/** What a process is told: the time, and how often it was told one. */
export type TimeMessage = { type: 'time'; now: number; round: number };

/** What it says when it has nothing to do. `ports`: from where it waits for answers. */
export type IdleMessage = { type: 'idle'; round: number; nextAt?: number; ports: number[] };

/** A process that is stopped keeps everybody waiting, unless it leaves for so long. */
export type Guided = { leave(): void; join(): void };

export type ProcessClock = DrivenClock & {
  /** For those who follow: the file that shows the time. */
  file: string;
  /** The process is waited for from now on until it has ended. */
  guide(child: ChildProcess): Guided;
};

/** Most timers here are pauses before a lock is tried again: to meet for each of them would take most of a run. */
const STEP_MS = 50;

export function createProcessClock(folder: string): ProcessClock {
  const clock = createDrivenClock({ stepMs: STEP_MS });
  const file = join(folder, 'time');
  const writer = openTimeWriter(file);
  writer.write(clock.now());
  clock.lead({ isIdle: () => true, nextAt: () => undefined, moveTo: writer.write });
  return {
    ...clock,
    file,
    guide(child) {
      const follower = followerIn(child);
      let leave = clock.lead(follower);
      child.once('close', () => leave());
      return {
        leave: () => leave(),
        join() {
          follower.moveTo(clock.now());
          leave = clock.lead(follower);
        },
      };
    },
    stop() {
      clock.stop();
      writer.close();
    },
  };
}

function followerIn(child: ChildProcess): Follower {
  let round = 0;
  let idle: IdleMessage | undefined;
  child.on('message', (message: { type: string }) => {
    if (message.type === 'idle') idle = message as IdleMessage;
  });
  return {
    // An answer that is on its way will wake it.
    isIdle: () => idle?.round === round && idle.ports.every(isHanging),
    nextAt: () => idle?.nextAt,
    moveTo(now) {
      round += 1;
      // One that has just been killed hears nothing any more.
      if (child.connected) child.send({ type: 'time', now, round } satisfies TimeMessage, () => undefined);
    },
  };
}
